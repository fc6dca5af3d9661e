"""The wavelet path of WaveletLM, which its blocks and the mixer `wavelet` share.

   z = lift(h) + gains m;  y = T mix(T z) gain_s;  unlift(y);  T the Walsh-Hadamard matrix
"""
import math

import torch
import torch.nn.functional as F

from tensors import OnOurWeights, refuse


def hadamard(n):
    """H_n / sqrt(n), symmetric: a product with it takes a tenth of the log2 n passes over memory at 64, a sixth at 256"""
    h = torch.ones(1, 1)
    while h.shape[0] < n:
        h = torch.cat((torch.cat((h, h), 1), torch.cat((h, -h), 1)))
    return h / math.sqrt(n)


class WaveletPath(OnOurWeights):
    def __init__(self, spec, tensors, first):
        """`spec`: a recipe's `net.block`, or the mixer `wavelet`; `first`: what names in the first block begin with"""
        super().__init__(tensors)
        kinds = {key: spec[key]["type"] for key in ("lifting", "dilation", "transform", "bypass", "scale_mixer")}
        refuse(kinds["lifting"] not in ("learned", "haar"), "lifting " + kinds["lifting"])
        refuse(kinds["transform"] != "fwht", "transform " + kinds["transform"])
        refuse(kinds["bypass"] not in ("running_mean", "none"), "bypass " + kinds["bypass"])
        refuse(kinds["dilation"] not in ("crawl", "dyadic"), "dilation " + kinds["dilation"])
        mixer = spec["scale_mixer"]
        refuse(mixer.get("gate") != "silu" or mixer.get("routing") or mixer.get("depth", 1) != 1, "such a scale mixer")
        refuse(spec.get("norm_coefficients") or spec.get("norm_synthesis") or spec.get("keep_largest"), "such a wavelet path")
        self.lifting, self.levels = first + "lifting", spec["levels"]
        refuse(first + "out.weight" not in tensors, "a path without its last product")
        width, padded = tensors[first + "out.weight"].shape
        refuse(width != padded, "a padded width")
        self.register_buffer("hadamard", hadamard(width), persistent=False)
        self.taps = spec["dilation"].get("taps", 0) if kinds["dilation"] == "crawl" else 0
        self.haar = kinds["lifting"] == "haar"
        self.bypass = kinds["bypass"] != "none"
        self.low_rank = mixer.get("low_rank", 0)

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
        w = self.weights(self.lifting + ".dilation.logits")[level].softmax(0)
        return sum(w[k] * shift(first + k) for k in range(self.taps))

    def decompose(self, c):
        scales = []
        for level in range(self.levels):
            if self.haar:
                past = self.past(c, level)
                scales.append((c - past) / math.sqrt(2))
                c = (c + past) / math.sqrt(2)
                continue
            detail = (self.past(c, level) - self.network(c, f"{self.lifting}.predict.{level}")) / math.sqrt(2)
            c = (c + self.network(detail, f"{self.lifting}.update.{level}")) / math.sqrt(2)
            scales.append(detail)
        return torch.stack([c] + scales[::-1])

    def reconstruct(self, z):
        c = z[0]
        for level in reversed(range(self.levels)):
            if self.haar:
                c = (c + z[self.levels - level]) / math.sqrt(2)
                continue
            c = c * math.sqrt(2) - self.network(z[self.levels - level], f"{self.lifting}.update.{level}")
        return c

    def mix(self, z, at):
        """Neighbouring scales of one width in one product."""
        names = [f"{at}scale_mixer.scales.{s}" for s in range(self.levels + 1)]
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

    def path(self, h, context, at):
        """h, context [B,L,C]; `at`: what the names of the scale mixer and the gains begin with"""
        z = self.decompose(h)
        if self.bypass:
            z = torch.addcmul(z, context, self.weights(at + "bypass.gains")[:, None, None])
        y = self.mix(z @ self.hadamard, at) @ self.hadamard * self.weights(at + "scale_gains").view(-1, 1, 1, 1)
        return self.linear(self.reconstruct(y), at + "out")
