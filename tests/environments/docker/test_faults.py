"""A driver that dies, or is told to end, at any step of a run in a container: the record tells the truth, and no container is left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parents[2] / "backends/run/faults.py"


@pytest.fixture
def faults(container_project, store, mark, tmp_path, monkeypatch):
    """Return a function that goes through every n-th step of a run, one of them failing each time, and returns what it found."""
    folder = container_project("  main: {command: 'echo kept > $NBPROJ_OUTPUT_DIR/a.txt; sleep 0.3'}\n")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("NBPROJ_GRACE", "3")

    def through(mode: str, every: int) -> list[dict]:
        done = subprocess.run([sys.executable, FAULTS, mode, folder, str(every)], capture_output=True, text=True, timeout=290, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return [json.loads(line) for line in done.stdout.splitlines()]

    return through


def wrong(cases: list[dict], after: str) -> dict:
    """Return what should not be there after a case."""
    found = {}
    for case in cases:
        look = case[after]
        untrue = look["status"] == "RUNNING" or (look["status"] is not None and look["code"] is None)
        if case["left"] or look["entries"] or look["folders"] or untrue:
            found[case["step"]] = (case["left"], look)
    return found


def test_a_driver_that_is_killed_at_any_step_leaves_no_container(faults, containers):
    cases = faults("kill", 9)

    assert wrong(cases, "after") == {}
    assert {case["after"]["status"] for case in cases} == {None, "KILLED", "FINISHED"}
    assert containers() == []


def test_signals_at_any_line_leave_no_container(faults, containers):
    cases = faults("signal", 701)

    assert wrong(cases, "driver") == {}
    assert {case["driver"]["status"] for case in cases} == {None, "KILLED", "FINISHED"}
    assert containers() == []
