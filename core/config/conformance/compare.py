"""Compares the program's answers to random cases with Hydra's, and prints how many agree.

    compare.py PROGRAM [--cases N] [--seed S] [--processes P] [--record FILE] [--show K] [--again FILE]

Each difference is charged to a line of ../testdata/intended_differences.txt, or it is unexplained and fails the run.
"""

import argparse
import collections
import gc
import json
import lzma
import multiprocessing
import os
import subprocess
import sys
import tempfile

import differences
import oracle
from agreement import agrees
from generator import Generator

BATCH = 500


class Asked:
    """Answers to cases, ours and Hydra's, for lines that must ask about others than the one at hand."""

    def __init__(self, program, folder):
        self.folder, self.written = folder, []
        self.process = subprocess.Popen(program + ["--raw", "--quiet", "--cases", "/dev/stdin"], text=True,
                                        encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def hydra(self, case, spelled=False):
        with oracle.spelled(spelled):
            return oracle.answer(case, self.folder, self.written)

    def program(self, case):
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "crash"}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Random:
    """As many random cases, made where they are asked for."""

    def __init__(self, seed, count):
        self.seed, self.count = seed, count

    def __iter__(self):
        generator = Generator(self.seed)
        return (generator.case() for _ in range(self.count))


def batches(options):
    if options.again is None:
        return [Random(options.seed * 1_000_003 + i, min(BATCH, options.cases - i))
                for i in range(0, options.cases, BATCH)]
    with open(options.again, encoding="utf-8") as lines:
        cases = [json.loads(line)["case"] for line in lines if line.startswith("{")]
    return [cases[i:i + 10] for i in range(0, len(cases), 10)]


def run_batch(job):
    program, cases = job
    gc.disable()  # a batch leaves little behind, and looking for it takes a sixth of the time
    with tempfile.TemporaryDirectory() as folder:
        ask = Asked(program, folder)
        results = []
        for case in cases:
            ours, theirs = ask.program(case), ask.hydra(case)
            verdict = "agree" if agrees(ours, theirs) else differences.line_of(case, ours, theirs, ask)
            results.append((case, ours, theirs, verdict))
            if ours.get("error") == "crash":
                break
        ask.close()
        gc.collect()
        return results


def record(out, case, ours, theirs, verdict):
    """A case for the project's own test: Hydra's answer, or ours where the difference is intended."""
    answer = theirs if verdict == "agree" else {**ours, "difference": verdict}
    kept = {key: answer[key] for key in ("ok", "unresolved", "error", "words", "difference") if key in answer}
    out.write(json.dumps({**case, "answer": kept}, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", nargs="+", help="the program and its words before --raw")
    parser.add_argument("--cases", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--record", help="write the cases and their answers here (.xz)")
    parser.add_argument("--show", type=int, default=20, help="unexplained differences to print")
    parser.add_argument("--again", help="instead of random cases, those that an earlier run printed here")
    options = parser.parse_args()
    table = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../testdata/intended_differences.txt")
    named = {row.split("\t")[0] for row in open(table, encoding="utf-8")}
    assert differences.LINES.keys() <= named, differences.LINES.keys() - named
    jobs = [(options.program, cases) for cases in batches(options)]
    counts, kinds = collections.Counter(), collections.Counter()
    recorded = lzma.open(options.record, "wt", encoding="utf-8", preset=9) if options.record else None
    with multiprocessing.Pool(options.processes) as pool:
        for results in pool.imap(run_batch, jobs):
            for case, ours, theirs, verdict in results:
                counts[verdict or "unexplained"] += 1
                kinds[case["kind"]] += 1
                if verdict is None and counts["unexplained"] <= options.show:
                    print(json.dumps({"case": case, "ours": ours, "hydra": theirs}), flush=True)
                if recorded and verdict is not None:
                    record(recorded, case, ours, theirs, verdict)
            print(f"\r{sum(counts.values())} cases", end="", file=sys.stderr)
    print(file=sys.stderr)
    if recorded:
        recorded.close()
    source = options.again or f"seed {options.seed}"
    print(f"{source}: {sum(counts.values())} cases (" +
          ", ".join(f"{number} {kind}" for kind, number in kinds.most_common()) + ")")
    for verdict, number in counts.most_common():
        print(f"{number:8} {verdict}")
    return 1 if counts["unexplained"] else 0


if __name__ == "__main__":
    sys.exit(main())
