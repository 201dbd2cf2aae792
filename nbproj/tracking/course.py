"""The course of a run's metrics, read from its store: what is new while the run goes on, and the whole of it afterwards.

A SQLite file is asked directly, read-only and for a bounded number of rows, so that whoever writes waits for milliseconds at most. Other stores are
asked through MLflow's library, which hands out whole histories. What is shown are curves of a few hundred points: many points are thinned on the way.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from nbproj.display.sparkline import Curve, places
from nbproj.errors import StoreError
from nbproj.tracking.location import database_path, is_file_store
from nbproj.tracking.store import Metric, Store

__all__ = ["MOST_KEYS", "News", "Point", "course_of", "stored_value"]

MOST_KEYS = 200
"""Metrics that are followed; a run with more shows the first of them."""

_BUSY_SECONDS = 2.0
_PASSING_SECONDS = 0.2  # while a run goes on there will be another time
_ROWS = 50_000  # that are looked at in one go while a run goes on
_POINTS = 200  # that are handed out then
_WHOLE = 100_000  # points of all curves together, read at the end
_LONG = 10_000  # values after which a metric's history is not asked for again and again
_LARGEST = 1.7976931348623157e308  # MLflow's databases keep an infinity as this

_TOP = "SELECT coalesce(max(rowid), 0) FROM metrics"
# The plus keeps SQLite from sorting all of the run's rows: those behind a row number are few, whoever has written them.
_NEW = "SELECT key, value, is_nan, step, timestamp FROM metrics WHERE +run_uuid = ? AND rowid > ? AND rowid <= ? ORDER BY rowid"
_KEYS = "SELECT key, count(*) FROM metrics WHERE run_uuid = ? GROUP BY key ORDER BY min(rowid) LIMIT ?"
# Of so many neighbours the lowest and the highest; a value that is none (NaN) is NULL and is left out beside others.
_COURSE = """
    SELECT min(seen), max(seen) FROM (
        SELECT CASE WHEN is_nan THEN NULL ELSE value END AS seen, row_number() OVER (ORDER BY step, timestamp, rowid) - 1 AS place
        FROM metrics WHERE run_uuid = ? AND key = ?
    ) GROUP BY place / ? ORDER BY place / ?
