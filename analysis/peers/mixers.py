"""Mixers of linear cost on our weights, causal, by chunks: products inside a chunk, and a state that goes from chunk to chunk."""
import math

import torch
import torch.nn.functional as F

from tensors import OnOurWeights, refuse
from wavelet_path import WaveletPath

GROUP = 64  # chunks whose states are computed in one product


def padded(x, axis, size):
    """zeros behind the end of `axis`, so that `size` divides it"""
    missing = -x.shape[axis] % size
    return F.pad(x, (0, 0) * (x.dim() - 1 - axis) + (0, missing)) if missing else x


def chunks(x, size):
    """[B,L,H,X] -> [B,H,N,C,X]"""
    return padded(x.transpose(1, 2), 2, size).unflatten(2, (-1, size))


def tokens(y, length):
    """[B,H,N,C,X] -> [B,L,H,X]"""
    return y.flatten(2, 3)[:, :, :length].transpose(1, 2)


def causal_sums(q, k, v, chunk):
    """sum over j <= i of (q_i k_j) v_j, of q, k [B,L,H,K], v [B,L,H,V]"""
    length = q.shape[1]
    q, k, v = chunks(q, chunk), chunks(k, chunk), chunks(v, chunk)
    inside = torch.tril(q @ k.transpose(-1, -2)) @ v
    sums = (k.transpose(-1, -2) @ v).cumsum(2)
    before = F.pad(sums[:, :, :-1], (0, 0, 0, 0, 1, 0))
    return tokens(inside + q @ before, length)


def powers(log_fade, exponents):
    """exp(log_fade[h] e), 0 for e < 0: [H,...]"""
    log_fade = log_fade.view(-1, *(1,) * exponents.dim())
    return torch.where(exponents >= 0, (log_fade * exponents).exp(), 0.0)


def states_before(own, log_fade):
    """S_n before every n, where S_{n+1} = exp(log_fade[h]) S_n + own_n; own [B,H,N,X]. By groups, products inside one."""
    count = own.shape[2]
    size = min(GROUP, count)
    own = padded(own, 2, size).unflatten(2, (-1, size))
    places = torch.arange(size, dtype=own.dtype)
    inside = powers(log_fade, places[:, None] - places - 1)[:, None] @ own
    sums = powers(log_fade, size - 1 - places)[:, None, None] @ own
    fade = powers(log_fade, torch.tensor(float(size))).view(-1, 1, 1)
    states = [torch.zeros_like(sums[:, :, 0])]
    for n in range(sums.shape[2] - 1):
        states.append(states[-1] * fade + sums[:, :, n])
    carried = powers(log_fade, places)[:, None, :, None] * torch.stack(states, 2)
    return (inside + carried).flatten(2, 3)[:, :, :count]


def fading_sums(q, k, v, log_decay, chunk):
    """causal_sums with a factor exp(log_decay[h] (i - j))"""
    length = q.shape[1]
    q, k, v = chunks(q, chunk), chunks(k, chunk), chunks(v, chunk)
    places = torch.arange(chunk, dtype=q.dtype)
    within = powers(log_decay, places[:, None] - places)[:, None]
    inside = (q @ k.transpose(-1, -2) * within) @ v
    to_end = powers(log_decay, chunk - 1 - places)[:, None, :, None]
    own = (k * to_end).transpose(-1, -2) @ v
    before = states_before(own.flatten(3), log_decay * chunk).view_as(own)
    since = powers(log_decay, places + 1)[:, None, :, None]
    return tokens(inside + (q * since) @ before, length)


class Mixer(OnOurWeights):
    def __init__(self, spec, tensors):
        projection = tensors.pop("projection", None)
        tensors.pop("calls", None)
        super().__init__(tensors)
        self.spec, self.heads, self.chunk = spec, spec["heads"], spec["chunk"]
        refuse(spec.get("kv_heads") not in (None, self.heads), "groups of heads")
        self.register_buffer("projection", projection, persistent=False)

    def split(self, x, name):
        return self.linear(x, name).unflatten(-1, (self.heads, -1))

    def normalized(self, q, k, v):
        sums = causal_sums(q, k, F.pad(v, (0, 1), value=1.0), self.chunk)
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
        y = fading_sums(q / math.sqrt(q.shape[-1]), k, self.split(x, "v"), self.log_decay, self.chunk)
        y = y * (y.square().mean(-1, keepdim=True) + self.spec["norm_epsilon"]).rsqrt() * self.weights("norm.weight")
        return self.linear(y.flatten(-2) * F.silu(self.linear(x, "gate")), "out")


class Wersa(Mixer):
    def __init__(self, spec, tensors):
        super().__init__(spec, tensors)
        refuse(spec["gates"] not in ("auto", "token") or not spec["band_weights"], "such gates")
        refuse(spec["feature_map"] != "relu_shared" or not spec["bandwidth"] or spec["activation"] != "gelu", "such features")
        refuse(not spec["head_norm"] or spec["unsafe_block_haar"] or spec.get("rope", "none") != "none", "such a form")
        self.levels, self.epsilon = spec["levels"], spec["epsilon"]

    def gains(self, x):
        """of the telescoped wavelet: c_0 takes g_0, c_l takes g_l - g_(l-1)"""
        gates = torch.sigmoid(self.linear(F.relu(self.linear(x, "gate_in")), "gate_out")) * self.weights("band_weights")
        return torch.diff(gates, dim=-1, prepend=torch.zeros_like(gates[..., :1]))

    def filtered(self, c, gains):
        """g_S c_levels + sum over l of g_l (c_(l-1) - c_l), c_l = (c_(l-1) + what it was 2^(l-1) tokens ago) / 2"""
        y = gains[..., :1] * c
        for level in range(self.levels):
            c = torch.lerp(c, F.pad(c[:, :-(2**level)], (0, 0, 2**level, 0)), 0.5)
            y = torch.addcmul(y, gains[..., level + 1:level + 2], c)
        return y

    def forward(self, x):
        w = self.weights
        # Queries and keys take the same way: one product, one wavelet, one map to features.
        names = ("q", "k")
        both = F.linear(x, *(torch.cat([w(f"{name}.{kind}") for name in names]) for kind in ("weight", "bias")))
        both = self.filtered(F.gelu(both), self.gains(x)).unflatten(-1, (2, self.heads, -1))
        projection = self.projection / ((F.softplus(w("bandwidth")) + 0.1) * math.sqrt(self.projection.shape[1]))
        q, k = F.relu(both @ projection).unbind(2)
        y = self.norm(self.normalized(q, k, self.split(x, "v")), "head_norm")
        return self.linear(y.flatten(-2), "out")


class Wavelet(WaveletPath):
    def __init__(self, spec, tensors):
        super().__init__(spec, tensors, "")

    def forward(self, x):
        return self.path(x, x.cumsum(1) / torch.arange(1, x.shape[1] + 1).view(-1, 1), "")


MIXERS = {"linear_attention": LinearAttention, "performer": Performer, "retnet": Retention, "wersa": Wersa, "wavelet": Wavelet}
