"""Batches of Jobs."""

from __future__ import annotations

import json

from nbproj.tracking.settlement import JOB_TAG

from .conftest import wait


def test_a_batch_of_jobs_has_one_image_and_is_resumed(cli, job_project, gate, runs, jobs, tmp_path):
    """The fourth point fails until the gate is open."""
    step = "import pathlib, sys\nsys.exit(sys.argv[1] == '4' and not pathlib.Path('/gate/open').exists())\n"
    folder = job_project("  main:\n    parameters: {n: int}\n    command: 'python step.py {n}'\n", template=gate.mount, step__py=step)
    command = ["batch", folder, "-P", "n=range(1,7)", "-j", "2", "-b", "kubernetes", "-c", tmp_path / "backend.json"]

    first = cli(*command, timeout=400)

    assert first.code == 1, first.err
    parent, *children = sorted(runs(), key=lambda run: "mlflow.parentRunId" in run.tags)
    assert sorted((run.params["n"], run.status) for run in children) == [(str(n), "FAILED" if n == 4 else "FINISHED") for n in range(1, 7)]
    assert len({run.tags["mlflow.docker.image.uri"] for run in children}) == 1
    assert len(jobs()) == 6
    gate.open()

    second = cli(*command, timeout=400)

    assert second.code == 0, second.err
    assert len(jobs()) == 7, "only what had failed"
    assert {run.run_id: run.status for run in runs()}[parent.run_id] == "FINISHED"


def test_a_batch_whose_driver_was_killed_waits_for_the_jobs_that_go_on(start, job_project, gate, runs, jobs):
    folder = job_project(gate.command().replace("command:", "parameters: {n: int}, command:"), template=gate.mount)
    arguments = ["-P", "n=range(1,3)", "-j", "2"]
    process = start(folder, *arguments, command="batch", until=", batch ")
    wait(lambda: sum(bool(json.loads(run.tags.get(JOB_TAG, "{}")).get("uid")) for run in runs()) == 2)
    process.kill()
    process.wait(timeout=20)

    process = start(folder, *arguments, command="batch", until="waiting for the end")
    gate.open()

    assert process.wait(timeout=200) == 0
    assert len(jobs()) == 2, "no point was begun again"
    assert [run.status for run in runs()] == ["FINISHED"] * 3
