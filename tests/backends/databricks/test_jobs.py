"""Entry points that run as jobs of a workspace: what is sent, how it is followed, how it ends."""

from __future__ import annotations

import json
import random
import tarfile
import time

import pytest
from databricks_service import Fault, ends_well, goes_on, on_this_machine

import nbproj
from nbproj.backends.databricks import execution
from nbproj.backends.databricks.archive import packed_project
from nbproj.backends.databricks.execution import DatabricksExecution
from nbproj.backends.databricks.jobs import JobRun
from nbproj.backends.databricks.reference import RunReference
from nbproj.backends.databricks.shelf import named, shelf_at
from nbproj.backends.databricks.workspace import Patience, Workspace
from nbproj.display.run import run_text
from nbproj.errors import NbprojError, StoreError
from nbproj.order import Order
from nbproj.record import RunFailed
from nbproj.runner import carry_out
from nbproj.tracking.redact import Redactor

MAIN = """entry_points:
  main:
    parameters: {alpha: {type: float, default: 0.5}, data: {type: path, default: data.csv}}
    command: 'python train.py {alpha} {data}'
"""


@pytest.fixture
def wine(project):
    """Return a project with a file that a parameter names."""
    return project("name: Wine\n" + MAIN, data__csv="1,2\n", train__py="print('trained')\n", __env="PASSWORD=geheim")


def task_of(body):
    """Return the task of a request."""
    (task,) = body["tasks"]
    return task


def told(body):
    """Return the document that the program of a job is started with."""
    (document,) = task_of(body)["spark_python_task"]["parameters"]
    return json.loads(document)


def test_a_request_is_what_the_api_documents_and_what_the_user_specified(run, wine, service, cluster, runs):
    done = run(wine, parameters={"alpha": "0.30"}, timeout=600)

    (body,) = service.submitted
    task = task_of(body)
    assert done.status == "FINISHED"
    assert set(body) == {"run_name", "idempotency_token", "tasks", "timeout_seconds"}
    assert body["run_name"] == f"Wine main ({done.run_id})"
    assert len(body["idempotency_token"]) <= 64
    assert body["timeout_seconds"] == 720
    assert set(task) == {"task_key", "new_cluster", "libraries", "spark_python_task"}
    assert task["new_cluster"] == cluster
    assert {"pypi": {"package": "papermill>=2.6"}} in task["libraries"]
    assert set(task["spark_python_task"]) == {"python_file", "source", "parameters"}
    assert task["spark_python_task"]["source"] == "WORKSPACE"
    assert task["spark_python_task"]["python_file"].startswith("/Workspace/Users/eva@example.org/.nbproj/")
    document = told(body)
    assert document["parameters"] == {"alpha": "0.30", "data": "data.csv"}
    assert document["variables"]["MLFLOW_RUN_ID"] == done.run_id
    assert document["variables"]["MLFLOW_TRACKING_URI"] == cluster["spark_env_vars"]["MLFLOW_TRACKING_URI"]
    assert runs()[0].params["alpha"] == "0.30"


def test_a_run_names_its_page(run, wine, service, runs):
    done = run(wine)

    page = f"{service.url}/?o=1#job/91001/run/1001"
    tags = runs()[0].tags
    assert tags["mlflow.databricks.runURL"] == page
    assert f"job        {page}" in run_text(done.values())
    assert tags["mlflow.databricks.shellJobRunID"] == "1001"
    assert tags["mlflow.databricks.shellJobID"] == "91001"
    assert tags["mlflow.databricks.webappURL"] == service.url
    assert tags["mlflow.project.backend"] == "databricks"
    assert any(event.step == "note" and page in event.text for event in run.events)
    assert any(event.step == "waiting" and "Waiting for cluster" in event.text for event in run.events)
    assert done.exit_code == 0


def test_both_forms_of_a_specification_mean_the_same(run, wine, service, cluster):
    libraries = [{"pypi": {"package": "papermill==2.6.0"}}, {"maven": {"coordinates": "org.jsoup:jsoup:1.7.2"}}]
    run(wine, config={"new_cluster": cluster, "libraries": libraries})

    task = task_of(service.submitted[0])
    assert task["new_cluster"] == cluster
    assert task["libraries"][:2] == libraries
    assert [one for one in task["libraries"] if "papermill" in str(one)] == libraries[:1]  # a version that the user chose is the one


