"""The course of metrics as the stores hold them: what is new, thinned; the whole, in order; and nothing where nothing can be had."""

from __future__ import annotations

import contextlib
import math
import sqlite3
from pathlib import Path

import pytest

from nbproj.errors import StoreError
from nbproj.tracking.course import MOST_KEYS, News, course_of
from nbproj.tracking.location import database_path
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.store import Metric


@pytest.fixture(params=["database", "folder"])
def any_store(request, tmp_path):
    """Return a store of each kind that needs no server."""
    return open_store(f"sqlite:///{tmp_path}/mlflow.db" if request.param == "database" else f"file://{tmp_path}/mlruns")


def new_run(store):
    return store.create_run("0", name="a run", tags={"mlflow.user": "eva"})


def values(points):
    return [(point.metric.key, point.metric.value, point.metric.step) for point in points]


def test_news_are_told_once_and_those_of_other_runs_never(any_store):
    run, other = new_run(any_store), new_run(any_store)
    news = News(any_store, run.run_id)
    assert news() == []
    any_store.log_metrics(run.run_id, [Metric("loss", 3.0, 1000, 0), Metric("loss", 2.0, 1001, 1)])
    any_store.log_metrics(other.run_id, [Metric("loss", 99.0, 1000, 0)])
    assert values(news()) == [("loss", 3.0, 0), ("loss", 2.0, 1)]
    assert news() == []
    any_store.log_metrics(run.run_id, [Metric("loss", 1.0, 1002, 2)])
    assert values(news()) == [("loss", 1.0, 2)]


def test_the_history_of_a_continued_run_is_news_at_first(any_store):
    run = new_run(any_store)
    any_store.log_metrics(run.run_id, [Metric("loss", float(step), step, step) for step in range(5)])
    told = News(any_store, run.run_id)()
    assert [point.metric.value for point in told] == [0, 1, 2, 3, 4]
    assert sum(point.count for point in told) == 5
    assert told[-1].metric.step == 4


def test_a_flood_is_thinned_to_its_course_and_every_value_counts(any_store):
    run = new_run(any_store)
    news = News(any_store, run.run_id)
    news()
    flood = [Metric("loss", -500.0 if step == 777 else float(step), step, step) for step in range(5000)]
    any_store.log_metrics(run.run_id, flood)
    told = news()
    assert len(told) <= 200
    assert sum(point.count for point in told) == 5000
    assert min(point.metric.value for point in told) == -500
    assert told[0].metric.step == 0
    assert told[-1].metric.step == 4999


def test_of_very_many_metrics_the_first_are_followed(store, run):
    news = News(store, run.run_id)
    news()
    store.log_metrics(run.run_id, [Metric(f"m{number:04d}", float(part), part, part) for part in range(5) for number in range(MOST_KEYS + 50)])
    told = news()
    assert {point.metric.key for point in told} == {f"m{number:04d}" for number in range(MOST_KEYS)}
    assert len(told) <= 2 * MOST_KEYS
    store.log_metrics(run.run_id, [Metric("another", 1.0, 9, 9), Metric("m0000", 9.0, 9, 9)])
    assert values(news()) == [("m0000", 9.0, 9)]


def test_a_course_goes_by_steps_and_leaves_gaps_where_a_value_is_none(any_store):
    run = new_run(any_store)
    logged = [(2, 5.0), (0, 1.0), (1, math.nan), (3, math.inf), (4, -math.inf), (5, 2.0)]
    any_store.log_metrics(run.run_id, [Metric("odd", value, 1000 + step, step) for step, value in logged])
    curve = course_of(any_store, run.run_id, ["odd", "unknown"])["odd"]
    assert [repr(point) for point in curve.points] == ["1.0", "nan", "5.0", "inf", "-inf", "2.0"]
    assert curve.count == 6
    assert set(course_of(any_store, run.run_id, ["unknown"])) <= {"unknown"}


def test_the_course_of_very_many_values_keeps_its_extremes_and_its_end(store, run):
    with contextlib.closing(sqlite3.connect(database_path(store.uri))) as connection, connection:
        rows = [("loss", 7.0 if step == 123_456 else math.sin(step / 1e4), step, run.run_id, step, False) for step in range(300_000)]
        connection.executemany("INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)", rows)
    curve = course_of(store, run.run_id, ["loss"])["loss"]
    assert curve.count == 300_000
    assert len(curve.points) < 300
    assert max(curve.points) == 7
    assert curve.points[-1] == pytest.approx(math.sin(29.9999))


def test_the_same_record_gives_the_same_course(any_store):
    run = new_run(any_store)
    any_store.log_metrics(run.run_id, [Metric(key, step * 1.5, step, step) for step in range(600) for key in ("b", "a")])
    first, second = (course_of(any_store, run.run_id, ["a", "b"]) for _ in range(2))
    assert [list(curves) for curves in (first, second)] == [["a", "b"]] * 2
    assert [curve.points for curve in first.values()] == [curve.points for curve in second.values()]


def test_a_database_that_somebody_writes_to_is_read_and_one_that_is_locked_is_an_error_at_once(store, run):
    store.log_metrics(run.run_id, [Metric("loss", 1.0, 1, 1)])
    news = News(store, run.run_id)
    with contextlib.closing(sqlite3.connect(database_path(store.uri), isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert values(news()) == [("loss", 1.0, 1)]
        writer.execute("COMMIT")
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="cannot be read now"):
            news()
        writer.execute("ROLLBACK")
    assert news() == []


def test_curves_that_cannot_be_had_are_left_out(store, run):
    store.log_metrics(run.run_id, [Metric("loss", 1.0, 1, 1)])
    path = Path(database_path(store.uri))
    path.rename(path.with_name("away"))
    assert course_of(store, run.run_id, ["loss"]) == {}
    assert not path.exists() or path.stat().st_size == 0
