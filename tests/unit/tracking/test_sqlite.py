"""What is done directly in a SQLite store is what MLflow's library would have done."""

from __future__ import annotations

import sqlite3

import pytest

from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.sqlite import close_run, status_of


@pytest.fixture
def database(tmp_path):
    """A store in a folder with an odd name."""
    (tmp_path / "a #?b").mkdir()
    return tmp_path / "a #?b" / "mlflow.db"


@pytest.fixture
def store(database):
    """The store, opened by MLflow's library."""
    from nbproj.tracking.location import database_uri

    return open_store(database_uri(database))


def test_a_closed_run_reads_as_the_library_writes_it(store, database):
    direct, library = (store.create_run(store.experiment(), name="n", tags={"kept": "1", "nbproj.exit_code": "old"}) for _ in range(2))
    tags = {"nbproj.exit_code": "3", "nbproj.reason": 'it\'s \u00e9 "quoted"\n'}
    assert close_run(database, direct.run_id, "FAILED", 1234, tags)
    store.set_tags(library.run_id, tags)
    store.set_status(library.run_id, "FAILED", end_time=1234)
    one, other = store.get_run(direct.run_id), store.get_run(library.run_id)
    assert (one.status, one.end_time, one.tags, one.name) == (other.status, other.end_time, other.tags, other.name)
    assert status_of(database, direct.run_id) == "FAILED"


def test_what_is_not_plain_is_left_to_the_library(store, database, tmp_path):
    import mlflow

    run = store.create_run(store.experiment(), name=None, tags={})
    assert not close_run(database, "0" * 32, "FINISHED", 1, {})
    assert status_of(database, "0" * 32) is None
    mlflow.MlflowClient(store.uri).delete_run(run.run_id)
    assert not close_run(database, run.run_id, "FINISHED", 1, {})
    assert not close_run(tmp_path / "gone.db", run.run_id, "FINISHED", 1, {})
    assert not (tmp_path / "gone.db").exists()
    other = tmp_path / "other.db"
    sqlite3.connect(other).close()
    other.write_bytes(b"no database")
    assert not close_run(other, run.run_id, "FINISHED", 1, {})
    assert status_of(other, run.run_id) is None


def test_a_refused_tag_leaves_the_status_as_it_was(store, database):
    run = store.create_run(store.experiment(), name=None, tags={})
    assert not close_run(database, run.run_id, "FINISHED", 1, {"x": object()})
    assert status_of(database, run.run_id) == "RUNNING"
