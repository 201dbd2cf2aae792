"""What becomes of jobs that end in other ways than their programs know: tried with the stranger's queue."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

import nbproj
from nbproj.record import RunFailed

PROJECT = """
name: p
entry_points:
  main: {command: "trap 'echo leaving; exit 1' TERM; echo here; touch there; while :; do sleep 0.1; done"}
"""


@pytest.fixture
def spool(plugins, project, store, home, tmp_path):
    folder = project(PROJECT)

    def has_begun(number):
        if not list((tmp_path / "spool").glob("*.running")):  # it is written when the program runs already
            return False
        if number == signal.SIGTERM:
            return (folder / "there").exists()
        told = (home / ".local/state/nbproj/jobs").glob("*/told.jsonl")  # what is killed tells nothing more
        return any("here" in file.read_text() for file in told)

    def run(number, **more):
        def end():
            deadline = time.monotonic() + 200
            while not has_begun(number) and time.monotonic() < deadline:
                time.sleep(0.05)
            os.kill(int(next((tmp_path / "spool").glob("*.running")).read_text()), number)

        thread = threading.Thread(target=end)
        thread.start()
        try:
            return nbproj.run(folder, backend="spool", backend_config={"folder": str(tmp_path / "spool")}, **more)
        finally:
            thread.join()

    return run


def jobs(home):
    return list((home / ".local/state/nbproj/jobs").iterdir())


def test_a_job_that_is_killed_without_a_word_fails_and_says_so(spool, home, monkeypatch, nobody_left):
    monkeypatch.setattr("nbproj.backends.jobs._LATE_SECONDS", 0.5)
    with pytest.raises(RunFailed) as failed:
        spool(signal.SIGKILL)
    assert "has ended, and its program has not told how" in failed.value.run.tags["nbproj.reason"]
    assert (failed.value.run.status, failed.value.run.logs()) == ("FAILED", "here\n")
    assert jobs(home) == []
    nobody_left(60)


def test_a_job_that_somebody_takes_off_the_queue_is_killed(spool, home, nobody_left):
    with pytest.raises(RunFailed) as failed:
        spool(signal.SIGTERM)
    run = failed.value.run
    assert (run.status, run.exit_code, run.tags["nbproj.reason"]) == ("KILLED", 143, "ended from outside")
    assert run.logs().startswith("here\n")
    assert run.logs().endswith("leaving\n"), "what it printed on its way out is kept, too"
    assert jobs(home) == []
    nobody_left(60)
