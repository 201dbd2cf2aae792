"""Trains a small network to tell two crescents of points apart, and tells after each epoch how good it is on points that it has not seen."""

import argparse
import time

import numpy as np

import nbproj

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("rate", type=float)
for name, kind, default in (("hidden", int, 8), ("seed", int, 0), ("epochs", int, 30), ("pause", float, 0.0)):
    parser.add_argument(f"--{name}", type=kind, default=default)
arguments = parser.parse_args()

angle = np.linspace(0, np.pi, 200)
noise = np.random.default_rng(1).normal(0, 0.2, (400, 2))
points = np.vstack([np.c_[np.cos(angle), np.sin(angle)], np.c_[1 - np.cos(angle), 0.5 - np.sin(angle)]]) + noise
labels = np.repeat([0.0, 1.0], 200)

chance = np.random.default_rng(arguments.seed)
order = chance.permutation(len(points))
test, learn = order[:100], order[100:]
inner, outer = chance.normal(0, 1, (2, arguments.hidden)), chance.normal(0, 1, arguments.hidden)


def judged(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the activity of the hidden layer for some points, and how likely each is of the second crescent."""
    hidden = np.tanh(points[chosen] @ inner)
    return hidden, 1 / (1 + np.exp(-np.clip(hidden @ outer, -30, 30)))


for epoch in range(arguments.epochs):
    for chosen in np.array_split(chance.permutation(learn), 10):
        hidden, likely = judged(chosen)
        wrong = likely - labels[chosen]
        back = np.outer(wrong, outer) * (1 - hidden**2)
        outer -= arguments.rate * hidden.T @ wrong / len(chosen)
        inner -= arguments.rate * points[chosen].T @ back / len(chosen)
    _, likely = judged(test)
    loss = -np.mean(np.log(np.where(labels[test] == 1, likely, 1 - likely) + 1e-12))
    nbproj.log_metrics({"loss": loss, "accuracy": np.mean(likely.round() == labels[test])}, step=epoch)
    time.sleep(arguments.pause)
print(f"loss {loss:.3f}")
