"""How Jobs end, and what is told while they go on: by themselves, by the user, by the cluster, by somebody else."""

from __future__ import annotations

import json
import signal
import threading
import time

import pytest
from kubernetes_cluster.forgetful import forgetful

from nbproj.backends.kubernetes.cluster import Cluster
from nbproj.backends.kubernetes.jobs import Job

from .conftest import wait


def test_output_comes_while_the_job_runs_and_an_interrupt_deletes_it(start, job_project, gate, runs, jobs, api, namespace):
    folder = job_project(gate.command(), template=gate.mount)
    process = start(folder, until="line 2")
    assert "line 3" not in process.log.read_text()

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=120) == 130
    assert runs()[0].status == "KILLED"
    assert jobs() == []
    wait(lambda: all(pod.metadata.deletion_timestamp for pod in api.core.list_namespaced_pod(namespace).items))


def test_a_run_is_stopped_by_its_id(start, cli, job_project, gate, runs, jobs):
    process = start(job_project(gate.command(), template=gate.mount), until="line 1")

    done = cli("stop", runs()[0].run_id)

    assert done.code == 0, done.err
    process.wait(timeout=120)
    assert runs()[0].status == "KILLED"
    assert jobs() == []


def test_a_pod_that_no_node_has_room_for_says_so_and_can_be_given_up(start, job_project, runs, jobs):
    folder = job_project("  main: {command: 'true'}\n", template=lambda text: text.replace("memory: 512Mi", "cpu: '4000'"))
    process = start(folder, until="Insufficient cpu")  # what was told before that may be of a node that is not ready
    assert "cannot be scheduled: 0/1 nodes are available: 1 Insufficient cpu" in process.log.read_text()

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=120) == 143
    assert runs()[0].status == "KILLED"
    assert jobs() == []


MISSED = "the Job goes on, and is looked for again"


@pytest.mark.parametrize("ends_meanwhile", [False, True])
def test_a_watch_survives_the_api_server(ends_meanwhile, start, cluster, job_project, gate, runs, store, tmp_path):
    process = start(job_project(gate.command(4), template=gate.mount), until="line 2")

    cluster.stop_api()
    try:
        if ends_meanwhile:
            gate.open()
            wait(gate.is_through)
        wait(lambda: MISSED in process.log.read_text())
    finally:
        cluster.start_api()
    gate.open()

    assert process.wait(timeout=300) == 4
    [run] = runs()
    assert (run.status, run.tags["nbproj.reason"]) == ("FAILED", "exit code 4")
    log = store.download_artifact(run.run_id, "run/output.log", tmp_path).read_text()
    assert log == "line 1\nline 2\nline 3\n", process.log.read_text()


