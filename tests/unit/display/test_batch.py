"""A batch as text, HTML and JSON."""

from __future__ import annotations

import json

import pytest

from nbproj.display.batch import MIME, batch_text, bundle, failures_of, rows_of
from nbproj.display.batch_html import batch_html
from nbproj.progress import Event


def values(**other):
    """Return a batch that has ended, with one failure."""
    rows = [
        {
            "run_id": f"{n:032x}",
            "status": "FINISHED",
            "params": {"alpha": f"0.{n}", "seed": "7"},
            "metrics": {"rmse": 50.0 + n, "r2": 0.5},
            "start_time": 0,
            "end_time": 1000 * n,
        }
        for n in range(1, 4)
    ]
    failure = {"run_id": "f" * 32, "params": {"alpha": "9"}, "reason": "exit code 3"}
    counts = {"points": 4, "finished": 3, "failed": 1, "killed": 0, "running": 0, "waiting": 0}
    given = {"batch_id": "b" * 32, "status": "FAILED", "entry_point": "train", "counts": counts, "varying": ["alpha"], "metric": "rmse"}
    return {**given, "rows": rows, "failures": [failure], "start_time": 0, "end_time": 61_000, "store": "~/mlflow.db", **other}


def test_the_text_tells_how_far_what_came_out_and_what_failed():
    assert batch_text(values()) == (
        "FAILED train: 3 of 4 finished, 1 failed in 1 min 1 s\n"
        "  alpha  rmse  r2   took   run\n"
        "  0.1    51    0.5  1.0 s  00000000\n"
        "  0.2    52    0.5  2.0 s  00000000\n"
        "  0.3    53    0.5  3.0 s  00000000\n"
        "  failed: alpha=9: exit code 3 (run ffffffff)\n"
        "  batch bbbbbbbb in ~/mlflow.db"
    )


def test_what_does_not_fit_is_left_out_of_the_text():
    for width in (30, 40, 60):
        lines = batch_text(values(store=""), width=width).splitlines()
        assert all(len(line) <= width for line in lines), (width, lines)
        assert all(line.rstrip().endswith(("run", "00000000")) for line in lines[1:5])


def test_a_batch_that_goes_on_says_when_it_was_looked_at():
    going = values(status="RUNNING", end_time=None, active=["alpha=0.4  cell 2 of 5"])
    html = str(batch_html(going, now=30_000))
    assert "as of " in html
    assert "cell 2 of 5" in html
    assert 'aria-valuenow="4"' in html
    assert "30 s" in batch_text(going, now=30_000)


def test_only_the_first_rows_are_shown_and_it_is_said():
    many = values(rows=values()["rows"] * 10, counts={"points": 900, "finished": 870, "failed": 30})
    text = batch_text(many)
    assert "the best 10 by rmse" in text
    assert "and 29 more that failed" in text
    assert "the first 10 of 870" in batch_text({**many, "metric": ""})


@pytest.mark.parametrize("size", [0, 3, 200])
def test_the_json_is_small_whatever_it_holds(size):
    long = {f"name {n} " + "x" * 300: "ü" * 500 for n in range(size)}
    rows = [{"run_id": "a" * 32, "status": "FINISHED", "params": long, "metrics": dict.fromkeys(long, float("nan"))}] * 10
    failures = [{"run_id": "f" * 32, "label": "ü" * 500, "reason": "\x1b" * 500}] * 10
    document = bundle(values(rows=rows, failures=failures, entry_point="e" * 5000))[MIME]
    assert len(json.dumps(document, indent=1)) < 10_000
    assert document["counts"]["failed"] == 1
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_events_are_told_in_lines():
    running = [{"label": f"n={n}", "cells": (1, 5) if n else None} for n in range(12)]
    ended = [
        {"status": "FAILED", "label": "n=3", "reason": "exit code 1", "run_id": "c" * 32, "last": True},
        {"status": "FAILED", "label": "n=4", "reason": "", "run_id": "d" * 32, "last": False},
        {"status": "FINISHED", "label": "n=5", "reason": "", "run_id": "e" * 32, "last": True},
    ]
    event = Event("batch", data={"running": running, "ended": ended})
    assert failures_of(event) == ["failed: n=3: exit code 1, run cccccccc", "failed: n=4: no reason is known, run dddddddd (it is tried again)"]
    assert rows_of(event)[:2] == ["  n=0", "  n=1  cell 2 of 5"]
    assert rows_of(event)[-1] == "  and 2 more"
