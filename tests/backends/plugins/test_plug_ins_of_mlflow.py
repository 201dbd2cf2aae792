"""Backends that were written for `mlflow run`, with MLflow's own helpers: `nbproj run -b` asks them, follows them and ends them."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

import nbproj
from nbproj.errors import BackendError
from nbproj.execution.signals import Interrupted
from nbproj.record import RunFailed

MLPROJECT = """
name: garden
entry_points:
  main:
    parameters: {text: string, data: path, alpha: {type: float, default: 0.5}}
    command: "python dig.py {text} {data} {alpha}"
  fail: {command: "exit 3"}
  sleep:
    command: "touch there && sleep 600"
  quiet:
    parameters: {password: {type: string, secret: true}}
    command: "true"
  loud:
    parameters: {verbose: {type: bool, flag: --verbose}}
    command: "echo {verbose}"
"""
DIG = """
import json, os, sys
import mlflow
print("words", json.dumps(sys.argv[1:]), "in", os.environ["MLFLOW_RUN_ID"], "by", os.environ["SHED"])
with mlflow.start_run():
    mlflow.log_metric("depth", 0.75)
"""
TOKEN = "shed-t0ken-that-nobody-may-see"
HOSTILE = "it's $HOME `id`"


@pytest.fixture
def garden(plugins, project, store, monkeypatch):
    monkeypatch.setenv("SHED_TOKEN", TOKEN)
    folder = project(MLPROJECT, dig__py=DIG, seeds__csv="a\n")

    def run(entry_point="main", parameters=None, config=None, **more):
        return nbproj.run(folder, entry_point, parameters=parameters, backend="shed", backend_config=config or {}, **more)

    run.folder = folder
    return run


def test_it_runs_the_project_and_both_runs_lead_to_each_other(garden, store):
    run = garden(parameters={"text": HOSTILE, "data": garden.folder / "seeds.csv"})
    assert (run.status, run.exit_code) == ("FINISHED", 0)
    assert run.params == {"text": HOSTILE, "data": str(garden.folder / "seeds.csv"), "alpha": "0.5"}
    assert run.tags["mlflow.project.backend"] == "shed"
    other = store.get_run(run.tags["nbproj.mlflow.run_id"])
    assert other.run_id != run.run_id
    assert (other.status, other.tags["mlflow.parentRunId"]) == ("FINISHED", run.run_id)
    assert run.metrics == other.metrics == {"depth": 0.75}
    words = run.logs().splitlines()[-1]
    assert words == f'words ["{HOSTILE}", "{garden.folder}/seeds.csv", "0.5"] in {other.run_id} by local'
    assert len(store.search_runs()) == 2


@pytest.mark.parametrize(
    ("config", "entry_point", "code", "said"),
    [
        ({}, "fail", 1, "backend 'shed' (mlflow-shed 0.3) says that the run has failed"),
        ({"mode": "raise"}, "fail", 121, "backend 'shed' (mlflow-shed 0.3) failed to submit the run: KeyError: 'no key for the shed: ***'"),
        ({"mode": "nothing"}, "fail", 121, "returned a NoneType without wait and cancel, where MLflow asks for a SubmittedRun"),
    ],
)
def test_its_failures_are_told_in_one_line_and_every_run_is_settled(garden, store, config, entry_point, code, said):
    with pytest.raises(RunFailed) as failed:
        garden(entry_point, config=config)
    assert failed.value.exit_code == code
    assert said in failed.value.run.tags["nbproj.reason"]
    assert {one.status for one in store.search_runs()} == {"FAILED"}
    assert TOKEN not in str([one.tags for one in store.search_runs()]) + failed.value.run.logs()


def test_ctrl_c_cancels_it(garden, store, nobody_left):
    def is_followed():
        """Its program is there, and nbproj has what the plug-in has made of it, by which it can be cancelled."""
        return (garden.folder / "there").exists() and any("nbproj.mlflow.run_id" in one.tags for one in store.search_runs())

    def press():
        deadline = time.monotonic() + 200
        while not is_followed() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    presses = threading.Thread(target=press)
    presses.start()
    with pytest.raises(Interrupted) as stopped:
        garden("sleep")
    presses.join()
    assert "the shed is closed" in stopped.value.run.logs()
    assert {one.status for one in store.search_runs()} == {"KILLED"}
    nobody_left()


def test_a_plug_in_that_never_submits_is_ended_by_the_timeout(garden, only_run, nobody_left):
    with pytest.raises(RunFailed) as failed:
        garden("fail", config={"mode": "hang"}, timeout=3)
    assert failed.value.exit_code == 124
    assert only_run().status == "FAILED"
    nobody_left()


@pytest.mark.parametrize(
    ("entry_point", "parameters", "said"),
    [
        ("note.ipynb", {}, "which knows no notebooks. `nbproj export` writes a project that it runs"),
        ("quiet", {"password": "abcdefgh"}, "which would show parameter password, a secret, in its command line"),
        ("loud", {"verbose": True}, "which knows no flags: write parameter verbose as a value"),
    ],
)
def test_what_mlflow_has_no_word_for_is_refused_before_there_is_a_run(garden, store, notebook, entry_point, parameters, said):
    notebook("1", name="project/note.ipynb")
    with pytest.raises(BackendError) as refused:
        garden(entry_point, parameters)
    assert "backend 'shed' (mlflow-shed 0.3) was written for mlflow run" in str(refused.value)
    assert said in str(refused.value)
    assert store.search_runs() == []
