#!/usr/bin/env python3
# How fast sweeps are where nothing is trained: a plan and a list of runs in a store of 10,000 runs, and the launch of a cell
# beside Hydra's basic launcher, which also leaves a folder with files for each job.
#   make check-speed        or: check_speed.py build/dev/sweeps/sweeps_perform_test build/dev/subband
# Asked: the plan in less than 2 s, the list in less than 200 ms when its index is there, the launch in less than a tenth of
# Hydra's, in the same run. Hydra 1.3 comes from PyPI into a virtual environment of this check's own, in the build folder.
import os, pathlib, subprocess, sys, tempfile, time

FEW, MANY, ROUNDS = 5, 45, 3

APP = """import hydra
from hydra.core.config_store import ConfigStore
ConfigStore.instance().store(name="nothing", node={"cell": 0})

@hydra.main(version_base="1.3", config_path=None, config_name="nothing")
def main(config):
    pass

main()
"""


def hydra_ms(python):
    """Milliseconds a job: what forty more of them take, so that Python's own start does not count."""
    with tempfile.TemporaryDirectory() as folder:
        app = pathlib.Path(folder) / "nothing.py"
        app.write_text(APP)

        def seconds(jobs):
            start = time.perf_counter()
            subprocess.run([python, app, "--multirun", f"cell=range(0,{jobs})", f"hydra.sweep.dir={folder}/out",
                            "hydra/launcher=basic"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
            return time.perf_counter() - start

        seconds(FEW)
        return min((seconds(MANY) - seconds(FEW)) / (MANY - FEW) for _ in range(ROUNDS)) * 1e3


def environment(test):
    home = pathlib.Path(test).resolve().parent / "hydra"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "hydra-core==1.3.2"], check=True)
    return python


def main():
    test, program = sys.argv[1:3]
    python = environment(test)
    out = pathlib.Path(test).with_name("speed.txt")
    checked = subprocess.run([test, "[.check-speed]"],
                             env=dict(os.environ, SUBBAND_SPEED_OUT=str(out.resolve()),
                                      SUBBAND_PROGRAM=str(pathlib.Path(program).resolve()),
                                      SUBBAND_ROOT=str(pathlib.Path(__file__).resolve().parents[1])))
    bare, recorded = map(float, out.read_text().split())
    theirs = hydra_ms(python)
    good = checked.returncode == 0 and bare < theirs / 10
    print(f"launch of a trivial cell: {bare:.2f} ms, with its record {recorded:.2f} ms; Hydra's basic launcher "
          f"{theirs:.1f} ms a job: {theirs / bare:.1f} and {theirs / recorded:.1f} times as much"
          f"{'' if good else '  not as asked'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