def test_a_project_is_sent_once_and_without_what_is_nobodys(run, wine, service):
    for name, text in {
        ".git/config": "url = https://eva:geheim@example.org",
        "mlruns/x": "1",
        ".venv/pyvenv.cfg": "",
        ".venv/bin/python": "",
    }.items():
        (wine / name).parent.mkdir(parents=True, exist_ok=True)
        (wine / name).write_text(text)
    run(wine)
    sent = len(service.paths("/workspace/import"))
    run(wine)
    before = packed_project(wine)
    (wine / "train.py").write_text("print('changed')\n")

    assert sent == 3  # the project, what carries it, what starts it
    assert len(service.paths("/workspace/import")) == sent
    one, two = (told(body)["project"] for body in service.submitted)
    assert one == two
    with tarfile.open(service.file(one)) as archive:
        assert sorted(archive.getnames()) == ["project/MLproject", "project/data.csv", "project/train.py"]
    assert packed_project(wine) != before


@pytest.mark.parametrize("folder", ["/Volumes/main/default/files", "dbfs:/projects", "/Workspace/Shared/projects"])
def test_archives_lie_where_the_user_wants_them_and_are_sent_once(service, folder):
    workspace = Workspace()
    data = random.Random(1).randbytes(2_000_000)
    places = [shelf_at(workspace, folder, "eva@example.org").put(named(data, ".tar.gz"), data) for _ in range(2)]
    service.file(places[0]).write_bytes(b"half a file")
    shelf_at(workspace, folder, "eva@example.org").put(named(data, ".tar.gz"), data)
    workspace.close()

    assert places[0] == places[1]
    assert places[0].startswith(folder.replace("dbfs:", "/dbfs"))
    assert service.file(places[0]).read_bytes() == data
    writes = [
        path for method, path, _ in service.asked if (path.startswith("/api/2.0/fs/files") and method == "PUT") or path.endswith(("/move", "/import"))
    ]
    assert len(writes) == 2


def test_values_are_never_references_of_the_service(run, project, service):
    folder = project("entry_points:\n  main:\n    parameters: {text: string}\n    command: 'echo {text}'\n")

    run(folder, parameters={"text": "{{job.id}} and {{secrets/a/b}}"})

    (text,) = task_of(service.submitted[0])["spark_python_task"]["parameters"]
    assert "{{" not in text
    assert json.loads(text)["parameters"] == {"text": "{{job.id}} and {{secrets/a/b}}"}


def test_a_secret_goes_there_as_a_reference_only(run, project, service, runs):
    folder = project("entry_points:\n  main:\n    parameters: {key: {type: string, secret: true}}\n    command: 'python x.py'\n", x__py="")

    with pytest.raises(NbprojError, match="keep it in a secret scope"):
        run(folder, parameters={"key": "geheim-123"})
    assert service.submitted == []
    run(folder, parameters={"key": "{{secrets/team/key}}"})

    (body,) = service.submitted
    assert task_of(body)["new_cluster"]["spark_env_vars"]["KEY"] == "{{secrets/team/key}}"
    assert "geheim-123" not in json.dumps([service.asked, [one.tags for one in runs()]], default=str)


def test_a_storm_of_429_is_waited_out_as_the_service_asks(run, wine, service):
    service.faults += [
        Fault("scim", 429, {"Retry-After": "0"}, times=3),
        Fault("import", 503, {"Retry-After": "0"}, times=2),
        Fault("submit", 429, {"Retry-After": "1"}, times=2),
        Fault("submit", 500),
        Fault("runs/get$", 502, times=2),
    ]

    done = run(wine)

    assert done.status == "FINISHED"
    assert len(service.runs) == 1
    assert len({body["idempotency_token"] for body in service.submitted}) == 1
    assert len(service.submitted) == 4
    assert any("has too many requests" in event.text for event in run.events if event.step == "waiting")


def test_a_workspace_under_load_is_left_alone_and_the_page_is_told_later(run, wine, service, runs):
    storm = Fault("runs/get$", 429, {"Retry-After": "2"})
    service.faults.append(storm)
    seen = []
    service.look = lambda job: seen.append(time.monotonic()) or ends_well(job)

    run(wine)

    page = f"{service.url}/?o=1#job/91001/run/1001"
    assert seen[0] - storm.at >= 2
    assert runs()[0].tags["mlflow.databricks.runURL"] == page
    assert any(event.step == "note" and page in event.text for event in run.events)


def test_a_job_that_may_have_been_made_unseen_is_named(run, wine, service, runs, monkeypatch):
    monkeypatch.setattr(execution, "Patience", lambda **more: Patience(1.0, **more))
    service.faults.append(Fault("submit", lost=True, times=1000))

    with pytest.raises(NbprojError, match="the job cannot be submitted"):
        run(wine)

    (record,) = runs()
    assert (record.status, record.tags["nbproj.exit_code"]) == ("FAILED", "121")
    assert any(f"look on Databricks for a run named 'Wine main ({record.run_id})'" in event.text for event in run.events)


