"""The Pythons of this machine: the oldest and the newest that nbproj supports, each with an environment of its own to run the unit tests in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")


@dataclass(frozen=True, order=True)
class Interpreter:
    """A Python: its version, and where it is."""

    version: tuple[int, int, int]
    path: str

    @property
    def minor(self) -> tuple[int, int]:
        """Return what distinguishes one Python from another for a package: 3.11, 3.12, ..."""
        return self.version[:2]

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


def found_by_uv() -> list[str]:
    """Return the interpreters that uv sees: its own, and those on the PATH."""
    done = subprocess.run(
        [UV, "python", "list", "--only-installed", "--output-format", "json"], capture_output=True, text=True, check=False, timeout=120
    )
    return [entry["path"] for entry in json.loads(done.stdout or "[]") if entry.get("implementation") == "cpython"]


def found_by_pyenv() -> list[str]:
    """Return pyenv's interpreters; uv sees only those that are active in the working folder."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return [str(path) for path in root.glob("versions/*/bin/python3")]


def inspect(path: str) -> Interpreter | None:
    """Return an interpreter, asked for its version; None when it cannot run, is a pre-release, or too old."""
    question = "import sys; v = sys.version_info; print(*v[:3], v.releaselevel, sys.implementation.name)"
    try:
        done = subprocess.run([path, "-I", "-c", question], capture_output=True, text=True, check=False, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split()
    if done.returncode or words[3:] != ["final", "cpython"]:
        return None
    major, minor, micro = map(int, words[:3])
    return Interpreter((major, minor, micro), path) if (major, minor) >= OLDEST else None


def ends(found: list[Interpreter], own: tuple[int, int]) -> list[Interpreter]:
    """Return the oldest and the newest interpreter, less those whose minor version is our own, where the tests run anyway."""
    by_minor = {interpreter.minor: interpreter for interpreter in sorted(found)}  # of one minor version the latest
    if not by_minor:
        return []
    return [by_minor[minor] for minor in sorted({min(by_minor), max(by_minor)}) if minor != own]


def others() -> list[Interpreter]:
    """Return the interpreters of this machine that the unit tests must also run on."""
    paths = {os.path.realpath(path) for path in (*found_by_uv(), *found_by_pyenv()) if "shims" not in Path(path).parts}
    found = [interpreter for path in sorted(paths) if (interpreter := inspect(path)) is not None]
    return ends(found, own=sys.version_info[:2])


def environment(interpreter: Interpreter) -> Path:
    """Return the Python of an environment with nbproj and what its tests need, made in `.venvs/`."""
    folder = ROOT / ".venvs" / str(interpreter)
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([UV, "venv", "--quiet", "--clear", "--python", interpreter.path, folder], check=True, timeout=120)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, "-e", ".", "--group", "test"], cwd=ROOT, check=True, timeout=1800)
    return python
