import logging
import math
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbproj.errors import StoreError
from nbproj.tracking.location import database_uri
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.store import Metric, RunNotFoundError


def test_a_run_is_created_running_with_all_its_tags(store):
    run = store.create_run("0", name="first", tags={"mlflow.user": "eva", "nbproj.owner": "{}"})
    assert (run.status, run.name, run.tags["nbproj.owner"], run.tags["mlflow.user"]) == ("RUNNING", "first", "{}", "eva")
    assert store.get_run(run.run_id) == run


def test_what_is_recorded_is_read_back(store, run):
    store.log_params(run.run_id, {"alpha": "0.5", "text": "a\nb", "none": ""})
    store.log_metrics(run.run_id, [Metric("loss", 0.5, 1, 0), Metric("loss", 0.25, 2, 1), Metric("nan", math.nan, 1), Metric("inf", math.inf, 1)])
    store.set_tags(run.run_id, {"k": "1"})
    store.set_tags(run.run_id, {"k": "2"})
    store.set_status(run.run_id, "FINISHED", end_time=7)
    found = store.get_run(run.run_id)
    assert found.params == {"alpha": "0.5", "text": "a\nb", "none": ""}
    assert found.metrics["loss"] == 0.25
    assert math.isnan(found.metrics["nan"])
    assert found.tags["k"] == "2"
    assert (found.status, found.end_time) == ("FINISHED", 7)


def test_a_terminal_status_gets_an_end_time_and_running_gets_none(store, run):
    assert store.get_run(run.run_id).end_time is None
    store.set_status(run.run_id, "KILLED")
    assert store.get_run(run.run_id).end_time >= run.start_time


def test_hundreds_of_values_are_recorded_in_batches(store, run):
    store.log_params(run.run_id, {f"p{number}": "ü" * 6000 for number in range(250)})
    store.set_tags(run.run_id, {f"t{number}": "v" for number in range(250)})
    store.log_metrics(run.run_id, [Metric("m", float(step), step, step) for step in range(2500)])
    found = store.get_run(run.run_id)
    assert len(found.params) == 250
    assert sum(name.startswith("t") for name in found.tags) == 250
    assert found.metrics["m"] == 2499


def test_values_that_no_database_holds_are_replaced_and_long_ones_cut_with_a_mark(store, run):
    store.log_params(run.run_id, {"odd": "a\0b\ud800c\x1b[31m\u202e😀", "long": "x" * 10_000})
    store.set_tags(run.run_id, {"odd": "\0", "long": "y" * 10_000})
    found = store.get_run(run.run_id)
    assert found.params["odd"] == "a\u2400b\ufffdc\x1b[31m\u202e😀"
    assert len(found.params["long"]) == 6000
    assert found.params["long"].endswith("... [cut: 10000 characters]")
    assert found.tags["odd"] == "\u2400"
    assert len(found.tags["long"]) == 8000


def test_the_same_parameter_may_be_recorded_again_but_not_changed(store, run):
    store.log_params(run.run_id, {"alpha": "1"})
    store.log_params(run.run_id, {"alpha": "1"})
    with pytest.raises(StoreError, match="Changing param values is not allowed"):
        store.log_params(run.run_id, {"alpha": "2"})


def test_an_experiment_is_found_by_name_created_when_absent_and_by_id_only_when_it_exists(store):
    made = store.experiment(name="x y")
    assert store.experiment(name="x y") == made
    assert store.experiment(experiment_id=made) == made
    assert store.experiment() == "0"
    with pytest.raises(StoreError, match="there is no experiment with id '77'"):
        store.experiment(experiment_id="77")


def test_one_new_experiment_asked_for_by_many_threads_is_made_once(uri):
    stores = [open_store(uri) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda number: stores[number % 4].experiment(name="the same"), range(16)))
    assert len(found) == 1


def test_a_deleted_experiment_is_refused(store, tmp_path):
    made = store.experiment(name="old")
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE experiment_id = ?", (made,))
    connection.close()
    with pytest.raises(StoreError, match="was deleted: restore it"):
        store.experiment(name="old")


def test_artifacts_are_kept_under_the_paths_given_beside_the_database(store, run, tmp_path):
    (tmp_path / "other name").write_text("hello")
    store.log_artifacts(run.run_id, {"run/output.log": tmp_path / "other name", "odd #?%20 näme.txt": tmp_path / "other name"})
    assert store.list_artifacts(run.run_id) == [("odd #?%20 näme.txt", 5), ("run/output.log", 5)]
    assert Path(run.artifact_uri).is_relative_to(tmp_path / "mlruns")
    (tmp_path / "to").mkdir()
    assert store.download_artifact(run.run_id, "run/output.log", tmp_path / "to").read_text() == "hello"


