"""The gateway of a run lives as long as the run, whatever ends it; serves the run and its children, and nobody else."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from old_mlflow import SECOND, shared_environments

import nbproj
from nbproj.backends.passage import TRACKING_TAG
from nbproj.tracking.ledger import Ledger

__all__ = ["shared_environments"]

GATEWAY = {"tracking": "gateway"}
CLIENTS = Path(__file__).parent / "clients"
WAITING = """\
import os, pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text(os.environ["MLFLOW_TRACKING_URI"] + " " + os.environ["MLFLOW_TRACKING_TOKEN"])
time.sleep(float(sys.argv[2]))
"""


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.05)
    return found


def listens(uri: str) -> bool:
    parts = urlsplit(uri)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=5).close()
    except ConnectionError:
        return False
    return True


@pytest.fixture
def waiting(project, tmp_path):
    """Return a function that makes a project which says where its gateway is, and waits; and where it says so."""

    def make(seconds: float) -> tuple[Path, Path]:
        said = tmp_path / "said"
        return project(f"entry_points: {{main: {{command: 'python wait.py {said} {seconds}'}}}}\n", wait__py=WAITING), said

    return make


def test_the_gateway_ends_with_a_run_that_ends_by_itself(waiting, store):
    folder, said = waiting(0)
    run = nbproj.run(folder, backend_config=GATEWAY)
    uri, token = said.read_text().split()
    assert (run.status, run.tags[TRACKING_TAG]) == ("FINISHED", "gateway: asked for")
    assert urlsplit(uri).hostname == "127.0.0.1"
    assert len(token) >= 32
    assert not listens(uri)


def test_the_gateway_ends_with_a_detached_run_that_is_cancelled(waiting, store, nobody_left):
    folder, said = waiting(600)
    run = nbproj.run(folder, backend_config=GATEWAY, synchronous=False)
    uri = until(lambda: said.exists() and said.read_text()).split()[0]
    assert listens(uri)
    run.cancel()
    run.wait(timeout=60)
    assert run.status == "KILLED"
    assert not listens(uri)
    nobody_left()


def test_nothing_of_the_gateway_is_left_when_its_driver_is_killed(waiting, store, home, nobody_left):
    folder, said = waiting(600)
    run = nbproj.run(folder, backend_config=GATEWAY, synchronous=False)
    uri = until(lambda: said.exists() and said.read_text()).split()[0]
    entry = Ledger.open().of_run(run.run_id)
    psutil.Process(entry.owner.process.pid).send_signal(signal.SIGKILL)
    nobody_left()
    until(lambda: not listens(uri))  # a process shows as dead before the last of its threads has let go of its sockets
    nbproj.runs()  # the next command settles it
    assert store.get_run(run.run_id).status in {"KILLED", "FAILED"}
    assert not list(home.rglob("gateway"))


def test_a_run_started_by_nbproj_inside_the_program_is_a_child_behind_the_same_gateway(project, store, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "MLproject").write_text("entry_points: {main: {parameters: {n: int}, command: 'python in.py'}}\n")
    (inner / "in.py").write_text("import mlflow, os\nmlflow.log_metric('inside', 1)\nprint(os.environ['MLFLOW_TRACKING_URI'])\n")
    outer = (
        "import subprocess, sys\nsys.exit(subprocess.run([sys.executable, '-m', 'nbproj', 'run', sys.argv[1], '-P', 'n=3'], timeout=120).returncode)"
    )
    folder = project(f"entry_points: {{main: {{command: '{sys.executable} out.py {inner}'}}}}\n", out__py=outer)

    run = nbproj.run(folder, backend_config=GATEWAY)

    assert (run.status, run.exit_code) == ("FINISHED", 0)
    (child,) = (record for record in store.search_runs() if record.run_id != run.run_id)
    assert child.tags["mlflow.parentRunId"] == run.run_id
    assert (child.status, child.tags["nbproj.exit_code"], child.params, child.metrics) == ("FINISHED", "0", {"n": "3"}, {"inside": 1.0})
    assert "run/output.log" in dict(store.list_artifacts(child.run_id, "run"))


def test_a_rude_program_is_refused_and_told_of_and_its_run_is_unharmed(project, store, monkeypatch, told):
    other = store.create_run("0", name="somebody else's", tags={})
    monkeypatch.setenv("ANOTHER_RUN", other.run_id)
    folder = project("entry_points: {main: {command: python ask.py}}\n", ask__py=(CLIENTS / "ask_rudely.py").read_text())

    try:
        run = nbproj.run(folder, backend_config=GATEWAY, progress=told.append)
    except nbproj.RunFailed as error:
        pytest.fail(error.run.logs())

    assert json.loads(run.logs()) == {
        "allowed": 200,
        "wrong token": 401,
        "no token": 401,
        "another run": 404,
        "climbing out": 400,
        "huge": 413,
        "unknown": 404,
        "to delete": 403,
        "another name": 421,
        "allowed afterwards": 200,
    }
    assert (run.status, run.tags["polite"], "huge" in run.tags) == ("FINISHED", "still", False)
    assert store.get_run(other.run_id) == other
    refused = [event.text for event in told if "refused" in event.text]
    assert "the tracking gateway was asked to let somebody in without the run's token: refused (2 times)" in refused
    assert len(refused) == len(set(refused)) == 8


TELLS = """\
import base64, mlflow, os, sys
token = os.environ["MLFLOW_TRACKING_TOKEN"]
print("token:", token, base64.b64encode(f"nbproj:{token}".encode()).decode(), flush=True)
with mlflow.start_run():
    mlflow.set_tag("t", token)
    mlflow.log_param("p", token)
    with mlflow.start_run(nested=True, run_name=token):
        mlflow.set_tag("t", f"--{token}--")
