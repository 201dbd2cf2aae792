"""A workspace as its API is documented, a real tracking server, and projects that run there."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from databricks_service import TOKEN, Service, serving

from nbproj.tracking.store import RunRecord, Store

CLUSTER = {"spark_version": "15.4.x-scala2.12", "node_type_id": "i3.xlarge", "aws_attributes": {"availability": "ON_DEMAND"}, "num_workers": 4}


@pytest.fixture
def service(tmp_path, monkeypatch) -> Iterator[Service]:
    """Return a workspace with nothing in it, and the login for it in the environment."""
    with serving(tmp_path / "workspace") as one:
        monkeypatch.setenv("DATABRICKS_HOST", one.url)
        monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
        yield one


@pytest.fixture
def store(mlflow_server, monkeypatch) -> Store:
    """Return the server's store; every command of the test uses it, and an experiment of its own."""
    from nbproj.tracking.mlflow_store import open_store

    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", f"test-{uuid.uuid4().hex[:8]}")
    return open_store(mlflow_server.uri)


@pytest.fixture
def runs(store) -> Callable[[], list[RunRecord]]:
    """Return a function that gives the runs of the test's experiment, the oldest first."""

    def get() -> list[RunRecord]:
        return store.search_runs([store.experiment(name=os.environ["MLFLOW_EXPERIMENT_NAME"])])[::-1]

    return get


@pytest.fixture
def cluster(mlflow_server) -> dict[str, Any]:
    """Return the specification of a new cluster, on which the tracking server has the address that it has here."""
    return {**CLUSTER, "spark_env_vars": {"MLFLOW_TRACKING_URI": mlflow_server.uri}}


@pytest.fixture
def run(service, store, cluster, monkeypatch) -> Callable[..., Any]:
    """Return a function that runs a project on the workspace, in this process, and looks at it often; events are kept in its `events`."""
    import nbproj
    from nbproj.backends.databricks import execution

    monkeypatch.setattr(execution, "_LONGEST_PAUSE", 0.3)

    events: list[Any] = []

    def start(folder: Path | str, entry_point: str = "main", *, config: object = None, **options: Any) -> Any:
        events.clear()
        config = cluster if config is None else config
        return nbproj.run(str(folder), entry_point, backend="databricks", backend_config=config, progress=events.append, **options)

    start.events = events  # type: ignore[attr-defined]
    return start
