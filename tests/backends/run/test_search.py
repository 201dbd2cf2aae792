"""The lessons of many runs: a search that ends hopeless ones while they run, and cross-validation over splits."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

SEARCH = Path(__file__).parents[3] / "notebooks/search"


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(SEARCH, tmp_path / "search", ignore=shutil.ignore_patterns("mlruns", "mlflow.db", "__pycache__"))


def test_hopeless_runs_are_ended_while_they_run_and_others_take_their_place(cli, folder, store):
    done = cli("run", folder, "-e", "tune", "-P", "trials=3", "-P", "epochs=150", "--json", timeout=240)
    assert done.code == 0, done.err
    runs = [run for run in store.search_runs() if run.tags.get("mlflow.parentRunId") == done.json["run_id"]]
    assert len(runs) == 3
    assert {run.status for run in runs} == {"FINISHED", "KILLED"}
    killed = [run for run in runs if run.status == "KILLED"]
    assert done.json["metrics"]["cancelled"] == len(killed)
    finished = {float(run.params["rate"]): run.metrics["loss"] for run in runs if run.status == "FINISHED"}
    assert min(finished.values()) < 0.3
    assert all(run.metrics.get("loss", 1) > done.json["metrics"]["best_loss"] for run in killed)


def test_every_setting_is_judged_by_every_split_once_however_often_it_is_asked(cli, folder, store):
    for _ in range(2):
        done = cli("run", folder, "-e", "validate", "-P", "splits=2", "--json", timeout=240)
        assert done.code == 0, done.err
        assert done.json["metrics"]["best_rate"] in {0.3, 3.0}
    points = [(run.params["rate"], run.params["seed"]) for run in store.search_runs() if "nbproj.point" in run.tags]
    assert len(points) == len(set(points)) == 6
