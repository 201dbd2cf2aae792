"""Batches whose driver is killed, interrupted, shut out or left by its store: nothing that has finished is lost or done again."""

from __future__ import annotations

import contextlib
import random
import resource
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections import Counter
from typing import Self

import pytest
import warm

import nbproj
from nbproj.errors import NbprojError, RunError, StoreUnreachableError
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.store import Store

POINTS = 5
PROJECT = "entry_points: {main: {parameters: {n: int}, command: 'echo {n}'}}\n"
# Some end at once, the others after what happens to the batch in between.
AFTERWARDS = "entry_points: {main: {parameters: {n: int}, command: 'until test {n} -lt 4 || test -e ../afterwards; do sleep 0.05; done'}}\n"


def start(*arguments: object) -> warm.Popen:
    """Start a driver."""
    command = [sys.executable, "-m", "nbproj", "batch", *map(str, arguments)]
    return warm.Popen(command, stdout=warm.subprocess.PIPE, stderr=warm.subprocess.PIPE, start_new_session=True)


def steps(store: Store) -> int:
    """Return how many runs a store has begun, and ended."""
    with contextlib.closing(sqlite3.connect(store.uri.removeprefix("sqlite:///"), timeout=60)) as connection:
        rows = connection.execute("SELECT status FROM runs").fetchall()
    return len(rows) + sum(status != "RUNNING" for (status,) in rows)


def finished(store: Store, batch_id: str) -> dict[str, str]:
    """Return the points of a batch that have finished, by the run; none has twice."""
    runs = [run for run in store.search_runs() if run.tags.get("mlflow.parentRunId") == batch_id and run.status == "FINISHED"]
    assert all(run.tags["nbproj.exit_code"] == "0" for run in runs)
    points = Counter(run.tags["nbproj.point"] for run in runs)
    assert set(points.values()) <= {1}, points
    return {run.tags["nbproj.point"]: run.run_id for run in runs}


