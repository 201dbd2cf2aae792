"""Whether an environment needs the gateway: by the MLflow that is installed there, which is looked at and never started."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from nbproj.tracking.location import is_file_store

__all__ = ["Decision", "Wish", "decide"]

Wish: TypeAlias = Literal["auto", "direct", "gateway"]
"""What the user may ask for with the key `tracking`."""

_DISTRIBUTION = re.compile(r"mlflow(?:[-_.]skinny)?-(?P<version>[0-9][^-]*)\.(?:dist|egg)-info", re.IGNORECASE)
_DATABASE = re.compile(r"(sqlite|postgresql|mysql|mssql)\b")
_REVISION = re.compile(r"^revision\s*(?::[^=\n]*)?=\s*[\"'](\w+)[\"']", re.MULTILINE)
_DOWN = re.compile(r"^down_revision\s*(?::[^=\n]*)?=\s*(\([^)]*\)|[^\n]*)", re.MULTILINE)
_PTH_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Decision:
    """How a program comes to the store.

    Parameters
    ----------
    way : str
        `direct`: its MLflow opens the store. `gateway`: it speaks to the gateway. `none`: there is no MLflow that could.
    reason : str
        Why, in a few words.
    """

    way: Literal["direct", "gateway", "none"]
    reason: str

    def __str__(self) -> str:
        return f"{self.way}: {self.reason}"


@dataclass(frozen=True, slots=True)
class _Installed:
    version: str
    folder: Path
    opens_databases: bool


def decide(python: str | Path | None, uri: str, *, wish: Wish = "auto", search_path: str = "") -> Decision:
    """Return how programs of an environment come to a store.

    Parameters
    ----------
    python : path, optional
        The environment's interpreter; None where there is none, or nothing is known of it.
    uri : str
        The store's address.
    wish : str
        The user's own choice; a server or a folder is reached directly all the same.
    search_path : str
        PYTHONPATH of the program.

    Examples
    --------
    >>> str(decide(None, "https://tracking.example.org"))
    'direct: the store is a server, which every version of MLflow speaks to'
    >>> str(decide(None, "sqlite:////runs/mlflow.db", wish="gateway"))
    'gateway: asked for'
    """
    if not _DATABASE.match(uri):
        kind = "folder" if is_file_store(uri) else "server"
        return Decision("direct", f"the store is a {kind}, which every version of MLflow speaks to")
    if wish != "auto":
        return Decision(wish, "asked for")
    if python is None:
        return Decision("none", "no Python is known there")
    extra = [Path(entry) for entry in search_path.split(os.pathsep) if entry]
    if not extra and Path(python).parent == Path(sys.executable).parent:
        return Decision("direct", "the same MLflow as nbproj's")
    return _by(_installed([*extra, *_import_folders(Path(python))]))


def _by(there: _Installed | None) -> Decision:
    if there is None:
        return Decision("none", "no MLflow is installed there")
    if not there.opens_databases:
        return Decision("gateway", f"MLflow {there.version} there has no SQLAlchemy")
    from nbproj.tracking import blueprint

    if there.version == _own_version() or _head(there.folder) == blueprint.head():
        return Decision("direct", f"MLflow {there.version} there knows the store's schema")
    return Decision("gateway", f"MLflow {there.version} there knows another schema")


def _own_version() -> str:
    from importlib.metadata import version

    return version("mlflow-skinny")


def _version_of(folder: Path) -> tuple[str, str] | None:
    match = re.fullmatch(r"python(\d+)\.(\d+)t?", folder.name)
    return (match[1], match[2]) if match else None


def _configuration(prefix: Path) -> dict[str, str]:
    try:
        lines = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _import_folders(python: Path) -> Iterator[Path]:
    """Yield the folders from which an interpreter imports packages, in its order, by the conventions of venv, conda, CPython and Debian."""
    prefix = Path(os.path.abspath(python)).parent.parent  # noqa: PTH100 - a venv's python is a link, and its place is what counts
    settings = _configuration(prefix)
    yield from _below(prefix, python)
    if settings.get("include-system-site-packages", "false").lower() != "true" and settings:
        return
    if settings.get("home"):
        prefix = Path(settings["home"]).parent
        yield from _below(prefix, Path(settings["home"]) / python.name)
    named = _named(python)
    for folder in sorted(Path.home().glob(".local/lib/python3.*")):
        if _version_of(folder) == named:
            yield folder / "site-packages"


def _named(python: Path) -> tuple[str, str] | None:
    return _version_of(Path(os.path.realpath(python)))


def _below(prefix: Path, python: Path) -> Iterator[Path]:
    named = _named(python)
    tops = [prefix, Path("/usr/local")] if prefix == Path("/usr") else [prefix]
    found = [folder for top in tops for lib in ("lib", "lib64") for folder in sorted((top / lib).glob("python3*"))]
    several = len({_version_of(folder) for folder in found} - {None}) > 1
    for folder in found:
        if several and named and _version_of(folder) not in {named, None}:
            continue
        yield from (folder / kind for kind in ("site-packages", "dist-packages") if (folder / kind).is_dir())


def _with_links(folders: Iterable[Path]) -> list[Path]:
    """Return folders with those that their .pth files add, as Python would: an environment layered on another one is made so."""
    found: list[Path] = []
    for folder in folders:
        if folder in found:
            continue
        found.append(folder)
        for pth in sorted(folder.glob("*.pth")):
            with pth.open("rb") as file:
                lines = file.read(_PTH_BYTES).decode("utf-8", "replace").splitlines()
            for line in lines:
                added = folder / line.strip()
                if line.strip() and not line.startswith(("#", "import ", "import\t")) and added.is_dir() and added not in found:
                    found.append(added)
    return found


def _installed(folders: Iterable[Path]) -> _Installed | None:
    version, package = "", None
    names: set[str] = set()
    for folder in _with_links(folders):
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        names.update(entry.partition("-")[0].lower() for entry in entries if entry.endswith(("-info", ".egg-info")))
        found = [match["version"] for entry in entries if (match := _DISTRIBUTION.fullmatch(entry))]
        version = version or (found[0] if found else "")
        package = package or (folder if "mlflow" in entries and (folder / "mlflow" / "version.py").exists() else None)
    if not version and package is None:
        return None
    return _Installed(version or "of an unknown version", package or Path(), {"sqlalchemy", "alembic"} <= names)


def _head(folder: Path) -> str | None:
    """Return the schema that an installed MLflow works with: the one of its migrations that no other one follows."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for file in (folder / "mlflow/store/db_migrations/versions").glob("*.py"):
        text = file.read_text(encoding="utf-8", errors="replace")
        revisions.update(_REVISION.findall(text))
        for below in _DOWN.findall(text):
            followed.update(re.findall(r"[\"'](\w+)[\"']", below))
    heads = revisions - followed
    return heads.pop() if len(heads) == 1 else None
