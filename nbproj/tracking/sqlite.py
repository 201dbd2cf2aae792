"""Three steps of every run that MLflow's library takes dearly, made directly in a SQLite store: open a run, read its status, close it.

Opening is one transaction here, with all tags and parameters, and so is closing: nobody ever sees a terminal status without the exit code that
belongs to it. The functions answer False or None for whatever is not plain - another schema, a deleted run, a busy database, a name that the library
would look at twice - and the caller goes through the library, which knows what to say.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import get_args
from urllib.parse import quote

from nbproj.tracking.store import Status

__all__ = ["close_run", "open_run", "status_of"]

_BUSY_SECONDS = 5.0
_PLAIN_NAME = re.compile(r"\w[\w.\- :]{0,249}")
_NEW = {
    "source_type": "UNKNOWN",
    "source_name": "",
    "entry_point_name": "",
    "source_version": "",
    "status": "RUNNING",
    "lifecycle_stage": "active",
}
"""What MLflow writes into every new run."""


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


def open_run(
    database: Path,
    experiment_id: str,
    columns: Mapping[str, object],
    *,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    place: Callable[[str], str],
) -> str | None:
    """Create a run in state RUNNING, with all its tags and parameters; return the root of its artifacts, or None where that was not done.

    Parameters
    ----------
    database : Path
        A SQLite store of MLflow.
    experiment_id : str
        Where it belongs.
    columns : mapping of str to object
        What the table holds of it beside: `run_uuid`, which is new, `name`, `user_id`, `start_time`.
    tags, params : mapping of str to str
        Within the store's limits.
    place : callable
        Says where the run's artifacts go, for the root of the experiment's.
    """
    if not experiment_id.isdecimal() or not all(_PLAIN_NAME.fullmatch(one) for one in (*tags, *params)):
        return None
    number, run_id = int(experiment_id), columns["run_uuid"]
    try:
        with _connected(database) as connection:
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute(
                "SELECT artifact_location FROM experiments WHERE experiment_id = ? AND lifecycle_stage = 'active'", (number,)
            ).fetchone()
            if row is None or not row[0]:
                return None
            root = place(row[0])
            values = {**_NEW, **columns, "experiment_id": number, "artifact_uri": root}
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO runs ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))  # noqa: S608 - our own names
            for table, items in (("tags", tags), ("params", params)):
                connection.executemany(
                    f"INSERT INTO {table} (key, value, run_uuid) VALUES (?, ?, ?)",  # noqa: S608 - one of two words
                    [(key, value, run_id) for key, value in items.items()],
                )
            connection.execute("COMMIT")
    except sqlite3.Error:
        return None
    return root


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
