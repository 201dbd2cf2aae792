"""Judges a model by wines that it has not seen, and records how many it gets right."""

import argparse
import json
from pathlib import Path

import numpy as np

import nbproj

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model", type=Path, help="what was trained")
parser.add_argument("wines", type=Path, help="wines that it has not seen")
arguments = parser.parse_args()

model = json.loads(arguments.model.read_text())
wines = np.loadtxt(arguments.wines, delimiter=",", skiprows=1)
guessed = (wines[:, :-1] @ np.array(model["weights"]).T + model["offsets"]).argmax(axis=1)
right = guessed == wines[:, -1]
nbproj.log_metrics({"accuracy": right.mean(), "wrong": (~right).sum()})
print(f"{right.sum()} of {len(wines)} wines are told right")
