"""How a peer speaks: lines of JSON on standard output, one when it is ready, then one for every line that it reads."""
import json
import sys
import time


def answer(value):
    print(json.dumps(value), flush=True)


def torch_with(threads):
    """PyTorch, prepared as this program prepares LibTorch."""
    import torch

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    return torch


def given(folder, name):
    """What a file of JSON says."""
    with open(f"{folder}/{name}") as file:
        return json.load(file)


def answer_lines(run):
    """For every line `run` is called, so often as the line says where it is a number; the answer is how long a call took."""
    for line in sys.stdin:
        calls = int(line) if line.strip().isdigit() else 1
        start = time.perf_counter()
        for _ in range(calls):
            run()
        answer({"ms": (time.perf_counter() - start) * 1000 / calls})
