"""What the databricks backend refuses, and what a workspace refuses: one line with what to do, before there is a run where that can be."""

from __future__ import annotations

import functools

import pytest
from databricks_service import Fault
from remote_servers import Host, served

import nbproj
from nbproj.backends.databricks import answer, shelf
from nbproj.backends.databricks import workspace as workspaces
from nbproj.errors import NbprojError
from nbproj.record import RunFailed

PLAIN = "name: wine\nentry_points:\n  main: {command: 'echo fine'}\n"


@pytest.fixture
def folder(project):
    """Return a project."""
    return project(PLAIN)


def refusal(run, folder, **options):
    """Return what a run that is refused says, with its hint and exit code."""
    with pytest.raises(NbprojError) as caught:
        run(folder, **options)
    assert "\n" not in str(caught.value)
    return f"{caught.value} {caught.value.hint}", caught.value.exit_code


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "needs the specification of a new cluster"),
        ({"existing_cluster_id": "0923-164208-meows279"}, "running it on one that exists is not supported"),
        ({"new_cluster": {"existing_cluster_id": "x"}}, "running it on one that exists is not supported"),
        ({"new_cluster": "x"}, "'x' is no specification"),
        ({"spark_versoin": "15.4.x-scala2.12"}, "Did you mean 'spark_version'?"),
        ({"node_type_id": "i3.xlarge"}, "has no spark_version"),
        ({"spark_version": "15.4.x-scala2.12", "num_workers": "4"}, "'4' is not a number of workers"),
        ({"new_cluster": {"spark_version": "x"}, "libraires": []}, "Did you mean 'libraries'?"),
        ({"new_cluster": {"spark_version": "x"}, "libraries": "numpy"}, "is not a list of libraries"),
        ({"new_cluster": {"spark_version": "x"}, "folder": "/tmp"}, "is no place for archives"),
        ({"spark_version": "x", "spark_env_vars": {"A": 1}}, "put it in quotes"),
    ],
)
def test_a_configuration_that_specifies_no_new_cluster_is_refused(config, said, run, folder, runs, service):
    text, code = refusal(run, folder, config=config)

    assert said in text
    assert code == 120
    assert (runs(), service.submitted) == ([], [])


