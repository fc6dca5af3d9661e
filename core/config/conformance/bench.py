"""Hydra's times of the work that compose_bench measures."""

import sys
import tempfile
import time

import oracle

FILES = {"config.yaml": "defaults:\n  - model: attn\n  - opt: adam\n  - _self_\nseed: 1\n"
                        "trainer: {steps: 10, name: 'run-${model.heads}'}\n",
         "model/attn.yaml": "heads: 8\nwidth: 64\ndropout: 0.1\n",
         "opt/adam.yaml": "lr: 0.1\nbetas: [0.9, 0.99]\n"}


def microseconds(body, times):
    start = time.perf_counter()
    for _ in range(times):
        body()
    return (time.perf_counter() - start) / times * 1e6


def main():
    with tempfile.TemporaryDirectory() as folder:
        oracle.write_files(folder, FILES, [])
        word = lambda: oracle._PARSER.parse_override("trainer.steps=400")  # noqa: E731
        whole = lambda: oracle._resolved(oracle.compose(  # noqa: E731
            folder, "config", ["seed=3", "opt.lr=0.5", "+trainer.log=true"]))
        print(f"hydra  parse_one_override    {microseconds(word, 300):10.1f} us")
        print(f"hydra  compose_three_files   {microseconds(whole, 100):10.1f} us  (without Hydra's own config)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
