"""Many processes at one new store, and processes that are killed while they make one."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
import warm

from nbproj.errors import StoreUnreachableError
from nbproj.tracking import mlflow_store
from nbproj.tracking.location import database_uri
from nbproj.tracking.mlflow_store import open_store

OPEN = """
import sys
from nbproj.tracking.mlflow_store import open_store
store = open_store(sys.argv[1])
run = store.create_run(store.experiment(name="shared"), name=None, tags={})
store.log_params(run.run_id, {"a": "1"})
store.set_status(run.run_id, "FINISHED")
"""

# MLflow is imported once; each fork then makes a store within milliseconds, so that a kill can hit any part of it.
FORKS = """
import os, sys, time
from nbproj.tracking import library
from nbproj.tracking.mlflow_store import open_store
library.load()
import mlflow.store.tracking.sqlalchemy_store
for line in iter(sys.stdin.readline, ""):
    uri, log = line.rstrip("\\n").split("\\t")
    pid = os.fork()
    if not pid:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        open_store(uri).create_run("0", name=None, tags={})
        os._exit(0)
    print(pid, flush=True)
    sys.stdin.readline()  # until it is waited for, its number is nobody else's
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""


def sound(path) -> bool:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()


def test_twelve_first_ever_processes_at_one_new_store_all_succeed(tmp_path, monkeypatch):
    monkeypatch.setenv("NBPROJ_CACHE_DIR", str(tmp_path / "cache"))  # first ever: not even the blueprint exists
    uri = database_uri(tmp_path / "store" / "mlflow.db")
    (tmp_path / "store").mkdir()
    crowd = [warm.Popen([sys.executable, "-c", OPEN, uri], stderr=subprocess.PIPE, text=True) for _ in range(12)]
    errors = [process.communicate(timeout=280)[1] for process in crowd]
    assert ([process.returncode for process in crowd], errors) == ([0] * 12, [""] * 12)
    store = open_store(uri)
    assert [run.status for run in store.search_runs()] == ["FINISHED"] * 12
    assert len({run.experiment_id for run in store.search_runs()}) == 1
    assert sound(tmp_path / "store" / "mlflow.db")
    assert {path.name for path in (tmp_path / "store").iterdir()} <= {"mlflow.db", "mlruns"}


@pytest.mark.parametrize("blueprint", ["kept", "to be made"])
def test_a_store_whose_maker_was_killed_at_any_instant_is_whole_for_the_next_one(tmp_path, monkeypatch, blueprint):
    monkeypatch.setenv("NBPROJ_CACHE_DIR", str(tmp_path / "cache"))
    if blueprint == "kept":
        (tmp_path / "first").mkdir()
        open_store(database_uri(tmp_path / "first" / "mlflow.db"))
    whole = 1.5 if blueprint == "to be made" else 0.12
    seeded = random.Random(7)
    with subprocess.Popen([sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        killed = 0
        for number in range(8 if blueprint == "to be made" else 30):
            if blueprint == "to be made":
                shutil.rmtree(tmp_path / "cache", ignore_errors=True)
            folder = tmp_path / str(number)
            folder.mkdir()
            parent.stdin.write(f"{database_uri(folder / 'mlflow.db')}\t{tmp_path / 'log'}\n")
            parent.stdin.flush()
            pid = int(parent.stdout.readline())
            time.sleep(seeded.uniform(0, whole))
            os.kill(pid, signal.SIGKILL)
            parent.stdin.write("\n")
            parent.stdin.flush()
            assert parent.stdout.readline() == "ended\n"
            store = open_store(database_uri(folder / "mlflow.db"))
            killed += len(store.search_runs()) == 0
            store.create_run(store.experiment(name="x"), name=None, tags={})
            assert sound(folder / "mlflow.db")
            assert {path.name for path in folder.iterdir()} <= {"mlflow.db", "mlflow.db-journal"}
        parent.stdin.close()
    assert killed > 0


def test_a_database_that_stays_locked_is_out_of_reach_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(mlflow_store, "LOCKED_SECONDS", 1.0)
    store = open_store(database_uri(tmp_path / "mlflow.db"))
    run = store.create_run("0", name=None, tags={})
    connection = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    safety = threading.Timer(60, connection.rollback)
    safety.start()
    start = time.monotonic()
    try:
        with pytest.raises(StoreUnreachableError, match="is locked by another program") as caught:
            store.set_tags(run.run_id, {"k": "v"})
    finally:
        safety.cancel()
        connection.execute("ROLLBACK")
        connection.close()
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 45
