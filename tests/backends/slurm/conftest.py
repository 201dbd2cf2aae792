"""A cluster, the scripts of the documentation's page about it, and a project for them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat.v4
import pytest
from conftest import FOREIGN
from slurm_cluster import Cluster, slurm_cluster

__all__ = ["Page", "Queue", "queue_in", "slurm_cluster", "until"]

PAGE = Path(__file__).parents[3] / "docs" / "slurm.md"
MLPROJECT = """name: wine
entry_points:
  train:
    parameters: {alpha: {type: float, default: 0.5}, seed: {type: int, default: 0}, seconds: {type: float, default: 0}}
    notebook: train.ipynb
"""


def until(condition: Callable[[], object], seconds: float = 180):
    """Wait until something is there, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.1)
    return found


class Page:
    """What the page of the documentation tells to type: scripts by name, and commands."""

    def __init__(self) -> None:
        text = PAGE.read_text(encoding="utf-8")
        self.scripts = dict(re.findall(r'^```sh title="(.*?)"\n(.*?)^```$', text, re.DOTALL | re.MULTILINE))
        self.commands = [line for block in re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) for line in block.splitlines()]


@dataclass
class Queue:
    """The cluster as one user has it, in a folder with the project and the page's scripts."""

    cluster: Cluster
    page: Page
    folder: Path
    environment: dict[str, str]

    def type(self, command: str, *more: str, option: str | None = None, **names: str) -> str:
        """Run a command of the page, its placeholders replaced, with further arguments; return its standard output."""
        assert command in self.page.commands
        first, *words = shlex.split(command)
        line = [first, *([option] if option else []), *(names.get(word.rpartition("=")[2], word) for word in words), *more]
        done = subprocess.run(line, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def submit(self, command: str, *more: str) -> str:
        """Submit a job as the page does, with further arguments of its script; return its number."""
        return self.type(command, *more, option="--parsable").strip()

    def log(self, name: str) -> str:
        """Return what Slurm has kept of a job's output."""
        return (self.folder / name).read_text(encoding="utf-8")


def queue_in(folder: Path, cluster: Cluster, page: Page, store: str) -> Queue:
    """Return the cluster for a user whose home is a folder; the training of the project says that it has begun, and then takes some seconds."""
    work = folder / "work"
    (work / "wine").mkdir(parents=True)
    (work / "wine" / "MLproject").write_text(MLPROJECT)
    given = nbformat.v4.new_code_cell("alpha = 0.5\nseed = 0\nseconds = 0", metadata={"tags": ["parameters"]})
    begun = "import time\nimport nbproj\nnbproj.log_metric('rmse', 2 * alpha)\nprint('begun with', alpha, flush=True)"
    document = nbformat.v4.new_notebook(cells=[given, *map(nbformat.v4.new_code_cell, (begun, "time.sleep(seconds)\nprint('through')"))])
    (work / "wine" / "train.ipynb").write_text(nbformat.writes(document))
    (work / "alphas.txt").write_text("0.1\n0.2\n0.3\n")
    for name, text in page.scripts.items():
        (work / name).write_text(text)
    own = {f"XDG_{kind.upper()}_HOME": str(folder / kind) for kind in ("cache", "config", "data", "state")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environment = kept | cluster.variables | own | {"HOME": str(folder), "PATH": path, "MLFLOW_TRACKING_URI": store}
    return Queue(cluster, page, work, environment)


@pytest.fixture(scope="session")
def page() -> Page:
    """The page of the documentation."""
    return Page()


@pytest.fixture
def queue(slurm_cluster, page, tmp_path, store, mark, monkeypatch) -> Queue:
    """Return the cluster as the test's own user has it."""
    made = queue_in(tmp_path / "home", slurm_cluster, page, store.uri)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made