"""
_LAST = """
    SELECT value, is_nan, step, timestamp FROM metrics WHERE run_uuid = ? AND key = ? ORDER BY step DESC, timestamp DESC, rowid DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one metric, which may stand for more of them.

    Parameters
    ----------
    metric : Metric
        The value.
    count : int
        How many values it stands for: this one and those before it that were left out.
    """

    metric: Metric
    count: int = 1


def stored_value(stored: float | None, is_nan: object = False) -> float:  # noqa: FBT002 - a column
    """Return the value that a metric's row means: a database keeps NaN and infinities in its own way.

    Examples
    --------
    >>> stored_value(0.5), stored_value(0.0, 1), stored_value(-1.7976931348623157e308)
    (0.5, nan, -inf)
    """
    if stored is None or is_nan:
        return math.nan
    return math.copysign(math.inf, stored) if abs(stored) >= _LARGEST else float(stored)


@contextlib.contextmanager
def _reading(database: Path, patience: float) -> Iterator[sqlite3.Connection]:
    """Open a database for one look at it: all questions see the same state."""
    address = f"file:{quote(str(database))}?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=patience, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        yield connection


def _course(connection: sqlite3.Connection, run_id: str, key: str, count: int, room: int) -> Curve:
    stride = -(-count // max(room // 2, 1)) if count > room else 1
    curve = Curve()
    for low, high in connection.execute(_COURSE, (run_id, key, stride, stride)):
        curve.add(stored_value(low))
        if stride > 1:
            curve.add(stored_value(high))
    if stride > 1:
        curve.add(_latest(connection, run_id, key).value)
    curve.count = count
    return curve


def _latest(connection: sqlite3.Connection, run_id: str, key: str) -> Metric:
    value, is_nan, step, timestamp = connection.execute(_LAST, (run_id, key)).fetchone()
    return Metric(key, stored_value(value, is_nan), timestamp, step)


def _courses(connection: sqlite3.Connection, run_id: str, wanted: Iterable[str] | None) -> dict[str, Curve]:
    counts = dict(connection.execute(_KEYS, (run_id, MOST_KEYS if wanted is None else -1)))
    keys = [key for key in (counts if wanted is None else wanted) if key in counts][:MOST_KEYS]
    return {key: _course(connection, run_id, key, counts[key], _WHOLE // len(keys)) for key in keys}


def course_of(store: Store, run_id: str, keys: Iterable[str], *, limit: int = 24) -> dict[str, Curve]:
    """Return the curves of a run's metrics: values in the order of their steps, in bounded memory.

    Parameters
    ----------
    store : Store
        Where the run's record is.
    run_id : str
        The run.
    keys : iterable of str
        Which metrics.
    limit : int
        How many of them at most: a store that is no SQLite file is asked once for each.

    Returns
    -------
    dict of str to Curve
        By key. A curve that cannot be had is left out: the latest value, which is shown beside it, stands in the run's record.
    """
    wanted = list(keys)[:limit]
    path = database_path(store.uri)
    if path is not None:
        with contextlib.suppress(sqlite3.Error, TypeError, ValueError), _reading(path, _BUSY_SECONDS) as connection:
            return _courses(connection, run_id, wanted)
        return {}
    curves: dict[str, Curve] = {}
    for key in wanted:
        try:
            history = store.metric_history(run_id, key)
        except StoreError:
            break  # a store that does not answer now would be waited for once for each
        curves[key] = Curve()
        for metric in sorted(history, key=lambda one: (one.step, one.timestamp)):
            curves[key].add(stored_value(metric.value))
    return curves


class News:
    """What a run has logged since the last question.

    Parameters
    ----------
    store : Store
        Where it logs.
    run_id : str
        The run.
    """

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._database = database_path(store.uri)
        self._row: int | None = None  # the last one that was looked at
        self._keys: set[str] = set()
        self._counts: dict[str, int] = {}
        self._latest: Mapping[str, float] = {}

    @property
    def is_local(self) -> bool:
        """Whether the store is a file or a folder: nobody has to be waited for."""
        return self._database is not None or is_file_store(self._store.uri)

    def __call__(self) -> list[Point]:
        """Return the new values, a few hundred at most, of two hundred metrics; the latest of each is always there.

        Raises
        ------
        StoreError
            The store refuses or does not answer.
        """
        if self._database is not None:
            try:
                with _reading(self._database, _PASSING_SECONDS) as connection:
                    return self._from_rows(connection)
            except sqlite3.OperationalError as error:
                msg = f"the metrics of the run cannot be read now: {error}"
                raise StoreError(msg) from error
            except (sqlite3.Error, TypeError, ValueError):
                self._database = None  # another schema: the library knows it
        return self._from_histories()

    def _from_rows(self, connection: sqlite3.Connection) -> list[Point]:
        top = connection.execute(_TOP).fetchone()[0]
        if self._row is None:  # a run that is continued has a history
            points = []
            for key, curve in _courses(connection, self._run_id, None).items():
                latest = _latest(connection, self._run_id, key)
                history = [Metric(key, value, latest.timestamp, latest.step) for value in curve.points[:-1]]
                points += _thinned([*history, latest], curve.count, _POINTS)
                self._keys.add(key)
        else:
            rows = connection.execute(_NEW, (self._run_id, max(self._row, top - _ROWS), top))
            points = self._shared([Metric(key, stored_value(value, is_nan), timestamp, step) for key, value, is_nan, step, timestamp in rows])
        self._row = top
        return points

    def _shared(self, metrics: Sequence[Metric]) -> list[Point]:
        by_key: dict[str, list[Metric]] = {}
        for metric in metrics:
            if metric.key in self._keys or len(self._keys) < MOST_KEYS:
                self._keys.add(metric.key)
                by_key.setdefault(metric.key, []).append(metric)
        return [point for group in by_key.values() for point in _thinned(group, len(group), max(_POINTS // len(by_key), 2))]

    def _from_histories(self) -> list[Point]:
        found: list[Metric] = []
        now = self._store.get_run(self._run_id).metrics
        changed = [key for key, value in now.items() if key not in self._latest or repr(self._latest[key]) != repr(value)]
        for key in changed[:MOST_KEYS]:
            known = self._counts.get(key, 0)
            if known > _LONG:
                found.append(Metric(key, stored_value(now[key]), 0))
                continue
            history = sorted(self._store.metric_history(self._run_id, key), key=lambda one: (one.timestamp, one.step))
            found += [Metric(key, stored_value(one.value), one.timestamp, one.step) for one in history[known:]]
            self._counts[key] = len(history)
        self._latest = dict(now)
        return self._shared(found)


def _thinned(metrics: Sequence[Metric], count: int, limit: int) -> list[Point]:
    """Return at most so many of the values, two at least, with the same course; the last one stands for all that were left out."""
    points = [Point(metrics[place]) for place in places([metric.value for metric in metrics], limit)]
    return [*points[:-1], Point(points[-1].metric, count - len(points) + 1)] if points else []
