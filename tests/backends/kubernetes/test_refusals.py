"""What the kubernetes backend refuses, and what a cluster refuses: one line with what to do, no run that stays, nothing left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from .conftest import wait

MAIN = "  main: {command: 'echo fine'}\n"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("{}", "the kubernetes backend needs repository-uri and kube-job-template-path"),
        ('{"repository-uri": "x"}', "the kubernetes backend needs kube-job-template-path"),
        ('{"repository-uri": "x", "kube-job-template-path": "job.yaml", "kube-contxt": "y"}', "Did you mean 'kube-context'?"),
        ('{"repository-uri": "x", "kube-job-template-path": "no-such.yaml"}', "no-such.yaml cannot be read"),
        ('{"repository-uri": "x", "kube-job-template-path": "job.yaml", "kube-context": "tset"}', "Did you mean 'test'?"),
        ('{"repository-uri": 7, "kube-job-template-path": "job.yaml"}', "7 is not a text"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_before_there_is_a_run(config, told, cli, job_project, runs, tmp_path):
    folder = job_project(MAIN)
    (tmp_path / "backend.json").write_text(config)

    done = cli("run", folder, "-b", "kubernetes", "-c", tmp_path / "backend.json", cwd=tmp_path)

    assert done.code == 120, done.err
    assert told in done.err
    assert runs() == []


def test_a_configuration_that_is_no_json_is_a_mistake_of_the_call(submit, job_project, runs, tmp_path):
    folder = job_project(MAIN)
    (tmp_path / "backend.json").write_text('{"repository-uri": ')

    done = submit(folder)

    assert done.code == 2
    assert "backend.json: not JSON" in done.err
    assert runs() == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("kind: Job", "kind: Pod"), "has to be a Job"),
        (lambda text: text.partition("      containers:")[0], "has no container"),
        (lambda text: text.replace("kind: Job", "kind: [Job"), "job.yaml:3:"),
    ],
)
def test_a_template_that_is_no_job_is_refused_before_there_is_a_run(change, told, submit, job_project, runs):
    done = submit(job_project(MAIN, template=change))

    assert done.code == 120, done.err
    assert told in done.err
    assert runs() == []


def test_a_template_that_the_cluster_does_not_accept_ends_the_run(submit, job_project, runs, jobs):
    done = submit(job_project(MAIN, template=lambda text: text.replace("restartPolicy: Never", "restartPolicy: Always")))

    assert done.code == 121, done.err
    assert "the Job template does not pass" in done.out + done.err
    assert runs()[0].status == "FAILED"
    assert jobs() == []


def test_a_store_of_this_machine_is_refused(submit, job_project, store, tmp_path, monkeypatch):
    folder = job_project(MAIN)

    local = submit(folder, MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/mlflow.db")

    assert local.code == 120
    assert "set MLFLOW_TRACKING_URI to a tracking server" in local.err


def test_a_project_without_an_image_is_refused(submit, job_project, project, runs):
    job_project(MAIN)
    folder = project("name: plain\nentry_points:\n" + MAIN)

    done = submit(folder)

    assert done.code == 120
    assert "docker_env" in done.err
    assert runs() == []


def test_a_machine_without_kubeconfig_says_so(submit, job_project, runs, tmp_path):
    done = submit(job_project(MAIN), KUBECONFIG=str(tmp_path / "none"))

    assert done.code == 120
    assert "no Kubernetes cluster is configured" in done.err
    assert runs() == []


def test_a_push_that_is_refused_ends_the_run(submit, job_project, runs, jobs):
    done = submit(job_project(MAIN, config={"repository-uri": "localhost:1/nowhere"}))

    assert done.code == 121, done.err
    assert "cannot be pushed" in done.err
    assert runs()[0].status == "FAILED"
    assert jobs() == []


def test_a_path_outside_the_project_is_refused(submit, job_project, runs, jobs, tmp_path):
    (tmp_path / "data.csv").write_text("1")
    folder = job_project("  main:\n    parameters: {data: path}\n    command: 'cat {data}'\n", inside__csv="2")

    outside = submit(folder, "-P", f"data={tmp_path}/data.csv")
    elsewhere = submit(folder, "-P", "data=s3://bucket/data.csv")
    none = runs()
    inside = submit(folder, "-P", f"data={folder}/inside.csv")

    assert outside.code == 120
    assert "is not in the project" in outside.err
    assert elsewhere.code == 120
    assert "s3://bucket/data.csv would be downloaded to this machine, of which a pod sees only the project" in elsewhere.err
    assert none == []
    assert (inside.code, inside.out.splitlines()[0]) == (0, "2")


def test_a_user_who_may_not_make_jobs_is_told(submit, job_project, cluster, runs, tmp_path):
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["users"][0]["user"]["token"] = cluster.guest
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))

    done = submit(job_project(MAIN), KUBECONFIG=str(tmp_path / "kubeconfig"))

    assert done.code == 121, done.out + done.err
    assert "you may not create Jobs in namespace" in done.err
    assert runs() == []


def test_a_token_that_the_cluster_does_not_know_is_told(submit, job_project, cluster, runs, tmp_path):
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["users"][0]["user"]["token"] = "old"
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))

    done = submit(job_project(MAIN), KUBECONFIG=str(tmp_path / "kubeconfig"))

    assert done.code == 121, done.out + done.err
    assert "log in again" in done.err
    assert runs() == []


def test_a_cluster_that_does_not_answer_is_told(submit, job_project, cluster, runs, tmp_path, monkeypatch):
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))

    done = submit(job_project(MAIN), KUBECONFIG=str(tmp_path / "kubeconfig"))

    assert done.code == 121, done.out + done.err
    assert "does not answer" in done.err
    assert runs() == []


def test_an_image_that_the_cluster_cannot_pull_ends_the_run(submit, job_project, runs, jobs, api, namespace):
    """By a container of the template: our own image has just been pushed."""
    side = "      - {name: side, image: 'localhost:1/none:1', command: ['true']}\n"
    folder = job_project(MAIN, template=lambda text: text.replace("      restartPolicy", f"{side}      restartPolicy"), config={"start-timeout": 5})

    done = submit(folder)

    assert done.code == 1, done.out + done.err
    assert "its image cannot be pulled" in runs()[0].tags["nbproj.reason"]
    assert jobs() == []


def test_a_quota_that_is_used_up_ends_the_run(submit, job_project, runs, jobs, api, namespace):
    folder = job_project(MAIN, config={"start-timeout": 3})
    api.core.create_namespaced_resource_quota(namespace, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    wait(lambda: api.core.read_namespaced_resource_quota("none", namespace).status.hard)  # before that a pod is refused as of unknown quota

    done = submit(folder)

    assert done.code == 1, done.out + done.err
    assert "exceeded quota" in runs()[0].tags["nbproj.reason"]
    assert jobs() == []


def test_the_configuration_is_one_of_the_documents(tmp_path):
    """As the documentation of MLflow shows it."""
    from nbproj.backends.kubernetes.wishes import KubernetesWishes

    document = json.loads(
        '{"kube-context": "docker-for-desktop", "repository-uri": "username/mlflow-kubernetes-example", "kube-job-template-path": "/Users/u/t.yaml"}'
    )

    wishes = KubernetesWishes.of(document)

    assert (wishes.context, wishes.repository, wishes.template) == (
        "docker-for-desktop",
        "username/mlflow-kubernetes-example",
        Path("/Users/u/t.yaml"),
    )
