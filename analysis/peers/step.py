"""One training step of a peer for every line `step` on standard input; answers are lines of JSON. See README.md."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def answer(value):
    print(json.dumps(value), flush=True)


def main():
    folder, way, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    import torch

    import nets
    import optimizers
    import tensors

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    recipe = nets.recipe_of(folder)
    try:
        net = nets.net_of(folder, recipe)
        batches = tensors.read(os.path.join(folder, "batches.safetensors"))
        parameters = list(net.parameters())
        optimizer = optimizers.optimizer_of(recipe["optimizer"], parameters)
    except tensors.Lacks as lack:
        return answer({"error": "this peer has no " + str(lack)})
    forward = torch.compile(net) if way == "compiled" else net
    limit = recipe["trainer"].get("clip_norm", 0)

    def step(index):
        optimizer.zero_grad(set_to_none=True)
        i = index % batches["inputs"].shape[0]
        loss = forward(batches["inputs"][i], batches["targets"][i])
        loss.backward()
        optimizers.clip(parameters, limit)
        optimizer.step()
        return loss.item()

    start = time.perf_counter()
    loss = step(0)
    answer({"loss": loss, "seconds": time.perf_counter() - start, "torch": torch.__version__})
    for index, _ in enumerate(sys.stdin):
        start = time.perf_counter()
        step(index + 1)
        answer({"ms": (time.perf_counter() - start) * 1000})


if __name__ == "__main__":
    main()
