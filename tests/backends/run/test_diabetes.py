"""The project that the README runs: the same record from a folder, from Git and from Python, and readable by everybody who knows MLflow."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from full_mlflow import MlflowServer, full_mlflow
from ports import held_port

import nbproj

DIABETES = Path(__file__).parents[3] / "notebooks/diabetes"

READ = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
run = client.get_run(sys.argv[2])
def walk(path=None):
    for item in client.list_artifacts(run.info.run_id, path):
        yield from walk(item.path) if item.is_dir else [item.path]
models = client.search_logged_models(experiment_ids=[run.info.experiment_id])
print(json.dumps({
    "params": run.data.params, "metrics": run.data.metrics, "tags": run.data.tags, "status": run.info.status, "artifacts": sorted(walk()),
    "models": len(models), "steps": len(client.get_metric_history(run.info.run_id, "path_rmse")),
}))
"""


@pytest.fixture
def served(tmp_path):
    """Serve a repository with the project in a folder and a tag, by `git daemon`; return its address."""
    repository = tmp_path / "repositories/team"
    shutil.copytree(DIABETES, repository / "science/diabetes", ignore=shutil.ignore_patterns("mlruns", "mlflow.db", "__pycache__"))
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"], ["tag", "v1"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    # The branch goes on: whoever ignores the tag runs something that fails.
    (repository / "science/diabetes/train.ipynb").unlink()
    subprocess.run(["git", "commit", "-q", "-a", "-m", "second"], cwd=repository, check=True)
    with held_port() as port:
        arguments = ["--reuseaddr", "--export-all", "--listen=127.0.0.1", f"--port={port}", f"--base-path={tmp_path}/repositories"]
        daemon = subprocess.Popen(["git", "daemon", *arguments, str(tmp_path / "repositories")], stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            deadline = time.monotonic() + 60
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert daemon.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield f"git://127.0.0.1:{port}/team"
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            daemon.wait()


def test_folder_git_and_python_give_the_same_record(cli, store, served, home, tmp_path):
    options = ["-e", "train", "-P", "alpha=0.3", "--json"]
    folder = cli("run", DIABETES, *options).json
    git = cli("run", f"{served}#science/diabetes", "-v", "v1", *options).json
    python = nbproj.run(DIABETES, "train", parameters={"alpha": 0.3}).to_dict()
    assert folder["status"] == git["status"] == python["status"] == "FINISHED"
    assert folder["params"] == git["params"] == python["params"] == {"alpha": "0.3", "l1_ratio": "0.5", "seed": "0"}
    assert folder["metrics"] == git["metrics"] == python["metrics"]
    assert {"rmse", "mae", "r2", "path_rmse"} <= set(folder["metrics"])
    for tag in ("mlflow.project.entryPoint", "mlflow.project.backend", "mlflow.source.type", "nbproj.exit_code", "nbproj.command"):
        assert folder["tags"][tag] == git["tags"][tag] == python["tags"][tag]
    assert git["tags"]["mlflow.source.name"] == f"{served}#science/diabetes"
    assert git["tags"]["mlflow.source.git.repoURL"] == served
    commit = subprocess.run(["git", "rev-parse", "v1"], cwd=tmp_path / "repositories/team", capture_output=True, text=True, check=True).stdout.strip()
    assert git["tags"]["mlflow.source.git.commit"] == commit
    # The checkout is gone.
    assert not [path for path in Path(tmp_path).rglob("train.ipynb") if "artifacts" not in path.parts and "repositories" not in path.parts]

    # A full MLflow reads it: what `mlflow ui` shows comes through this client.
    reader = [full_mlflow(), "-c", READ, store.uri, folder["run_id"]]
    seen = json.loads(subprocess.run(reader, capture_output=True, text=True, check=True, timeout=120).stdout)
    assert seen["status"] == "FINISHED"
    assert seen["params"] == folder["params"]
    assert seen["metrics"] == folder["metrics"]
    assert seen["steps"] > 1
    assert seen["models"] == 3
    assert "path.png" in seen["artifacts"]
    assert "run/train.ipynb" in seen["artifacts"]
    assert seen["tags"]["mlflow.runName"]


def test_the_script_and_the_report_run_too(cli, store):
    script = cli("run", DIABETES, "-e", "train_script", "-P", "alpha=0.3", "--json")
    assert script.code == 0, script.err
    assert {"rmse", "mae", "r2"} <= set(script.json["metrics"])
    report = cli("run", DIABETES, "-e", "report", "-P", "top=2")
    assert report.code == 0, report.err
    assert len(report.out.splitlines()) == 2


def test_mlflow_ui_of_a_full_mlflow_shows_the_run(cli, store, tmp_path):
    run = cli("run", DIABETES, "-e", "train_script", "--json").json
    with MlflowServer(tmp_path / "server", store_uri=store.uri) as server:
        with urllib.request.urlopen(f"{server.uri}/api/2.0/mlflow/runs/get?run_id={run['run_id']}") as answer:
            shown = json.load(answer)["run"]
        assert {metric["key"] for metric in shown["data"]["metrics"]} == set(run["metrics"])
        with urllib.request.urlopen(f"{server.uri}/api/2.0/mlflow/artifacts/list?run_id={run['run_id']}") as answer:
            assert "predicted.png" in {file["path"] for file in json.load(answer)["files"]}
        with urllib.request.urlopen(f"{server.uri}/get-artifact?run_uuid={run['run_id']}&path=predicted.png") as answer:
            assert answer.read(8) == b"\x89PNG\r\n\x1a\n"
