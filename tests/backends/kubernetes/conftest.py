"""A real cluster of one node, a registry, a tracking server that its pods reach, and projects that run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
import urllib3
import warm
import yaml
from docker_engine import docker_engine
from full_mlflow import MlflowServer
from kubernetes_cluster.cluster import ADDRESS, cluster
from kubernetes_cluster.images import pod_image

from nbproj.tracking.store import RunRecord, Store

__all__ = ["Gate", "Robot", "cluster", "docker_engine", "wait"]

Change = Callable[[str], str] | None

TEMPLATE = """apiVersion: batch/v1
kind: Job
metadata:
  name: "{replaced with MLflow Project name}"
  namespace: NAMESPACE
  labels: {team: wine}
spec:
  ttlSecondsAfterFinished: 3600
  backoffLimit: 0
  template:
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 1
      containers:
      - name: "{replaced with MLflow Project name}"
        image: "{replaced with URI of Docker image created during Project execution}"
        command: ["{replaced with MLflow Project entry point command}"]
        resources:
          limits: {memory: 512Mi}
      restartPolicy: Never
"""
"""The one of MLflow's documentation, with a namespace of the test's own. Its Jobs stay for an hour: tests count them when all have ended."""

SECONDS = 900
"""For one test: the first makes images and starts the cluster, and some wait twice for what may take three minutes on a machine that is busy."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder more time than others have."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def pod(docker_engine) -> Iterator[str]:
    """Return the name of an image with all that carries notebooks."""
    client = docker.DockerClient(base_url=docker_engine.address, timeout=600)
    yield pod_image(client)
    client.close()


@pytest.fixture(scope="session")
def pod_server(cluster, tmp_path_factory) -> Iterator[MlflowServer]:
    """Return a tracking server that pods reach."""
    with MlflowServer(tmp_path_factory.mktemp("pod-server"), host=ADDRESS) as server:
        yield server


@pytest.fixture
def api(cluster) -> Any:
    """Return the official client's two interfaces of the cluster, as a test of its own uses them."""
    from kubernetes import client, config

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    configuration = client.Configuration()
    config.load_kube_config(str(cluster.kubeconfig), client_configuration=configuration)
    with client.ApiClient(configuration) as connection:
        connection.batch, connection.core = client.BatchV1Api(connection), client.CoreV1Api(connection)
        yield connection


@pytest.fixture
def namespace(api) -> Iterator[str]:
    """Return a namespace of the test's own, gone with all that is in it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    api.core.create_namespace({"metadata": {"name": name}})
    yield name
    api.core.delete_namespace(name)


@pytest.fixture
def store(cluster, docker_engine, pod_server, monkeypatch) -> Store:
    """Return the server's store; every command of the test uses it, the cluster and the engine."""
    from nbproj.tracking.mlflow_store import open_store

    monkeypatch.setenv("DOCKER_HOST", docker_engine.address)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", pod_server.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", f"test-{uuid.uuid4().hex[:8]}")
    return open_store(pod_server.uri)


@pytest.fixture
def runs(store, monkeypatch) -> Callable[[], list[RunRecord]]:
    """Return a function that gives the runs of the test's experiment, the oldest first."""

    def get() -> list[RunRecord]:
        return store.search_runs([store.experiment(name=os.environ["MLFLOW_EXPERIMENT_NAME"])])[::-1]

    return get


@pytest.fixture
def job_project(store, cluster, namespace, pod, project, tmp_path) -> Callable[..., Path]:
    """Return a function that makes a project with a `docker_env`, a Job template and a backend configuration beside it.

    Parameters of the function: the entry points, more lines of the environment, what is changed in the template and in the configuration, further
    files.
    """

    def make(
        entry_points: str,
        /,
        *,
        more: str = "",
        image: str | None = None,
        template: Callable[[str], str] | None = None,
        config: dict | None = None,
        **files: str,
    ) -> Path:
        lines = ["name: Wine Quality", "docker_env:", f"  image: {image or pod}", *(f"  {line}" for line in more.splitlines()), "entry_points:"]
        folder = project("\n".join(lines) + "\n" + entry_points, **files)
        text = TEMPLATE.replace("NAMESPACE", namespace)
        (tmp_path / "job.yaml").write_text(template(text) if template else text)
        document = {"repository-uri": f"{cluster.registry}/{namespace}", "kube-job-template-path": str(tmp_path / "job.yaml"), **(config or {})}
        (tmp_path / "backend.json").write_text(json.dumps(document))
        return folder

    return make


@pytest.fixture
def submit(cli, tmp_path) -> Callable[..., Any]:
    """Return a function that runs a project on the cluster by the command line."""

    def run(folder: Path, *arguments: object, **options: Any) -> Any:
        return cli("run", folder, "-b", "kubernetes", "-c", tmp_path / "backend.json", *arguments, timeout=options.pop("timeout", 240), **options)

    return run


@pytest.fixture
def jobs(api, namespace) -> Callable[[], list[Any]]:
    """Return a function that gives the Jobs of the test's namespace."""
    return lambda: api.batch.list_namespaced_job(namespace).items


