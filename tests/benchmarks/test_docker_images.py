"""What bringing a project into an image costs beside `mlflow run --build-image`, where a large file lies beside it that .dockerignore names."""

import os
import sys
from pathlib import Path

import pytest
from docker_engine import docker_engine, images
from harness import WarmProcess, side_by_side

__all__ = ["docker_engine", "images"]

MEGABYTES = 256

OURS = """
from pathlib import Path
import docker
from nbproj.environments.docker.images import project_image
from nbproj.progress import silent
client = docker.from_env()
folder, base = Path({folder!r}), client.images.get({image!r})
def build():
    (folder / "main.py").write_text(f"print({{time.time()}})")
    project_image(client, base, folder, "nbproj-bench-ours:latest", silent)
"""
AGAIN = OURS + "build()\n"
THEIRS = """
import mlflow
from mlflow.projects.docker import build_docker_image
mlflow.set_tracking_uri({store!r})
run_id = mlflow.MlflowClient().create_run("0").info.run_id
def build():
    build_docker_image({folder!r}, "nbproj-bench-theirs", {image!r}, run_id, True, None)
"""


@pytest.mark.timeout(600)
def test_an_ignored_file_costs_nothing_and_an_unchanged_project_no_build(compare, images, docker_engine, full_mlflow_python, tmp_path):
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / ".dockerignore").write_text("data\n")
    (folder / "main.py").write_text("print(1)")
    with (folder / "data" / "large.bin").open("wb") as stream:
        for _ in range(MEGABYTES):
            stream.write(os.urandom(1_000_000))
    place = {"cwd": tmp_path, "env": {**os.environ, "DOCKER_HOST": docker_engine.address}}
    words = {"folder": str(folder), "image": images.bare, "store": f"sqlite:///{tmp_path}/runs.db"}
    ours, again, theirs = (text.format(**words) for text in (OURS, AGAIN, THEIRS))
    unchanged = 'project_image(client, base, folder, "nbproj-bench-ours:latest", silent)'
    python = Path(sys.executable)
    try:
        with WarmProcess(python, ours, "build()", **place) as first, WarmProcess(full_mlflow_python, theirs, "build()", **place) as peer:
            built = side_by_side(compare(f"an image beside {MEGABYTES} MB ignored", "mlflow --build-image"), first.call, peer.call, rounds=2)
            with WarmProcess(python, again, unchanged, **place) as second:
                kept = side_by_side(compare("the same, unchanged", "mlflow --build-image"), second.call, peer.call, rounds=1)
    finally:
        for name in ("nbproj-bench-ours", "nbproj-bench-theirs"):
            for image in images.client.images.list(name):
                images.client.images.remove(image.id, force=True)
    assert built.wall <= 0.2
    assert kept.wall <= 0.05
