"""The runs of a SQLite file, read without MLflow: SQL sorts and cuts, and only what is in sight is fetched."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args
from urllib.parse import quote

from nbproj.display.sparkline import places
from nbproj.errors import StoreError, one_line
from nbproj.tracking.catalogue.conditions import Condition, Untranslatable, conditions, containing, parsed
from nbproj.tracking.catalogue.grouping import grouped
from nbproj.tracking.catalogue.view import ENTRY_POINT_TAG, FIXED_TAGS, PARENT_TAG, Keys, Line, Span, View, split
from nbproj.tracking.course import stored_value
from nbproj.tracking.store import Metric, RunRecord, Status

__all__ = ["DatabaseCatalogue"]

_BUSY_SECONDS: Final = 3.0
_TOGETHER: Final = 900  # ids in one question: the oldest SQLite takes 999 values
_TABLES: Final = {"metrics": "latest_metrics", "params": "params", "tags": "tags"}
_NUMBER: Final = "s.value GLOB '*[0-9]*' AND s.value NOT GLOB '*[^0-9.eE+-]*'"
_SHOWN: Final = "run_uuid, name, status, user_id, start_time, end_time, experiment_id, artifact_uri"
_EXACT: Final = "quote(value)"  # JSON would round
_MOST_POINTS: Final = 200_000


class DatabaseCatalogue:
    """A `Catalogue` on a SQLite store of MLflow.

    Parameters
    ----------
    path : Path
        The file.
    experiments : sequence of str, optional
        Ids of the experiments whose runs are meant; all that are not deleted by default.
    answer : callable, optional
        Returns the ids of the runs that a filter finds, for filters that have no translation.

    Raises
    ------
    StoreError
        The file is none of MLflow's databases, or cannot be read.
    """

    pause = 0.5

    def __init__(self, path: Path, experiments: Sequence[str] | None = None, answer: Callable[[str], Sequence[str]] | None = None) -> None:
        self._path = path
        self._chosen = experiments
        self._answer = answer
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._version: object = None
        with self._asked() as ask:
            ask.execute(f"SELECT {_SHOWN}, lifecycle_stage FROM runs LIMIT 0")
            ask.execute("SELECT key, value, is_nan, run_uuid FROM latest_metrics LIMIT 0")

    @contextlib.contextmanager
    def _asked(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._opened()
            except (sqlite3.Error, OSError) as error:
                self.close()
                msg = f"the tracking store {self._path.name} cannot be read now: {one_line(str(error))}"
                raise StoreError(msg) from error

    def _opened(self) -> sqlite3.Connection:
        state = self._path.stat()
        if self._connection is None or self._identity != (state.st_dev, state.st_ino):  # its user may have put another file in its place
            self.close()
            # Only looks: whoever writes is never kept from it for longer than one answer takes.
            self._connection = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            # Whoever reads a store need not think of its end: the connection goes with the catalogue.
            weakref.finalize(self, self._connection.close).atexit = False
            self._connection.execute("PRAGMA case_sensitive_like = ON")
            self._identity = (state.st_dev, state.st_ino)
        return self._connection

    @staticmethod
    def _rows(ask: sqlite3.Connection, columns: str, rest: str, values: Sequence[object] = ()) -> list[list[Any]]:
        """Return all rows of a question as one: Python's lock is let go for every row, and a cell that computes gives it back late each time."""
        inner = ", ".join(f"{column} AS c{number}" for number, column in enumerate(columns.split(", ")))
        names = ", ".join(f"c{number}" for number, _column in enumerate(columns.split(", ")))
        found = ask.execute(f"SELECT json_group_array(json_array({names})) FROM (SELECT {inner} {rest})", tuple(values)).fetchone()[0]
        return list(json.loads(found))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def has_changed(self) -> bool:
        """Return whether anybody has written since the last question; costs next to nothing."""
        with self._asked() as ask:
            version = (self._identity, os.getpid(), ask.execute("PRAGMA data_version").fetchone()[0])
            changed, self._version = version != self._version, version
            return changed

    def experiments(self) -> Mapping[str, str]:
        """Return the names of experiments by id."""
        with self._asked() as ask:
            return {str(one): name for one, name in self._rows(ask, "experiment_id, name", "FROM experiments WHERE lifecycle_stage = 'active'")}

    def _where(self, view: View) -> Condition:
        if self._chosen is None:
            parts = [Condition("r.experiment_id IN (SELECT experiment_id FROM experiments WHERE lifecycle_stage = 'active')")]
        else:
            parts = [Condition(f"r.experiment_id IN ({', '.join('?' * len(self._chosen))})", tuple(map(int, self._chosen)))]
        parts.append(Condition("r.lifecycle_stage = 'active'"))
        if view.filter.strip():
            parts += self._filtered(view.filter)
        parts += [containing(word) for word in view.words]
        return Condition(" AND ".join(part.sql for part in parts), tuple(value for part in parts for value in part.values))

    def _filtered(self, text: str) -> list[Condition]:
        try:
            return conditions(parsed(text))
        except Untranslatable:
            if self._answer is None:
                raise
            found = self._answer(text)
            return [Condition("r.run_uuid IN (SELECT value FROM json_each(?))", ('["' + '","'.join(found) + '"]' if found else "[]",))]

    def span(self, view: View, start: int, count: int) -> Span:
        """Return a window of the lines of a view."""
        where, (join, order) = self._where(view), _order(view)
        values = (*join.values, *where.values)
        with self._asked() as ask:
            if view.grouped:
                parent = "LEFT JOIN tags p ON p.run_uuid = r.run_uuid AND p.key = ?"
                rest = f"FROM runs r {parent} {join.sql} WHERE {where.sql} ORDER BY {order} LIMIT -1"
                runs = self._rows(ask, "r.run_uuid, p.value", rest, (PARENT_TAG, *values))
                lines = grouped([(run_id, above) for run_id, above in runs], view.opened, self._existing)
                return Span(len(lines), len(runs), lines[start : start + count])
            cut = f"{join.sql} WHERE {where.sql} ORDER BY {order} LIMIT ? OFFSET ?"
            if view.filter.strip() or view.words:  # conditions that cost more than a sort are looked at once
                rows = self._rows(ask, "r.run_uuid, count(*) OVER ()", f"FROM runs r {cut}", (*values, count, start))
                if rows or not start:
                    total = rows[0][1] if rows else 0
                    return Span(total, total, [Line(run_id) for run_id, _total in rows])
            total = ask.execute(f"SELECT count(*) FROM runs r WHERE {where.sql}", where.values).fetchone()[0]
            found = self._rows(ask, "r.run_uuid", f"FROM runs r {cut}", (*values, count, start))
            return Span(total, total, [Line(run_id) for (run_id,) in found])

    def _existing(self, run_ids: Sequence[str]) -> set[str]:
        return {row[0] for row in self._of("run_uuid", "runs", run_ids, "lifecycle_stage = 'active'")}

    def _of(self, columns: str, table: str, run_ids: Sequence[str], condition: str = "1", values: Sequence[object] = ()) -> list[list[Any]]:
        found: list[list[Any]] = []
        with self._asked() as ask:
            for begin in range(0, len(run_ids), _TOGETHER):
                some = run_ids[begin : begin + _TOGETHER]
                rest = f"FROM {table} WHERE run_uuid IN ({', '.join('?' * len(some))}) AND {condition}"
                found += self._rows(ask, columns, rest, (*some, *values))
        return found

    def records(self, run_ids: Sequence[str], columns: Iterable[str] | None = None) -> dict[str, RunRecord]:
        """Return runs by id."""
        wanted = None if columns is None else [named for column in columns if (named := split(column)) is not None]
        found: dict[str, dict[str, dict[str, Any]]] = {run_id: {"metrics": {}, "params": {}, "tags": {}} for run_id in run_ids}
        for kind, table in _TABLES.items():
            keys = None if wanted is None else [*(key for one, key in wanted if one == kind), *(FIXED_TAGS if kind == "tags" else ())]
            if keys == []:
                continue
            chosen = "1" if keys is None else f"key IN ({', '.join('?' * len(keys))})"
            columns_read = f"run_uuid, key, {_EXACT}, is_nan" if kind == "metrics" else "run_uuid, key, value"
            for run_id, key, value, *is_nan in self._of(columns_read, table, run_ids, chosen, keys or ()):
                found[run_id][kind][key] = stored_value(float(value), *is_nan) if kind == "metrics" else value or ""
        return {
            run_id: RunRecord(
                run_id=run_id,
                experiment_id=str(experiment),
                status=status if status in get_args(Status) else "FAILED",
                name=name or found[run_id]["tags"].get("mlflow.runName", ""),
                start_time=begun,
                end_time=ended or None,
                params=found[run_id]["params"],
                metrics=found[run_id]["metrics"],
                tags={"mlflow.user": user or "", **found[run_id]["tags"]},
                artifact_uri=artifacts or "",
            )
            for run_id, name, status, user, begun, ended, experiment, artifacts in self._of(_SHOWN, "runs", run_ids)
        }

    def keys(self, newest: int | None = None) -> Keys:
        """Return what values there are."""
        where = self._where(View())
        limit = "" if newest is None else f" ORDER BY r.start_time DESC LIMIT {int(newest)}"
        runs = f"(SELECT r.run_uuid FROM runs r WHERE {where.sql}{limit})"

        def counted(kind: str) -> dict[str, int]:
            # Parameters that are the same in all runs tell them apart least.
            order = "count(DISTINCT value) > 1 DESC, count(*) DESC, key" if kind == "params" else "count(*) DESC, key"
            rest = f"FROM {_TABLES[kind]} WHERE run_uuid IN {runs} GROUP BY key ORDER BY {order} LIMIT -1"
            return {key: int(count) for key, count in self._rows(ask, "key, count(*)", rest, where.values)}

        with self._asked() as ask:
            return Keys(counted("metrics"), counted("params"), counted("tags"))

    def history(self, run_id: str, key: str, limit: int) -> list[Metric]:
        """Return the course of a metric by its steps."""
        rest = "FROM metrics WHERE run_uuid = ? AND key = ? ORDER BY step, timestamp LIMIT ?"
        with self._asked() as ask:
            rows = self._rows(ask, f"step, timestamp, {_EXACT}, is_nan", rest, (run_id, key, _MOST_POINTS))
        every = [Metric(key, stored_value(float(value), is_nan), moment, step) for step, moment, value, is_nan in rows]
        return [every[place] for place in places([point.value for point in every], limit)]


