"""Run ids and experiments from a store that is a SQLite file."""

from __future__ import annotations

import socket
import sqlite3
import time

import pytest

from nbproj.tracking.mlflow_store import open_store


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> str:
    """Return a cache for the tests of a module: the first store of an MLflow version takes a second to make."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def runs(work, cache, monkeypatch) -> list[str]:
    """Make a store with two runs, one of them deleted beside them, and return the ids of the living ones, the newest first."""
    monkeypatch.setenv("NBPROJ_CACHE_DIR", cache)
    store = open_store(f"sqlite:///{work}/mlflow.db")
    wine = store.experiment(name="wine tasting")
    found = [store.create_run(wine, name=name, tags={}).run_id for name in ("first", "second", "gone")]
    with sqlite3.connect(work / "mlflow.db") as connection:
        for at, run_id in enumerate(found):
            connection.execute("UPDATE runs SET start_time = ? WHERE run_uuid = ?", (1_700_000_000_000 + at, run_id))
        connection.execute("UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = ?", (found[2],))
    connection.close()
    return [found[1], found[0]]


def test_the_latest_runs_come_first(runs, complete):
    assert complete("nbproj run project --run-id ") == runs
    assert complete(f"nbproj run project --run-id {runs[1][:9]}") == [runs[1]]


def test_experiments_by_name_and_id(runs, complete):
    assert complete("nbproj run project --experiment-name w") == ["wine tasting"]
    assert "1" in complete("nbproj run project --experiment-id ")


def test_another_store_may_be_named(runs, complete, work):
    (work / "mlflow.db").rename(work / "other.db")
    assert complete("nbproj run project --run-id ") == []
    assert complete("nbproj run project --tracking-uri other.db --run-id ") == runs


def test_looking_makes_and_changes_nothing(runs, complete, work):
    before = (work / "mlflow.db").read_bytes()
    complete("nbproj run project --run-id ")
    assert (work / "mlflow.db").read_bytes() == before
    (work / "mlflow.db").unlink()
    assert complete("nbproj run project --run-id ") == []
    assert not (work / "mlflow.db").exists()


def test_a_server_is_not_asked(complete, monkeypatch):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert complete("nbproj run project --run-id ") == []
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_locked_store_is_given_up(runs, complete, work):
    connection = sqlite3.connect(work / "mlflow.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    start = time.monotonic()
    assert complete("nbproj run project --run-id ") == []
    assert time.monotonic() - start < 15  # the connection is locked for as long as the test lasts
    connection.close()


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 200])
def test_what_is_no_store_has_no_runs(content, complete, work):
    (work / "mlflow.db").write_bytes(content)
    assert complete("nbproj run project --run-id ") == []
