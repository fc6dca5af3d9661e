"""A net on our weights, its optimiser and its schedule, as the recipe says."""
import math
import os

import torch

import decoder_lm
import optimizers
import tensors
import wavelet_lm
from answers import given

NETS = {"wavelet_lm": wavelet_lm.WaveletLm, "decoder_lm": decoder_lm.DecoderLm}


def recipe_of(folder):
    return given(folder, "recipe.json")


def net_of(folder, recipe):
    kind = recipe["net"]["type"]
    tensors.refuse(kind not in NETS, "net " + kind)
    return NETS[kind](recipe["net"], tensors.read(os.path.join(folder, "weights.safetensors")))


def rate_of(recipe, step):
    """A linear warm-up from 0, then half a cosine."""
    schedule, steps, peak = recipe["schedule"], recipe["trainer"]["steps"], recipe["optimizer"]["lr"]
    tensors.refuse(schedule["type"] != "cosine", "schedule " + schedule["type"])
    warmup = math.floor(schedule["warmup"] * steps)
    if step < warmup:
        return peak * step / warmup
    floor = schedule.get("min_lr", 0)
    part = min(1, (step - warmup) / max(1, steps - warmup))
    return floor + 0.5 * (1 + math.cos(math.pi * part)) * (peak - floor)
