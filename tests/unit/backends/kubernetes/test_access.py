"""Which cluster is meant, and as whom; kubeconfigs that say it wrongly."""

from __future__ import annotations

import logging

import pytest
import yaml

from nbproj.backends.kubernetes.access import Access
from nbproj.errors import BackendError


def kubeconfig(cluster="https://one.example:6443", user="token: first-token", context="cluster: test, user: admin", current="test"):
    return f"""apiVersion: v1
kind: Config
clusters: [{{name: test, cluster: {{server: "{cluster}"}}}}, {{name: other, cluster: {{server: "https://other.example"}}}}]
users: [{{name: admin, user: {{{user}}}}}]
contexts: [{{name: test, context: {{{context}}}}}, {{name: other, context: {{cluster: other, namespace: team}}}}]
current-context: {current}
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Return the kubeconfig that the test may write; where it is, is said after the client was imported."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    return tmp_path / "kubeconfig"


def test_the_current_context_is_meant_and_its_namespace(file):
    file.write_text(kubeconfig())
    access = Access()
    assert (access.read().host, access.namespace) == ("https://one.example:6443", "default")
    access = Access("other")
    assert (access.read().host, access.namespace) == ("https://other.example", "team")


def test_a_context_can_be_named_where_none_is_current(file):
    file.write_text(kubeconfig(current="''"))
    assert Access("other").read().host == "https://other.example"
    with pytest.raises(BackendError, match=r"the kubeconfig has no current one\. Known: test, other"):
        Access().read()


def test_a_login_that_is_read_again_is_the_same_contexts_whatever_is_current_now(file):
    file.write_text(kubeconfig())
    access = Access()
    assert access.read().api_key["BearerToken"] == "Bearer first-token"
    file.write_text(kubeconfig(user="token: second-token", current="other"))

    again = access.read()

    assert (again.host, again.api_key["BearerToken"]) == ("https://one.example:6443", "Bearer second-token")


def test_a_token_in_a_file_and_one_of_a_program_are_read_again(file, tmp_path):
    (tmp_path / "token").write_text("a")
    program = f"exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: cat, args: ['{tmp_path}/answer']}}"
    answer = '{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {"token": "%s"}}'
    (tmp_path / "answer").write_text(answer % "a")
    for user in (f"tokenFile: {tmp_path}/token", program):
        file.write_text(kubeconfig(user=user))
        access = Access()
        tokens = []
        for one in ("a", "b"):
            (tmp_path / "token").write_text(one)
            (tmp_path / "answer").write_text(answer % one)
            tokens.append(access.read().api_key["BearerToken"])
        assert tokens == ["Bearer a", "Bearer b"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "kubeconfig:1:5: not YAML"),
        ("a: \x00", "not YAML"),
        ("[1]", "cannot be used: it is not built as one"),
        ("hello", "cannot be used: it is not built as one"),
        ("contexts: 7", "cannot be used: it is not built as one"),
        ("", "file is empty"),
        ("contexts: []", "no kube-context is given"),
        (kubeconfig(current="tset"), "there is no kube-context 'tset'. Did you mean 'test'?"),
        (kubeconfig(context="cluster: none"), "name none"),
        (kubeconfig(cluster="one.example"), "'one.example' is no address of a cluster"),
        (kubeconfig(user="tokenFile: /none"), "/none"),
        (kubeconfig(user="exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: no-such-login}"), "no login for kube-context 'test': "),
        (kubeconfig(user="exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: 'false'}"), "exec: process returned 1"),
    ],
)
def test_what_is_no_kubeconfig_is_told_in_one_line(text, told, file, capfd):
    file.write_text(text)
    handlers = list(logging.getLogger().handlers)

    with pytest.raises(BackendError) as caught:
        Access().read()

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == "", "it is told once"
    assert logging.getLogger().handlers == handlers


def test_what_a_broken_kubeconfig_holds_is_not_quoted(file):
    document = yaml.safe_load(kubeconfig())
    document["users"] = [{"name": "admin", "usr": {"token": "s3cret-token"}}]
    file.write_text(yaml.safe_dump(document))
    with pytest.raises(BackendError) as caught:
        Access().read()
    assert "s3cret" not in str(caught.value)


def test_a_machine_without_a_kubeconfig_that_is_no_pod_has_no_cluster(file):
    with pytest.raises(BackendError, match=r"no Kubernetes cluster is configured: there is no kubeconfig .*/kubeconfig, and this process runs in no"):
        Access().read()
    with pytest.raises(BackendError, match="cannot be used: there is no such file"):
        Access("test").read()
