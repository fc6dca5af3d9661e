"""WaveletLM as its published description reads, on our weights.

   x = E[ids];  blocks: m = mean so far of x;  z = lift(LN x) + gains (m + W previous);  y = T mix(T z) gain_s
   x = a x + W_out unlift(y);  x = a' x + sum of mlp and product keys on LN x;  loss behind LN and the head
"""
import math

import torch
import torch.nn.functional as F

from tensors import refuse
from wavelet_path import WaveletPath


class WaveletLm(WaveletPath):
    def __init__(self, net, tensors):
        block = net["block"]
        refuse(not net["share_lifting"], "a lifting per block")
        refuse(net["loop_block"] > 0 or net["loop_iterations"] != 1, "loops")
        super().__init__(block, tensors, "blocks.0.")
        self.layers, self.mixers, self.tied = net["layers"], block["channel_mixers"], net["tie_embedding"]

    def product_keys(self, x, at, spec):
        w = self.weights
        heads, keys, top = spec["heads"], spec["keys"], spec["top_k"]
        side = math.isqrt(keys)
        count = x.shape[0] * x.shape[1]
        q = self.linear(x, at + ".query_proj").view(count, heads, 2, -1)
        a = torch.einsum("nhe,hse->nhs", q[:, :, 0], w(at + ".keys_a")).topk(min(top, side), -1)
        b = torch.einsum("nhe,hse->nhs", q[:, :, 1], w(at + ".keys_b")).topk(min(top, side), -1)
        sums = (a.values.unsqueeze(-1) + b.values.unsqueeze(-2)).flatten(2)
        best = sums.topk(min(top, sums.shape[-1]), -1)
        rows = a.indices.gather(-1, best.indices // b.indices.shape[-1]) * side + b.indices.gather(
            -1, best.indices % b.indices.shape[-1])
        rows = rows + torch.arange(heads).view(1, heads, 1) * keys
        return F.embedding_bag(rows.flatten(1), w(at + ".values.weight"), mode="sum",
                               per_sample_weights=best.values.softmax(-1).flatten(1)).view_as(x)

    def channels(self, h, at):
        total = 0
        for label, spec in self.mixers.items():
            name = f"{at}.channel_mixers.{label}"
            kind = spec.get("type", label)
            if kind == "mlp":
                y = self.linear(F.gelu(self.linear(h, name + ".net.0")), name + ".net.2")
            else:
                y = self.product_keys(h, name, spec)
            total = total + self.weights(f"{at}.channel_gains.{label}") * y
        return total

    def forward(self, ids, targets):
        w = self.weights
        x = F.embedding(ids, w("embedding.weight"))
        counts = torch.arange(1, ids.shape[1] + 1).view(-1, 1)
        previous = None
        for layer in range(self.layers):
            at = f"blocks.{layer}"
            context = None
            if self.bypass:
                mean = x.cumsum(1) / counts
                context = mean if previous is None else mean + self.linear(previous, at + ".bypass.mix")
                previous = mean
            x = w(at + ".spectral_gain") * x + self.path(self.norm(x, at + ".mixer_norm"), context, at + ".")
            h = self.norm(x, at + ".channel_norm")
            x = w(at + ".channel_gain") * x + self.channels(h, at)
        logits = F.linear(self.norm(x, "norm"), w("embedding.weight") if self.tied else w("head.weight"))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
