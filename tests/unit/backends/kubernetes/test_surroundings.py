"""Which stores pods reach, and by which address."""

from __future__ import annotations

import pytest

from nbproj.backends.kubernetes.reference import JobReference
from nbproj.backends.kubernetes.surroundings import refuse_store, tracking_address
from nbproj.errors import BackendError
from nbproj.tracking.settlement import JOB_TAG


@pytest.mark.parametrize("uri", ["sqlite:////runs/mlflow.db", "file:///runs", "/runs", "postgresql://host/db"])
def test_a_store_without_a_server_is_refused_with_what_to_set(uri):
    with pytest.raises(BackendError, match="set MLFLOW_TRACKING_URI to a tracking server"):
        refuse_store(uri)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:5000", "http://localhost:5000", "http://[::1]:5000"])
def test_a_server_that_only_this_machine_reaches_needs_another_address(uri, monkeypatch):
    with pytest.raises(BackendError, match="which only this machine reaches"):
        refuse_store(uri)
    monkeypatch.setenv("KUBE_MLFLOW_TRACKING_URI", "http://mlflow.team:5000")
    refuse_store(uri)
    assert tracking_address(uri) == "http://mlflow.team:5000"


def test_an_address_that_pods_reach_is_left_as_it_is():
    refuse_store("https://mlflow.example.org")
    assert tracking_address("https://mlflow.example.org") == "https://mlflow.example.org"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"host": "h"}', '{"host": "h", "context": null, "namespace": "n", "name": "j", "uid": "u", "patience": "x"}']
)
def test_a_tag_that_names_no_job_is_none(text):
    assert JobReference.of_tags({JOB_TAG: text}) is None
    assert JobReference.of_tags({}) is None
