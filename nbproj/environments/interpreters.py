"""The Pythons of this machine, and the one that a project's wish means. Asking one for its version is remembered, by the file that it is."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nbproj.errors import EnvironmentPreparationError
from nbproj.paths import write_atomically
from nbproj.project.model import Place

__all__ = ["Interpreter", "choose", "found", "own", "platform_key"]

_OLDEST: Final = (3, 8)
"""Older ones are not known to uv any more."""
_QUESTION: Final = (
    "import sys, json; v = sys.version_info; "
    "print(json.dumps([list(v[:3]), v.releaselevel, sys.implementation.name, sys.prefix == sys.base_prefix, sys.executable]))"
)
_NAME: Final = re.compile(r"python(3(\.\d+)?)?")
_VERSION: Final = re.compile(r"\d+(\.\d+){0,2}")
_SPECIFIER: Final = re.compile(r"[0-9.,<>=!~* \t]+")


@dataclass(frozen=True, slots=True, order=True)
class Interpreter:
    """A Python: its version, and where it is."""

    version: tuple[int, int, int]
    path: str

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


def own() -> Interpreter:
    """Return the Python that this process runs on, below its own environment."""
    major, minor, micro = sys.version_info[:3]
    base = getattr(sys, "_base_executable", None) or sys.executable
    return Interpreter((major, minor, micro), os.path.realpath(base))


def choose(
    wish: str | None, cache: Path, *, newest: bool = False, place: Place | None = None, environ: Mapping[str, str] | None = None
) -> Interpreter:
    """Return the Python that a wish means.

    Parameters
    ----------
    wish : str, optional
        A version (`3.12`, `3.12.1`) or bounds (`>=3.11,<3.13`). Without one, the Python that runs this.
    cache : Path
        Folder in which versions are remembered.
    newest : bool
        Prefer the newest; otherwise the one that runs this where it will do.
    place : Place, optional
        Where the wish stands.
    environ : mapping, optional
        The environment; this process's by default.

    Raises
    ------
    EnvironmentPreparationError
        The wish is no version, or no Python of this machine will do: the message names those there are.
    """
    wish = wish.strip() if wish is not None else None
    fits = _rule(wish, place)
    mine = own()
    if not newest and fits(mine):
        return mine
    known = found(cache, environ)
    for interpreter in reversed(known):
        if fits(interpreter):
            return interpreter
    there = ", ".join(dict.fromkeys(map(str, known))) or "none"
    msg = f"Python {wish} is not on this machine. Found: {there}. Install it (uv python install, pyenv install), or ask for one of these"
    raise EnvironmentPreparationError(msg, place=place)


def _rule(wish: str | None, place: Place | None) -> Callable[[Interpreter], bool]:
    if wish is None:
        return lambda _interpreter: True
    if _VERSION.fullmatch(wish):
        parts = tuple(int(part) for part in wish.split("."))
        return lambda interpreter: interpreter.version[: len(parts)] == parts
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        bounds = SpecifierSet(wish if _SPECIFIER.fullmatch(wish) else "nothing")
    except InvalidSpecifier:
        msg = f"{wish!r} is no version of Python, such as 3.12 or >=3.11"
        raise EnvironmentPreparationError(msg, place=place) from None
    return lambda interpreter: bounds.contains(str(interpreter))


def found(cache: Path, environ: Mapping[str, str] | None = None) -> list[Interpreter]:
    """Return the CPythons of this machine that are released and can make environments, the oldest first.

    Looked at: the one that runs this, those on PATH, pyenv's, and uv's own.
    """
    environment = os.environ if environ is None else environ
    remembered = _remembered(cache)
    known: dict[str, list[object]] = {}
    asked: dict[str, str] = {}
    for path in _candidates(environment):
        with contextlib.suppress(OSError):
            state = path.stat()
            stamp = f"{path} {state.st_mtime_ns} {state.st_size}"
            if stamp in remembered:
                known[stamp] = remembered[stamp]
            else:
                asked[stamp] = str(path)
    if asked:
        with ThreadPoolExecutor(4) as pool:
            answers = dict(zip(asked, pool.map(_ask, asked.values()), strict=True))
        known.update({stamp: answer for stamp, answer in answers.items() if answer is not None})
        with contextlib.suppress(OSError):
            write_atomically(cache / "interpreters.json", json.dumps(known), mode=0o600)
    mine = own()
    there = {mine.path: mine} | {one.path: one for answer in known.values() if (one := _interpreter(answer)) is not None}
    return sorted(there.values())


def _candidates(environ: Mapping[str, str]) -> list[Path]:
    home = Path(environ.get("HOME") or "/nonexistent")
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv")
    managed = Path(environ.get("UV_PYTHON_INSTALL_DIR") or Path(environ.get("XDG_DATA_HOME") or home / ".local/share") / "uv" / "python")
    folders = [Path(folder) for folder in environ.get("PATH", os.defpath).split(os.pathsep) if folder] + [Path("/usr/local/bin"), Path("/usr/bin")]
    paths: dict[str, Path] = {}
    for folder in folders:
        if folder.name == "shims" or (folder.parent / "pyvenv.cfg").exists():  # not Pythons themselves
            continue
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(folder)):
                if _NAME.fullmatch(name):
                    paths.setdefault(os.path.realpath(folder / name), folder / name)
    for path in (*sorted(pyenv.glob("versions/*/bin/python3")), *sorted(managed.glob("*/bin/python3"))):
        paths.setdefault(os.path.realpath(path), path)
    return [Path(real) for real in paths]


def _remembered(cache: Path) -> dict[str, list[object]]:
    try:
        known = json.loads((cache / "interpreters.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _ask(path: str) -> list[object] | None:
    """Return what an interpreter says about itself; empty when it cannot run, None when it did not answer in time, which may be another's fault."""
    try:
        done = subprocess.run([path, "-I", "-S", "-c", _QUESTION], capture_output=True, text=True, check=False, timeout=20, cwd="/")  # noqa: S603 - a Python, asked for its version
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return None
    except (OSError, ValueError):
        return []
    return [*answer[:4], path] if isinstance(answer, list) else []


def _interpreter(answer: list[object]) -> Interpreter | None:
    match answer:
        case [[int(major), int(minor), int(micro)], "final", "cpython", True, str(path)] if (major, minor) >= _OLDEST:
            return Interpreter((major, minor, micro), path)
    return None


def platform_key() -> str:
    """Return what distinguishes this platform for packages: system, processor, C library."""
    return "-".join([platform.system(), platform.machine(), *platform.libc_ver()])
