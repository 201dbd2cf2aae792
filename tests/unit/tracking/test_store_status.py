"""The status alone, as the end of every run asks for it."""

from __future__ import annotations

import pytest

from nbproj.errors import StoreError
from nbproj.tracking.mlflow_store import open_store


def test_the_status_is_the_one_that_the_whole_record_tells(tmp_path):
    (tmp_path / "a folder").mkdir()
    store = open_store(f"sqlite:///{tmp_path}/a folder/mlflow.db")
    run = store.create_run(store.experiment(), name=None, tags={})
    for status in ("RUNNING", "FINISHED", "KILLED", "RUNNING", "FAILED"):
        store.set_status(run.run_id, status)
        assert store.get_status(run.run_id) == status == store.get_run(run.run_id).status


def test_a_run_that_is_not_there_is_refused(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(StoreError):
        store.get_status("0" * 32)


def test_asking_a_store_that_was_removed_does_not_make_it_again(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/mlflow.db")
    run = store.create_run(store.experiment(), name=None, tags={})
    (tmp_path / "mlflow.db").unlink()
    assert store.get_status(run.run_id) == "RUNNING"  # MLflow still holds the removed file open
    assert not (tmp_path / "mlflow.db").exists()
