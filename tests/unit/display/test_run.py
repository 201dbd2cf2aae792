"""What came out of a run, word for word: for people, and for programs."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest

from nbproj.display.card import bundle
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


def test_the_summary_of_the_command_line_is_the_text_of_the_card():
    assert run_text(values()) == bundle(values())["text/plain"]


def test_a_finished_run():
    assert run_text(values()) == golden("""
        FINISHED  train  calm-fox  6.2 s  run 3229d5144a414f91816bd8847974cbc8
          metrics    rmse=55.86  n=331
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
        FAILED  train  calm-fox  6.2 s  run 3229d5144a414f91816bd8847974cbc8
          reason     cell 4: ZeroDivisionError: division by zero
          params     alpha=0.3  seed=0
          notebook   /work/mlruns/0/abc/artifacts/run/train.ipynb
          store      ~/work/mlflow.db
          look       mlflow ui --backend-store-uri sqlite:////home/eva/work/mlflow.db
        """)


@pytest.mark.parametrize(
    ("trace", "shown"),
    [("", True), ("Error in library(wine)", True), ("Cell In[4]\n----> 2     raise ValueError(alpha)\nValueError: 1", False)],
)
def test_the_failing_cell_is_shown_once_where_the_traceback_does_not_show_it(trace, shown):
    text = run_text(values(status="FAILED", cell=4, source="if alpha:\n    raise ValueError(alpha)\n", traceback=trace))
    assert text.startswith("  cell 4\n    if alpha:\n        raise ValueError(alpha)\n") is shown
    assert text.count("raise ValueError(alpha)") == 1


def test_only_the_outcome_begins_at_the_margin():
    text = run_text(values(status="FAILED", traceback="FINISHED\nnot so", source="FAILED", reason="FINISHED\nFAILED", artifacts=["FINISHED"]))
    assert [line.split()[0] for line in text.splitlines() if not line.startswith("  ")] == ["FAILED"]


def test_a_path_can_be_copied():
    text = run_text(values(notebook="/a  b/n.ipynb", artifacts=["two  spaces.png"]))
    assert "/a  b/n.ipynb" in text
    assert "two  spaces.png" in text


def test_a_run_of_which_little_is_known():
    bare = values(entry_point="", params={}, metrics={}, artifacts=[], notebook=None, end_time=None, status="RUNNING", exit_code=None, look="")
    assert run_text(bare) == golden("""
        RUNNING  calm-fox  run 3229d5144a414f91816bd8847974cbc8
          store      ~/work/mlflow.db
        """)


def test_a_narrow_terminal_gets_more_lines_and_whole_ids():
    assert run_text(values(params={f"name{index}": "value" for index in range(4)}), width=40) == golden("""
        FINISHED  train  calm-fox  6.2 s
          run        3229d5144a414f91816bd8847974cbc8
          metrics    rmse=55.86  n=331
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
    assert (text.count("and 16 more"), text.count("and 28 more")) == (2, 1)
    assert text.startswith("    ... 60 lines above\n    line 60\n")
    assert len(text.splitlines()) < 85
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
