"""Clients of other versions log into the default store, through the gateway that their run gets."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from old_mlflow import FIRST, SECOND, THIRD, OldMlflow, shared_environments

import nbproj
from nbproj.backends.passage import TRACKING_TAG
from nbproj.tracking.mlflow_store import open_store

__all__ = ["shared_environments"]

pytestmark = pytest.mark.timeout(900)  # the first time their environments are made, with what has to be downloaded
PROGRAM = (Path(__file__).parent / "clients" / "log_everything.py").read_text()


@pytest.fixture
def default_store(home):
    """Return the store that a run in the working folder makes, once there is one."""
    return lambda: open_store(f"sqlite:///{home}/work/mlflow.db")


@pytest.mark.parametrize("client", [FIRST, SECOND, THIRD], ids=lambda client: client.release)
def test_a_client_of_another_version_logs_into_the_default_store(client: OldMlflow, shared_environments, default_store, tmp_path, told):
    folder = client.project(tmp_path / "project", main__py=PROGRAM)

    run = nbproj.run(str(folder), progress=told.append)

    assert (run.status, run.exit_code) == ("FINISHED", 0)
    assert run.metrics["rmse"] == 0.125
    assert run.metrics["inf"] > 1e308
    assert math.isnan(run.metrics["nan"])
    assert run.metrics["loss"] == 1 / 900
    assert {"alpha": "0.5", "layers": "3", "name": "größer → 0", "p89": "89"}.items() <= run.params.items()
    assert {"colour": "blue", "batch": "yes", "mlflow.note.content": "written by the program"}.items() <= run.tags.items()
    assert "gone" not in run.tags
    assert run.tags[TRACKING_TAG].startswith(f"gateway: MLflow {client.release} there ")
    assert any(event.step == "note" and "through a gateway" in event.text for event in told)
    assert not [event.text for event in told if "refused" in event.text]

    store = default_store()
    assert len(store.metric_history(run.run_id, "loss")) == 900
    answer = json.loads(artifact(store, run.run_id, "told.json"))
    assert answer["version"] == client.release
    assert answer["read"] == {"rmse": 0.125, "alpha": "0.5", "colour": "blue"}
    assert answer["history"] == [0.5, 0.25, 0.125]
    assert answer["fetched"] == ["big.bin", "with blank & ümlaut.txt"]
    assert artifact(store, run.run_id, "data/big.bin") == bytes(range(256)) * 20_000
    assert artifact(store, run.run_id, "data/folder/with blank & ümlaut.txt") == b"content"
    assert artifact(store, run.run_id, "texts/hello.txt") == b"hello\n"

    inner, innermost = (store.get_run(run_id) for run_id in answer["children"])
    assert (inner.status, inner.metrics["depth"], inner.tags["mlflow.parentRunId"]) == ("FINISHED", 1, run.run_id)
    assert (innermost.status, innermost.metrics["depth"], innermost.tags["mlflow.parentRunId"]) == ("FINISHED", 2, inner.run_id)
    assert artifact(store, inner.run_id, "inside.txt") == b"from inside"
    assert answer["found"] == sorted(answer["children"])
    if client is not FIRST:
        check_data_and_model(store, run, answer, client)
    if client is SECOND:
        assert artifact(store, run.run_id, "plots/curve.png").startswith(b"\x89PNG")


def check_data_and_model(store, run, answer, client):
    """Assert that the data set and the model which the program logged are what our own MLflow finds in the store."""
    assert answer["predicted"] == [4, 8, 12]
    backing = store.consult("read the run", lambda backing: backing.get_run(run.run_id))
    (used,) = backing.inputs.dataset_inputs
    assert (used.dataset.name, [tag.value for tag in used.tags]) == ("doubles", ["training"])
    if client is SECOND:
        (history,) = json.loads(run.tags["mlflow.log-model.history"])
        assert (history["run_id"], history["artifact_path"]) == (run.run_id, "model")
        assert b"python_function" in artifact(store, run.run_id, "model/MLmodel")
    else:
        model = store.consult("read a model", lambda backing: backing.get_logged_model(answer["model_id"]))
        assert (model.source_run_id, str(model.status), model.name) == (run.run_id, "READY", "model")
        assert "python_function" in Path(model.artifact_location.removeprefix("file://"), "MLmodel").read_text()


def artifact(store, run_id: str, path: str) -> bytes:
    """Return the bytes of an artifact as they lie on the disk."""
    root = store.get_run(run_id).artifact_uri
    return Path(root.removeprefix("file://"), path).read_bytes()
