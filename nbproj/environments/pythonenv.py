"""A `python_env.yaml`: the version of Python, what packages are built with, and the packages (MLflow's format)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nbproj.environments.blame import at, blamed_in
from nbproj.environments.requirements import Requirements, read_lines
from nbproj.errors import EnvironmentPreparationError, suggestion
from nbproj.project.document import read_document
from nbproj.project.model import Place
from nbproj.project.node import Node

__all__ = ["PythonEnv", "read_python_env"]

_KEYS = ("python", "build_dependencies", "dependencies")


@dataclass(frozen=True, slots=True)
class PythonEnv:
    """What such a file says.

    Parameters
    ----------
    python : str, optional
        The version.
    place : Place
        Where it stands.
    build : Requirements
        Installed first.
    requirements : Requirements
        Installed then.
    """

    python: str | None
    place: Place
    build: Requirements
    requirements: Requirements


def read_python_env(name: str, root: Path, path: Path) -> PythonEnv:
    """Return what a `python_env.yaml` says.

    Parameters
    ----------
    name : str
        Its path in the project.
    root : Path
        The project's folder; the paths of `-r` start there.
    path : Path
        The file.

    Raises
    ------
    EnvironmentPreparationError
        It is wrong, with the place.
    """
    with blamed_in(name):
        document = read_document(path)
        fields = document.fields(name) if document is not None else {}
    for key, pair in fields.items():
        if key not in _KEYS:
            msg = f"{key!r} is no key of a Python environment.{suggestion(key, _KEYS)} Known: {', '.join(_KEYS)}"
            raise EnvironmentPreparationError(msg, place=at(name, pair.key))
    given = {key: pair.value for key, pair in fields.items() if not pair.value.is_null}
    wanted = given.get("python")
    if wanted is not None and wanted.kind != "scalar":
        msg = f"'python' is {wanted.description}, where a version belongs, such as '3.12'"
        raise EnvironmentPreparationError(msg, place=at(name, wanted))
    return PythonEnv(
        wanted.text if wanted is not None else None,  # as it is written: YAML's 3.10 would be 3.1
        at(name, wanted) if wanted is not None else Place(name),
        *(read_lines(_lines(given.get(key), key, name), root) for key in ("build_dependencies", "dependencies")),
    )


def _lines(node: Node | None, key: str, name: str) -> list[tuple[str, Place]]:
    if node is None:
        return []
    if node.kind != "list":
        msg = f"{key!r} is {node.description}, where a list belongs"
        raise EnvironmentPreparationError(msg, place=at(name, node))
    for item in node.items:
        if item.kind != "scalar" or item.is_null:
            msg = f"an element of {key!r} is {item.description}, where a requirement belongs"
            raise EnvironmentPreparationError(msg, place=at(name, item))
    return [(item.text, at(name, item)) for item in node.items]
