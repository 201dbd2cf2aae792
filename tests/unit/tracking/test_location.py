import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from nbproj.tracking.location import database_path, database_uri, label, locate


def make_project(root: Path, *parts: str) -> Path:
    (root / ".git").mkdir(parents=True)
    folder = root.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_flag_wins_over_the_environment_and_the_environment_over_the_configuration(tmp_path):
    environ = {"MLFLOW_TRACKING_URI": "http://environment"}
    assert locate("http://flag", cwd=tmp_path, environ=environ, configured="http://configured") == "http://flag"
    assert locate(cwd=tmp_path, environ=environ, configured="http://configured") == "http://environment"
    assert locate(cwd=tmp_path, environ={}, configured="http://configured") == "http://configured"


def test_an_empty_address_counts_as_none(tmp_path):
    assert locate("", cwd=tmp_path, environ={"MLFLOW_TRACKING_URI": " "}) == f"sqlite:///{tmp_path}/mlflow.db"


def test_the_address_set_in_this_process_by_mlflow_is_used_before_the_configuration(tmp_path, monkeypatch):
    import mlflow

    monkeypatch.setattr(sys.modules["mlflow.tracking._tracking_service.utils"], "_tracking_uri", None)
    assert locate(cwd=tmp_path, environ={}, configured="http://configured") == "http://configured"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://restored-by-monkeypatch")
    mlflow.set_tracking_uri("http://live")
    assert locate(cwd=tmp_path, environ={}, configured="http://configured") == "http://live"


def test_a_database_at_the_git_root_is_found_from_a_folder_below(tmp_path):
    folder = make_project(tmp_path / "project", "a", "b")
    (tmp_path / "project" / "mlflow.db").touch()
    assert locate(cwd=folder, environ={}) == f"sqlite:///{tmp_path}/project/mlflow.db"


def test_the_nearest_database_is_taken(tmp_path):
    folder = make_project(tmp_path / "project", "a", "b")
    (tmp_path / "project" / "mlflow.db").touch()
    (tmp_path / "project" / "a" / "mlflow.db").touch()
    assert locate(cwd=folder, environ={}) == f"sqlite:///{tmp_path}/project/a/mlflow.db"


def test_a_database_above_the_git_root_is_not_seen(tmp_path):
    folder = make_project(tmp_path / "project", "a")
    (tmp_path / "mlflow.db").touch()
    assert locate(cwd=folder, environ={}) == f"sqlite:///{folder}/mlflow.db"


def test_outside_git_only_the_working_folder_is_looked_at(tmp_path):
    (tmp_path / "mlflow.db").touch()
    (tmp_path / "below").mkdir()
    assert locate(cwd=tmp_path / "below", environ={}) == f"sqlite:///{tmp_path}/below/mlflow.db"


def test_a_git_root_above_home_does_not_lead_out_of_home(home):
    (home.parent / ".git").mkdir(exist_ok=True)
    try:
        (home / "mlflow.db").touch()
        assert locate(cwd=home / "work", environ={}) == f"sqlite:///{home}/work/mlflow.db"
    finally:
        (home.parent / ".git").rmdir()


def test_relative_addresses_become_absolute_from_the_working_folder(tmp_path):
    assert locate("sqlite:///x/runs.db", cwd=tmp_path, environ={}) == f"sqlite:///{tmp_path}/x/runs.db"
    assert locate("./mlruns", cwd=tmp_path, environ={}) == f"file://{tmp_path}/mlruns"
    assert locate("file:mlruns", cwd=tmp_path, environ={}) == f"file://{tmp_path}/mlruns"
    assert locate("runs.db", cwd=tmp_path, environ={}) == f"sqlite:///{tmp_path}/runs.db"


@pytest.mark.parametrize(
    "address", ["http://h:5000", "https://u:p@h/x", "databricks", "databricks://profile", "postgresql://u:p@h/db", "sqlite:///:memory:"]
)
def test_other_addresses_are_passed_on(tmp_path, address):
    assert locate(address, cwd=tmp_path, environ={}) == address


def test_a_folder_of_runs_is_a_store_only_where_mlflow_is_allowed_to_use_it(tmp_path):
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    (tmp_path / "mlruns" / "0" / "meta.yaml").touch()
    assert locate(cwd=tmp_path, environ={}) == f"sqlite:///{tmp_path}/mlflow.db"
    assert locate(cwd=tmp_path, environ={"MLFLOW_ALLOW_FILE_STORE": "true"}) == f"file://{tmp_path}/mlruns"


def test_a_folder_of_artifacts_alone_is_no_store(tmp_path):
    (tmp_path / "mlruns" / "0" / "run" / "artifacts").mkdir(parents=True)
    assert locate(cwd=tmp_path, environ={"MLFLOW_ALLOW_FILE_STORE": "true"}) == f"sqlite:///{tmp_path}/mlflow.db"


@pytest.mark.parametrize("name", ["a b", "a%20b", "100%", "a?b", "a#b", "a@b:c", "ü", "it's"])
def test_any_folder_name_survives_in_the_address(tmp_path, name):
    path = tmp_path / name / "mlflow.db"
    assert database_path(database_uri(path)) == path
    assert make_url(database_uri(path)).database == str(path)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://eva:pa/ss@host/x", "https://host/x"),
        ("http://host:5000/@team/x", "http://host:5000/@team/x"),
        ("http://token@host:5000/api?key=1#frag", "http://host:5000/api"),
        ("postgresql://eva:secret@host/db", "postgresql://host/db"),
        ("databricks://profile", "databricks://profile"),
        ("databricks", "databricks"),
    ],
)
def test_a_label_holds_no_credentials(address, shown):
    assert label(address) == shown


def test_a_label_of_a_local_store_is_relative_to_home(home):
    assert label(f"sqlite:///{home}/work/mlflow.db") == "~/work/mlflow.db"
    assert label(f"file://{home}/work/mlruns") == "~/work/mlruns"
    assert label(f"sqlite:///{home}-other/mlflow.db") == f"{home}-other/mlflow.db"
