"""Two steps of every run that MLflow's library takes dearly, made directly in a SQLite store: read a status, and close a run.

Closing is one transaction here: nobody ever sees a terminal status without the exit code that belongs to it. Both functions answer False or None for
whatever is not plain - another schema, a deleted run, a busy database - and the caller goes through the library, which knows what to say.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args
from urllib.parse import quote

from nbproj.tracking.store import Status

__all__ = ["close_run", "status_of"]

_BUSY_SECONDS = 5.0


@contextlib.contextmanager
def _connected(database: Path) -> Iterator[sqlite3.Connection]:
    # Never made anew: a database that its user has removed stays removed.
    address = f"file:{quote(str(database))}?mode=rw"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        yield connection


def status_of(database: Path, run_id: str) -> Status | None:
    """Return the status of a run, or None where the library has to be asked.

    Parameters
    ----------
    database : Path
        A SQLite store of MLflow.
    run_id : str
        The run.
    """
    try:
        with _connected(database) as connection:
            row = connection.execute("SELECT status FROM runs WHERE run_uuid = ?", (run_id,)).fetchone()
    except sqlite3.Error:
        return None
    return row[0] if row is not None and row[0] in get_args(Status) else None


def close_run(database: Path, run_id: str, status: Status, end_time: int, tags: Mapping[str, str]) -> bool:
    """Set the tags and the final status of a run at once; return whether that was done.

    Parameters
    ----------
    database : Path
        A SQLite store of MLflow.
    run_id : str
        The run.
    status : str
        A terminal status.
    end_time : int
        Milliseconds since the epoch.
    tags : mapping of str to str
        Set or replaced; within the store's limits.
    """
    try:
        with _connected(database) as connection:
            connection.execute("BEGIN IMMEDIATE")
            changed = connection.execute(
                "UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ? AND lifecycle_stage = 'active'", (status, end_time, run_id)
            ).rowcount
            if changed != 1:
                return False
            connection.executemany(
                "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?) ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value",
                [(key, value, run_id) for key, value in tags.items()],
            )
            connection.execute("COMMIT")
    except sqlite3.Error:
        return False
    return True
