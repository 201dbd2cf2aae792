"""A Job does not end with its driver: another one finds it again, and none is made twice."""

from __future__ import annotations

import json
import os
import signal
import threading

import yaml
from kubernetes_cluster.forgetful import forgetful

from nbproj.tracking.ledger import Ledger
from nbproj.tracking.settlement import JOB_TAG

from .conftest import wait

THREE = "line 1\nline 2\nline 3\n"


def taken_up(cli, *options, **environment):
    """Return what the command said that had another driver take a run up: one for which the server is too slow leaves that to the next."""
    said = []

    def has_taken():
        said.append(cli("runs", *options, **environment))
        return "another driver has taken it up" in said[-1].err

    wait(has_taken)
    return said[-1]


def test_a_killed_driver_leaves_its_job_which_the_next_command_takes_up(start, cli, job_project, gate, runs, jobs, store, tmp_path):
    process = start(job_project(gate.command(3), template=gate.mount), until="line 1")
    process.kill()
    process.wait(timeout=20)

    listed = taken_up(cli, "--json")

    assert listed.code == 0, listed.err
    assert runs()[0].status == "RUNNING"
    gate.open()
    wait(lambda: "nbproj.exit_code" in runs()[0].tags and runs()[0].status != "RUNNING")
    [run] = runs()
    assert (run.status, run.tags["nbproj.exit_code"]) == ("FAILED", "3")
    assert len(jobs()) == 1, "it was found, not made again"
    assert store.download_artifact(run.run_id, "run/output.log", tmp_path).read_text() == THREE
    assert "taken" not in cli("runs").err


def test_a_run_whose_driver_was_killed_while_it_should_end_is_ended_by_the_next(start, cli, job_project, gate, runs, jobs):
    process = start(job_project(gate.command(), template=gate.mount), until="line 1")
    os.kill(process.pid, signal.SIGSTOP)
    Ledger.open().of_run(runs()[0].run_id).ask_to_stop()
    process.kill()
    process.wait(timeout=20)

    taken_up(cli)

    wait(lambda: runs()[0].status == "KILLED")
    assert jobs() == []


def test_a_run_is_followed_on_by_its_id(start, cli, job_project, gate, runs, jobs, store, tmp_path):
    folder = job_project(gate.command(3), template=gate.mount)
    process = start(folder, until="line 1")
    process.kill()
    process.wait(timeout=20)

    process = start(folder, "--run-id", runs()[0].run_id, until="line 2")
    gate.open()

    assert process.wait(timeout=120) == 3
    assert "of this run goes on: it is followed" in process.log.read_text()
    [run] = runs()
    assert (run.status, run.tags["nbproj.exit_code"]) == ("FAILED", "3")
    assert len(jobs()) == 1
    assert store.download_artifact(run.run_id, "run/output.log", tmp_path).read_text() == THREE
    assert "taken" not in cli("runs").err
    assert runs()[0].status == "FAILED", "what the first driver has left is not taken for a run that goes on"


def test_a_job_whose_answer_was_lost_is_not_made_again(submit, job_project, cluster, runs, jobs, tmp_path):
    folder = job_project("  main: {command: 'echo fine'}\n")

    with forgetful(cluster, tmp_path / "kubeconfig") as way:
        done = submit(folder, KUBECONFIG=str(tmp_path / "kubeconfig"))

    assert (done.code, done.out) == (0, "fine\n"), done.err
    assert way.posts == 2
    assert len(jobs()) == 1
    assert runs()[0].status == "FINISHED"


def test_a_driver_that_is_killed_before_it_knows_of_its_job_leaves_nothing_behind(start, cli, job_project, gate, cluster, runs, jobs, api, tmp_path):
    """Neither a second Job nor a Secret that belongs to nobody."""
    declared = gate.command(3).replace("command:", "parameters: {key: {type: string, secret: true}}, command:")
    folder, known, late = job_project(declared, template=gate.mount), str(tmp_path / "kubeconfig"), threading.Event()
    with forgetful(cluster, tmp_path / "kubeconfig", late) as way:
        process = start(folder, "-P", "key=s3cret-value", until="run ", KUBECONFIG=known)
        wait(lambda: way.posts == 1 and jobs())
        process.kill()
        process.wait(timeout=20)
        late.set()
        assert json.loads(runs()[0].tags[JOB_TAG])["uid"] == "", "it was killed in between"
        [job] = jobs()
        alone = api.core.read_namespaced_secret(job.metadata.name, job.metadata.namespace)
        assert alone.metadata.owner_references is None

        taken_up(cli, KUBECONFIG=known)
        gate.open()
        wait(lambda: "nbproj.exit_code" in runs()[0].tags and runs()[0].status != "RUNNING")

    assert runs()[0].tags["nbproj.exit_code"] == "3"
    assert [one.metadata.uid for one in jobs()] == [job.metadata.uid]
    secret = api.core.read_namespaced_secret(job.metadata.name, job.metadata.namespace)
    assert [one.uid for one in secret.metadata.owner_references] == [job.metadata.uid], "it goes with the Job"
    assert "s3cret-value" not in (tmp_path / "log-0").read_text()


def test_an_interrupt_while_it_is_not_known_whether_the_job_was_made_leaves_none(start, job_project, gate, cluster, runs, jobs, tmp_path):
    late = threading.Event()
    with forgetful(cluster, tmp_path / "kubeconfig", late) as way:
        process = start(job_project(gate.command(), template=gate.mount), until="run ", KUBECONFIG=str(tmp_path / "kubeconfig"))
        wait(lambda: way.posts == 1 and jobs())

        process.send_signal(signal.SIGINT)
        late.set()

        assert process.wait(timeout=120) == 130
    assert runs()[0].status == "KILLED"
    assert jobs() == []


def test_a_run_whose_job_is_on_another_cluster_is_not_given_a_second_one(start, submit, job_project, gate, cluster, runs, jobs, tmp_path):
    folder = job_project(gate.command(), template=gate.mount)
    process = start(folder, until="line 1")
    process.kill()
    process.wait(timeout=20)
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    at = document["clusters"][0]["cluster"]
    at["server"] = at["server"].replace("127.0.0.1", "localhost")
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))

    done = submit(folder, "--run-id", runs()[0].run_id, KUBECONFIG=str(tmp_path / "kubeconfig"))

    assert done.code == 120, done.err
    assert "of this run is on the cluster at https://127.0.0.1" in done.err
    assert len(jobs()) == 1
