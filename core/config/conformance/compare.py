"""Compares the program's answers to random cases with Hydra's, and prints how many agree.

    compare.py PROGRAM [--cases N] [--seed S] [--processes P] [--record FILE] [--show K]

Each difference is charged to a line of ../testdata/intended_differences.txt, or it is unexplained and fails the run.
"""

import argparse
import collections
import json
import lzma
import multiprocessing
import os
import subprocess
import sys
import tempfile

import differences
import oracle
from generator import Generator

BATCH = 500


def same(ours, theirs):
    """Equal values of equal types; the order of keys is free."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(value, theirs[key]) for key, value in ours.items())
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs


def meaning(words):
    """The values of plain words, as Hydra reads them."""
    return [oracle._plain(oracle._PARSER.parse_override(word).value()) for word in words]


def agrees(ours, theirs):
    if "words" in theirs or "words" in ours:
        if "words" not in ours or "words" not in theirs:
            return False
        try:
            return ours["words"] == theirs["words"] or same(meaning(ours["words"]), meaning(theirs["words"]))
        except Exception:  # noqa: BLE001: words that Hydra itself cannot read
            return False
    if "error" in theirs or "error" in ours:
        return ours.get("error") == theirs.get("error")
    return same(ours["ok"], theirs["ok"]) and same(ours["unresolved"], theirs["unresolved"])


def run_batch(job):
    program, seed, count = job
    generator = Generator(seed)
    cases = [generator.case() for _ in range(count)]
    with tempfile.TemporaryDirectory() as scratch:
        file = os.path.join(scratch, "cases.jsonl")
        with open(file, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(case) + "\n" for case in cases)
        done = subprocess.run(program + ["--raw", "--quiet", "--cases", file], capture_output=True, check=False)
        lines = done.stdout.decode("utf-8").splitlines()
        if len(lines) != count:
            return [(cases[len(lines)], {"error": "crash"}, {}, None)]
        folder, written = os.path.join(scratch, "tree"), []
        os.mkdir(folder)
        results = []
        for case, line in zip(cases, lines):
            ours, theirs = json.loads(line), oracle.answer(case, folder, written)
            verdict = "agree" if agrees(ours, theirs) else differences.line_of(case, ours, theirs)
            results.append((case, ours, theirs, verdict))
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
    options = parser.parse_args()
    table = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../testdata/intended_differences.txt")
    named = {row.split("\t")[0] for row in open(table, encoding="utf-8")}
    assert differences.LINES.keys() <= named, differences.LINES.keys() - named
    jobs = [(options.program, options.seed * 1_000_003 + i, min(BATCH, options.cases - i))
            for i in range(0, options.cases, BATCH)]
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
            print(f"\r{sum(counts.values())} of {options.cases}", end="", file=sys.stderr)
    print(file=sys.stderr)
    if recorded:
        recorded.close()
    print(f"seed {options.seed}: {sum(counts.values())} cases (" +
          ", ".join(f"{number} {kind}" for kind, number in kinds.most_common()) + ")")
    for verdict, number in counts.most_common():
        print(f"{number:8} {verdict}")
    return 1 if counts["unexplained"] else 0


if __name__ == "__main__":
    sys.exit(main())
