"""The recipe for Slurm, as its page tells it, on a real cluster of one node that is another host than this one."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from backends.slurm.conftest import queue_in, until
from slurm_cluster import NODE

import nbproj
from nbproj.errors import RunError
from nbproj.following import Watch
from nbproj.tracking.heartbeats import HEARTBEAT_TAG, LOST_SECONDS, is_lost
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.stopping import stop

TRAIN, SWEEP, GRID = "sbatch train.sh -P alpha=0.3", "sbatch sweep.sh", "sbatch grid.sh"
RUNS, FOLLOW, STOP, CANCEL, SETTLE = "nbproj runs", "nbproj logs -f RUN", "nbproj stop RUN", "scancel JOB", "srun --nodelist=NODE nbproj runs"


def begun(only_run):
    """Return the one run, once its training has begun: has logged its metric, which comes another way than what it prints after that."""
    until(nbproj.runs)
    run = until(lambda: run if (run := only_run()).metrics else None)
    until(lambda: "begun" in nbproj.get_run(run.run_id).logs())
    return run


def cells(run) -> list[str]:
    """Return what the cells of an executed notebook have printed."""
    document = json.loads(Path(f"{run.artifact_uri.removeprefix('file://')}/run/train.ipynb").read_text(encoding="utf-8"))
    return ["".join(text for output in cell.get("outputs", []) for text in output.get("text", [])) for cell in document["cells"]]


def owner(run) -> dict:
    return json.loads(run.tags["nbproj.owner"])


@pytest.fixture(scope="module", autouse=True)
def short_of_time(slurm_cluster, page, tmp_path_factory):
    """Start a job that has less than a minute left; return its queue, number and store. Slurm looks twice a minute: the other tests run meanwhile."""
    folder = tmp_path_factory.mktemp("short", numbered=True)
    store = open_store(f"sqlite:///{folder}/mlflow.db")
    queue = queue_in(folder / "home", slurm_cluster, page, store.uri)
    job = queue.submit(TRAIN, "-P", "seconds=600")
    until(lambda: [run for run in store.search_runs() if run.metrics])
    slurm_cluster.ask("scontrol", "update", f"JobId={job}", "EndTime=now+50seconds")
    return queue, job, store


def test_every_command_of_the_page_is_run_here(page):
    assert set(page.commands) == {TRAIN, SWEEP, GRID, RUNS, FOLLOW, STOP, CANCEL, SETTLE}
    assert set(page.scripts) == {"train.sh", "sweep.sh", "grid.sh"}


def test_a_submitted_run_is_recorded_with_its_notebook_and_the_job_has_its_log(queue, only_run, nobody_left):
    job = queue.submit(TRAIN)
    assert queue.cluster.ended(job)["JobState"] == "COMPLETED"
    run = only_run()
    assert (run.status, run.tags["nbproj.exit_code"], run.params["alpha"], run.metrics) == ("FINISHED", "0", "0.3", {"rmse": 0.6})
    assert owner(run)["host"] == NODE
    assert "through\n" in cells(run)
    log = queue.log(f"train-{job}.log")
    assert "begun with 0.3\nthrough\n" in log
    assert run.run_id in log
    nobody_left(60)


def test_an_array_has_a_run_for_each_job_and_is_repeated_only_where_it_has_not_finished(queue, store):
    def known():
        return {run.params["alpha"]: run.run_id for run in reversed(store.search_runs())}  # of two the newer

    queue.cluster.ended(queue.submit(SWEEP))
    first = known()
    assert set(first) == {"0.1", "0.2", "0.3"}
    assert {run.status for run in store.search_runs()} == {"FINISHED"}
    store.set_status(first["0.2"], "FAILED")
    again = queue.submit(SWEEP)
    queue.cluster.ended(again)
    second = known()
    assert second["0.2"] != first["0.2"]
    assert first | {"0.2": second["0.2"]} == second
    assert "reused run" in queue.log(f"sweep-{again}-1.log")


def test_a_cancelled_job_leaves_a_killed_run_with_its_notebook_and_nothing_else(queue, only_run, nobody_left):
    job = queue.submit(TRAIN, "-P", "seconds=600")
    run = begun(only_run)
    assert run.status == "RUNNING"
    queue.type(CANCEL, JOB=job)
    assert queue.cluster.ended(job)["JobState"] == "CANCELLED"
    run = only_run()
    assert (run.status, run.tags["nbproj.exit_code"], run.tags["nbproj.reason"]) == ("KILLED", "143", "terminated")
    assert "begun with 0.3\n" in cells(run)
    nobody_left(60)


def test_a_batch_that_is_put_back_into_the_queue_goes_on_with_what_has_not_finished(queue, store, nobody_left):
    job = queue.submit(GRID)
    until(nbproj.runs)
    until(lambda: [run for run in store.search_runs() if run.status == "FINISHED" and "mlflow.parentRunId" in run.tags])
    queue.cluster.ask("scontrol", "requeue", job)
    until(lambda: queue.cluster.job(job).get("JobState") == "PENDING")
    nobody_left(60)
    before = {run.run_id for run in store.search_runs() if run.status == "FINISHED"}
    assert "RUNNING" not in {run.status for run in store.search_runs()}
    # Not after the two minutes that Slurm would wait, but not at once: a node counts whole seconds, and refuses a job's new credential that is not
    # newer than the end of the old one ("Job credential revoked").
    time.sleep(2)
    queue.cluster.ask("scontrol", "update", f"JobId={job}", "StartTime=now")
    ended = queue.cluster.ended(job)
    assert (ended["JobState"], ended["Restarts"]) == ("COMPLETED", "1"), queue.log(f"grid-{job}.log")
    finished = [run for run in store.search_runs() if run.status == "FINISHED" and "mlflow.parentRunId" in run.tags]
    assert sorted((run.params["alpha"], run.params["seed"]) for run in finished) == [(f"0.{a}", str(b)) for a in (1, 2, 3) for b in (0, 1)]
    assert before <= {run.run_id for run in store.search_runs()}
    assert "6 finished" in queue.log(f"grid-{job}.log")


def test_a_run_that_is_detached_in_a_job_is_none_of_slurms_and_ends_when_it_is_told(queue, only_run, nobody_left):
    job = queue.submit(TRAIN, "-P", "seconds=600", "--detach")
    assert queue.cluster.ended(job)["JobState"] == "COMPLETED"
    run = begun(only_run)
    with Watch(nbproj.get_run(run.run_id)) as watch:
        assert [event.text for event in watch.look() if event.step == "output"] == ["begun with 0.3\n"]
    queue.type(STOP, RUN=run.run_id)
    assert only_run().status == "KILLED"
    assert "begun with 0.3" in queue.type(FOLLOW, RUN=run.run_id)
    nobody_left(60)


def test_a_run_whose_process_was_killed_is_lost_from_elsewhere_and_settled_on_its_node(queue, store, only_run, nobody_left):
    job = queue.submit(TRAIN, "-P", "seconds=600")
    run = begun(only_run)
    assert nbproj.get_run(run.run_id).logs() == "begun with 0.3\n"
    os.kill(owner(run)["pid"], signal.SIGKILL)
    assert queue.cluster.ended(job)["JobState"] == "FAILED"
    nobody_left(60)
    assert not is_lost(only_run())
    with pytest.raises(RunError, match=f"on host {NODE} was asked"):
        stop(run.run_id, patience=0.1)
    store.set_tags(run.run_id, {HEARTBEAT_TAG: str(int((time.time() - LOST_SECONDS - 60) * 1000))})
    assert "LOST" in queue.type(RUNS)
    assert "KILLED" in queue.type(SETTLE, NODE=f"--nodelist={NODE}")
    run = only_run()
    assert (run.status, run.tags["nbproj.exit_code"]) == ("KILLED", "137")


def test_a_run_whose_job_has_no_time_left_is_ended_in_good_order(short_of_time):
    queue, job, store = short_of_time
    assert queue.cluster.ended(job)["ExitCode"] == "143:0"  # ended by itself, before Slurm had to
    (run,) = store.search_runs()
    assert (run.status, run.tags["nbproj.exit_code"]) == ("KILLED", "143")
    assert "begun with 0.3\n" in cells(run)
