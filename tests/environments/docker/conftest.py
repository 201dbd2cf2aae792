"""A real engine, and projects that run in containers on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker_engine import docker_engine, engine, images, untag

from nbproj.containers import LABEL

__all__ = ["docker_engine", "engine", "images"]


@pytest.fixture
def name() -> str:
    """Return the name of the test's own project, and so of its image."""
    return f"nbproj-test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def containers(engine, name) -> Iterator[Callable[[], list[str]]]:
    """Return a function that lists what containers the runs of the test's project have; the test must leave none."""

    def get() -> list[str]:
        found = engine.client.api.containers(all=True, filters={"label": [LABEL, f"nbproj.project={name}"]})
        return [one["Names"][0].lstrip("/") for one in found]

    yield get
    assert get() == []


@pytest.fixture
def container_project(engine, project, name) -> Iterator[Callable[..., Path]]:
    """Return a function that makes a project with a `docker_env`: its entry points, further lines of the environment, further files."""

    def make(entry_points: str, /, *, more: str = "", image: str | None = None, **files: str) -> Path:
        lines = [f"name: {name}", "docker_env:", f"  image: {image or engine.kernel}", *(f"  {line}" for line in more.splitlines()), "entry_points:"]
        return project("\n".join(lines) + "\n" + entry_points, **files)

    yield make
    untag(engine.client, name)
