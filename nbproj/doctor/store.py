"""The tracking store that a run started here would be recorded in: where, why there, and whether it can be used."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from nbproj.configuration.settings import ConfigurationError, Settings, settings
from nbproj.display.doctor import Finding
from nbproj.errors import NbprojError
from nbproj.progress import silent
from nbproj.tracking import blueprint, location
from nbproj.tracking.reach import reach

__all__ = ["store"]

_SECONDS = 2.0
_CHOOSE = "choose another store with MLFLOW_TRACKING_URI"
_REVISION = re.compile(r"""^(down_)?revision(?:\s*:[^=]+)?\s*=\s*["'](\w+)["']""", re.MULTILINE)
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def store() -> Finding:
    """Look at the store; nothing is made or changed."""
    chosen = Settings()
    with contextlib.suppress(ConfigurationError):  # told by a check of its own
        chosen = settings()
    uri = location.locate(cwd=Path.cwd(), environ=os.environ, configured=chosen.tracking_uri)
    named = chosen.origins["tracking_uri"] if uri != location.locate(cwd=Path.cwd(), environ=os.environ) else ""
    shown = f"{location.label(uri)} ({f'named by {named}' if named else _reason(uri)})"
    path = location.database_path(uri)
    if path is not None:
        return _file(path, shown)
    if location.is_file_store(uri):
        folder = Path(uri.removeprefix("file://"))
        usable = os.access(folder if folder.exists() else folder.parent, os.W_OK)
        return _finding(shown, "a folder of files", "" if usable else f"Make it writable, or {_CHOOSE}")
    if uri.startswith(("http://", "https://")):
        return _server(uri, shown)
    return _address(uri, shown)


def _reason(uri: str) -> str:
    if os.environ.get("MLFLOW_TRACKING_URI", "").strip():
        return "named by MLFLOW_TRACKING_URI"
    path = location.database_path(uri)
    if path is None:
        return "the file store in this folder" if location.is_file_store(uri) else "set in this process"
    if not path.exists():
        return "a new one in this folder"
    return "the one in this folder" if path.parent == Path.cwd() else "the nearest one above this folder"


def _finding(shown: str, detail: str, advice: str = "") -> Finding:
    return Finding("store", "missing" if advice else "ok", f"{shown}, {detail}", advice, needed=True)


def _file(path: Path, shown: str) -> Finding:
    if not path.exists():
        usable = os.access(path.parent, os.W_OK | os.X_OK)
        return _finding(
            shown, "made by the first run" if usable else "cannot be made there", "" if usable else f"Make the folder writable, or {_CHOOSE}"
        )
    if not os.access(path, os.R_OK | os.W_OK):
        return _finding(shown, "cannot be written", f"Make it writable, or {_CHOOSE}")
    return _schema(path, shown)


def _schema(path: Path, shown: str) -> Finding:
    try:
        revision = blueprint.revision_of(path)
    except sqlite3.Error as error:
        return _finding(shown, str(error), f"Move the file away, or {_CHOOSE}")
    if revision == blueprint.EMPTY:
        return _finding(shown, "empty, filled by the first run")
    if revision is None:
        return _finding(shown, "a database of something else than MLflow", f"Move the file away, or {_CHOOSE}")
    newest, known = _revisions()
    if revision == newest or not known:
        return _finding(shown, f"schema {revision}")
    if revision in known:
        return _finding(shown, f"schema {revision} of an older MLflow", f"Copy it, then run 'mlflow db upgrade' with its address, or {_CHOOSE}")
    return _finding(shown, f"schema {revision} of a newer MLflow", f"Install that version, or {_CHOOSE}")


def _revisions() -> tuple[str | None, set[str]]:
    """Return the schema that the installed MLflow works with, and all it knows: read from its migrations, because importing it takes seconds."""
    package = find_spec("mlflow")
    if package is None or not package.submodule_search_locations:
        return None, set()
    known: set[str] = set()
    followed: set[str] = set()
    for folder in package.submodule_search_locations:
        for file in Path(folder, "store/db_migrations/versions").glob("*.py"):
            for down, revision in _REVISION.findall(file.read_text(encoding="utf-8")):
                (followed if down else known).add(revision)
    heads = known - followed
    return (heads.pop(), known) if len(heads) == 1 else (None, set())


def _server(uri: str, shown: str) -> Finding:
    import requests

    try:
        reach(uri, progress=silent, patience=_SECONDS)
    except NbprojError as error:
        return _finding(shown, error.message, error.hint or f"Start it, or {_CHOOSE}")
    try:
        told = requests.get(f"{uri.rstrip('/')}/version", timeout=_SECONDS / 2, allow_redirects=False)
        version = told.text.strip() if told.ok and re.fullmatch(r"[\w.+-]{1,30}", told.text.strip()) else ""
    except requests.exceptions.RequestException:
        version = ""
    return _finding(shown, f"answers, MLflow {version}" if version else "answers")


def _address(uri: str, shown: str) -> Finding:
    """Look at a store that only its own protocol could ask: whether somebody listens."""
    import socket

    parts = urlsplit(uri)
    port = _PORTS.get(parts.scheme.partition("+")[0])
    if parts.hostname is None or port is None:
        return Finding("store", "ok", f"{shown}, not asked", needed=True)
    try:
        with socket.create_connection((parts.hostname, parts.port or port), timeout=_SECONDS):
            return _finding(shown, "answers")
    except OSError as error:
        return _finding(shown, f"does not answer: {error}", f"Start it, or {_CHOOSE}")
