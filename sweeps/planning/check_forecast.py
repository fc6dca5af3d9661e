#!/usr/bin/env python3
# Predicted against measured: what a plan says of ten cells that the store does not know, after one calibration.
#   make check-forecast     or: check_forecast.py build/dev/subband [--jobs 2]          about four minutes on two free cores
# The calibration is the quickstart with one of its seeds. The ten cells are other widths, depths, batches, lengths and numbers
# of steps of its recipes. Asked: for nine of ten time within 25 % and memory within 15 %. The machine must do nothing else.
import argparse, json, pathlib, subprocess, sys, tempfile

CELLS = """base: tinyshakespeare/wavelet
metric: {name: valid.bpb}
seeds: [7]
set: [trainer.steps=100, samples.tokens=0]
list:
  - {recipe: tinyshakespeare/wavelet}
  - [trainer.steps=300, net.block.bypass=none]
  - net.layers=1
  - net.layers=3
  - trainer.batch=16
  - [trainer.batch=4, trainer.length=256]
  - net.width=96
  - [net.width=48, ~net.block.channel_mixers.product_key_memory]
  - [net.block.levels=3, net.layers=4, trainer.batch=4]
  - {recipe: tinyshakespeare/attention, set: [net.width=168, net.layers=3]}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--jobs", default="2")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec = pathlib.Path(folder) / "unknown.yaml"
        spec.write_text(CELLS)

        def sweep(*more):
            return subprocess.run([words.program.resolve(), "sweep", *more, "--jobs", words.jobs, "--store",
                                   f"{folder}/store", "--quiet", "--json"], stdout=subprocess.PIPE, text=True)

        def planned():
            return json.loads(sweep(str(spec), "--dry-run").stdout)["cells"]

        if sweep("quickstart", "seeds=[1337]").returncode != 0:
            return "the calibration failed"
        before = planned()
        ended = sweep(str(spec)).returncode
        after = planned()  # what is there is told as it was
    counts = {"seconds": 0, "peak_mib": 0}
    limits = {"seconds": 0.25, "peak_mib": 0.15}
    print(f"{'row':64} {'s':>7} {'was':>7} {'off':>6} {'MiB':>6} {'was':>6} {'off':>6}")
    for then, now in zip(before, after):
        line = f"{then['row'][:64]:64}"
        for key, limit in limits.items():
            off = then[key] / now[key] - 1 if then[key] and now[key] else float("inf")
            counts[key] += abs(off) <= limit
            line += f" {then[key] or 0:7.1f} {now[key] or 0:7.1f} {off:+6.0%}"
        print(line)
    print(f"time within 25 %: {counts['seconds']} of {len(before)}; memory within 15 %: {counts['peak_mib']} of {len(before)}")
    return 0 if ended == 0 and min(counts.values()) >= 0.9 * len(before) else 1


if __name__ == "__main__":
    sys.exit(main())
