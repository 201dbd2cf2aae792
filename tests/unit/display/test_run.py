"""What came out of a run, word for word: for people, and for programs."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest

from nbproj.display.columns import columns
from nbproj.display.run import run_json, run_text

HOSTILE = "<b>&\"'</b>\x1b[31m\x07\r\n\u202e{0}%s`x`$(id)"
RUN_ID = "3229d5144a414f91816bd8847974cbc8"


def values(**changes: Any) -> dict[str, Any]:
    return {
        "run_id": RUN_ID,
        "name": "calm-fox",
        "status": "FINISHED",
        "exit_code": 0,
        "experiment_id": "0",
        "entry_point": "train",
        "reason": "",
        "params": {"alpha": "0.3", "seed": "0"},
        "metrics": {"rmse": 55.8634, "n": 331.0},
        "tags": {"mlflow.user": "eva"},
        "artifact_uri": "file:///work/mlruns/0/abc/artifacts",
        "artifacts": ["model/MLmodel", "path.png", "run/output.log", "run/train.ipynb"],
        "notebook": "/work/mlruns/0/abc/artifacts/run/train.ipynb",
        "start_time": 1000,
        "end_time": 7200,
        "store": "~/work/mlflow.db",
        "look": "mlflow ui --backend-store-uri sqlite:////home/eva/work/mlflow.db",
        **changes,
    }


def golden(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


def test_a_finished_run():
    assert run_text(values()) == golden("""
        FINISHED  train  6.2 s  run 3229d5144a414f91816bd8847974cbc8
          metrics    n=331  rmse=55.86
          params     alpha=0.3  seed=0
          artifacts  model/MLmodel  path.png
          notebook   /work/mlruns/0/abc/artifacts/run/train.ipynb
          store      ~/work/mlflow.db
          look       mlflow ui --backend-store-uri sqlite:////home/eva/work/mlflow.db
        """)


def test_the_outcome_of_a_failed_run_stands_below_its_traceback():
    trace = "-" * 75 + "\nZeroDivisionError   Traceback (most recent call last)\n----> 1 1/0\n\nZeroDivisionError: division by zero\n"
    failed = values(status="FAILED", exit_code=1, reason="cell 4: ZeroDivisionError: division by zero", traceback=trace, metrics={}, artifacts=[])
    assert run_text(failed) == golden("""
        ZeroDivisionError   Traceback (most recent call last)
        ----> 1 1/0

        ZeroDivisionError: division by zero
        FAILED  train  6.2 s  run 3229d5144a414f91816bd8847974cbc8
          reason     cell 4: ZeroDivisionError: division by zero
          params     alpha=0.3  seed=0
          notebook   /work/mlruns/0/abc/artifacts/run/train.ipynb
          store      ~/work/mlflow.db
          look       mlflow ui --backend-store-uri sqlite:////home/eva/work/mlflow.db
        """)


def test_a_run_of_which_little_is_known():
    bare = values(entry_point="", params={}, metrics={}, artifacts=[], notebook=None, end_time=None, status="RUNNING", exit_code=None, look="")
    assert run_text(bare) == golden("""
        RUNNING  run 3229d5144a414f91816bd8847974cbc8
          store      ~/work/mlflow.db
        """)


def test_a_narrow_terminal_gets_more_lines_and_whole_ids():
    assert run_text(values(params={f"name{index}": "value" for index in range(4)}), width=40) == golden("""
        FINISHED  train  6.2 s
          run        3229d5144a414f91816bd8847974cbc8
          metrics    n=331  rmse=55.86
          params     name0=value  name1=value
                     name2=value  name3=value
          artifacts  model/MLmodel  path.png
          notebook   /work/mlruns/0/abc/artifacts/run/train.ipynb
          store      ~/work/mlflow.db
          look       mlflow ui --backend-store-uri sqlite:////home/eva/work/mlflow.db
        """)


def test_much_of_anything_is_counted():
    many = values(
        params={f"p{index}": "x" * 100 for index in range(40)},
        metrics={f"m{index}": index / 3 for index in range(40)},
        artifacts=[f"a{index}" for index in range(40)],
        reason="because " * 500,
        status="FAILED",
        traceback="\n".join(f"line {index}" for index in range(100)),
    )
    text = run_text(many)
    assert text.count("and 28 more") == 3
    assert text.startswith("... 60 lines above\nline 60\n")
    assert len(text.splitlines()) < 75
    assert max(map(columns, text.splitlines())) <= 100


@pytest.mark.parametrize("key", ["status", "entry_point", "reason", "notebook", "store", "look", "traceback"])
@pytest.mark.parametrize("width", [20, 100])
def test_nothing_in_a_text_moves_the_cursor_or_adds_a_line_of_ours(key, width):
    text = run_text(values(**{key: f"a{HOSTILE}b\nFINISHED"}), width=width)
    assert all(line.isprintable() for line in text.splitlines())
    if key != "traceback":
        assert text.count("\nFINISHED") == 0


def test_nothing_in_a_name_or_value_moves_the_cursor():
    text = run_text(values(params={HOSTILE: HOSTILE}, metrics={HOSTILE: 1.0}, artifacts=[HOSTILE]))
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) == 7


def test_wide_characters_keep_within_the_width():
    text = run_text(values(params={f"\u6f22\u5b57{index}": "\u5024" * 5 for index in range(9)}, look="", notebook=None), width=50)
    assert max(map(columns, text.splitlines()[1:])) <= 50


def test_the_document_for_programs():
    assert run_json(values()) == {
        "version": 1,
        "run_id": RUN_ID,
        "status": "FINISHED",
        "exit_code": 0,
        "stage": "ended",
        "experiment_id": "0",
        "params": {"alpha": "0.3", "seed": "0"},
        "metrics": {"rmse": 55.8634, "n": 331.0},
        "tags": {"mlflow.user": "eva"},
        "artifact_uri": "file:///work/mlruns/0/abc/artifacts",
        "notebook": "/work/mlruns/0/abc/artifacts/run/train.ipynb",
        "duration_s": 6.2,
    }


def test_the_document_holds_every_value_as_it_is_and_is_strict_json():
    odd = values(
        params={HOSTILE: HOSTILE},
        tags={"t": HOSTILE},
        metrics={"a": float("nan"), "b": float("inf"), "c": float("-inf")},
        end_time=None,
        exit_code=None,
    )
    document = json.loads(json.dumps(run_json(odd), allow_nan=False))
    assert document["params"] == {HOSTILE: HOSTILE}
    assert document["metrics"] == {"a": "NaN", "b": "Infinity", "c": "-Infinity"}
    assert (document["duration_s"], document["stage"]) == (None, "running")
