"""Every step of a run is made to fail once: the record tells the truth after the next command, and nothing is left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def faults(project, store, mark, tmp_path, monkeypatch):
    """Return a function that goes through a mode of `faults.py` and returns what it found, case by case."""
    folder = project(
        "entry_points: {main: {parameters: {x: {type: float, default: 1}}, command: 'echo {x}; echo kept > $NBPROJ_OUTPUT_DIR/a.txt; sleep 0.02'}}\n"
    )
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))

    def through(mode: str, every: int = 1) -> list[dict]:
        program = Path(__file__).with_name("faults.py")
        done = subprocess.run([sys.executable, program, mode, str(folder), str(every)], capture_output=True, text=True, timeout=280, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return [json.loads(line) for line in done.stdout.splitlines()]

    return through


def remains(look: dict) -> dict:
    """Return what should not be there after a case."""
    found = {name: look[name] for name in ("entries", "folders", "threads") if look[name]}
    if look["project"] != ["MLproject"]:
        found["project"] = look["project"]
    if look["status"] is not None and (look["status"] == "RUNNING" or look["code"] is None):
        found["run"] = look["status"]
    return found


def test_a_driver_that_is_killed_at_any_step_is_settled_by_the_next_command(faults):
    cases = faults("kill")
    assert len(cases) > 40
    assert {case["step"]: (case["left"], remains(case["after"])) for case in cases if case["left"] or remains(case["after"])} == {}
    statuses = [case["after"]["status"] for case in cases]
    # Before there is a run, while it is carried, and when the store has been told its end: nothing else, and in this order.
    assert list(dict.fromkeys(statuses)) == [None, "KILLED", "FINISHED"]
    assert statuses == sorted(statuses, key=[None, "KILLED", "FINISHED"].index)


def test_a_step_that_is_refused_is_one_line_and_the_run_is_settled_at_once(faults):
    cases = faults("refuse")
    assert len(cases) > 40
    wrong = {}
    for case in cases:
        found = {"left": case["left"], **remains(case["after"])} if case["left"] else remains(case["after"])
        if "raised" in case["driver"]:
            found["raised"] = case["driver"]["raised"]
        if case["driver"].get("ended") == "well" and case["after"]["status"] != "FINISHED":
            found["untrue"] = case["after"]["status"]
        if found:
            wrong[case["step"]] = found
    assert wrong == {}


def test_signals_at_any_line_leave_nothing_and_need_no_next_command(faults):
    cases = faults("signal", every=331)
    assert len(cases) > 20
    wrong = {case["step"]: (case["left"], case["driver"]) for case in cases if case["left"] or remains(case["driver"]) or "raised" in case["driver"]}
    assert wrong == {}
    assert {case["driver"]["status"] for case in cases} == {None, "KILLED", "FINISHED"}
