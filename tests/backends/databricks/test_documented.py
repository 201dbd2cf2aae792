"""Every request is what the API's documentation describes; and what the documentation says of answers is taken as it says it."""

from __future__ import annotations

import copy

import pytest
from databricks_reference import methods, undocumented
from databricks_service import ENDPOINTS, Fault

from nbproj.backends.databricks.answer import WorkspaceRefusalError
from nbproj.backends.databricks.jobs import JobRun
from nbproj.backends.databricks.shelf import named, shelf_at
from nbproj.backends.databricks.workspace import Patience, Workspace

BODY = {
    "run_name": "wine main",
    "idempotency_token": "nbproj-1",
    "timeout_seconds": 720,
    "tasks": [
        {
            "task_key": "nbproj",
            "new_cluster": {"spark_version": "15.4.x-scala2.12", "num_workers": 4, "aws_attributes": {"availability": "ON_DEMAND"}},
            "libraries": [{"pypi": {"package": "papermill"}}],
            "spark_python_task": {"python_file": "dbfs:/x.py", "source": "WORKSPACE", "parameters": ["1"]},
        }
    ],
}


@pytest.fixture
def workspace(service):
    """Return the workspace, logged in."""
    one = Workspace()
    yield one
    one.close()


def test_every_endpoint_of_the_service_is_documented():
    assert {f"{method} {path}" for method, path in methods()} == {name.replace("/api/2.0/", "").replace("/api/2.1/", "") for name in ENDPOINTS}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: body.update(timeout="5"), "there is no field timeout"),
        (lambda body: body.update(timeout_seconds="5"), "timeout_seconds: '5' is not of the type"),
        (lambda body: body["tasks"][0]["spark_python_task"].update(arguments=[]), "there is no field arguments"),
        (lambda body: body["tasks"][0]["spark_python_task"].update(parameters=[1]), "parameters[0]: 1 is not of the type"),
        (lambda body: body["tasks"][0].pop("task_key"), "task_key is required"),
        (lambda body: body["tasks"][0]["new_cluster"]["aws_attributes"].update(availability="NEVER"), "'NEVER' is none of"),
    ],
)
def test_a_body_that_is_not_as_documented_is_found(change, said):
    body = copy.deepcopy(BODY)
    assert undocumented("POST", "/api/2.1/jobs/runs/submit", body) == ""

    change(body)

    assert said in undocumented("POST", "/api/2.1/jobs/runs/submit", body)


def test_the_token_of_a_run_that_was_deleted_makes_no_second_one(workspace, service):
    run = JobRun(workspace)
    run.submit(BODY, Patience())
    del service.runs[run.number]

    with pytest.raises(WorkspaceRefusalError, match="has been deleted"):
        JobRun(workspace).submit(BODY, Patience())
    assert service.runs == {}


def test_a_run_that_has_ended_is_cancelled_without_an_error(workspace, service):
    run = JobRun(workspace)
    run.submit(BODY, Patience())
    service.runs[run.number].life = "INTERNAL_ERROR"

    run.cancel()

    assert service.runs[run.number].life == "INTERNAL_ERROR"


@pytest.mark.parametrize(
    ("code", "message", "absent"),
    [
        ("INVALID_PARAMETER_VALUE", "Run 7 does not exist.", True),
        ("INVALID_PARAMETER_VALUE", "Run: 7 in job: 9 doesn't exist", True),
        ("INVALID_PARAMETER_VALUE", "The policy does not exist.", False),
        ("PERMISSION_DENIED", "Run 7 does not exist or you may not see it.", False),
    ],
)
def test_a_run_is_gone_when_the_service_says_so_and_only_then(code, message, absent, workspace, service):
    service.faults.append(Fault("runs/get", 400, code=code, message=message))

    with pytest.raises(WorkspaceRefusalError) as caught:
        JobRun(workspace, 7).look()

    assert caught.value.is_absence is absent


def test_an_error_code_that_is_a_number_is_none(workspace, service):
    service.faults.append(Fault("runs/get", 400, code=400, message=""))

    with pytest.raises(WorkspaceRefusalError, match="Databricks says HTTP 400") as caught:
        JobRun(workspace, 7).look()

    assert caught.value.code == ""


@pytest.mark.parametrize("lost", ["dbfs/close", "dbfs/move", "dbfs/delete"])
def test_a_file_of_dbfs_is_whole_whichever_answer_gets_lost(lost, workspace, service):
    data = b"archive" * 1000
    shelf = shelf_at(workspace, "dbfs:/projects", "eva@example.org")
    place = service.file(shelf.put(named(data, ".tar.gz"), data))
    place.write_bytes(b"half a file")
    service.faults.append(Fault(lost, lost=True))

    shelf.put(named(data, ".tar.gz"), data)

    assert place.read_bytes() == data
    assert [one.name for one in place.parent.iterdir()] == [place.name]
    assert service.faults[0].times == 0
