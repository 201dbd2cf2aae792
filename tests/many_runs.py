"""Stores with very many runs, written at once: MLflow's own way would take minutes."""

from __future__ import annotations

import hashlib
import math
import random
import sqlite3
from pathlib import Path

from nbproj.tracking.mlflow_store import open_store

START = 1_760_000_000_000
EXPERIMENT = "wine"


def run_id(number: int) -> str:
    """Return the id of a run by its number."""
    return hashlib.md5(str(number).encode()).hexdigest()


def many_runs(path: Path, count: int, *, batch: int = 200) -> str:
    """Make a store with runs of one experiment, and return its address: every `batch`-th is the parent of those after it."""
    uri = f"sqlite:///{path}"
    experiment = int(open_store(uri).experiment(name=EXPERIMENT))
    chance = random.Random(7)
    runs, metrics, params, tags, history = [], [], [], [], []
    for number in range(count):
        one = run_id(number)
        parent = number % batch == 0
        start = START + number * 60_000
        status = "FINISHED" if number % 50 != 7 else "FAILED"
        name = f"{'batch' if parent else 'run'}-{number}"
        artifacts = f"{path.parent.as_uri()}/artifacts/{one}/artifacts"
        runs.append((one, name, "UNKNOWN", "", "", "ana", status, start, start + 5000 + number % 977 * 13, "", "active", artifacts, experiment))
        tags += [
            (one, "mlflow.runName", name),
            (one, "mlflow.user", "ana"),
            (one, "mlflow.project.entryPoint", "train"),
            (one, "mlflow.source.name", "wine"),
            (one, "nbproj.exit_code", "0" if status == "FINISHED" else "1"),
        ]
        if parent:
            continue
        tags.append((one, "mlflow.parentRunId", run_id(number - number % batch)))
        rate, seed = 10 ** chance.uniform(-4, 0), number % 20
        params += [(one, "lr", f"{rate:.3g}"), (one, "seed", str(seed)), (one, "optimizer", ("adam", "sgd")[number % 2]), (one, "data", "red.csv")]
        for key, value in (("rmse", 1 + abs(math.log10(rate) + 2) + chance.random()), ("r2", chance.random()), ("mae", chance.random() * 3)):
            metrics.append((key, value, start, 3, False, one))
            if number > count - 40:
                history += [(key, value + 3 - step, start + step * 1000, one, step, False) for step in range(4)]
    with sqlite3.connect(path) as database:
        database.executemany(f"INSERT INTO runs ({RUN_COLUMNS}) VALUES ({', '.join('?' * 13)})", runs)
        database.executemany("INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)", metrics)
        database.executemany("INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)", history)
        database.executemany("INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)", params)
        database.executemany("INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)", tags)
    database.close()
    return uri


RUN_COLUMNS = (
    "run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, source_version, lifecycle_stage, "
    "artifact_uri, experiment_id"
)