def wait(holds: Callable[[], Any], seconds: float = 180) -> Any:
    """Wait until something holds; return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)
    return found


@dataclass
class Gate:
    """A folder of this machine that a pod waits at, so that nothing depends on how long it takes to look at a run that goes on."""

    folder: Path

    def command(self, code: int = 0) -> str:
        """Return an entry point that prints two lines, waits until the gate is open, prints a third, and ends."""
        waits = "while [ ! -e /gate/open ]; do sleep 0.1; done"
        return f"  main: {{command: 'echo line 1; echo line 2; {waits}; echo line 3; : > /gate/through; exit {code}'}}\n"

    def mount(self, text: str) -> str:
        """Return a template with the folder in its first container."""
        text = text.replace("        resources:", "        volumeMounts: [{name: gate, mountPath: /gate}]\n        resources:")
        return text.replace("      restartPolicy", f"      volumes: [{{name: gate, hostPath: {{path: {self.folder}}}}}]\n      restartPolicy")

    def open(self) -> None:
        """Let the pod go on."""
        (self.folder / "open").touch()

    def is_through(self) -> bool:
        """Return whether the pod has printed its last line."""
        return (self.folder / "through").exists()


@pytest.fixture
def gate(tmp_path) -> Gate:
    """Return a gate of the test's own."""
    (tmp_path / "gate").mkdir()
    return Gate(tmp_path / "gate")


@pytest.fixture
def start(home, tmp_path) -> Iterator[Callable[..., Any]]:
    """Return a function that starts a run on the cluster in the background, and returns its process when it has printed something."""
    begun: list[Any] = []

    def begin(folder: Path, *arguments: object, until: str, command: str = "run", **environment: str) -> Any:
        log = tmp_path / f"log-{len(begun)}"
        words = [sys.executable, "-m", "nbproj", command, folder, "-b", "kubernetes", "-c", tmp_path / "backend.json", *arguments]
        with log.open("wb") as stream:
            options = {"stdout": stream, "stderr": subprocess.STDOUT, "env": {**os.environ, **environment}, "start_new_session": True}
            process = warm.Popen([*map(str, words)], **options)
        begun.append(process)
        wait(lambda: until in log.read_text() or process.poll() is not None)
        assert until in log.read_text(), log.read_text()
        process.log = log
        return process

    yield begin
    for process in begun:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=20)


RIGHTS = """
- {apiGroups: [batch], resources: [jobs], verbs: [create, get, delete]}
- {apiGroups: [""], resources: [pods], verbs: [list, watch]}
- {apiGroups: [""], resources: [pods/log], verbs: [get]}
- {apiGroups: [""], resources: [events], verbs: [list]}
- {apiGroups: [""], resources: [secrets], verbs: [create, get, patch, delete]}
"""
"""What docs/kubernetes.md asks for, and no more."""


@dataclass
class Robot:
    """A service account that has in its namespace the rights that a run needs."""

    api: Any
    namespace: str
    kubeconfig: Path
    cluster: Any

    def hire(self) -> None:
        """Make it. One of the same name that was there before had another identity: its tokens say nothing any more."""
        self.api.core.create_namespaced_service_account(self.namespace, {"metadata": {"name": "robot"}})

    def dismiss(self) -> None:
        """Delete it, and with it every login of it that there is."""
        self.api.core.delete_namespaced_service_account("robot", self.namespace)

    def allow(self, rules: list[dict[str, Any]]) -> None:
        """Give it these rights, in place of those that it has."""
        role = {"metadata": {"name": "robot"}, "rules": rules}
        self.api.rights.replace_namespaced_role("robot", self.namespace, role)

    def may(self, verb: str) -> bool:
        """Return whether the cluster lets it do that with pods: it does so some time after the rights were given."""
        attributes = {"namespace": self.namespace, "verb": verb, "resource": "pods"}
        body = {"spec": {"user": f"system:serviceaccount:{self.namespace}:robot", "resourceAttributes": attributes}}
        return bool(self.api.authorization.create_subject_access_review(body).status.allowed)

    def token(self) -> str:
        """Return a new login of it, once the cluster knows it: of a service account that was made anew it does some time after."""
        asked = {"spec": {"expirationSeconds": 3600}}
        token = str(self.api.core.create_namespaced_service_account_token("robot", self.namespace, asked).status.token)
        wait(lambda: self.api.authentication.create_token_review({"spec": {"token": token}}).status.authenticated)
        return token

    def write(self) -> None:
        """Write a kubeconfig that names a file with its token, and a new token into that."""
        document = yaml.safe_load(self.cluster.kubeconfig.read_text())
        document["users"][0]["user"] = {"tokenFile": str(self.kubeconfig.with_suffix(".token"))}
        self.kubeconfig.with_suffix(".token").write_text(self.token())
        self.kubeconfig.write_text(yaml.safe_dump(document))


@pytest.fixture
def robot(api, namespace, cluster, tmp_path) -> Robot:
    """Return a service account of the test's namespace, with a kubeconfig of its own."""
    from kubernetes import client

    api.rights = client.RbacAuthorizationV1Api(api)
    api.authorization, api.authentication = client.AuthorizationV1Api(api), client.AuthenticationV1Api(api)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "robot"}
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": namespace}
    api.rights.create_namespaced_role(namespace, {"metadata": {"name": "robot"}, "rules": yaml.safe_load(RIGHTS)})
    api.rights.create_namespaced_role_binding(namespace, {"metadata": {"name": "robot"}, "roleRef": role, "subjects": [subject]})
    made = Robot(api, namespace, tmp_path / "robot", cluster)
    made.hire()
    made.write()
    wait(lambda: made.may("list"))
    return made