def test_the_end_of_a_cancelled_run_is_waited_for_under_load(run, wine, service):
    def look(job):
        if job.life == "TERMINATING" and not service.faults:
            service.faults.append(Fault("runs/get$", 503, {"Retry-After": "1.5"}))
        else:
            goes_on(job)

    service.look = look
    with pytest.raises(RunFailed, match="timeout"):
        run(wine, timeout=1.5)

    assert service.runs[1001].result == "CANCELED"
    assert not any("may go on" in event.text for event in run.events)


def test_a_lost_answer_makes_no_second_job(run, wine, service):
    service.faults.append(Fault("submit", lost=True, times=2))

    done = run(wine)

    assert done.status == "FINISHED"
    assert len(service.submitted) == 3
    assert list(service.runs) == [1001]


def test_a_run_that_is_cancelled_ends_there(run, wine, service, runs):
    service.look = goes_on

    with pytest.raises(RunFailed, match="timeout"):
        run(wine, timeout=1.5)

    assert service.runs[1001].result == "CANCELED"
    assert runs()[0].tags["nbproj.exit_code"] == "124"


def test_a_run_that_somebody_cancels_there_is_killed_here(run, wine, service, runs):
    def look(job):
        job.life, job.result, job.message = "TERMINATED", "CANCELED", "Run cancelled by eva."

    service.look = look
    with pytest.raises(RunFailed, match="cancelled on Databricks: Run cancelled by eva"):
        run(wine)

    assert runs()[0].status == "KILLED"


def test_a_run_that_is_deleted_there_says_so(run, wine, service, runs):
    service.look = lambda job: service.runs.pop(job.number) if job.looks == 2 else goes_on(job)

    with pytest.raises(RunFailed, match="deleted there before its end was seen"):
        run(wine)

    assert runs()[0].status == "FAILED"


def test_why_a_run_failed_there_is_told(run, wine, service, runs):
    def look(job):
        job.life, job.result, job.message = "INTERNAL_ERROR", "FAILED", "Cluster could not be started: quota exceeded."

    service.look = look
    with pytest.raises(RunFailed, match="quota exceeded"):
        run(wine)

    assert runs()[0].status == "FAILED"


def test_a_program_runs_on_the_cluster_with_its_values_and_leaves_its_results(run, project, service, runs, store, tmp_path):
    """The file that a job starts is really started, with what was sent and nothing else of nbproj."""
    service.look = on_this_machine(service)
    folder = project(
        "name: wine\nentry_points:\n  main:\n    parameters: {alpha: float, data: path}\n    command: 'python train.py {alpha} {data}'\n",
        data__csv="1\n",
        train__py="import os, pathlib, sys\nprint('alpha', sys.argv[1], pathlib.Path(sys.argv[2]).read_text())\n"
        "pathlib.Path(os.environ['NBPROJ_OUTPUT_DIR'], 'model.txt').write_text('m')\nsys.exit(3)\n",
    )

    with pytest.raises(RunFailed):
        run(folder, parameters={"alpha": "0.30", "data": str(folder / "data.csv")})

    (record,) = runs()
    assert record.tags["nbproj.exit_code"] == "3", (record.tags, (service.folder / "1001.log").read_text())
    assert store.download_artifact(record.run_id, "model.txt", tmp_path).read_text() == "m"
    assert "alpha 0.30 1" in store.download_artifact(record.run_id, "run/output.log", tmp_path).read_text()
    assert record.status == "FAILED"


def test_a_notebook_runs_on_the_cluster(run, project, notebook, service, cluster, runs, store, tmp_path):
    service.look = on_this_machine(service)
    notebook("import nbproj\nprint('alpha is', alpha)", parameters="alpha = 0.1")
    folder = project("name: wine\n")
    order = Order(str(folder), "nb.ipynb", parameters={"alpha": 0.3}, backend="databricks", backend_config=cluster, output=tmp_path / "copy.ipynb")

    done = carry_out(order)

    assert done.status == "FINISHED"
    assert "alpha is 0.3" in store.download_artifact(runs()[0].run_id, "run/nb.ipynb", tmp_path).read_text()
    assert "alpha is 0.3" in (tmp_path / "copy.ipynb").read_text()


