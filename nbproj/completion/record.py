"""Run ids and experiments of a store that is a SQLite file: read in milliseconds, without MLflow, and never written to.

Only what any version of MLflow keeps is asked for. A server is not asked: a press of a key makes no request.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbproj.completion.candidate import Candidate
from nbproj.configuration.settings import settings
from nbproj.tracking import location

__all__ = ["experiment_ids", "experiment_names", "run_ids"]

SECONDS = 0.5
"""After which a database that is locked or huge is given up."""
_MOST_RUNS = 50
_MOST_EXPERIMENTS = 200

_RUNS = """
SELECT run_uuid, name, status, start_time FROM runs
WHERE lifecycle_stage = 'active' AND substr(run_uuid, 1, length(:typed)) = :typed ORDER BY start_time DESC LIMIT :most
"""
_NAMES = """
SELECT name, experiment_id FROM experiments
WHERE lifecycle_stage = 'active' AND substr(name, 1, length(:typed)) = :typed ORDER BY experiment_id DESC LIMIT :most
"""
_IDS = """
SELECT name, experiment_id FROM experiments
WHERE lifecycle_stage = 'active' AND substr(experiment_id, 1, length(:typed)) = :typed ORDER BY experiment_id DESC LIMIT :most
"""


def run_ids(typed: str, tracking_uri: str | None = None) -> Iterator[Candidate]:
    """Give the ids of the latest runs that begin with what was typed; with name, state and day as help."""
    for run_id, name, status, started in _rows(_RUNS, typed, _MOST_RUNS, tracking_uri):
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime((started or 0) / 1000))
        yield Candidate(str(run_id), " ".join(str(part) for part in (status, name, day) if part))


def experiment_names(typed: str, tracking_uri: str | None = None) -> Iterator[Candidate]:
    """Give the names of the experiments, the newest first."""
    for name, number in _rows(_NAMES, typed, _MOST_EXPERIMENTS, tracking_uri):
        yield Candidate(str(name), f"experiment {number}")


def experiment_ids(typed: str, tracking_uri: str | None = None) -> Iterator[Candidate]:
    """Give the ids of the experiments, the newest first."""
    for name, number in _rows(_IDS, typed, _MOST_EXPERIMENTS, tracking_uri):
        yield Candidate(str(number), str(name))


def _rows(query: str, typed: str, most: int, tracking_uri: str | None) -> list[Any]:
    path = location.database_path(location.locate(tracking_uri, cwd=Path.cwd(), environ=os.environ, configured=settings().tracking_uri))
    if path is None or not path.is_file():
        return []
    deadline = time.monotonic() + SECONDS
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=SECONDS)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        return connection.execute(query, {"typed": typed, "most": most}).fetchall()
