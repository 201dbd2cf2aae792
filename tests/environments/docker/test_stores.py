"""What MLflow logs in a container is in the run's store, whatever that is and whichever MLflow it is. The images have none: it is mounted."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mlflow
import pytest
from full_mlflow import mlflow_server
from old_mlflow import SECOND, shared_environments

from nbproj.preparation import prepare_environment
from nbproj.tracking.mlflow_store import open_store

__all__ = ["mlflow_server", "shared_environments"]

SITE = Path(mlflow.__file__).parent.parent
LOG = """
import mlflow
print(mlflow.__version__)
mlflow.log_metric("m", 3)
mlflow.log_text("of the program", "a/b.txt")
mlflow.set_tag("inside", "yes")
"""
ENTRY = "  main: {command: python log.py}\n"


def mounted(site: Path) -> str:
    """Return the lines of a `docker_env` that make packages of this machine importable."""
    return f'volumes: ["{site}:/site:ro"]\nenvironment: [["PYTHONPATH", "/site"]]'


@pytest.mark.parametrize("network", ["bridge", "host"])
def test_a_database_is_reached_through_a_gateway(network, cli, container_project, only_run, containers):
    folder = container_project(ENTRY, more=mounted(SITE), log__py=LOG)

    done = cli("run", folder, "-A", f"network={network}", timeout=240)

    assert done.code == 0, done.err
    run = only_run()
    assert (run.status, run.metrics, run.tags["inside"]) == ("FINISHED", {"m": 3.0}, "yes")
    assert run.tags["nbproj.tracking"].startswith("gateway: ")
    assert (Path(run.artifact_uri) / "a/b.txt").read_text() == "of the program"


def test_an_older_mlflow_logs_into_the_same_store(cli, container_project, only_run, containers, shared_environments, tmp_path):
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if SECOND.python(shared_environments / "nbproj") != own:
        pytest.skip(f"platform: MLflow {SECOND.release} is tested with another Python than the image's {own}")
    python = prepare_environment(str(SECOND.project(tmp_path / "second"))).python
    site = Path(str(python)).parent.parent / "lib" / f"python{own}" / "site-packages"
    folder = container_project(ENTRY, more=mounted(site), log__py=LOG)

    done = cli("run", folder, timeout=240)

    assert done.code == 0, done.err
    assert SECOND.release in done.out
    assert (only_run().metrics, only_run().tags["inside"]) == ({"m": 3.0}, "yes")
    assert (Path(only_run().artifact_uri) / "a/b.txt").read_text() == "of the program"


def test_a_folder_of_files_is_mounted(cli, container_project, containers, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file://{tmp_path}/runs")
    folder = container_project(ENTRY, more=mounted(SITE), log__py=LOG)

    done = cli("run", folder, "--json", timeout=240)

    assert done.code == 0, done.err
    assert done.json["metrics"] == {"m": 3.0}
    written = next(tmp_path.glob("runs/*/*/artifacts/a/b.txt"))
    assert (written.read_text(), written.stat().st_uid) == ("of the program", os.getuid())


def test_a_server_on_loopback_is_reached_through_a_gateway(cli, container_project, containers, monkeypatch, mlflow_server):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    folder = container_project(ENTRY, more=mounted(SITE), log__py=LOG)

    done = cli("run", folder, "--json", timeout=240)

    assert done.code == 0, done.err
    assert done.json["metrics"] == {"m": 3.0}
    store = open_store(mlflow_server.uri)
    assert store.get_run(done.json["run_id"]).tags["nbproj.tracking"].startswith("gateway: ")
    assert "a/b.txt" in str([item.path for item in mlflow.MlflowClient(mlflow_server.uri).list_artifacts(done.json["run_id"], "a")])
