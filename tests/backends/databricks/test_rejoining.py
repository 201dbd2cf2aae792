"""A driver that dies while its job goes on: another one takes the run up, and there is never a second job."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import pytest
import warm
from databricks_service import goes_on

from nbproj.housekeeping import tidy
from nbproj.tracking.settlement import is_finished

PLAIN = "name: wine\nentry_points:\n  main: {command: 'echo fine'}\n"


def wait(holds, seconds=200):
    """Wait until something holds; return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def ends(job):
    """Let a run end well."""
    job.life, job.result, job.logs = "TERMINATED", "SUCCESS", "what it has printed\n"


@pytest.fixture
def driver(service, store, cluster, project, tmp_path):
    """Return the process of a command line that runs a project on the workspace."""
    command = [sys.executable, "-m", "nbproj", "run", str(project(PLAIN)), "-b", "databricks", "-c", json.dumps(cluster)]
    with (tmp_path / "log").open("wb") as log:
        process = warm.Popen(command, stdout=log, stderr=log, env=dict(os.environ), start_new_session=True)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait(timeout=20)


@pytest.mark.parametrize("when", ["before the answer", "while it runs"])
def test_a_run_whose_driver_died_is_taken_up(when, driver, service, runs, store, tmp_path):
    service.look = goes_on
    if when == "before the answer":
        service.held.clear()
        wait(lambda: service.runs)
    else:
        wait(lambda: "mlflow.databricks.runURL" in runs()[0].tags if service.runs else False)
    driver.send_signal(signal.SIGKILL)
    driver.wait(timeout=20)
    service.held.set()

    notes = []
    tidy(notes.append)
    service.look = ends
    (record,) = wait(lambda: [one for one in runs() if is_finished(one)])

    assert any("another driver has taken it up" in note.text for note in notes), notes
    assert record.status == "FINISHED"
    assert list(service.runs) == [1001]
    assert len({body["idempotency_token"] for body in service.submitted}) == 1
    assert len(service.submitted) == (2 if when == "before the answer" else 1)
    assert "what it has printed" in store.download_artifact(record.run_id, "run/output.log", tmp_path).read_text()
    assert record.tags["mlflow.databricks.shellJobRunID"] == "1001"


def test_a_run_that_is_interrupted_ends_there(driver, service, runs, tmp_path):
    service.look = goes_on
    page = f"run 1001 on Databricks: {service.url}/?o=1#job/91001/run/1001"
    wait(lambda: page in (tmp_path / "log").read_text())  # after it has been noted; who interrupts in between is told nothing more

    driver.send_signal(signal.SIGINT)

    assert driver.wait(timeout=120) == 130
    assert service.runs[1001].result == "CANCELED"
    assert runs()[0].status == "KILLED"
    assert runs()[0].tags["mlflow.databricks.runURL"] == page.partition(": ")[2]
    assert service.token not in (tmp_path / "log").read_text()


def test_a_run_that_is_interrupted_before_its_answer_leaves_no_job(driver, service, runs):
    service.look = goes_on
    service.held.clear()
    wait(lambda: service.runs)

    driver.send_signal(signal.SIGTERM)
    time.sleep(1)
    service.held.set()

    assert driver.wait(timeout=120) == 143
    assert service.runs[1001].result == "CANCELED"
    assert list(service.runs) == [1001]
    assert runs()[0].status == "KILLED"
