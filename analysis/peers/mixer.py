"""A pass of a mixer for every line that it reads, so often as the line says. See README.md.

mixer.py FOLDER THREADS reads mixer.json, weights.safetensors and pass.safetensors: x, and the y that it must give."""
import sys
import time

from answers import answer, answer_lines, given, torch_with


def main():
    folder, threads = sys.argv[1], int(sys.argv[2])
    torch = torch_with(threads)
    import mixers
    import tensors

    asked = given(folder, "mixer.json")
    try:
        kind = asked["spec"]["type"]
        tensors.refuse(kind not in mixers.MIXERS, "mixer " + kind)
        net = mixers.MIXERS[kind](asked["spec"], tensors.read(f"{folder}/weights.safetensors"))
    except tensors.Lacks as lack:
        return answer({"error": "this peer has no " + str(lack)})
    ours = tensors.read(f"{folder}/pass.safetensors")

    def run():
        if not asked["backward"]:
            with torch.no_grad():
                return net(ours["x"])
        source = ours["x"].detach().requires_grad_()
        y = net(source)
        y.sum().backward()
        net.zero_grad(set_to_none=True)
        return y.detach()

    error = (run() - ours["y"]).abs().max().item() / ours["y"].abs().max().item()
    if not error < 1e-3:
        return answer({"error": f"its answer is {error:.1e} off ours"})
    start = time.perf_counter()
    run()
    answer({"seconds": time.perf_counter() - start, "torch": torch.__version__})
    answer_lines(run)


if __name__ == "__main__":
    main()
