"""Projects, stores and command lines for tests that really run something."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat.v4
import pytest
import warm
from full_mlflow import mlflow_server

from nbproj.tracking.store import RunRecord, Store

__all__ = ["Completed", "cli", "mark", "marked", "mlflow_server", "nobody_left", "notebook", "nothing_kept", "only_run", "project", "store"]


@dataclass
class Completed:
    """What a command line left."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """Its standard output as a document."""
        return json.loads(self.out)


@pytest.fixture
def cli(home) -> Callable[..., Completed]:
    """Return a function that runs `nbproj` in a process of its own, which has the imports behind it (warm.py)."""

    def run(*arguments: object, cwd: Path | None = None, timeout: float = 240, **environment: str) -> Completed:
        done = warm.run(
            [sys.executable, "-m", "nbproj", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        assert b'\n  File "' not in done.stderr, done.stderr.decode()
        return Completed(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def project(tmp_path) -> Callable[..., Path]:
    """Return a function that makes a project: its MLproject, and further files by name."""

    def make(mlproject: str = "", /, **files: str) -> Path:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        if mlproject:
            (folder / "MLproject").write_text(mlproject)
        for name, text in files.items():
            path = folder / name.replace("__", ".")
            path.write_text(text)
        return folder

    return make


@pytest.fixture
def notebook(tmp_path) -> Callable[..., Path]:
    """Return a function that writes a notebook with these cells; the first is tagged `parameters` when it assigns."""

    def make(*sources: str, name: str = "project/nb.ipynb", parameters: str | None = None, kernel: str = "python3") -> Path:
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        if parameters is not None:
            cells.insert(0, nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
        for index, cell in enumerate(cells):
            cell["id"] = f"cell-{index}"
        document = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}})
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(document))
        return path

    return make


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    """Return a new SQLite store that every command of the test uses."""
    from nbproj.tracking.mlflow_store import open_store

    uri = f"sqlite:///{tmp_path}/store/mlflow.db"
    (tmp_path / "store").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return open_store(uri)


@pytest.fixture
def only_run(store) -> Callable[[], RunRecord]:
    """Return a function that gives the one run that the store holds."""

    def get() -> RunRecord:
        runs = store.search_runs()
        assert len(runs) == 1, runs
        return runs[0]

    return get


@pytest.fixture
def mark(monkeypatch) -> str:
    """Mark everything that the test starts, so that it can be found again; return the mark."""
    text = uuid.uuid4().hex
    monkeypatch.setenv("TEST_MARK", text)
    return text


def marked(mark: str) -> list[str]:
    """Return the command lines of all living processes that carry a mark, but this one."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if f"TEST_MARK={mark}".encode() in _settled(folder):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def _settled(process: Path) -> bytes:
    """Return the environment of a process; of one that is being replaced by its program (execve) once it has it: for a moment it shows none."""
    deadline = time.monotonic() + 0.5
    while not (found := (process / "environ").read_bytes()) and time.monotonic() < deadline:
        (process / "exe").readlink()  # neither threads of the kernel nor processes that have ended have one: they raise
        time.sleep(0.002)
    return found


@pytest.fixture
def nobody_left(mark) -> Callable[..., None]:
    """Return a function that waits until no process of the test is left."""

    def check(seconds: float = 30) -> None:
        # Looks are counted, not seconds: while the machine stands still nobody can end.
        for _ in range(int(seconds / 0.05)):
            if not (left := marked(mark)):
                return
            time.sleep(0.05)
        pytest.fail(f"still there: {left}")

    return check


def _held() -> Counter[str]:
    """Return what this process holds: its descriptors by what they lead to, its threads and its children."""
    held: Counter[str] = Counter()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the look itself
            held[f"descriptor of {Path('/proc/self/fd', number).readlink()}"] += 1
    held.update(f"thread {thread.name} {thread.ident}" for thread in threading.enumerate())
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            held.update(f"child {pid}" for pid in (task / "children").read_text().split())
    return held


@pytest.fixture
def nothing_kept() -> Callable[..., Callable[[], None]]:
    """Return a function that looks what this process holds and returns another, which waits until nothing more than that is held.

    What goes meanwhile is not missed: other tests have left it, and it ends in its own time. A beginning chooses what is looked at.
    """

    def begin(beginning: str = "") -> Callable[[], None]:
        before = _held()

        def check() -> None:
            for _ in range(200):
                if not (more := [one for one in _held() - before if one.startswith(beginning)]):
                    return
                time.sleep(0.05)
            pytest.fail(f"held since: {more}")

        return check

    return begin
