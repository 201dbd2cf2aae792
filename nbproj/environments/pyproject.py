"""A `pyproject.toml`, and the `uv.lock` beside it: what a Python project needs, and whether it is itself a package."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbproj.environments.content import content_key
from nbproj.environments.requirements import Requirements, read_lines
from nbproj.errors import EnvironmentPreparationError
from nbproj.paths import is_inside
from nbproj.project.model import Place

__all__ = ["PythonProject", "read_pyproject"]

_LOCAL: Final = re.compile(r'source = \{ (?:editable|directory|path|virtual) = "([^"]*)" \}')
_TABLES: Final = ("project", "build-system", "dependency-groups")


@dataclass(frozen=True, slots=True)
class PythonProject:
    """What is read.

    Parameters
    ----------
    folder : Path
        Where it lies.
    python : str, optional
        `requires-python`.
    requirements : Requirements
        What it depends on, where no lock says it.
    locked : str
        What identifies the lock and what stands behind it; empty without one.
    local : tuple of Path
        Packages of the project that the lock names, the project itself not among them.
    package : bool
        The project is itself a package: it is put on top, apart, so that an edit of its code costs that layer only.
    name : str
        The project's name.
    """

    folder: Path
    python: str | None
    requirements: Requirements
    locked: str
    local: tuple[Path, ...]
    package: bool
    name: str


def read_pyproject(file: str, root: Path) -> PythonProject:
    """Return what a `pyproject.toml`, or a `uv.lock` with the one beside it, says.

    Parameters
    ----------
    file : str
        Path of either in the project.
    root : Path
        The project's folder.

    Raises
    ------
    EnvironmentPreparationError
        It is wrong; with the place.
    """
    folder = (root / file).parent
    where = str(Path(file).with_name("pyproject.toml"))
    place = Place(where)
    if not (folder / "pyproject.toml").is_file():
        msg = f"there is no pyproject.toml beside {file}"
        raise EnvironmentPreparationError(msg, place=Place(file))
    document = _load(folder / "pyproject.toml", place)
    project = document.get("project")
    if project is None:
        msg = "has no [project] table that says what it depends on"
        raise EnvironmentPreparationError(msg, place=place)
    texts = project.get("dependencies", []) if isinstance(project, dict) else None
    python = project.get("requires-python") if isinstance(project, dict) else None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts) or not isinstance(python, str | None):
        msg = "'dependencies' is no list of texts, or 'requires-python' no text"
        raise EnvironmentPreparationError(msg, place=place)
    tool = document.get("tool", {}).get("uv", {}) if isinstance(document.get("tool", {}), dict) else {}
    package = isinstance(tool, dict) and tool.get("package", "build-system" in document) is not False
    lock = folder / "uv.lock"
    shape = {**{name: document.get(name) for name in _TABLES}, "uv": tool}
    if lock.is_file():
        return PythonProject(folder, python, Requirements(), *_locked(lock, root, shape), package, str(project.get("name", folder.name)))
    if "dependencies" in project.get("dynamic", []) or (isinstance(tool, dict) and tool.get("sources")):
        # Only its builder, or uv's own reading of the sources, knows what it needs: it is one requirement among others.
        if not package:
            msg = "[tool.uv.sources] says where packages come from, and no uv.lock holds them: write it with uv lock"
            raise EnvironmentPreparationError(msg, place=place)
        return PythonProject(folder, python, read_lines([("." if folder == root else str(folder.relative_to(root)), place)], root), "", (), False, "")  # noqa: FBT003 - no layer of its own
    requirements = read_lines([(text, place) for text in texts], root)
    return PythonProject(folder, python, requirements, "", (), package, str(project.get("name", folder.name)))


def _load(path: Path, place: Place) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
        raise EnvironmentPreparationError(msg, place=place) from error
    except (ValueError, RecursionError) as error:
        msg = f"is not TOML: {error}"
        raise EnvironmentPreparationError(msg, place=place) from None


def _locked(lock: Path, root: Path, shape: Mapping[str, object]) -> tuple[str, tuple[Path, ...]]:
    data = lock.read_bytes()
    if b"\n<<<<<<<" in data:
        msg = "holds an unresolved conflict of a merge. Write it anew with uv lock"
        raise EnvironmentPreparationError(msg, place=Place(lock.name))
    local = []
    for name in sorted(set(_LOCAL.findall(data.decode("utf-8", "replace")))):
        path = lock.parent / name
        if not is_inside(root, path):
            msg = f"{name!r} leaves the project's folder"
            raise EnvironmentPreparationError(msg, place=Place(lock.name))
        if name != "." and path.exists():
            local.append(path)
    found = hashlib.sha256(data + json.dumps(shape, sort_keys=True, default=str).encode())
    for path in local:
        found.update(content_key(path).encode())
    return found.hexdigest(), tuple(local)