import nbproj
nbproj.log_param("q", token)
raise ValueError(token)
"""


@pytest.mark.parametrize("kind", ["script", "notebook"])
def test_the_token_is_nowhere_when_the_run_has_ended_though_its_program_tells_everybody(kind, notebook, project, store, home, tmp_path, told):
    hint = tmp_path / "elsewhere" / "token"
    hint.parent.mkdir()
    source = f"{TELLS.replace('token = ', f'''open({str(hint)!r}, 'w').write(os.environ['MLFLOW_TRACKING_TOKEN']); token = ''')}"
    folder = project("" if kind == "notebook" else "entry_points: {main: {command: python tell.py}}\n", tell__py=source)
    if kind == "notebook":
        (folder / "tell.py").unlink()
        notebook(source)

    with pytest.raises(nbproj.RunFailed) as caught:
        nbproj.run(folder, backend_config=GATEWAY, progress=told.append)

    token = hint.read_text()
    hint.unlink()
    assert caught.value.run.params["q"] == "***"
    assert token not in f"{caught.value} {caught.value.run!r} {told}"
    for place in (home, tmp_path):
        for file in place.rglob("*"):
            if file.is_file() and not file.is_relative_to(folder):
                assert token.encode() not in file.read_bytes(), file


def test_a_notebook_in_an_environment_with_mlflow_2_logs_through_the_gateway(shared_environments, notebook, store, tmp_path):
    notebook("import mlflow", "mlflow.log_metric('version', int(mlflow.__version__[0]))", "mlflow.log_text('from a kernel', 'note.txt')")
    folder = SECOND.project(tmp_path / "project")

    run = nbproj.run(folder)

    assert (run.status, run.metrics) == ("FINISHED", {"version": 2.0})
    assert run.tags[TRACKING_TAG].startswith("gateway: MLflow 2.")
    assert "note.txt" in dict(store.list_artifacts(run.run_id))


def test_a_server_is_reached_directly_even_where_a_gateway_is_asked_for(project, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    folder = project("entry_points: {main: {command: 'echo $MLFLOW_TRACKING_URI'}}\n")
    run = nbproj.run(folder, backend_config=GATEWAY)
    assert run.logs().strip() == (tmp_path / "mlruns").as_uri()


def test_a_word_that_is_no_way_to_the_store_is_refused_before_there_is_a_run(project, store):
    folder = project("entry_points: {main: {command: 'true'}}\n")
    with pytest.raises(nbproj.NbprojError, match="Did you mean 'gateway'"):
        nbproj.run(folder, backend_config={"tracking": "gatway"})
    assert store.search_runs() == []
    assert os.environ["MLFLOW_TRACKING_URI"] == store.uri
