"""The exact packages of a conda environment: exported with every run, in a form from which the environment is built again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nbproj.environments.condachannels import public
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import Place

__all__ = ["CONDA_LINE", "CondaLock", "explicit", "exported_conda", "read_lock"]

CONDA_LINE: Final = "# conda "
"""Stands before the address of a conda package: a comment for readers of requirements, to whom the rest of the list is one."""
_ADDRESS: Final = re.compile(r"[a-z0-9+]+://[^\s#]+\.(?:conda|tar\.bz2)(?:#(?:sha256:)?[0-9a-f]{32,64})?")
_LINE: Final = re.compile(r"([A-Za-z0-9][\w.-]*)(?:==| @ )(\S+)")


@dataclass(frozen=True, slots=True)
class CondaLock:
    """An exact list of packages.

    Parameters
    ----------
    urls : tuple of str
        Conda's, each with its checksum behind a `#`.
    pins : tuple of str
        Python's: all of them, those that come from conda among them.
    """

    urls: tuple[str, ...]
    pins: tuple[str, ...]


def read_lock(lines: tuple[str, ...], place: Place) -> CondaLock:
    """Return the list that a run's record holds.

    Raises
    ------
    EnvironmentPreparationError
        A line is none of such a list.

    Examples
    --------
    >>> read_lock(("# conda https://conda.example.org/noarch/x-1-0.conda", "numpy==2.0.0"), Place("environment.txt")).urls
    ('https://conda.example.org/noarch/x-1-0.conda',)
    """
    urls = tuple(line.removeprefix(CONDA_LINE).strip() for line in lines if line.startswith(CONDA_LINE))
    for url in urls:
        if not _ADDRESS.fullmatch(url):
            msg = f"{public(url)!r} is not the address of a conda package"
            raise EnvironmentPreparationError(msg, place=place)
    return CondaLock(urls, tuple(line for line in lines if not line.startswith("#")))


def explicit(description: str) -> str:
    r"""Return an environment's list as conda reads one (`conda create --file`); empty for one without conda packages.

    Examples
    --------
    >>> print(explicit("python==3.12.1\n# conda https://conda.example.org/noarch/x-1-0.conda\ntiny==1.0\n"), end="")
    # Python's packages, those that conda brings among them: tiny==1.0
    @EXPLICIT
    https://conda.example.org/noarch/x-1-0.conda
    """
    lock = read_lock(tuple(description.splitlines()), Place("environment.txt"))
    if not lock.urls:
        return ""
    pins = [pin for pin in lock.pins if not pin.startswith("python==")]
    first = [f"# Python's packages, those that conda brings among them: {' '.join(pins)}"] if pins else []
    return "\n".join([*first, "@EXPLICIT", *lock.urls]) + "\n"


def exported_conda(prefix: Path, uv: Callable[..., str]) -> str:
    """Return the list of what is in an environment: its Python, conda's packages with their addresses and checksums, Python's packages.

    Parameters
    ----------
    prefix : Path
        The environment.
    uv : callable
        Calls uv.
    """
    records = _records(prefix)
    python = next((str(record["version"]) for record in records if record.get("name") == "python"), "")
    urls = sorted(f"{CONDA_LINE}{public(str(record['url']))}{_checksum(record)}" for record in records if record.get("url"))
    lines = set()
    if (prefix / "bin" / "python").exists():
        own = _python_packages(records)
        for line in uv("pip", "freeze", "--quiet", "--python", prefix / "bin" / "python").splitlines():
            found = _LINE.match(line)
            if found is None or found[1] == "python":
                continue
            name = _canonical(found[1])
            # What conda's builders leave as the address of a package is a folder on their machine.
            local = line.partition(" @ ")[2].startswith("file:")
            if not local:
                lines.add(line)
            else:
                lines.add(f"{name}=={own[name]}" if name in own else f"# {name}, part of the project")
    return "\n".join([f"python=={python}" if python else "# no Python", *urls, *sorted(lines, key=str.lower)]) + "\n"


def _records(prefix: Path) -> list[dict[str, object]]:
    found = [json.loads(file.read_bytes()) for file in sorted((prefix / "conda-meta").glob("*.json"))]
    return [record for record in found if isinstance(record, dict)]


def _checksum(record: dict[str, object]) -> str:
    if record.get("sha256"):
        return f"#sha256:{record['sha256']}"
    return f"#{record['md5']}" if record.get("md5") else ""


def _python_packages(records: list[dict[str, object]]) -> dict[str, str]:
    """Return the versions of the Python packages that conda has installed, by name."""
    found = {}
    for record in records:
        files = record.get("files")
        for file in files if isinstance(files, list) else ():
            match = re.search(r"site-packages/([^/]+)-([^/-]+)\.dist-info/METADATA$", str(file))
            if match:
                found[_canonical(match[1])] = match[2]
    return found


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
