"""A GPT-like decoder on our weights: x += attention(LN x), x += mlp(LN x); loss behind LN and the head."""
import torch
import torch.nn.functional as F

from tensors import OnOurWeights, refuse


class DecoderLm(OnOurWeights):
    def __init__(self, net, tensors):
        super().__init__(tensors)
        mixer = net["mixer"]
        refuse(mixer["type"] not in ("softmax_attention", "flash_attention"), "mixer " + mixer["type"])
        refuse(mixer.get("rope", "none") not in ("none", "half"), "rotary positions of neighbours")
        refuse(mixer.get("rope_width") or mixer.get("rope_scaling", {}).get("type", "none") != "none", "such rotary positions")
        refuse(net["norm"] != "layer", "norm " + net["norm"])
        refuse(set(net["channel_mixers"]) != {"mlp"}, "channel mixers but an mlp")
        refuse(net["positions"] == "sinusoidal", "sinusoidal positions")
        self.layers, self.heads, self.tied = net["layers"], mixer["heads"], net["tied"]
        self.learned = net["positions"] == "learned"
        self.rope = mixer["rope_base"] if mixer.get("rope") == "half" else 0
        kinds = {"gelu": "none", "gelu_tanh": "tanh"}
        activation = net["channel_mixers"]["mlp"].get("activation", "gelu")
        refuse(activation not in kinds, "activation " + activation)
        self.kind = kinds[activation]

    def rotated(self, x):
        """Rotary positions: channel i with channel i + half."""
        if not self.rope:
            return x
        half = x.shape[-1] // 2
        angles = torch.outer(torch.arange(x.shape[-2], dtype=torch.float32),
                             self.rope ** (-torch.arange(half, dtype=torch.float32) / half))
        cos, sin = angles.cos(), angles.sin()
        a, b = x[..., :half], x[..., half:]
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def attention(self, x, at):
        split = lambda name: self.linear(x, f"{at}.{name}").unflatten(-1, (self.heads, -1)).transpose(1, 2)
        y = F.scaled_dot_product_attention(self.rotated(split("q")), self.rotated(split("k")), split("v"), is_causal=True)
        return self.linear(y.transpose(1, 2).flatten(2), at + ".out")

    def forward(self, ids, targets):
        w = self.weights
        x = F.embedding(ids, w("embedding.weight"))
        if self.learned:
            x = x + w("positions.weight")[: ids.shape[1]]
        for layer in range(self.layers):
            at = f"blocks.{layer}"
            x = x + self.attention(self.norm(x, at + ".mixer_norm"), at + ".mixer")
            h = self.linear(self.norm(x, at + ".channel_norm"), at + ".channel_mixers.mlp.net.0")
            x = x + self.linear(F.gelu(h, approximate=self.kind), at + ".channel_mixers.mlp.net.2")
        logits = F.linear(self.norm(x, "norm"), w("embedding.weight") if self.tied else w("head.weight"))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
