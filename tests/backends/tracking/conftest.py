import pytest


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _one_cache(home, shared_cache, monkeypatch):
    monkeypatch.setenv("NBPROJ_CACHE_DIR", str(shared_cache))
