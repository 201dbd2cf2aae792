"""What is to be seen of a Job, and what it means: objects of the official client, as an API server's answers become them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from kubernetes import client

from nbproj.backends.kubernetes.execution import KubernetesExecution
from nbproj.backends.kubernetes.sight import Sight


def of(kind, document):
    """Return the client's object of a document."""
    return client.ApiClient().deserialize(json.dumps(document), kind, "application/json")


def job(*conditions):
    return of(
        "V1Job",
        {"status": {"conditions": [{"type": kind, "status": "True", "reason": reason, "message": told} for kind, reason, told in conditions]}},
    )


def pod(phase="Running", state=None, *, conditions=(), name="p-1", side=None, restarts=0, **status):
    statuses = [{"name": "main", "ready": False, "restartCount": restarts, "image": "i", "imageID": "", "state": state}] if state else []
    if side:
        statuses.insert(0, {"name": "side", "ready": False, "restartCount": 0, "image": "i", "imageID": "", "state": side})
    spec = {"containers": [{"name": "main"}, {"name": "side"}]}
    document = {
        "metadata": {"name": name, "creationTimestamp": f"2026-01-01T00:00:0{name[-1]}Z"},
        "spec": spec,
        "status": {"phase": phase, "containerStatuses": statuses, "conditions": list(conditions), **status},
    }
    return of("V1Pod", document)


def ended(code, reason="Error", message=None):
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


FAILED = ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")


def test_a_job_that_goes_on_has_no_outcome():
    assert Sight(job(), [pod(state={"running": {}})]).outcome is None


def test_a_job_that_is_complete_has_succeeded():
    assert Sight(job(("Complete", "", ""))).outcome.exit_code == 0


@pytest.mark.parametrize(
    ("pods", "code", "told"),
    [
        ([pod("Failed", ended(7))], 7, "exit code 7"),
        ([pod("Failed", ended(137, "OOMKilled"))], 137, "more memory than its limit"),
        ([pod("Failed", ended(1, message='{"nbproj": {"reason": "cell 4: boom", "cell": 4}}'))], 1, "cell 4: boom"),
        ([pod("Failed", ended(1, message='["nbproj"]'))], 1, "exit code 1"),
        ([pod("Failed", ended(2), name="p-1"), pod("Failed", ended(3), name="p-2")], 3, "exit code 3"),
        ([pod("Failed", ended(0), side=ended(4))], 1, "container 'side' ended with exit code 4"),
        ([pod("Failed", reason="Evicted", message="The node was low on memory")], 1, "pod p-1: Evicted: The node was low on memory"),
        (
            [
                pod(
                    "Failed",
                    initContainerStatuses=[{"name": "fetch", "ready": False, "restartCount": 0, "image": "", "imageID": "", "state": ended(6)}],
                )
            ],
            1,
            "container 'fetch' ended with exit code 6",
        ),
        ([], 1, "the Job failed: Job has reached the specified backoff limit"),
    ],
)
def test_why_a_job_has_failed_is_what_its_last_pod_says(pods, code, told):
    outcome = Sight(job(FAILED), pods).outcome
    assert outcome.exit_code == code
    assert told in outcome.reason


def test_a_deadline_is_a_timeout():
    assert Sight(job(("Failed", "DeadlineExceeded", "Job was active longer"))).outcome.exit_code == 124


@pytest.mark.parametrize(
    ("pods", "refused", "told", "hopeless"),
    [
        ([], "", "waiting for a pod", False),
        ([], 'pods "x" is forbidden: exceeded quota: none', "no pod can be made: pods", True),
        ([pod("Pending", {"waiting": {"reason": "ContainerCreating"}})], "", "is being started", False),
        (
            [pod("Pending", {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}})],
            "",
            "its image cannot be pulled (ImagePullBackOff: Back-off)",
            True,
        ),
        ([pod("Pending", {"running": {}}, side={"waiting": {"reason": "ErrImagePull"}})], "", "its image cannot be pulled", True),
        ([pod("Pending", {"waiting": {"reason": "CreateContainerConfigError"}})], "", "cannot be configured", True),
        (
            [
                pod(
                    "Pending",
                    conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: Insufficient cpu."}],
                )
            ],
            "",
            "cannot be scheduled: 0/1 nodes: Insufficient cpu.",
            False,
        ),
        ([pod(state={"running": {}})], "", "", False),
        ([pod(state=ended(0), side={"running": {}})], "", "the entry point has ended, and pod p-1 waits for its other containers: side", False),
        ([pod("Running", {"waiting": {"reason": "CrashLoopBackOff"}}, restarts=2)], "", "pod p-1 is being started again", False),
    ],
)
def test_what_a_job_waits_for_is_told(pods, refused, told, hopeless):
    waits = Sight(job(), pods, refused=refused).waits_for
    assert told in waits.text
    assert bool(waits.text) == bool(told)
    assert waits.hopeless is hopeless


@pytest.mark.parametrize(("phase", "code"), [("Succeeded", 0), ("Failed", 5), ("Running", None)])
def test_of_a_job_that_is_gone_the_last_pod_tells(phase, code):
    state = {"running": {}} if code is None else ended(code)
    outcome = Sight(job(), [pod(phase, state)]).last_word
    assert (outcome.exit_code if outcome else None) == code
    assert Sight(job()).last_word is None


@pytest.mark.parametrize(("phase", "code", "told"), [("Succeeded", 0, ""), ("Running", 1, "deleted by somebody else")])
def test_pods_that_went_before_their_job_was_looked_at_again_have_told_how_it_ended(phase, code, told, tmp_path):
    following = KubernetesExecution(SimpleNamespace(label="team/wine"), None, log=tmp_path / "log", mask=None, patience=1)
    for seen in (Sight(job(), [pod()]), Sight(job(), [pod(phase)]), Sight(job())):
        following._see(seen)
    outcome = following._gone()
    assert outcome.exit_code == code
    assert told in outcome.reason


def test_output_is_the_first_containers():
    seen = Sight(job(), [pod(state={"running": {}}, side={"running": {}}), pod(state={"waiting": {"reason": "x"}}, name="p-2")])
    assert list(seen.printing()) == [("p-1", "main", 0)]


def test_a_job_that_is_suspended_says_so():
    """As queues of clusters do it; the Job of the oldest API knows no such field."""
    waits = Sight(of("V1Job", {"spec": {"suspend": True, "template": {}}, "status": {}})).waits_for
    assert "the Job is suspended" in waits.text
    assert (waits.lasting, waits.hopeless) == (True, False)


def test_a_pod_that_was_watched_takes_the_place_of_what_was_seen_of_it():
    seen = Sight(job(), [pod(), pod(name="p-2")]).after(pod("Succeeded", ended(0), name="p-2"))
    assert [one.status.phase for one in seen.pods] == ["Running", "Succeeded"]
    assert seen.last_word.exit_code == 0
    assert [one.metadata.name for one in seen.after(pod(name="p-3")).pods] == ["p-1", "p-2", "p-3"]
