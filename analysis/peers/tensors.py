"""Reads safetensors: eight bytes of header length, a JSON header, raw little-endian tensors."""
import json
import struct

import torch
import torch.nn.functional as F

TYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "BOOL": torch.bool}


def read(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        kind = TYPES[entry["dtype"]]
        if end == start:
            tensors[name] = torch.empty(entry["shape"], dtype=kind)
            continue
        tensors[name] = torch.frombuffer(data[start:end], dtype=kind).view(entry["shape"]).clone()
    return tensors


class Weights(torch.nn.Module):
    """Our tensors as parameters, found by our names."""

    def __init__(self, tensors):
        super().__init__()
        self.own = torch.nn.ParameterDict({name.replace(".", "/"): torch.nn.Parameter(x) for name, x in tensors.items()
                                           if x.is_floating_point()})

    def __call__(self, name):
        return self.own[name.replace(".", "/")]

    def has(self, name):
        return name.replace(".", "/") in self.own


class OnOurWeights(torch.nn.Module):
    """What nets and mixers on our weights share."""

    def __init__(self, tensors):
        super().__init__()
        self.weights = Weights(tensors)

    def linear(self, x, name):
        w = self.weights
        return F.linear(x, w(name + ".weight"), w(name + ".bias") if w.has(name + ".bias") else None)

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.weights(name + ".weight"), self.weights(name + ".bias"))


def refuse(condition, what):
    if condition:
        raise Lacks(what)


class Lacks(Exception):
    """What a peer lacks; step.py says it in its answer."""