def test_a_project_with_an_image_is_refused(run, project, runs, monkeypatch):
    text, code = refusal(run, project("docker_env: {image: python:3.12}\n" + PLAIN))

    assert "with a docker_env on Databricks is not supported" in text
    assert (code, runs()) == (120, [])


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("sqlite:///mlflow.db", "set MLFLOW_TRACKING_URI=databricks"),
        ("./mlruns", "set MLFLOW_TRACKING_URI=databricks"),
    ],
)
def test_a_store_of_this_machine_is_refused(uri, said, run, folder, service, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    text, code = refusal(run, folder)

    assert said in text
    assert (code, service.asked) == (120, [])


def test_a_server_that_only_this_machine_reaches_is_refused(run, folder, runs, cluster):
    text, code = refusal(run, folder, config={name: value for name, value in cluster.items() if name != "spark_env_vars"})

    assert "which only this machine reaches" in text
    assert (code, runs()) == (120, [])


def test_a_wrong_token_is_told_before_there_is_a_run(run, folder, runs, service, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-false")

    text, code = refusal(run, folder)

    assert "does not accept the login (Invalid access token.): log in again" in text
    assert "dapi-false" not in text
    assert (code, runs()) == (121, [])


def test_no_login_at_all_is_told(run, folder, runs, monkeypatch):
    monkeypatch.delenv("DATABRICKS_HOST")
    monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    text, code = refusal(run, folder)

    assert "no login for Databricks is configured" in text
    assert "DATABRICKS_HOST" in text
    assert (code, runs()) == (120, [])


def test_a_profile_logs_in_and_one_that_is_not_there_is_named(service, home, monkeypatch):
    monkeypatch.delenv("DATABRICKS_HOST")
    monkeypatch.delenv("DATABRICKS_TOKEN")
    (home / ".databrickscfg").write_text(f"[team]\nhost = {service.url}\ntoken = {service.token}\n")

    found = workspaces.Workspace(workspaces.profile_of("databricks://team"))
    assert found.ask("GET", "/api/2.0/preview/scim/v2/Me", "x")["userName"] == "eva@example.org"
    found.close()
    with pytest.raises(NbprojError, match="no Databricks profile 'taem' is configured"):
        workspaces.Workspace("taem")


def test_a_cluster_that_the_service_does_not_accept_ends_the_run(run, folder, runs, service, cluster):
    with pytest.raises(NbprojError, match=r"the job cannot be submitted: Databricks says Invalid spark version 1\.0\."):
        run(folder, config={**cluster, "spark_version": "1.0"})

    assert (runs()[0].status, runs()[0].tags["nbproj.exit_code"]) == ("FAILED", "121")
    assert service.runs == {}


def test_a_path_that_is_not_in_the_project_is_refused(run, project, service, runs, tmp_path):
    (tmp_path / "data.csv").write_text("1")
    folder = project("entry_points:\n  main: {parameters: {data: path}, command: 'cat {data}'}\n")

    with pytest.raises(NbprojError, match="is not in the project, and a cluster sees nothing else"):
        run(folder, parameters={"data": str(tmp_path / "data.csv")})
    assert (service.submitted, runs()) == ([], [])


def test_an_address_is_refused_before_anything_is_downloaded(run, project, service, runs, cluster):
    folder = project("entry_points:\n  main: {parameters: {data: path}, command: 'cat {data}'}\n", inside__csv="1")

    with served(Host()) as host:
        for call in (run, functools.partial(nbproj.batch, backend="databricks", backend_config=cluster)):
            data = host.url("/data.csv", login="eva:hush@")
            text, code = refusal(call, folder, parameters={"data": data if call is run else [str(folder / "inside.csv"), data]})

            assert f"parameter data: {host.url('/data.csv')} would be downloaded to this machine, of which a cluster sees only the project" in text
            assert "Declare the parameter as a uri" in text
            assert code == 120
        assert host.asked == []
    assert (service.submitted, runs()) == ([], [])


def test_parameters_that_the_service_would_not_take_are_refused(run, project, service):
    folder = project("entry_points:\n  main: {parameters: {text: string}, command: 'echo {text}'}\n")

    with pytest.raises(NbprojError, match="more than the 10,000 bytes"):
        run(folder, parameters={"text": "x" * 5000 + "é" * 1000})
    assert service.submitted == []


def test_a_project_that_is_too_large_for_the_workspace_says_where_else_it_can_go(run, folder, service):
    import random

    (folder / "data.bin").write_bytes(random.Random(1).randbytes(8_000_000))

    with pytest.raises(NbprojError, match=r"a workspace takes files of 7\.5 MB") as caught:
        run(folder)
    assert "/Volumes/" in caught.value.hint


def test_an_archive_that_is_too_large_for_a_volume_is_not_sent(service, monkeypatch):
    monkeypatch.setattr(shelf, "_VOLUME_MOST", 1000)
    found = workspaces.Workspace()

    with pytest.raises(NbprojError, match="a volume takes files of 5 GiB at once"):
        shelf.shelf_at(found, "/Volumes/main/default/files", "eva@example.org").put("x.tar.gz", b"x" * 1001)
    assert service.asked == []
    found.close()


def test_a_workspace_that_stays_away_is_given_up(service, monkeypatch):
    service.faults.append(Fault(".", 503, {"Retry-After": "2"}, times=1000))  # a busy machine may lose a second or two
    found = workspaces.Workspace()

    with pytest.raises(answer.WorkspaceAwayError, match="answers 503"):
        found.ask("GET", "/api/2.0/preview/scim/v2/Me", "x", patience=workspaces.Patience(10.0))
    assert 3 <= len(service.asked) <= 6
    found.close()


def test_an_address_that_is_no_workspace_is_told(service, mlflow_server, monkeypatch):
    monkeypatch.setenv("DATABRICKS_HOST", mlflow_server.uri)
    found = workspaces.Workspace()

    with pytest.raises(NbprojError, match=r"Databricks says HTTP 404|is DATABRICKS_HOST right"):
        found.ask("GET", "/api/2.0/preview/scim/v2/Me", "x")
    found.close()


def test_what_a_run_cannot_know_of_a_submission_is_no_success(run, folder, service, runs):
    service.look = lambda job: job.__setattr__("life", "SKIPPED")

    with pytest.raises(RunFailed, match="SKIPPED"):
        run(folder)
    assert runs()[0].status == "FAILED"


def test_an_address_with_a_login_is_refused_wherever_it_stands(run, folder, runs, service, cluster):
    text, code = refusal(run, folder, config={**cluster, "spark_env_vars": {"MLFLOW_TRACKING_URI": "https://eva:geheim@mlflow.example.org"}})

    assert "holds a login, and whoever may see a job of Databricks could read it" in text
    assert "geheim" not in text
    assert (code, runs(), service.submitted) == (120, [], [])


def test_a_workspace_whose_certificate_is_not_trusted_is_told_at_once(service, monkeypatch):
    monkeypatch.setenv("DATABRICKS_HOST", service.url.replace("http:", "https:"))
    found = workspaces.Workspace()

    with pytest.raises(NbprojError, match=r"cannot be asked \(SSLError\)") as caught:
        found.ask("GET", "/api/2.0/preview/scim/v2/Me", "x")
    assert (caught.value.exit_code, "REQUESTS_CA_BUNDLE" in caught.value.hint) == (120, True)
    found.close()


def test_a_workspace_that_shares_its_address_is_named(service, monkeypatch):
    monkeypatch.setenv("DATABRICKS_WORKSPACE_ID", "4711")
    found = workspaces.Workspace()

    found.ask("GET", "/api/2.0/preview/scim/v2/Me", "x")
    found.close()

    assert service.named == {"4711"}
