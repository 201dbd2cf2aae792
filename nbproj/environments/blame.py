"""Where something is wrong in the files that describe an environment: what the rooms below find becomes its refusal, with the place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from nbproj.errors import EnvironmentPreparationError, ProjectError
from nbproj.project.model import Place
from nbproj.project.node import Node

__all__ = ["at", "blamed", "blamed_in"]


def at(name: str, node: Node) -> Place:
    """Return the place of a node of a file's YAML."""
    return Place(name, node.place.line, node.place.column)


@contextlib.contextmanager
def blamed(place: Place | None) -> Iterator[None]:
    """Say what a block finds wrong with a project of a place that the block does not know.

    Raises
    ------
    EnvironmentPreparationError
        The block raised a `ProjectError`.
    """
    try:
        yield
    except ProjectError as error:
        raise EnvironmentPreparationError(error.message, place=place) from None


@contextlib.contextmanager
def blamed_in(name: str) -> Iterator[None]:
    """Say what a block finds wrong in a file under the file's path in the project, with line and column.

    Raises
    ------
    EnvironmentPreparationError
        The block raised a `ProjectError`.
    """
    try:
        yield
    except ProjectError as error:
        place = error.place if isinstance(error.place, Place) else Place(name)
        raise EnvironmentPreparationError(error.message, place=Place(name, place.line, place.column)) from None