def test_a_spark_job_runs_its_file_in_the_session(run, project, service):
    service.look = on_this_machine(service)
    folder = project(
        "databricks_spark_job: {python_file: job.py, parameters: [a b, 1], python_libraries: [x==1]}\n",
        job__py="import os, sys\nprint(sys.argv, os.path.basename(os.getcwd()), bool(os.environ['MLFLOW_RUN_ID']))\n",
    )

    run(folder)

    task = task_of(service.submitted[0])
    assert task["libraries"] == [{"pypi": {"package": "x==1"}}]
    assert "project/job.py', 'a b', '1'] project True" in service.runs[1001].logs


def test_a_spark_job_of_entry_points_takes_python_only(run, project, service):
    entry_points = "  main: {parameters: {n: float}, command: 'python job.py {n} --x'}\n  other: {command: 'Rscript a.R'}\n"
    folder = project(f"databricks_spark_job: {{python_libraries: []}}\nentry_points:\n{entry_points}", job__py="")

    run(folder, parameters={"n": "2"})
    with pytest.raises(NbprojError, match="has to be 'python FILE"):
        run(folder, "other")

    document = told(service.submitted[0])
    assert (document["python_file"], document["arguments"]) == ("job.py", ["2", "--x"])


def test_a_spark_job_whose_file_lies_there_is_started_as_it_is(run, project, service):
    run(project("databricks_spark_job: {python_file: 'dbfs:/jobs/train.py', parameters: [1]}\n"))

    task = task_of(service.submitted[0])
    assert task["spark_python_task"] == {"python_file": "dbfs:/jobs/train.py", "source": "WORKSPACE", "parameters": ["1"]}
    assert task["new_cluster"]["spark_env_vars"]["MLFLOW_RUN_ID"]


def test_a_run_that_goes_on_is_followed_when_it_is_continued(run, wine, service, runs):
    service.look = goes_on
    with pytest.raises(RunFailed):
        run(wine, timeout=1)
    service.runs[1001].life = "RUNNING"  # as if the driver had died with it
    service.look = lambda job: job.__setattr__("life", "TERMINATED") or job.__setattr__("result", "SUCCESS") if job.looks > 6 else goes_on(job)

    done = run(wine, run_id=runs()[0].run_id)

    assert done.status == "FINISHED"
    assert len(service.submitted) == 1
    assert isinstance(done, nbproj.Run)


def test_the_record_of_a_workspace_is_kept_by_its_profile(run, wine, service, mlflow_server, home, monkeypatch):
    """`databricks://PROFILE` names the workspace for the record and for the job; the cluster has a login of its own."""
    service.mlflow = mlflow_server.uri
    monkeypatch.delenv("DATABRICKS_HOST")
    monkeypatch.delenv("DATABRICKS_TOKEN")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "databricks://team")
    (home / ".databrickscfg").write_text(f"[team]\nhost = {service.url}\ntoken = {service.token}\n")

    done = run(wine, config={"spark_version": "15.4.x-scala2.12", "node_type_id": "i3.xlarge", "num_workers": 1})

    (body,) = service.submitted
    assert (done.status, done.tags["mlflow.databricks.webappURL"]) == ("FINISHED", service.url)
    assert told(body)["variables"]["MLFLOW_TRACKING_URI"] == "databricks"
    assert service.token not in json.dumps(service.asked)


def test_the_runs_of_a_batch_are_jobs_and_send_the_project_once(wine, service, store, cluster):
    batch = nbproj.batch(str(wine), parameters={"alpha": [0.1, 0.2]}, backend="databricks", backend_config=cluster)

    assert (batch.status, len(batch.runs), list(batch.failures)) == ("FINISHED", 2, [])
    assert sorted(told(body)["parameters"]["alpha"] for body in service.submitted) == ["0.1", "0.2"]
    assert len(service.paths("/workspace/import")) == 3


def test_a_record_that_takes_no_tag_does_not_end_the_job(service, tmp_path):
    service.look = ends_well
    workspace = Workspace()
    told, number = [], []

    def made(reference, _sight):
        if reference.number:
            number.append(reference.number)
            message = "the store is away"
            raise StoreError(message)

    task = {"task_key": "x", "new_cluster": {"spark_version": "15.4.x-scala2.12"}, "spark_python_task": {"python_file": "dbfs:/x.py"}}
    body = {"run_name": "x", "idempotency_token": "token", "tasks": [task]}
    following = DatabricksExecution(
        JobRun(workspace),
        RunReference(workspace.host, None, "token"),
        body,
        log=tmp_path / "log",
        mask=Redactor([]).stream(),
        made=made,
        ended=lambda: None,
    )
    following.start()
    while following.outcome is None:
        told.append(following.next(0.2))
    workspace.close()

    assert following.outcome.exit_code == 0
    assert set(number) == {1001}
    assert any(event is not None and "could not be noted: the store is away" in event.text for event in told)
