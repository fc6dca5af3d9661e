"""WaveletLM as its published description reads, on our weights.

   x = E[ids];  blocks: m = mean so far of x;  z = lift(LN x) + gains (m + W previous);  y = T mix(T z) gain_s
   x = a x + W_out unlift(y);  x = a' x + sum of mlp and product keys on LN x;  loss behind LN and the head
"""
import math

import torch
import torch.nn.functional as F

from tensors import Weights, refuse


def fwht(x):
    n = x.shape[-1]
    shape = x.shape
    x = x.reshape(-1, n)
    h = 1
    while h < n:
        x = x.view(-1, n // (2 * h), 2, h)
        a, b = x[:, :, 0], x[:, :, 1]
        x = torch.stack((a + b, a - b), 2).view(-1, n)
        h *= 2
    return x.view(shape) / math.sqrt(n)


class WaveletLm(torch.nn.Module):
    def __init__(self, net, tensors):
        super().__init__()
        block = net["block"]
        kinds = {key: block[key]["type"] for key in ("lifting", "dilation", "transform", "bypass", "scale_mixer")}
        refuse(kinds["lifting"] not in ("learned", "haar"), "lifting " + kinds["lifting"])
        refuse(kinds["transform"] != "fwht", "transform " + kinds["transform"])
        refuse(kinds["bypass"] not in ("running_mean", "none"), "bypass " + kinds["bypass"])
        refuse(kinds["dilation"] not in ("crawl", "dyadic"), "dilation " + kinds["dilation"])
        mixer = block["scale_mixer"]
        refuse(mixer.get("gate") != "silu" or mixer.get("routing") or mixer.get("depth", 1) != 1, "such a scale mixer")
        refuse(not net["share_lifting"], "a lifting per block")
        refuse(net["loop_block"] > 0 or net["loop_iterations"] != 1, "loops")
        self.weights = Weights(tensors)
        self.levels, self.layers = block["levels"], net["layers"]
        self.taps = block["dilation"].get("taps", 0) if kinds["dilation"] == "crawl" else 0
        self.haar = kinds["lifting"] == "haar"
        self.bypass = kinds["bypass"] != "none"
        self.mixers = block["channel_mixers"]
        self.low_rank = mixer.get("low_rank", 0)
        self.tied = net["tie_embedding"]

    def linear(self, x, name):
        w = self.weights
        return F.linear(x, w(name + ".weight"), w(name + ".bias") if w.has(name + ".bias") else None)

    def network(self, x, name):
        return self.linear(F.gelu(self.linear(x, name + ".first")), name + ".last")

    def past(self, c, level):
        length = c.shape[1]

        def shift(distance):
            distance = min(distance, length)
            return F.pad(c, (0, 0, distance, 0))[:, :length]

        if not self.taps:
            return shift(2**level)
        first = max(1, 2**level - self.taps // 2)
        w = self.weights("blocks.0.lifting.dilation.logits")[level].softmax(0)
        return sum(w[k] * shift(first + k) for k in range(self.taps))

    def decompose(self, c):
        scales = []
        for level in range(self.levels):
            if self.haar:
                past = self.past(c, level)
                scales.append((c - past) / math.sqrt(2))
                c = (c + past) / math.sqrt(2)
                continue
            detail = (self.past(c, level) - self.network(c, f"blocks.0.lifting.predict.{level}")) / math.sqrt(2)
            c = (c + self.network(detail, f"blocks.0.lifting.update.{level}")) / math.sqrt(2)
            scales.append(detail)
        return torch.stack([c] + scales[::-1])

    def reconstruct(self, z):
        c = z[0]
        for level in reversed(range(self.levels)):
            if self.haar:
                c = (c + z[self.levels - level]) / math.sqrt(2)
                continue
            c = c * math.sqrt(2) - self.network(z[self.levels - level], f"blocks.0.lifting.update.{level}")
        return c

    def mix(self, z, at):
        """Neighbouring scales of one width in one product."""
        names = [f"{at}.scale_mixer.scales.{s}" for s in range(self.levels + 1)]
        if not any(self.weights.has(name + ".mixer.mixer.weight") for name in names):
            return self.mix_some(z.flatten(1, 2), names).view_as(z)
        results, first = [], 0
        width = lambda name: self.weights(name + ".mixer.mixer.weight").shape[0]
        while first < len(names):
            last = first + 1
            while last < len(names) and width(names[last]) == width(names[first]):
                last += 1
            x = z[first:last].flatten(1, 2)
            stacked = lambda kind: torch.stack([self.weights(f"{name}.{kind}.weight") for name in names[first:last]])
            narrow = self.weights.has(names[first] + ".proj_in.weight")
            y = torch.bmm(x, stacked("proj_in").transpose(1, 2)) if narrow else x
            y = self.mix_some(y, [name + ".mixer" for name in names[first:last]])
            results.append(torch.bmm(y, stacked("proj_out").transpose(1, 2)) if narrow else y)
            first = last
        return torch.cat(results).view_as(z)

    def mix_some(self, x, names):
        stacked = lambda kind: torch.stack([self.weights(f"{name}.{kind}") for name in names])
        y = torch.bmm(x, stacked("mixer.weight").transpose(1, 2))
        y = y * F.silu(torch.bmm(x, stacked("gate.weight").transpose(1, 2)))
        if self.low_rank:
            y = torch.baddbmm(y, torch.bmm(x, stacked("V")), stacked("U").transpose(1, 2))
        return y

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

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.weights(name + ".weight"), self.weights(name + ".bias"))

    def forward(self, ids, targets):
        w = self.weights
        x = F.embedding(ids, w("embedding.weight"))
        counts = torch.arange(1, ids.shape[1] + 1).view(-1, 1)
        previous = None
        for layer in range(self.layers):
            at = f"blocks.{layer}"
            z = self.decompose(self.norm(x, at + ".mixer_norm"))
            if self.bypass:
                mean = x.cumsum(1) / counts
                context = mean if previous is None else mean + self.linear(previous, at + ".bypass.mix")
                z = z + context * w(at + ".bypass.gains")[:, None, None]
                previous = mean
            y = fwht(self.mix(fwht(z), at)) * w(at + ".scale_gains").view(-1, 1, 1, 1)
            x = w(at + ".spectral_gain") * x + self.linear(self.reconstruct(y), at + ".out")
            h = self.norm(x, at + ".channel_norm")
            x = w(at + ".channel_gain") * x + self.channels(h, at)
        logits = F.linear(self.norm(x, "norm"), w("embedding.weight") if self.tied else w("head.weight"))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
