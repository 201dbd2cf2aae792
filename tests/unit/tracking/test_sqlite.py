"""What is done directly in a SQLite store is what MLflow's library would have done."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from nbproj.errors import StoreError
from nbproj.tracking.mlflow_store import MlflowStore, open_store
from nbproj.tracking.opening import open_run
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


def columns(database, run_id):
    """Return what the database holds of a run, but for what differs from one to the next."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        run = dict(connection.execute("SELECT * FROM runs WHERE run_uuid = ?", (run_id,)).fetchone())
        tags = sorted(tuple(row) for row in connection.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run_id,)))
        params = sorted(tuple(row) for row in connection.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run_id,)))
    assert run.pop("run_uuid") in run["artifact_uri"]
    return {**run, "artifact_uri": run["artifact_uri"].replace(run_id, "ID")}, tags, params


def test_an_opened_run_reads_as_the_library_writes_it(store, database, monkeypatch):
    experiment = store.experiment(name="other")
    tags = {"mlflow.user": "ana", "a": 'it\'s \u00e9 "quoted"\n', "mlflow.source.type": "PROJECT", "nbproj.order": "x" * 5000}
    direct = store.create_run(experiment, name="n", tags=tags, params={"alpha": "0.1", "b c": ""})
    assert direct.params == {"alpha": "0.1", "b c": ""}
    monkeypatch.setattr("nbproj.tracking.mlflow_store.open_run", lambda *_: None)
    library = store.create_run(experiment, name="n", tags=tags, params={"alpha": "0.1", "b c": ""})
    assert library.params == {}
    store.log_params(library.run_id, {"alpha": "0.1", "b c": ""})
    one, other = columns(database, direct.run_id), columns(database, library.run_id)
    assert abs(one[0].pop("start_time") - other[0].pop("start_time")) < 60_000
    assert one == other
    read = store.get_run(direct.run_id)
    assert (direct.tags, direct.artifact_uri, direct.name, direct.status) == (read.tags, read.artifact_uri, read.name, read.status)


def test_a_run_without_a_name_gets_one_as_the_library_makes_them_up(store):
    run = store.create_run(store.experiment(), name=None, tags={})
    assert run.name
    assert store.get_run(run.run_id).tags["mlflow.runName"] == run.name
    assert store.create_run(store.experiment(), name=None, tags={"mlflow.runName": "given"}).name == "given"


def test_what_the_library_would_refuse_is_left_for_it_to_refuse(store, database):
    plain = (database, store.experiment(), "ana", 1)
    assert open_run(*plain, "one name", {"mlflow.runName": "another"}, {}) is None
    assert open_run(*plain, None, {"a/../b": "1"}, {}) is None
    assert open_run(*plain, None, {}, {"": "1"}) is None
    assert open_run(*plain, None, {}, {"x": object()}) is None
    assert open_run(database, "99", "ana", 1, None, {}, {}) is None
    assert open_run(database, "no number", "ana", 1, None, {}, {}) is None
    assert open_run(database.with_name("gone.db"), "0", "ana", 1, None, {}, {}) is None
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def test_artifacts_are_where_the_library_puts_them_and_never_outside(store, tmp_path):
    file = tmp_path / "file.txt"
    file.write_text("text")
    file.chmod(0o640)
    direct, library = (store.create_run(store.experiment(), name=None, tags={}) for _ in range(2))
    store.log_artifacts(direct.run_id, {"run/other.txt": file, "plain.txt": file, "odd name é.txt": file})
    odd = MlflowStore(store.uri, store._backing)
    odd._artifacts(library.run_id).log_artifact(str(file), "run")
    folder = tmp_path / "a #?b" / "mlruns" / "0" / direct.run_id / "artifacts"
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["odd name é.txt", "other.txt", "plain.txt"]
    assert store.list_artifacts(direct.run_id) == [("odd name é.txt", 4), ("plain.txt", 4), ("run/other.txt", 4)]
    theirs = folder.parents[1] / library.run_id / "artifacts" / "run" / "file.txt"
    ours = folder / "run" / "other.txt"
    assert (ours.stat().st_mode, ours.stat().st_mtime_ns) == (theirs.stat().st_mode, theirs.stat().st_mtime_ns)
    (folder / "away").symlink_to(tmp_path)
    with pytest.raises(StoreError):
        store.log_artifacts(direct.run_id, {"away/escaped.txt": file})
    assert not (tmp_path / "escaped.txt").exists()


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