def test_a_watch_from_a_version_that_is_too_old_is_begun_again(cluster, api, namespace, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    answer = api.core.list_namespaced_pod(namespace, watch=True, resource_version="1", timeout_seconds=5, _preload_content=False)
    assert json.loads(next(answer.stream()).splitlines()[0])["object"]["code"] == 410

    begun = time.monotonic()
    Job(Cluster(), namespace, "any").wait_for_change("1", 600)

    assert time.monotonic() - begun < 120, "who follows looks again at once"


def test_a_container_that_needs_too_much_memory_says_so(submit, job_project, runs):
    command = "  main: {command: \"python -c 'x = bytearray(1 << 30); print(len(x))'\"}\n"

    done = submit(job_project(command, template=lambda text: text.replace("512Mi", "64Mi")))

    assert done.code == 137
    assert runs()[0].tags["nbproj.reason"] == "the container needed more memory than its limit (OOMKilled)"


def test_the_deadline_of_the_template_ends_the_run(submit, job_project, runs):
    deadline = "  activeDeadlineSeconds: 3\n  backoffLimit"

    done = submit(job_project("  main: {command: 'sleep 600'}\n", template=lambda text: text.replace("  backoffLimit", deadline)))

    assert done.code == 124
    assert "activeDeadlineSeconds" in runs()[0].tags["nbproj.reason"]


def test_a_job_that_goes_as_soon_as_it_has_ended_is_not_taken_for_one_that_was_deleted(start, job_project, gate, runs, jobs, store, tmp_path):
    """With the Job goes what its pod has printed: it ends once that was read."""
    waits = "  main: {command: 'echo fine; while [ ! -e /gate/open ]; do sleep 0.1; done'}\n"
    process = start(job_project(waits, template=lambda text: gate.mount(text).replace("Finished: 3600", "Finished: 0")), until="fine")

    gate.open()

    assert process.wait(timeout=120) == 0, process.log.read_text()
    [run] = runs()
    assert run.status == "FINISHED"
    assert process.log.read_text().splitlines().count("fine") == 1
    assert store.download_artifact(run.run_id, "run/output.log", tmp_path).read_text() == "fine\n"
    wait(lambda: jobs() == [])


def test_a_job_that_somebody_deletes_ends_the_run(start, job_project, gate, runs, jobs, api, namespace):
    process = start(job_project(gate.command(), template=gate.mount), until="line 1")

    api.batch.delete_namespaced_job(jobs()[0].metadata.name, namespace, propagation_policy="Background")

    assert process.wait(timeout=120) == 1
    assert "deleted by somebody else" in runs()[0].tags["nbproj.reason"]


def test_an_interrupt_while_the_api_server_is_away_says_that_the_job_may_go_on(start, cluster, job_project, gate, runs, jobs):
    process = start(job_project(gate.command(), template=gate.mount), until="line 2")
    cluster.stop_api()
    try:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=200) == 130
    finally:
        cluster.start_api()

    assert runs()[0].status == "KILLED"
    name = jobs()[0].metadata.name
    assert f"{name} may go on" in process.log.read_text()
    gate.open()


AGAIN = """
  main:
    command: "if [ ! -e /gate/again ]; then : > /gate/again; echo first; exit 1; fi; echo second; while [ ! -e /gate/open ]; do sleep 0.1; done"
"""
"""Is started again by the kubelet, in the same pod, and goes on: when it has ended, too, the node removes what it printed at first."""


def on_failure(gate):
    """Return what makes a template of that kind."""
    return lambda text: gate.mount(text).replace("restartPolicy: Never", "restartPolicy: OnFailure").replace("Limit: 0", "Limit: 3")


def test_a_container_that_was_started_again_before_we_looked_is_heard(start, job_project, gate, cluster, runs, jobs, api, store, tmp_path):
    def restarts():
        [job] = jobs()
        pods = api.core.list_namespaced_pod(job.metadata.namespace, label_selector=f"job-name={job.metadata.name}").items
        return sum(status.restart_count for pod in pods for status in pod.status.container_statuses or ())

    late = threading.Event()
    with forgetful(cluster, tmp_path / "kubeconfig", blind_until=late) as way:
        process = start(job_project(AGAIN, template=on_failure(gate)), until="run ", KUBECONFIG=str(tmp_path / "kubeconfig"))
        wait(lambda: way.posts == 1 and jobs() and restarts())
        late.set()
        wait(lambda: "second" in process.log.read_text())
        gate.open()
        assert process.wait(timeout=120) == 0, process.log.read_text()

    [run] = runs()
    assert store.download_artifact(run.run_id, "run/output.log", tmp_path).read_text() == "first\nsecond\n"


def test_a_container_that_is_started_again_is_heard_each_time(start, job_project, gate, runs, store, tmp_path):
    process = start(job_project(AGAIN, template=on_failure(gate)), until="second")
    gate.open()

    assert process.wait(timeout=120) == 0, process.log.read_text()
    [run] = runs()
    assert store.download_artifact(run.run_id, "run/output.log", tmp_path).read_text() == "first\nsecond\n"
