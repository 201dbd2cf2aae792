"""Who a run is for its cluster and its registry: logins that expire, are refused, or are those of the pod that the run is started from."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from kubernetes_cluster.cluster import STATE
from kubernetes_cluster.guarded import NAME, WORD, guarded_registry

import nbproj
from nbproj.backends.kubernetes import execution

from .conftest import RIGHTS, wait

MAIN = "  main: {command: 'echo fine'}\n"
INSIDE = 'mount -t tmpfs none /run && mkdir -p "$1" && cp "$2"/* "$1" && shift 2 && exec "$@"'
"""A process of this machine that finds what a pod finds; nobody else sees it."""


def test_a_login_that_expires_while_the_job_runs_is_read_again(start, job_project, gate, runs, robot):
    """With no more rights than the documentation asks for."""
    process = start(job_project(gate.command(), template=gate.mount), until="line 2", KUBECONFIG=str(robot.kubeconfig))

    robot.dismiss()
    wait(lambda: "does not know you any more (HTTP 401): log in again" in process.log.read_text())
    robot.hire()
    robot.write()
    gate.open()

    assert process.wait(timeout=200) == 0, process.log.read_text()
    assert runs()[0].status == "FINISHED"
    assert "line 3" in process.log.read_text()


def test_a_run_whose_login_is_gone_for_good_ends_and_can_be_followed_on(start, job_project, gate, runs, jobs, api, robot, tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "_REFUSED_SECONDS", 2.0)
    folder = job_project(gate.command(3), template=gate.mount, config={"start-timeout": 2})
    config = str(tmp_path / "backend.json")
    monkeypatch.setenv("KUBECONFIG", str(robot.kubeconfig))

    def dismiss():
        wait(lambda: [pod for pod in api.core.list_namespaced_pod(robot.namespace).items if pod.status.phase == "Running"])
        robot.dismiss()

    later = threading.Thread(target=dismiss)
    later.start()
    with pytest.raises(nbproj.RunFailed, match="log in again"):
        nbproj.run(folder, backend="kubernetes", backend_config=config)
    later.join(60)

    [run] = runs()
    assert (run.status, run.tags["nbproj.exit_code"]) == ("FAILED", "1")
    assert "log in again" in run.tags["nbproj.reason"]
    assert "may go on" in run.tags["nbproj.reason"]
    assert len(jobs()) == 1
    robot.hire()
    robot.write()
    process = start(folder, "--run-id", run.run_id, until="of this run goes on: it is followed")
    gate.open()
    assert process.wait(timeout=120) == 3, process.log.read_text()
    assert len(jobs()) == 1


def test_a_cluster_that_lets_nobody_watch_is_looked_at_now_and_then(start, job_project, gate, runs, robot):
    rights = yaml.safe_load(RIGHTS)
    next(one for one in rights if one["resources"] == ["pods"])["verbs"] = ["list"]
    robot.allow(rights)
    wait(lambda: not robot.may("watch"))
    process = start(job_project(gate.command(), template=gate.mount), until="line 2", KUBECONFIG=str(robot.kubeconfig))
    before, begun = _requests(robot.cluster), time.monotonic()

    time.sleep(5)

    asked, seconds = _requests(robot.cluster) - before, time.monotonic() - begun
    assert asked < 12 * seconds, "two for each look, and one for the watch that is refused"
    gate.open()
    assert process.wait(timeout=200) == 0, process.log.read_text()


def _requests(cluster) -> int:
    """Return how often pods were asked for."""
    lines = cluster.text("/metrics").splitlines()
    found = [line for line in lines if line.startswith("apiserver_request_total{") and 'resource="pods"' in line and 'verb="LIST"' in line]
    return int(sum(float(line.rpartition(" ")[2]) for line in found))


def test_a_process_in_a_pod_needs_no_kubeconfig(job_project, gate, runs, jobs, robot, home, tmp_path):
    """The files of a service account, and the two variables, are all that is there; the template names no namespace."""
    folder = job_project(MAIN, template=lambda text: text.replace(f"  namespace: {robot.namespace}\n", ""))
    files = tmp_path / "serviceaccount"
    files.mkdir()
    (files / "token").write_text(robot.token())
    (files / "namespace").write_text(robot.namespace)
    shutil.copy(STATE / "certificates/apiserver.crt", files / "ca.crt")
    port = yaml.safe_load(robot.cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["server"].rpartition(":")[2]
    variables = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
    variables |= {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port}
    own = [sys.executable, "-m", "nbproj", "run", folder, "-b", "kubernetes", "-c", tmp_path / "backend.json"]
    command = ["unshare", "--mount", "sh", "-ec", INSIDE, "sh", "/run/secrets/kubernetes.io/serviceaccount", files, *own]

    done = subprocess.run([*map(str, command)], env=variables, capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "fine\n"
    assert len(jobs()) == 1, "in the namespace of the pod"
    assert not Path("/run/secrets/kubernetes.io/serviceaccount").exists()


def test_a_registry_that_asks_for_a_login_gets_the_users_own_or_refuses_in_one_line(submit, job_project, runs, jobs, home, tmp_path):
    def log_in(word):
        (home / ".docker").mkdir(exist_ok=True)
        login = base64.b64encode(f"{NAME}:{word}".encode()).decode()
        (home / ".docker/config.json").write_text(json.dumps({"auths": {registry: {"auth": login}}}))

    with guarded_registry(tmp_path / "registry") as registry:
        folder = job_project(MAIN, config={"repository-uri": f"{registry}/team/wine", "start-timeout": 2})
        nobody = submit(folder)
        log_in("wrong-word")
        wrong = submit(folder)
        log_in(WORD)
        right = submit(folder)

    for refused in (nobody, wrong):
        assert refused.code == 121, refused.err
        assert sum("cannot be pushed" in one for one in refused.err.splitlines()) == 1, refused.err
        assert "docker login" in refused.err
        assert "wrong-word" not in refused.err
    # The image is there now, and the cluster has no login for it.
    assert right.code == 1, right.err
    first, second, third = runs()
    assert (first.status, second.status) == ("FAILED", "FAILED")
    assert f"{registry}/team/wine@sha256:" in third.tags["mlflow.docker.image.uri"]
    assert "its image cannot be pulled" in third.tags["nbproj.reason"]
    assert WORD not in json.dumps(dict(third.tags))
    assert jobs() == []
