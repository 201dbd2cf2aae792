from pathlib import Path

import pytest

from nbproj.tracking.location import database_uri
from nbproj.tracking.mlflow_store import open_store


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return database_uri(tmp_path / "mlflow.db")


@pytest.fixture
def store(uri):
    return open_store(uri)


@pytest.fixture
def run(store):
    return store.create_run("0", name="a run", tags={"mlflow.user": "eva"})
