#!/usr/bin/env python3
# Compares the sampler `tpe` with Optuna's over 50 seeds: on three functions, 100 draws each, and on a table of 200 real cells
# (table.yaml, table.csv), 60 draws.
#   make check-search        or: check_search.py build/dev/sweeps/sweeps_test
# Asked of each function, with the best value of a search and medians over the seeds: the 95 % bootstrap interval of the
# difference of medians (ours less Optuna's) contains 0 and is narrower than a tenth of the gap of random search, which is
# its median less Optuna's. Optuna 5 comes from PyPI into a virtual environment of this check's own, in the build folder.
import csv, math, os, pathlib, random, statistics, subprocess, sys

SEEDS = 50
HERE = pathlib.Path(__file__).resolve().parent
CELLS = {row[0]: float(row[1] or "inf") for row in csv.reader((HERE / "table.csv").open()) if "=" in row[0]}


def valley(trial):
    x, y = trial.suggest_float("x", -5, 5), trial.suggest_float("y", -5, 5)
    return (x - 1) ** 2 + 10 * (y + 2) ** 2


def rates(trial):
    lr = trial.suggest_float("lr", 1e-6, 1, log=True)
    wd = trial.suggest_float("wd", 1e-6, 1, log=True)
    n = trial.suggest_int("n", 1, 64, log=True)
    return (math.log10(lr) + 3) ** 2 + (math.log10(wd) + 2) ** 2 + (math.log2(n) - 4) ** 2


def parts(trial):
    mixer = trial.suggest_categorical("mixer", ["a", "b", "c"])
    heads = abs(math.log2(trial.suggest_categorical("heads", [1, 2, 4, 8])) - 2) if mixer == "b" else 1
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    layers = trial.suggest_int("layers", 1, 12)
    other = 0 if mixer == "b" else 1 + ["a", "b", "c"].index(mixer)
    return other + heads + (math.log10(lr) + 2) ** 2 + ((layers - 8) / 4) ** 2


def table(trial):
    lr = trial.suggest_categorical("lr", [str(each / 1000) for each in (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)])
    levels = trial.suggest_categorical("levels", [1, 2, 3, 4, 5])
    width = trial.suggest_categorical("width", [8, 16, 24, 32])
    return CELLS[f"optimizer.lr={lr}, net.block.levels={levels}, net.width={width}"]


TRIALS = {valley: 100, rates: 100, parts: 100, table: 60}


def best_of(function, seed):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(function, n_trials=TRIALS[function])
    return study.best_value


def interval(ours, theirs):
    draw = random.Random(1)
    differences = sorted(
        statistics.median(draw.choices(ours, k=len(ours))) - statistics.median(draw.choices(theirs, k=len(theirs)))
        for _ in range(10000))
    return differences[249], differences[9749]


def compare(program):
    out = pathlib.Path(program).with_name("search.csv")
    subprocess.run([program, "[.check-search]"], check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, SUBBAND_SEARCH_OUT=str(out), SUBBAND_ROOT=str(HERE.parents[1])))
    values = {}
    for function, sampler, _, value in csv.reader(out.open()):
        values.setdefault((function, sampler), []).append(float(value))
    is_good = True
    print(f"{'function':8} {'ours':>9} {'optuna':>9} {'random':>9} {'95 % interval':>24} {'width/gap':>9}")
    for function in TRIALS:
        name = function.__name__
        theirs = [best_of(function, seed) for seed in range(SEEDS)]
        ours, chance = values[name, "tpe"], values[name, "random"]
        low, high = interval(ours, theirs)
        gap = statistics.median(chance) - statistics.median(theirs)
        good = low <= 0 <= high and high - low < 0.1 * gap
        is_good = is_good and good
        print(f"{name:8} {statistics.median(ours):9.5f} {statistics.median(theirs):9.5f} "
              f"{statistics.median(chance):9.5f} {low:11.6f} {high:11.6f} {(high - low) / gap:9.3f}"
              f"{'' if good else '  not as asked'}")
    return 0 if is_good else 1


def main():
    program = sys.argv[1]
    home = pathlib.Path(program).parent / "optuna"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "optuna>=5,<6"], check=True)
    if pathlib.Path(sys.prefix) != home.resolve() and pathlib.Path(sys.prefix) != home:
        return subprocess.run([str(python), __file__, program]).returncode
    return compare(program)


if __name__ == "__main__":
    sys.exit(main())
