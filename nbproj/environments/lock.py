"""The exported list of an environment's packages: kept with every run, read again to build exactly that."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from nbproj.environments.condalock import CONDA_LINE
from nbproj.project.model import EnvironmentSpec

__all__ = ["exported", "locked", "locked_spec"]

_PINNED = re.compile(r"([A-Za-z0-9][\w.-]*)==(\S+)$")
_DIRECT = re.compile(r"([A-Za-z0-9][\w.-]*) @ (\S+)$")
_OWN = re.compile(r"# ([A-Za-z0-9][\w.-]*), part of the project")


def exported(uv: Callable[..., str], prefix: Path, below: str = "", content: str = "") -> str:
    """Return the list of what is installed in an environment: its Python, then a package a line.

    Parameters
    ----------
    uv : callable
        Calls uv.
    prefix : Path
        The environment.
    below : str
        The list of the environment that it stands on.
    content : str
        What identifies packages that are part of the project.
    """
    version = re.search(r"^version(?:_info)? *= *(\d+\.\d+\.\d+)", (prefix / "pyvenv.cfg").read_text(encoding="utf-8"), re.MULTILINE)
    first = f"python=={version[1]}" if version else ""
    lines = set(below.splitlines()) | set(uv("pip", "freeze", "--quiet", "--python", prefix / "bin" / "python").splitlines())
    named = {_own(line, content) for line in lines if line.strip() and not line.startswith("python==")}
    return "\n".join([first, *sorted(named, key=str.lower)]) + "\n"


def _own(line: str, content: str) -> str:
    """Return a line, without a path of this machine: what was part of the project is told by name."""
    direct = _DIRECT.fullmatch(line)
    if direct is None or not direct[2].startswith("file:"):
        return line
    return f"# {direct[1]}, part of the project" + (f" ({content[:16]})" if content else "")


def locked(description: str) -> dict[str, str]:
    r"""Return the packages of an exported list, by name, with their versions; empty where a package came from elsewhere than an index.

    Examples
    --------
    >>> locked("python==3.12.1\nnumpy==2.0.0\nwine @ git+https://example.org/wine@0a1b\n")
    {'numpy': '2.0.0', 'wine': ''}
    """
    found: dict[str, str] = {}
    for line in description.splitlines():
        if match := _PINNED.fullmatch(line.strip()):
            found[match[1].lower()] = match[2]
        elif match := _DIRECT.fullmatch(line.strip()) or _OWN.match(line):
            found[match[1].lower()] = ""
    found.pop("python", None)
    return found


def locked_spec(description: str, file: str | None = None) -> EnvironmentSpec:
    r"""Return the specification of exactly the environment that a run's record describes.

    Parameters
    ----------
    description : str
        What the record holds.
    file : str, optional
        What messages call it.

    Examples
    --------
    >>> spec = locked_spec("python==3.12.1\nnumpy==2.0.0\n")
    >>> spec.python, spec.dependencies
    ('3.12.1', ('numpy==2.0.0',))
    """
    lines = [line.strip() for line in description.splitlines() if line.strip() and not line.startswith("#")]
    python = next((line.removeprefix("python==") for line in lines if line.startswith("python==")), None)
    packages = tuple(line for line in lines if not line.startswith("python=="))
    if conda := tuple(line.strip() for line in description.splitlines() if line.startswith(CONDA_LINE)):
        return EnvironmentSpec("conda", file=file, dependencies=(*conda, *packages))
    return EnvironmentSpec("uv", file=file, python=python, dependencies=packages)
