"""Clipping and the update, as the recipe says, by PyTorch's fastest forms for the CPU."""
import torch

from tensors import refuse


def optimizer_of(spec, parameters):
    if spec["type"] == "adagrad":
        return torch.optim.Adagrad(parameters, lr=1e-5, weight_decay=spec["weight_decay"], eps=spec["eps"], fused=True)
    refuse(spec["type"] != "adamw", "optimizer " + spec["type"])
    return torch.optim.AdamW(parameters, lr=1e-5, betas=(spec["beta1"], spec["beta2"]), eps=spec["eps"],
                             weight_decay=spec["weight_decay"], fused=True)


def clip(parameters, limit):
    if limit > 0:
        torch.nn.utils.clip_grad_norm_(parameters, limit, foreach=True)