class Line:
    """The way to a server, which can be cut and mended; a context manager."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._whole = False
        self._held = socket.socket()  # the port is nobody else's while the line is cut
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port = self._held.getsockname()[1]
        self.mend()

    def mend(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port), reuse_port=True)
        self._whole = True
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            self._whole = False
            for one in (self._listening, *self._open):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._open.clear()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                with self._lock:
                    if not self._whole:  # cut while the server was being called
                        caller.close()
                        server.close()
                        return
                    self._open += [caller, server]
                for pair in ((caller, server), (server, caller)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._held.close()


@pytest.mark.parametrize("part", range(5))
def test_killed_at_any_instant_and_run_again_every_point_has_finished_once(part, project, store, nobody_left):
    folder = project(PROJECT)
    chance = random.Random(part)
    nbproj.batch(folder, parameters={"n": [0]})  # the store is there
    for repetition in range(6):
        name = f"batch {part}.{repetition}"
        before, target = steps(store), chance.randrange(2 * POINTS + 2)
        driver = start(folder, "-P", f"n=range({POINTS})", "-j", 2, "--name", name)
        deadline = time.monotonic() + 60
        while steps(store) - before < target and driver.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.05))
        driver.kill()
        driver.communicate(timeout=100)
        left = next((run.run_id for run in store.search_runs() if run.name == name), "")
        kept = finished(store, left)
        batch = nbproj.batch(folder, parameters={"n": f"range({POINTS})"}, workers=2, name=name)
        assert batch.batch_id == left or not left
        after = finished(store, batch.batch_id)
        assert len(after) == POINTS
        assert kept.items() <= after.items()
        assert batch.counts["finished"] == POINTS
        assert batch.status == "FINISHED"
        assert {run.status for run in store.search_runs()} <= {"FINISHED", "KILLED"}
    nobody_left()


def test_saving_the_notebook_that_asks_for_a_batch_changes_nothing(notebook, project, store):
    import nbformat

    folder = project("entry_points: {main: {parameters: {n: int}, command: 'test {n} != 2 || test -e ../go'}}\n")
    path = notebook(f"%mlbatch {folder} -P n=range(3)", name="project/driver.ipynb")
    first = nbproj.batch(folder, parameters={"n": "range(3)"})
    assert first.counts["failed"] == 1
    document = nbformat.read(path, 4)
    document.cells[0].outputs = [nbformat.v4.new_output("stream", text="20 of 20")]
    document.cells[0].execution_count = 7
    document.metadata["widgets"] = {"state": {}}
    path.write_text(nbformat.writes(document))
    (folder.parent / "go").touch()
    second = nbproj.batch(folder, parameters={"n": "range(3)"})
    assert (second.batch_id, second.status) == (first.batch_id, "FINISHED")


def test_ctrl_c_ends_all_runs_cleanly_and_the_same_command_goes_on(project, store, nobody_left):
    folder = project("entry_points: {main: {parameters: {n: int}, command: 'test {n} = 0 || test -e ../go || sleep 60'}}\n")
    driver = start(folder, "-P", "n=range(4)", "-j", 2)
    deadline = time.monotonic() + 60
    while steps(store) < 5:  # the batch, one that has ended, two that sleep
        assert time.monotonic() < deadline
        time.sleep(0.02)
    driver.send_signal(signal.SIGINT)
    out, err = driver.communicate(timeout=100)
    assert driver.returncode == 130, err
    assert b"KILLED main: 1 of 4 finished" in err
    assert b"Traceback" not in err
    assert out == b""
    runs = store.search_runs()
    assert Counter(run.status for run in runs) == {"KILLED": 3, "FINISHED": 1}
    assert all("nbproj.exit_code" in run.tags for run in runs)
    nobody_left()
    (folder.parent / "go").touch()
    batch = nbproj.batch(folder, parameters={"n": "range(4)"}, workers=2)
    assert len(finished(store, batch.batch_id)) == 4
    assert batch.status == "FINISHED"


def test_two_drivers_of_one_batch_exclude_each_other_and_a_dead_one_excludes_nobody(project, store, nobody_left):
    folder = project("entry_points: {main: {parameters: {n: int}, command: 'test -e ../go || sleep 60'}}\n")
    driver = start(folder, "-P", "n=range(3)", "-j", 3)
    deadline = time.monotonic() + 60
    while steps(store) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(RunError, match=rf"carried by process {driver.pid} already"):
        nbproj.batch(folder, parameters={"n": "range(3)"})
    driver.kill()
    driver.communicate(timeout=100)
    (folder.parent / "go").touch()
    batch = nbproj.batch(folder, parameters={"n": "range(3)"}, workers=2)
    assert len(finished(store, batch.batch_id)) == 3
    runs = store.search_runs()
    assert Counter(run.status for run in runs) == {"FINISHED": 4, "KILLED": 3}
    nobody_left()


def test_a_store_that_goes_away_in_the_middle_ends_the_batch_in_one_line_and_loses_nothing(project, mlflow_server, monkeypatch):
    folder = project(AFTERWARDS)
    with Line(mlflow_server.port) as line:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{line.port}")

        def leave(event) -> None:
            if event.step == "batch" and event.done and event.done >= 2:
                line.cut()
                (folder.parent / "afterwards").touch()

        with pytest.raises(StoreUnreachableError, match=r"of 8 points have finished: the same command goes on from there") as refused:
            nbproj.batch(folder, parameters={"n": "range(8)"}, workers=2, progress=leave)
        assert "\n" not in str(refused.value)
        line.mend()
        # What ended while the store was away is told with the next command.
        batch = nbproj.batch(folder, parameters={"n": "range(8)"}, workers=2)
        assert len(finished(open_store(mlflow_server.uri), batch.batch_id)) == 8
        assert batch.status == "FINISHED"


def test_a_full_disk_ends_the_batch_in_one_line_and_what_has_finished_stays(project, store):
    folder = project(AFTERWARDS)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(event) -> None:
        if event.step == "batch" and event.done and event.done >= 2:
            (folder.parent / "afterwards").touch()
            resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))  # no file of this process grows any more

    try:
        with pytest.raises(NbprojError) as refused:
            nbproj.batch(folder, parameters={"n": "range(8)"}, workers=2, progress=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(refused.value)
    assert "points have finished: the same command goes on from there" in str(refused.value)
    parent = next(run.run_id for run in store.search_runs() if "nbproj.batch" in run.tags)
    before = finished(store, parent)
    assert 2 <= len(before) < 8
    batch = nbproj.batch(folder, parameters={"n": "range(8)"}, workers=2)
    after = finished(store, batch.batch_id)
    assert len(after) == 8
    assert before.items() <= after.items()


def test_a_batch_leaves_no_thread_no_descriptor_no_child_and_no_file(project, store, home, nothing_kept):
    folder = project(PROJECT)
    nbproj.batch(folder, parameters={"n": "range(4)"}, workers=4)
    holds_no_more = nothing_kept()
    nbproj.batch(folder, parameters={"n": "range(40)"}, workers=4)
    holds_no_more()
    assert list((home / ".local/state/nbproj/runs").iterdir()) == []
    assert list((home / ".local/state/nbproj/batches").iterdir()) == []
