"""New SQLite stores: made in one transaction from a blueprint, so that no crowd and no kill can leave half of one.

MLflow makes a database by running some fifty migrations one after the other; two processes that do it at once, or one that is killed, brick the
file for good. Here the migrations run once per MLflow version, on a file of our own; the result is kept as SQL text in the cache folder, and a new
store is that text, executed under SQLite's exclusive lock. A process that dies leaves an empty database, which the next one fills.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import re
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

from nbproj.errors import StoreError
from nbproj.paths import write_atomically
from nbproj.progress import Event, Progress
from nbproj.tracking import library
from nbproj.tracking.folders import cache_folder
from nbproj.tracking.location import label

__all__ = ["EMPTY", "artifact_root", "fill", "head", "is_known", "revision_of"]

_ROOT = "/nbproj-artifact-root"
_REVISION = re.compile(r"""INSERT INTO "?alembic_version"? VALUES\('(\w+)'\)""")
_VERSION = re.compile(r"""^VERSION = ["']([\w.]+)["']$""", re.MULTILINE)
_END = "\n-- complete\n"
EMPTY = ""
"""Stands for the revision of a database that holds nothing yet."""

LOCK_SECONDS = 20.0
BUILD_SECONDS = 300.0


def _name() -> str:
    from importlib.metadata import version

    return f"mlflow-{_mlflow_version()}-sqlalchemy-{version('sqlalchemy')}-sqlite-{sqlite3.sqlite_version}.sql"


@functools.cache
def _mlflow_version() -> str:
    # Read, not imported: those who only look at a store can do without the library.
    spec = importlib.util.find_spec("mlflow")
    if spec is not None and spec.origin is not None:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            found = _VERSION.search(Path(spec.origin).with_name("version.py").read_text(encoding="utf-8"))
            if found:
                return found[1]
    from mlflow.version import VERSION

    return str(VERSION)


def _migrated(folder: Path) -> str:
    """Return the SQL of a database that MLflow itself has made in a folder."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    path = folder / "mlflow.db"
    with library.own_logging():
        store = SqlAlchemyStore(f"sqlite:///{path}", _ROOT)
    store.engine.dispose()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        # `iterdump` frames the statements with its own transaction; ours is opened by whoever executes them.
        return "\n".join(line for line in connection.iterdump() if line not in {"BEGIN TRANSACTION;", "COMMIT;"}) + _END


def _kept(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return text if _REVISION.search(text) and text.endswith(_END) else None


def _blueprint(progress: Progress) -> str:
    kept = cache_folder() / "stores" / _name()
    text = _kept(kept)
    if text is not None:
        return text
    from filelock import FileLock

    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{kept}.lock", timeout=BUILD_SECONDS):
        text = _kept(kept)
        if text is not None:  # somebody else made it while this process waited
            return text
        progress(Event("waiting", "preparing the first tracking database of this MLflow version (once)"))
        for stale in kept.parent.glob("building-*"):  # whoever made it was killed: the lock is ours
            shutil.rmtree(stale, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="building-", dir=kept.parent))
        try:
            text = _migrated(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        write_atomically(kept, text)
        return text


@functools.cache
def head() -> str:
    """Return the schema revision that the installed MLflow works with."""
    found = _REVISION.search(_kept(cache_folder() / "stores" / _name()) or "")
    if found:
        return found[1]
    from mlflow.store.db.utils import _get_latest_schema_revision

    return str(_get_latest_schema_revision())


def is_known(revision: str) -> bool:
    """Return whether the installed MLflow has a revision among its migrations: a schema of the past, not of the future."""
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config

    return any(script.revision == revision for script in ScriptDirectory.from_config(_get_alembic_config("")).walk_revisions())


def artifact_root(database: Path) -> str:
    """Return where experiments of a database keep their artifacts: `mlruns` beside it, as MLflow does when it is started in that folder."""
    folder = database.parent / "mlruns"
    # MLflow takes a plain path for a URL when it appends to it: these characters would end the path there.
    return folder.as_uri() if any(character in str(folder) for character in "#?%") else str(folder)


def revision_of(database: Path) -> str | None:
    """Return the schema revision of a database; `EMPTY` when there is nothing in it or no file at all, None when what it holds is not MLflow's.

    Raises
    ------
    sqlite3.Error
        It is not a database, or cannot be read.
    """
    if not database.exists():
        return EMPTY
    # Not read-only: what a killed process left half-written is rolled back by the first one that looks.
    with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True, timeout=LOCK_SECONDS)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not names:
            return EMPTY
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if "alembic_version" in names else None
        return str(row[0]) if row else None


def fill(database: Path, progress: Progress) -> None:
    """Make a database where there is none, or where there is an empty one; leave any other alone.

    Safe to be called by many processes at once, and to be killed at any instant; what another MLflow has begun to make its own way is not touched.

    Parameters
    ----------
    database : Path
        Absolute path. Its folder must exist.
    progress : callable
        Told when it takes long.

    Raises
    ------
    StoreError
        The folder is missing.
    sqlite3.Error
        The file cannot be made or written.
    """
    if not database.parent.is_dir():
        msg = f"there is no folder {label(str(database.parent))} for the tracking store {database.name}: make it, or choose another store"
        raise StoreError(msg)
    with library.quiet():
        text = _blueprint(progress)
    with contextlib.closing(sqlite3.connect(database, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            for statement in _statements(text):
                connection.execute(statement)
            root, now = artifact_root(database), int(time.time() * 1000)
            connection.execute("UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)", (_ROOT, root))
            connection.execute("UPDATE experiments SET creation_time = ?, last_update_time = ?", (now, now))
        connection.execute("COMMIT")


def _statements(text: str) -> list[str]:
    statements, part = [], ""
    for line in text.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            statements.append(part)
            part = ""
    return statements