def test_a_file_that_cannot_be_stored_does_not_keep_the_others(store, run, tmp_path):
    (tmp_path / "good").write_text("x")
    with pytest.raises(StoreError, match="'missing'"):
        store.log_artifacts(run.run_id, {"missing": tmp_path / "nowhere", "good": tmp_path / "good"})
    with pytest.raises(StoreError, match="escape"):
        store.log_artifacts(run.run_id, {"../../escape": tmp_path / "good"})
    assert store.list_artifacts(run.run_id) == [("good", 1)]


@pytest.mark.parametrize("name", ["a b", "a%20b", "a#b", "a?b", "ü'\""])
def test_a_store_works_in_a_folder_of_any_name(tmp_path, name):
    (tmp_path / name).mkdir()
    store = open_store(database_uri(tmp_path / name / "mlflow.db"))
    run = store.create_run(store.experiment(name="x"), name=None, tags={})
    (tmp_path / "file").write_text("1")
    store.log_artifacts(run.run_id, {"file": tmp_path / "file"})
    assert store.list_artifacts(run.run_id) == [("file", 1)]
    assert {path.name for path in tmp_path.iterdir()} == {name, "file"}
    assert {path.name for path in (tmp_path / name).iterdir()} == {"mlflow.db", "mlruns"}


def test_the_record_does_not_depend_on_the_working_folder(tmp_path, monkeypatch):
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        monkeypatch.chdir(tmp_path / str(number))
        store = open_store(database_uri(tmp_path / "mlflow.db"))
        run = store.create_run(store.experiment(name=f"experiment {number}"), name=None, tags={})
        assert Path(run.artifact_uri).is_relative_to(tmp_path / "mlruns")


def test_runs_are_found_by_mlflows_filter_language(store):
    for number in range(3):
        store.create_run(store.experiment(name=f"e{number}"), name=None, tags={"mine": str(number)})
    assert len(store.search_runs()) == 3
    assert [run.tags["mine"] for run in store.search_runs(filter_string="tags.mine = '1'")] == ["1"]
    assert len(store.search_runs([store.experiment(name="e2")])) == 1
    assert len(store.search_runs(limit=2)) == 2
    assert store.search_runs([]) == []
    with pytest.raises(StoreError, match="refuses to search runs"):
        store.search_runs(filter_string="this is not a filter")


def test_more_runs_than_a_page_are_found(store, tmp_path):
    store.create_run("0", name=None, tags={})
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(runs)") if row[1] != "run_uuid"]
        for number in range(1100):
            connection.execute(
                f"INSERT INTO runs (run_uuid, {', '.join(columns)}) SELECT ?, {', '.join(columns)} FROM runs LIMIT 1", (f"{number:032x}",)
            )
    connection.close()
    assert len(store.search_runs(limit=5000)) == 1101


def test_an_unknown_and_a_deleted_run_are_said_to_be_gone(store, run, tmp_path):
    for ask in (store.get_run, lambda run_id: store.set_tags(run_id, {"k": "v"}), lambda run_id: store.set_status(run_id, "KILLED")):
        with pytest.raises(RunNotFoundError, match="knows no such run"):
            ask("0" * 32)
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("UPDATE runs SET lifecycle_stage = 'deleted'")
    connection.close()
    with pytest.raises(RunNotFoundError, match="deleted"):
        store.set_status(run.run_id, "KILLED")


def test_two_threads_may_record_at_once(store):
    def work(number):
        run = store.create_run("0", name=None, tags={})
        for step in range(10):
            store.log_metrics(run.run_id, [Metric("m", float(step), step, step)])
            store.set_tags(run.run_id, {"t": str(step)})
        store.set_status(run.run_id, "FINISHED")
        return store.get_run(run.run_id)

    with ThreadPoolExecutor(4) as pool:
        assert {(run.status, run.tags["t"]) for run in pool.map(work, range(8))} == {("FINISHED", "9")}


def test_a_database_that_is_locked_for_a_moment_is_waited_for(store, run, tmp_path):
    connection = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(1.0, lambda: connection.execute("COMMIT"))
    release.start()
    store.set_tags(run.run_id, {"k": "v"})
    release.join()
    connection.close()
    assert store.get_run(run.run_id).tags["k"] == "v"


def test_a_removed_database_is_made_anew_and_not_written_to_where_it_was(uri, tmp_path):
    first = open_store(uri).create_run("0", name=None, tags={})
    (tmp_path / "mlflow.db").unlink()
    store = open_store(uri)
    with pytest.raises(RunNotFoundError):
        store.get_run(first.run_id)
    run = store.create_run("0", name=None, tags={})
    connection = sqlite3.connect(tmp_path / "mlflow.db")
    assert connection.execute("SELECT run_uuid FROM runs").fetchall() == [(run.run_id,)]
    connection.close()


