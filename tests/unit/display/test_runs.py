"""A list of runs as a table. `WRITE_GOLDEN=1` writes the golden files anew; then read the difference."""

import json
import os
from pathlib import Path

import pytest

from nbproj.display import runs
from nbproj.display.card_json import LIMIT

GOLDEN = Path(__file__).parent / "golden"
NOW = 1_767_353_400_000


def one(number: int, **values) -> dict:
    run = {
        "run_id": f"{number:032x}"[::-1],
        "status": "FINISHED",
        "entry_point": "train",
        "start_time": NOW - 60_000 * number**3,
        "end_time": NOW - 60_000 * number**3 + 12_345 * number,
        "metrics": {"rmse": 58.83612 + number, "r2": 0.4521 / number},
        "params": {"alpha": "0.3"},
    }
    return run | values


def mixed() -> list[dict]:
    return [
        one(1, status="RUNNING", end_time=None, metrics={"rmse": 99.5}),
        one(2),
        one(3, status="FAILED", entry_point="notebooks/a-report-with-a-long-name.ipynb", metrics={}),
        one(4, status="KILLED", metrics={"rmse": float("nan"), "epochs": 12}),
        one(9, entry_point="", name="gifted-owl-12", start_time=None, end_time=None),
    ]


@pytest.mark.parametrize("suffix", ["txt", "html", "json"])
def test_a_list_is_what_its_golden_files_hold(suffix):
    bundle = runs.bundle(mixed(), now=NOW)
    text = {
        "txt": bundle["text/plain"],
        "html": bundle["text/html"].replace("><", ">\n<"),
        "json": json.dumps(bundle[runs.MIME], indent=1, ensure_ascii=False),
    }[suffix] + "\n"
    file = GOLDEN / f"runs.{suffix}"
    if os.environ.get("WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_no_runs_are_said_in_words():
    bundle = runs.bundle([])
    assert bundle["text/plain"] == "no runs"
    assert ">no runs</div>" in bundle["text/html"]
    assert bundle[runs.MIME] == {"version": 1, "total": 0, "left_out": 0, "runs": []}


def test_a_long_list_is_cut_and_says_by_how_much():
    bundle = runs.bundle([one(number) for number in range(1, 10_001)], now=NOW)
    assert bundle["text/plain"].endswith("and 9950 more")
    assert "and 9950 more</td>" in bundle["text/html"]
    document = bundle[runs.MIME]
    assert document["total"] == 10_000
    assert len(document["runs"]) + document["left_out"] == 10_000
    assert len(document["runs"]) > 10
    assert len(json.dumps(document, indent=1)) < LIMIT


def test_the_metrics_that_most_runs_have_come_first():
    lines = runs.bundle([one(1, metrics={"b": 1, "a": 1}), one(2, metrics={"b": 2, "c": 1})])["text/plain"].splitlines()
    assert lines[0].split() == ["state", "entry", "point", "started", "took", "b", "a", "c", "run"]


def test_the_metrics_that_are_asked_for_are_shown():
    assert runs.bundle([one(1)], metrics=["r2"])["text/plain"].splitlines()[0].split()[-2:] == ["r2", "run"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_keeps_to_the_terminal_by_cutting_the_entry_point(width):
    lines = runs.bundle([one(1, entry_point="x" * 60)], now=NOW, width=width)["text/plain"].splitlines()
    assert max(map(len, lines)) <= width
    assert lines[1].endswith("10000000")


def test_a_page_tells_times_that_stay_true():
    html = runs.bundle([one(2)], now=NOW)["text/html"]
    assert "2026-01-02 11:22:00 UTC" in html
    assert "ago" not in html


def test_a_page_does_not_change_while_its_runs_do_not():
    assert runs.bundle(mixed(), now=NOW)["text/html"] == runs.bundle(mixed(), now=NOW + 10**9)["text/html"]
