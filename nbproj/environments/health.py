"""Whether an environment is still what was built: looked at by names and sizes, in milliseconds, without starting anything."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["Health", "examine", "observe", "package_folders"]

_METADATA: Final = (".dist-info", ".egg-info")
_CONDA: Final = "conda-meta"
_PASSING: Final = ("__pycache__", ".pyc")


@dataclass(frozen=True, slots=True)
class Health:
    """What a look at an environment has shown.

    Parameters
    ----------
    sound : bool
        It is what was built.
    usable : bool
        All that was built is there; something may have been added.
    reason : str
        What is wrong, for people.
    """

    sound: bool
    usable: bool
    reason: str = ""


def package_folders(prefix: Path) -> list[Path]:
    """Return the folders of a Python environment that hold packages."""
    return sorted(prefix.glob("lib/python*/site-packages"))


def observe(prefix: Path) -> dict[str, Any]:
    """Return what `examine` compares with, as plain values."""
    return {
        "python": _target(prefix),
        "packages": {str(folder.relative_to(prefix)): sorted(_names(folder)) for folder in _lists(prefix)},
        "without": sorted(path.name for folder in package_folders(prefix) for path in folder.glob("*.dist-info") if not (path / "RECORD").exists()),
        "programs": sorted(os.listdir(prefix / "bin")) if (prefix / "bin").is_dir() else [],
    }


def examine(prefix: Path, observed: object) -> Health:  # noqa: PLR0911 - the first thing that is wrong is told
    """Return whether an environment is what was observed when it was built.

    Every entry at the top of its packages and programs must be there; a package that was not there then means that somebody has installed into it.
    What is inside a package's folder is not looked at, but for the list of its files.
    """
    if not isinstance(observed, dict):
        return Health(sound=False, usable=False, reason="nothing is known about it")
    try:
        target = _target(prefix)
    except OSError:
        return Health(sound=False, usable=False, reason="its Python is gone")
    if target != observed.get("python"):
        return Health(sound=False, usable=False, reason="its Python is another one now")
    added: list[str] = []
    without = observed.get("without", [])  # some packages of conda come without a list of files
    for relative, known in {**observed.get("packages", {}), "bin": observed.get("programs", [])}.items():
        try:
            there = _names(prefix / relative)
        except OSError:
            return Health(sound=False, usable=False, reason=f"{relative} is gone")
        lacking = next((name for name in known if name not in there), None)
        if lacking is not None:
            return Health(sound=False, usable=False, reason=f"{relative}/{lacking} is gone")
        for name in known:
            if name.endswith(".dist-info") and name not in without and not os.path.exists(f"{prefix}/{relative}/{name}/RECORD"):  # noqa: PTH110 - hundreds, in milliseconds
                return Health(sound=False, usable=False, reason=f"{name} is damaged")
        added += sorted(name for name in there - set(known) if name.endswith(_METADATA) or (relative == _CONDA and name.endswith(".json")))
    if added:
        return Health(sound=False, usable=True, reason=f"somebody has installed {added[0].partition('-')[0]} into it")
    return Health(sound=True, usable=True)


def _lists(prefix: Path) -> list[Path]:
    """Return the folders in which an entry is a package."""
    return [*package_folders(prefix), *([prefix / _CONDA] if (prefix / _CONDA).is_dir() else [])]


def _names(folder: Path) -> set[str]:
    return {name for name in os.listdir(folder) if not name.endswith(_PASSING)}


def _target(prefix: Path) -> list[object]:
    """Return which file the environment's Python is; installing another version of it changes its size or time."""
    python = prefix / "bin" / "python"
    if not python.exists() and not python.is_symlink():
        return []
    state = python.stat()
    return [os.path.realpath(python), state.st_size, state.st_mtime_ns]
