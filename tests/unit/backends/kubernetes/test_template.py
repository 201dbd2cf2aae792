"""Jobs made from templates: what is replaced, what stays, which templates are none."""

from __future__ import annotations

import copy
import datetime as dt
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nbproj.backends.kubernetes.template import dns_label, job_from, job_name, read_template
from nbproj.errors import BackendError

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SEEDS = """apiVersion: batch/v1
kind: Job
metadata:
  name: "{replaced with MLflow Project name}"
  namespace: mlflow
spec:
  ttlSecondsAfterFinished: 100
  backoffLimit: 0
  template:
    spec:
      containers:
      - name: "{replaced with MLflow Project name}"
        image: "{replaced with URI of Docker image created during Project execution}"
        command: ["{replaced with MLflow Project entry point command}"]
        env: [{name: KEPT, value: "1"}, {name: MLFLOW_RUN_ID, value: of-another}]
      - {name: side, image: "team/side:1", command: [serve], env: [{name: A, value: b}]}
      resources:
        limits:
          memory: 512Mi
        requests:
          memory: 256Mi
      restartPolicy: Never
"""
"""The one of MLflow's documentation, with variables and a second container."""


@given(st.text())
def test_any_text_becomes_a_label_of_dns(text):
    assert LABEL.fullmatch(dns_label(text))
    assert len(dns_label(text)) <= 63


@given(st.text(), st.text(min_size=1), st.datetimes(timezones=st.just(dt.UTC)))
def test_a_name_leaves_room_for_what_a_pod_adds(project, run_id, now):
    name = job_name(project, run_id, now)
    assert LABEL.fullmatch(name)
    assert len(name) + len("-abcde") <= 63


def test_two_runs_of_one_second_have_two_names():
    now = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    assert job_name("wine", "0" * 32, now) != job_name("wine", "1" * 32, now)


def test_exactly_the_fields_of_the_documentation_are_replaced():
    template = yaml.safe_load(SEEDS)
    before = copy.deepcopy(template)

    job = job_from(
        template,
        name="wine-1",
        container="wine",
        image="r/wine@sha256:1",
        command=["sh", "-c", "true"],
        variables={"MLFLOW_RUN_ID": "7"},
        secret=("wine-1", ["KEY"]),
    )

    assert template == before, "what was read stays as it is"
    expected = copy.deepcopy(before)
    expected["metadata"]["name"] = "wine-1"
    expected["spec"]["template"]["spec"]["containers"][0].update(
        name="wine",
        image="r/wine@sha256:1",
        command=["sh", "-c", "true"],
        env=[
            {"name": "KEPT", "value": "1"},
            {"name": "MLFLOW_RUN_ID", "value": "7"},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "wine-1", "key": "KEY"}}},
        ],
    )
    assert job == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has to be a Job"),
        ("[1]", "has to be a Job"),
        ("kind: Deployment", "has to be a Job"),
        ("kind: Job", "has no container"),
        ("kind: Job\nspec: 7", "has no container"),
        ("kind: Job\nspec: {template: {spec: {containers: []}}}", "has no container"),
        ("kind: Job\nspec: {template: {spec: {containers: [text]}}}", "has no container"),
        ("kind: Job\nmetadata: [x]\nspec: {template: {spec: {containers: [{name: a}]}}}", "metadata of the Job template is of the wrong kind"),
        ("kind: Job\nspec: {template: {spec: {containers: [{env: {A: b}}]}}}", "env of the first container"),
        ("kind: Job\nspec: {template: [", "job.yaml:2:"),
        ("kind: Job\n---\nkind: Job", "is not YAML"),
        ("kind: \x00", "is not YAML"),
    ],
)
def test_what_is_no_template_is_told_in_one_line(text, told, tmp_path):
    (tmp_path / "job.yaml").write_text(text)
    with pytest.raises(BackendError) as caught:
        read_template(tmp_path / "job.yaml")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_template_that_is_no_text_or_not_there_is_told(tmp_path):
    (tmp_path / "job.yaml").write_bytes(b"kind: \xff\xfe")
    for path in (tmp_path / "job.yaml", tmp_path / "none.yaml", tmp_path):
        with pytest.raises(BackendError, match=re.escape(str(path))):
            read_template(path)
