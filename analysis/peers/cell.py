"""One cell of a sweep in PyTorch, as `subband run` does it: training, estimates on the way, both splits measured at its end."""
import lzma
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def splits_of(recipe, root):
    """The bytes of every split, as tokens."""
    import torch

    import tensors

    tensors.refuse(recipe["tokenizer"]["type"] != "bytes", "tokenizer " + recipe["tokenizer"]["type"])
    splits = {}
    for name, split in recipe["data"]["splits"].items():
        text = b"".join(lzma.open(os.path.join(root, file)).read() for file in split["files"])
        part = text[math.floor(split["from"] * len(text)):math.floor(split["to"] * len(text))]
        splits[name] = torch.frombuffer(bytearray(part), dtype=torch.uint8).long()
    return splits


def measured(forward, tokens, length, batch=64):
    """Bits per byte over windows that follow each other."""
    import torch

    count = (tokens.numel() - 1) // length
    inputs, targets = tokens[:count * length].view(count, length), tokens[1:count * length + 1].view(count, length)
    total = 0.0
    with torch.no_grad():
        for i in range(0, count, batch):
            total += forward(inputs[i:i + batch], targets[i:i + batch]).item() * min(batch, count - i)
    return total / count / math.log(2)


def train(folder, root, compiled=False):
    import answers

    torch = answers.torch_with(1)
    import nets
    import optimizers
    import tensors

    recipe = nets.recipe_of(folder)
    trainer, length = recipe["trainer"], recipe["trainer"]["length"]
    net = nets.net_of(folder, recipe)
    check = tensors.read(os.path.join(folder, "first.safetensors"))
    loss = net(check["inputs"], check["targets"]).item()
    if abs(loss - check["loss"].item()) > 1e-4 * abs(loss):
        raise RuntimeError(f"first loss = {loss}: must be {check['loss'].item()}, as ours")
    parameters = list(net.parameters())
    optimizer = optimizers.optimizer_of(recipe["optimizer"], parameters)
    forward = torch.compile(net) if compiled else net
    splits = splits_of(recipe, root)
    draws = torch.Generator().manual_seed(recipe["seed"])

    def windows(tokens):
        starts = torch.randint(tokens.numel() - length, (trainer["batch"],), generator=draws).tolist()
        return (torch.stack([tokens[s:s + length] for s in starts]),
                torch.stack([tokens[s + 1:s + length + 1] for s in starts]))

    for step in range(trainer["steps"]):
        for group in optimizer.param_groups:
            group["lr"] = nets.rate_of(recipe, step)
        optimizer.zero_grad(set_to_none=True)
        loss = forward(*windows(splits["train"]))
        loss.backward()
        optimizers.clip(parameters, trainer["clip_norm"])
        optimizer.step()
        if not math.isfinite(loss.item()):
            raise RuntimeError(f"step {step}: loss is not finite")
        if trainer["evaluate_every"] and (step + 1) % trainer["evaluate_every"] == 0:
            with torch.no_grad():
                for _ in range(trainer["evaluate_batches"]):
                    forward(*windows(splits["valid"])).item()
    torch.save({name: value for name, value in net.state_dict().items()}, os.path.join(folder, "trained.pt"))
    return {split: measured(forward, splits[split], length) for split in ("valid", "test")}
