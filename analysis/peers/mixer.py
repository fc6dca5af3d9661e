"""A pass of a mixer for every line that it reads, so often as the line says; answers are lines of JSON. See README.md.

mixer.py FOLDER THREADS reads mixer.json, weights.safetensors and pass.safetensors: x, and the y that it must give."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def answer(value):
    print(json.dumps(value), flush=True)


def main():
    folder, threads = sys.argv[1], int(sys.argv[2])
    import torch

    import mixers
    import tensors

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    with open(os.path.join(folder, "mixer.json")) as file:
        asked = json.load(file)
    try:
        kind = asked["spec"]["type"]
        tensors.refuse(kind not in mixers.MIXERS, "mixer " + kind)
        net = mixers.MIXERS[kind](asked["spec"], tensors.read(os.path.join(folder, "weights.safetensors")))
    except tensors.Lacks as lack:
        return answer({"error": "this peer has no " + str(lack)})
    given = tensors.read(os.path.join(folder, "pass.safetensors"))
    x = given["x"]

    def run():
        if not asked["backward"]:
            with torch.no_grad():
                return net(x)
        source = x.detach().requires_grad_()
        y = net(source)
        y.sum().backward()
        net.zero_grad(set_to_none=True)
        return y.detach()

    error = (run() - given["y"]).abs().max().item() / given["y"].abs().max().item()
    if not error < 1e-3:
        return answer({"error": f"its answer is {error:.1e} off ours"})
    start = time.perf_counter()
    run()
    answer({"seconds": time.perf_counter() - start, "torch": torch.__version__})
    for line in sys.stdin:
        calls = int(line)
        start = time.perf_counter()
        for _ in range(calls):
            run()
        answer({"ms": (time.perf_counter() - start) * 1000 / calls})


if __name__ == "__main__":
    main()
