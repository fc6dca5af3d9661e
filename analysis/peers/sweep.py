"""A sweep as people who have Hydra run it: its joblib launcher, cells in PyTorch. `subband bench sweep` starts it.

python sweep.py --multirun hydra/launcher=joblib hydra.launcher.n_jobs=2 cell=0,1,2 cells=FOLDER root=CHECKOUT
Every cell writes FOLDER/CELL/result.json."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import hydra
from hydra.core.config_store import ConfigStore

ConfigStore.instance().store(name="sweep", node={"cell": 0, "cells": "", "root": "", "compiled": False})


@hydra.main(version_base="1.3", config_path=None, config_name="sweep")
def main(config):
    import cell

    folder = os.path.join(config.cells, str(config.cell))
    result = cell.train(folder, config.root, config.compiled)
    with open(os.path.join(folder, "result.json"), "w") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