def test_a_missing_database_is_not_made_for_the_sake_of_an_old_run(uri, tmp_path):
    with pytest.raises(RunNotFoundError, match="is gone"):
        open_store(uri, create=False)
    assert list(tmp_path.iterdir()) == []


def refused(uri: str) -> str:
    with pytest.raises(StoreError) as caught:
        open_store(uri)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_that_is_no_database_is_refused_and_left_alone(uri, tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"these are my notes, " * 100)
    assert "is not a tracking database" in refused(uri)
    assert (tmp_path / "mlflow.db").read_bytes() == b"these are my notes, " * 100


def test_a_database_of_something_else_is_refused_and_left_alone(uri, tmp_path):
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = (tmp_path / "mlflow.db").read_bytes()
    assert "a database of something else" in refused(uri)
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_a_damaged_database_is_refused(store, uri, tmp_path):
    shutil.copyfile(tmp_path / "mlflow.db", tmp_path / "damaged.db")
    with (tmp_path / "damaged.db").open("r+b") as stream:
        stream.seek(100)
        stream.write(b"\xff" * 4000)
    assert "is damaged" in refused(database_uri(tmp_path / "damaged.db"))


def test_an_older_schema_is_refused_with_the_command_that_upgrades_it_and_not_migrated(store, uri, tmp_path):
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
        connection.execute("DROP TABLE trace_tags")
    connection.close()
    before = (tmp_path / "mlflow.db").read_bytes()
    assert "mlflow db upgrade" in refused(uri)
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_a_newer_schema_is_refused_as_such(store, uri, tmp_path):
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'fedcba987654'")
    connection.close()
    assert "was made by a newer MLflow (schema fedcba987654)" in refused(uri)


def test_a_folder_in_the_place_of_the_database_a_missing_folder_and_one_that_takes_no_files_are_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    assert "is a folder" in refused(database_uri(tmp_path / "folder"))
    assert "there is no folder" in refused(database_uri(tmp_path / "missing" / "mlflow.db"))
    assert not (tmp_path / "missing").exists()
    if sys.platform == "linux":  # a file system in which nobody, not even root, makes files
        assert "cannot be opened" in refused("sqlite:////proc/self/mlflow.db")


def test_a_read_only_database_is_read_but_not_written(store, run, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_backing", ReadOnly(store._backing))
    with pytest.raises(StoreError, match="it is read-only"):
        store.set_tags(run.run_id, {"k": "v", "l": "w"})


class ReadOnly:
    """The user who runs tests may be root, for whom no file is read-only: SQLite is told to refuse writes instead."""

    def __init__(self, backing):
        self.backing = backing

    def log_batch(self, *args, **kwargs):
        from sqlalchemy import event

        def refuse(connection, _record, _proxy):
            connection.execute("PRAGMA query_only = ON")

        event.listen(self.backing.engine, "checkout", refuse)
        try:
            self.backing.log_batch(*args, **kwargs)
        finally:
            event.remove(self.backing.engine, "checkout", refuse)
            self.backing.engine.dispose()


def test_a_file_store_is_used_where_its_address_says_so(tmp_path, monkeypatch):
    store = open_store((tmp_path / "mlruns").as_uri())
    run = store.create_run(store.experiment(name="x"), name="n", tags={"k": "v"})
    store.log_params(run.run_id, {"a": "1"})
    store.set_status(run.run_id, "FINISHED")
    assert (store.get_run(run.run_id).status, store.get_run(run.run_id).params) == ("FINISHED", {"a": "1"})


def test_an_unknown_kind_of_address_is_one_line():
    told = refused("ftp://eva:secret@host/x")
    assert told.startswith("the tracking store ftp://host/x is of a kind that is not known here: give a path, or an address that begins with sqlite:")
    assert "secret" not in told


def test_neither_opening_nor_errors_print_or_log_anything(tmp_path):
    code = """
import sys
from pathlib import Path
from nbproj.tracking.mlflow_store import open_store
store = open_store("sqlite:///" + sys.argv[1])
try:
    store.get_run("0" * 32)
except Exception as error:
    assert "knows no such run" in str(error)
"""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "NBPROJ_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "mlflow.db")], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_users_own_mlflow_logs_stay_as_they_were(store, caplog):
    import mlflow

    logging.getLogger("mlflow").propagate = True
    with caplog.at_level(logging.INFO, "mlflow"):
        logging.getLogger("mlflow.mine").info("hello from %s", mlflow.__name__)
    assert "hello from mlflow" in caplog.text


def test_importing_the_room_imports_no_heavy_library():
    rooms = ", ".join(f"nbproj.tracking.{name}" for name in ("mlflow_store", "settlement", "spool", "redact", "location"))
    code = f"import sys, {rooms}\n"
    code += "print([name for name in ('mlflow', 'sqlalchemy', 'alembic', 'requests', 'pandas', 'filelock', 'psutil') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
