"""The lesson of several steps: what has not changed is not run again, and the record says what stands on what."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

WORKFLOW = Path(__file__).parents[3] / "notebooks/workflow"


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(WORKFLOW, tmp_path / "workflow", ignore=shutil.ignore_patterns("mlruns", "mlflow.db", "__pycache__"))


def steps(done):
    assert done.code == 0, done.err
    return dict(re.findall(r"^(\w+) +[0-9a-f]{8}  (ran|was there)$", done.out, re.MULTILINE))


def test_only_the_steps_run_that_something_has_changed_for(cli, folder, store):
    first = cli("run", folder)
    assert steps(first) == dict.fromkeys(("download", "prepare", "train", "evaluate"), "ran")
    second = cli("run", folder, "-P", "strength=0.001")
    assert steps(second) == {"download": "was there", "prepare": "was there", "train": "ran", "evaluate": "ran"}

    runs = {run.run_id: run for run in store.search_runs()}
    later, earlier = (run for run in runs.values() if "mlflow.parentRunId" not in run.tags)
    assert len(runs) == 8
    assert earlier.metrics["accuracy"] > 0.9 > later.metrics["accuracy"]
    for name, parent in (("download", earlier), ("prepare", earlier), ("train", later), ("evaluate", later)):
        step = runs[later.tags[f"step.{name}"]]
        assert (step.tags["mlflow.project.entryPoint"], step.tags["mlflow.parentRunId"]) == (name, parent.run_id)
    assert runs[later.tags["step.train"]].tags["input_from"] == later.tags["step.prepare"]
