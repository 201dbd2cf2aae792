"""Panels over stores that are made once: on an empty page of the browser, and in notebooks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from many_runs import many_runs
from panel_page import Pipe

from nbproj.widgets.runs import panel


@pytest.fixture(scope="session")
def ten_thousand(tmp_path_factory) -> str:
    """Return the address of a store with 10,000 runs."""
    return many_runs(tmp_path_factory.mktemp("store") / "mlflow.db", 10_000)


@pytest.fixture(scope="session")
def few(tmp_path_factory) -> str:
    """Return the address of a store with 600 runs in three batches, for tests that only look."""
    return many_runs(tmp_path_factory.mktemp("few") / "mlflow.db", 600)


@pytest.fixture
def own(few, tmp_path: Path) -> str:
    """Return the address of a store like `few`, which the test may change."""
    return f"sqlite:///{shutil.copy(few.removeprefix('sqlite:///'), tmp_path / 'own.db')}"


@pytest.fixture
def show(visit) -> Iterator[Callable[..., Pipe]]:
    """Return a function that shows a panel on an empty page: it takes a store's address, what `nbproj.panel` takes, and `color_scheme`."""
    panels = []

    def make(uri: str, *, color_scheme: str = "light", width: int = 1200, **asked: object) -> Pipe:
        visited = visit(width=width, height=1000, color_scheme=color_scheme)
        panels.append(panel(tracking_uri=uri, **asked))
        pipe = Pipe(panels[-1], visited.page)
        pipe.load()
        pipe.show()
        pipe.complaints = visited.complaints
        pipe.requested = visited.requested
        return pipe

    yield make
    for one in panels:
        one.close()
