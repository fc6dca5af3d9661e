"""Mixers of linear cost on our weights, causal, by chunks: products inside a chunk, and a state that goes from chunk to chunk."""
import math

import torch
import torch.nn.functional as F

from tensors import Weights, refuse

CHUNK = 64


def chunks(x):
    """[B,L,H,X] -> [B,H,N,C,X], zeros behind the end"""
    x = x.transpose(1, 2)
    x = F.pad(x, (0, 0, 0, -x.shape[2] % CHUNK))
    return x.unflatten(2, (-1, CHUNK))


def causal_sums(q, k, v):
    """sum over j <= i of (q_i k_j) v_j, of q, k [B,L,H,K], v [B,L,H,V]"""
    length = q.shape[1]
    q, k, v = chunks(q), chunks(k), chunks(v)
    inside = torch.tril(q @ k.transpose(-1, -2)) @ v
    sums = (k.transpose(-1, -2) @ v).cumsum(2)
    before = F.pad(sums[:, :, :-1], (0, 0, 0, 0, 1, 0))
    return (inside + q @ before).flatten(2, 3)[:, :, :length].transpose(1, 2)


def fading_sums(q, k, v, log_decay):
    """the same with a factor exp(log_decay[h] (i - j))"""
    length = q.shape[1]
    q, k, v = chunks(q), chunks(k), chunks(v)
    places = torch.arange(CHUNK, dtype=q.dtype)
    distance = places[:, None] - places[None, :]
    within = torch.where(distance >= 0, (log_decay[:, None, None] * distance).exp(), 0.0)
    inside = (q @ k.transpose(-1, -2) * within[:, None]) @ v
    to_end = (log_decay[:, None] * (CHUNK - 1 - places)).exp()[:, None, :, None]
    own = (k * to_end).transpose(-1, -2) @ v
    fade = (log_decay * CHUNK).exp()[:, None, None]
    states, state = [], torch.zeros_like(own[:, :, 0])
    for n in range(own.shape[2]):
        states.append(state)
        state = state * fade + own[:, :, n]
    since = (log_decay[:, None] * (places + 1)).exp()[:, None, :, None]
    return (inside + (q * since) @ torch.stack(states, 2)).flatten(2, 3)[:, :, :length].transpose(1, 2)


class Mixer(torch.nn.Module):
    def __init__(self, spec, tensors):
        super().__init__()
        self.spec, self.heads = spec, spec["heads"]
        refuse(spec.get("kv_heads") not in (None, self.heads), "groups of heads")
        self.register_buffer("projection", tensors.pop("projection", None), persistent=False)
        tensors.pop("calls", None)
        self.weights = Weights(tensors)

    def linear(self, x, name):
        w = self.weights
        return F.linear(x, w(name + ".weight"), w(name + ".bias") if w.has(name + ".bias") else None)

    def split(self, x, name):
        return self.linear(x, name).unflatten(-1, (self.heads, -1))

    def normalized(self, q, k, v):
        sums = causal_sums(q, k, F.pad(v, (0, 1), value=1.0))
        return sums[..., :-1] / (sums[..., -1:] + self.epsilon)


class LinearAttention(Mixer):
    def __init__(self, spec, tensors):
        super().__init__(spec, tensors)
        refuse(spec["feature_map"] != "elu" or not spec["normalized"] or spec.get("rope", "none") != "none", "such a form")
        self.epsilon = spec["epsilon"]

    def forward(self, x):
        y = self.normalized(F.elu(self.split(x, "q")) + 1, F.elu(self.split(x, "k")) + 1, self.split(x, "v"))
        return self.linear(y.flatten(-2), "out")


class Performer(Mixer):
    def __init__(self, spec, tensors):
        super().__init__(spec, tensors)
        refuse(spec["kernel"] != "softmax" or spec["convention"] != "sound" or spec.get("rope", "none") != "none",
               "such features")
        self.epsilon = 0.0

    def forward(self, x):
        q, k = self.split(x, "q"), self.split(x, "k")
        tempered = self.projection.t() * q.shape[-1] ** -0.25
        of_q = q @ tempered
        of_k = k @ tempered - k.square().sum(-1, keepdim=True) / (2 * math.sqrt(k.shape[-1]))
        # What is common to a row of queries, or to all keys, cancels.
        of_q = (of_q - of_q.amax(-1, keepdim=True).detach()).exp()
        of_k = (of_k - of_k.amax((1, 3), keepdim=True).detach()).exp()
        return self.linear(self.normalized(of_q, of_k, self.split(x, "v")).flatten(-2), "out")


class Retention(Mixer):
    def __init__(self, spec, tensors):
        super().__init__(spec, tensors)
        refuse(spec["decay"] != "powers" or spec["gate"] != "silu" or spec["norm"] != "rms" or spec["convolution"]
               or spec["feature_map"] != "none" or spec["rope"] != "half", "such a form")
        self.register_buffer("log_decay", torch.log1p(-(2.0 ** (-5 - torch.arange(self.heads, dtype=torch.float64)))).float(),
                             persistent=False)

    def rotated(self, x):
        half = x.shape[-1] // 2
        rates = self.spec["rope_base"] ** (-torch.arange(half, dtype=torch.float32) / half)
        angles = torch.outer(torch.arange(x.shape[1], dtype=torch.float32), rates)[:, None]
        a, b = x[..., :half], x[..., half:]
        return torch.cat((a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), -1)

    def forward(self, x):
        q, k = self.rotated(self.split(x, "q")), self.rotated(self.split(x, "k"))
        y = fading_sums(q / math.sqrt(q.shape[-1]), k, self.split(x, "v"), self.log_decay)
        y = y * (y.square().mean(-1, keepdim=True) + self.spec["norm_epsilon"]).rsqrt() * self.weights("norm.weight")
        return self.linear(y.flatten(-2) * F.silu(self.linear(x, "gate")), "out")


MIXERS = {"linear_attention": LinearAttention, "performer": Performer, "retnet": Retention}
