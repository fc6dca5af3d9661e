"""One training step of a peer for every line `step` on standard input. See README.md."""
import sys
import time

from answers import answer, answer_lines, torch_with


def main():
    folder, way, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch = torch_with(threads)
    import nets
    import optimizers
    import tensors

    recipe = nets.recipe_of(folder)
    try:
        net = nets.net_of(folder, recipe)
        batches = tensors.read(f"{folder}/batches.safetensors")
        parameters = list(net.parameters())
        optimizer = optimizers.optimizer_of(recipe["optimizer"], parameters)
    except tensors.Lacks as lack:
        return answer({"error": "this peer has no " + str(lack)})
    forward = torch.compile(net) if way == "compiled" else net
    limit = recipe["trainer"].get("clip_norm", 0)
    done = 0

    def step():
        nonlocal done
        optimizer.zero_grad(set_to_none=True)
        i = done % batches["inputs"].shape[0]
        loss = forward(batches["inputs"][i], batches["targets"][i])
        loss.backward()
        optimizers.clip(parameters, limit)
        optimizer.step()
        done += 1
        return loss.item()

    start = time.perf_counter()
    loss = step()
    answer({"loss": loss, "seconds": time.perf_counter() - start, "torch": torch.__version__})
    answer_lines(step)


if __name__ == "__main__":
    main()
