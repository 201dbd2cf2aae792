"""Keeps some wines aside for the test, and brings all measurements to one scale: that of the wines to learn from."""

import argparse
import os
from pathlib import Path

import numpy as np

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("wines", type=Path, help="all wines as they were downloaded")
parser.add_argument("--share", type=float, default=0.25, help="part of the wines that is kept aside")
parser.add_argument("--seed", type=int, default=0, help="chooses them")
arguments = parser.parse_args()

header = arguments.wines.open().readline().strip()
wines = np.random.default_rng(arguments.seed).permutation(np.loadtxt(arguments.wines, delimiter=",", skiprows=1))
aside = round(len(wines) * arguments.share)
measured = wines[aside:, :-1]
wines[:, :-1] = (wines[:, :-1] - measured.mean(axis=0)) / measured.std(axis=0)
for name, part in (("test.csv", wines[:aside]), ("train.csv", wines[aside:])):
    np.savetxt(Path(os.environ["NBPROJ_OUTPUT_DIR"], name), part, delimiter=",", header=header, comments="", fmt="%.6g")
    print(f"{name}: {len(part)} wines")
