"""What a backend configuration may say."""

from __future__ import annotations

import pytest

from nbproj.backends.kubernetes.wishes import KubernetesWishes
from nbproj.errors import BackendError

WHOLE = {"repository-uri": "team/wine", "kube-job-template-path": "job.yaml"}


def test_the_configuration_of_the_documentation_is_understood():
    wishes = KubernetesWishes.of(
        {"kube-context": "docker-for-desktop", "repository-uri": "username/mlflow-kubernetes-example", "kube-job-template-path": "/Users/u/t.yaml"}
    )
    assert (wishes.context, wishes.repository, str(wishes.template)) == (
        "docker-for-desktop",
        "username/mlflow-kubernetes-example",
        "/Users/u/t.yaml",
    )


def test_a_relative_template_starts_at_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert KubernetesWishes.of(WHOLE).template == tmp_path / "job.yaml"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"repository-uri": ""}, "needs repository-uri in its configuration"),
        ({"repository-uri": None, "kube-job-template-path": None}, "needs repository-uri and kube-job-template-path"),
        ({"kube_context": "a"}, "Did you mean 'kube-context'?"),
        ({"kube-context": 7}, "kube-context: 7 is not a text"),
        ({"repository-uri": ["a"]}, "is not a text"),
        ({"start-timeout": 0}, "start-timeout: 0 is not a number of seconds above zero"),
        ({"start-timeout": True}, "start-timeout: True is not"),
        ({"start-timeout": "long"}, "start-timeout: 'long' is not"),
    ],
)
def test_what_cannot_be_meant_is_refused(change, told):
    with pytest.raises(BackendError) as caught:
        KubernetesWishes.of({**WHOLE, **change})
    assert told in str(caught.value)
