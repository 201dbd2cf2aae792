"""Packages without a network, Pythons of this machine, and environments in a cache of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from backends.conftest import cli, mark, nobody_left, notebook, only_run, project, store
from environments.conda_channel import conda
from environments.contract import CASES, Case
from environments.wheelhouse import Hurdle, wheelhouse
from interpreters import Interpreter, others

from nbproj.environments.cache import EnvironmentCache
from nbproj.progress import Event

__all__ = ["cli", "conda", "mark", "nobody_left", "notebook", "only_run", "project", "store"]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the packages that are made for the tests."""
    return wheelhouse(tmp_path_factory.mktemp("wheels"))


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch, wheels: Path) -> Path:
    """Let installers look into the tests' own packages only; return their folder."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA", "UV_FIND", "UV_CONFIG")):
            monkeypatch.delenv(name)
    (wheels / "pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {wheels}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(wheels / "pip.conf"))
    monkeypatch.setenv("WHEELS", str(wheels))
    return wheels


@pytest.fixture
def hurdle(tmp_path_factory: pytest.TempPathFactory) -> Hurdle:
    """Return what a build can be stopped at, and let go on from."""
    return Hurdle(tmp_path_factory.mktemp("hurdle"))


@pytest.fixture(scope="session")
def another_python() -> Interpreter:
    """Return a Python of this machine with another minor version than the one that runs the tests."""
    found = others()
    if not found:
        pytest.skip("platform: there is only one Python here")
    return found[-1]


@pytest.fixture
def cache(home: Path) -> EnvironmentCache:
    """Return the cache that everything in the test uses."""
    return EnvironmentCache()


@pytest.fixture(autouse=True)
def known_pythons(home: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[None]:
    """Remember, between tests, what the Pythons of this machine have answered: asking each costs a second."""
    shared = tmp_path_factory.getbasetemp() / "interpreters.json"
    own = home / ".cache" / "nbproj" / "environments" / "interpreters.json"
    if shared.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_bytes(shared.read_bytes())
    yield
    if own.exists() and not shared.exists():
        shared.write_bytes(own.read_bytes())


@pytest.fixture
def told() -> list[Event]:
    """Return a list for events: its `append` is a progress."""
    return []


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest, tmp_path: Path, no_index: Path) -> Case:
    """Return each kind of environment in turn, with a project that asks for it."""
    return CASES[request.param](tmp_path / "project")