def _order(view: View) -> tuple[Condition, str]:
    """Return the join that sorting needs, and the order."""
    way = "DESC" if view.descending else "ASC"
    last = f"r.start_time {way}, r.run_uuid {way}" if view.sort == "start_time" else "r.start_time DESC, r.run_uuid DESC"
    plain = {"status": "r.status", "name": "lower(r.name)", "start_time": None, "user": "lower(r.user_id)", "run_id": "r.run_uuid"}
    if view.sort in plain:
        expression = plain[view.sort]
        return Condition(""), f"{expression} {way}, {last}" if expression else last
    if view.sort == "duration":
        return Condition(""), f"coalesce(r.end_time, {int(time.time() * 1000)}) - r.start_time {way}, {last}"
    if view.sort == "experiment":
        return Condition("LEFT JOIN experiments s ON s.experiment_id = r.experiment_id"), f"lower(s.name) {way}, {last}"
    kind, key = split(view.sort) or ("tags", ENTRY_POINT_TAG)
    join = Condition(f"LEFT JOIN {_TABLES[kind]} s ON s.run_uuid = r.run_uuid AND s.key = ?", (key,))
    if kind == "metrics":
        return join, f"s.value IS NULL OR s.is_nan, CASE WHEN NOT s.is_nan THEN s.value END {way}, {last}"
    # Parameters are texts: numbers among them are sorted as numbers, before words.
    return join, f"s.value IS NULL, NOT ({_NUMBER}), CASE WHEN {_NUMBER} THEN CAST(s.value AS REAL) END {way}, lower(s.value) {way}, {last}"
