from pathlib import Path

import pytest

from nbproj.tracking.location import database_uri
from nbproj.tracking.mlflow_store import open_store


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _one_cache(home, shared_cache, monkeypatch):
    # The first database of an MLflow version takes a second to make; the tests share it, as a user's projects do.
    monkeypatch.setenv("NBPROJ_CACHE_DIR", str(shared_cache))


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return database_uri(tmp_path / "mlflow.db")


@pytest.fixture
def store(uri):
    return open_store(uri)


@pytest.fixture
def run(store):
    return store.create_run("0", name="a run", tags={"mlflow.user": "eva"})
