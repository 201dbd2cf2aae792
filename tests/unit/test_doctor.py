"""What is there, what is missing, and what to do: on real programs, folders and sockets, also broken ones."""

from __future__ import annotations

import http.server
import json
import os
import socket
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from nbproj import cli
from nbproj.display.doctor import Finding, findings_json, findings_text, is_fit
from nbproj.doctor import installation, state, store, tools
from nbproj.doctor.cluster import cluster
from nbproj.doctor.engine import engine
from nbproj.doctor.examination import CHECKS, examine
from nbproj.doctor.kernels import kernels
from nbproj.processes import ProcessIdentity, start_time
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.owner import Owner


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Make PATH a folder of the test's own, and return a function that puts a program there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    # People are not kept waiting for a program; on a busy machine the tests must be.
    monkeypatch.setitem(tools.ask.__kwdefaults__, "seconds", 60.0)

    def put(name: str, text: str) -> Path:
        (folder / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{text}\n")
        (folder / name).chmod(0o755)
        return folder / name

    return put


# As `python -m nbproj doctor`, with more patience: on a busy machine 16 checks at once may take longer than people would wait.
PATIENT = """import sys
from nbproj.doctor.examination import examine
examine.__kwdefaults__["seconds"] = 45.0
from nbproj.cli import main
main(["doctor", *sys.argv[1:]])
"""


def doctor(*arguments: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PATIENT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout, done.stderr


def test_a_machine_that_is_fit_ends_with_zero_and_a_line_each():
    code, out, err = doctor()
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == len(CHECKS) + 1
    assert all(line.split()[0] in {"ok", "missing", "warning"} for line in lines[:-1])
    assert lines[-1] == "Runs can start on this machine."


def test_json_is_for_programs():
    code, out, _ = doctor("--json")
    document = json.loads(out)
    assert (code, document["version"], document["ok"]) == (0, 1, True)
    assert [one["name"] for one in document["findings"]] == [name for name, _, _ in CHECKS]
    assert all(set(one) == {"name", "state", "detail", "advice", "needed"} for one in document["findings"])


def test_a_store_out_of_reach_ends_with_one_within_seconds():
    start = time.monotonic()
    code, out, _ = doctor(MLFLOW_TRACKING_URI="http://user:s3cr3t@127.0.0.1:9")
    assert code == 1
    assert time.monotonic() - start < 40
    line = next(line for line in out.splitlines() if " store " in line)
    assert line.startswith("missing  store")
    assert "named by MLFLOW_TRACKING_URI" in line
    assert "s3cr3t" not in out
    assert out.splitlines()[-1] == "Runs cannot start on this machine; see store."


def test_nothing_is_made_by_looking(home):
    doctor()
    assert list(Path.cwd().iterdir()) == []


def test_checks_run_at_once_and_one_that_hangs_holds_up_nobody():
    together = threading.Barrier(20)

    def slow() -> Finding:
        together.wait(60)  # one after the other they would wait for each other
        return Finding("slow", "ok")

    ended = threading.Event()
    start = time.monotonic()
    found = examine(
        [*[(f"slow {number}", slow, False) for number in range(20)], ("hangs", ended.wait, False), ("needed", ended.wait, True)], seconds=8
    )
    assert time.monotonic() - start < 60  # one after the other they take 176
    ended.set()
    assert [one.state for one in found] == ["ok"] * 20 + ["warning", "missing"]
    assert found[-1].detail == "no answer within 8 s"


def test_a_check_that_fails_is_a_finding():
    def broken() -> Finding:
        raise OSError(5, "Input/output error")

    found = examine([("disk", broken, False)])
    assert (found[0].state, found[0].detail) == ("warning", "OSError: [Errno 5] Input/output error")


def test_text_is_one_line_each_whatever_is_in_it():
    text = findings_text([Finding("a", "ok", "x\ny\x1b[31m"), Finding("long name", "missing", "gone", "Do\nthis", needed=True)])
    assert text.splitlines() == [
        r"ok       a          x\ny\x1b[31m",
        r"missing  long name  gone. Do\nthis",
        "Runs cannot start on this machine; see long name.",
    ]
    assert not is_fit([Finding("a", "missing", needed=True)])
    assert findings_json([Finding("a", "missing")])["ok"]


def test_this_installation_is_fit():
    assert installation.python().detail.endswith(sys.executable)
    assert installation.mlflow().state == "ok"
    assert installation.nbproj().state == "ok"


def test_jupyterlab_of_another_environment_counts(programs, monkeypatch):
    monkeypatch.setattr(installation, "version", unknown)
    lab = programs("jupyter-lab", "echo 4")
    found = installation.jupyterlab()
    assert (found.state, found.detail) == ("ok", f"{lab}, in another environment")


def unknown(_name):
    raise PackageNotFoundError


def test_jupyterlab_without_our_panel_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(installation, "version", lambda _name: "4.6.6")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    panel = tmp_path / "labextensions" / "nbproj"
    panel.mkdir(parents=True)
    (panel / "package.json").touch()
    assert installation.jupyterlab().detail == "4.6.6, with the panel"
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_parts: [])
    found = installation.jupyterlab()
    assert (found.state, found.needed) == ("missing", False)
    assert "Node.js" in found.advice


def test_what_is_not_there_says_what_it_would_be_for(programs, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setitem(sys.modules, "rattler", None)  # what stands in for a conda
    for check, use in ((tools.git, "Git"), (tools.uv, "python_env"), (tools.conda, "conda_env"), (tools.docker, "docker_env"), (tools.r, "R")):
        found = check()
        assert (found.state, found.needed) == ("missing", False), found
        assert use in found.advice


def test_an_old_git_is_a_warning(programs):
    programs("git", "echo git version 2.25.1")
    assert tools.git().state == "warning"
    programs("git", "echo 'git version 2.39.5 (Apple Git-154)'")
    assert tools.git().state == "ok"


def test_py_rattler_does_in_the_place_of_a_conda(programs):
    assert tools.conda().state == "ok"
    assert "py-rattler" in tools.conda().detail


def test_conda_is_found_where_its_variables_say(programs, monkeypatch, tmp_path):
    program = programs("micromamba", "echo 2.1.0")
    hidden = tmp_path / "my conda/bin/conda"
    hidden.parent.mkdir(parents=True)
    program.rename(hidden)
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(tmp_path / "my conda"))
    assert tools.conda().detail == f"conda 2.1.0, {hidden}"
    programs("mamba", "echo mamba 1.5.8")
    assert "mamba 1.5.8" in tools.conda().detail


def test_a_program_that_hangs_is_ended_with_all_that_it_started(programs, tmp_path):
    told = tmp_path / "pid"
    program = programs("git", f"sleep 60 & echo $! > {told}; wait")
    start = time.monotonic()
    with pytest.raises(TimeoutError, match=r"git did not answer within 5 s"):
        tools.ask(str(program), "--version", seconds=5)
    assert time.monotonic() - start < 50
    child = int(told.read_text())
    deadline = time.monotonic() + 30
    while start_time(child) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def short(tmp_path_factory):
    """Return a folder whose path is short enough for a socket."""
    return tmp_path_factory.mktemp("s")


class Engine(http.server.BaseHTTPRequestHandler):
    """Answers as Docker's engine does."""

    answer = b'{"Version": "27.1.1"}'

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_arguments):
        """Say nothing."""


class Listener(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def get_request(self):
        request, _ = super().get_request()
        return request, ("local", 0)


@pytest.mark.parametrize(("answer", "state_"), [(b'{"Version": "27.1.1"}', "ok"), (b"[]", "warning"), (b"<html>", "warning"), (b"{}", "warning")])
def test_an_engine_is_asked_for_its_version(answer, state_, short, monkeypatch):
    monkeypatch.setattr(Engine, "answer", answer)
    monkeypatch.setattr("nbproj.doctor.engine._SECONDS", 30.0)
    with Listener(str(short / "docker.sock"), Engine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = engine("client 27.0", f"unix://{short}/docker.sock")
        server.shutdown()
    assert found.state == state_, found
    if state_ == "ok":
        assert found.detail == "client 27.0, engine 27.1.1"


def test_an_engine_that_hangs_is_given_up(short, monkeypatch):
    monkeypatch.setattr("nbproj.doctor.engine._SECONDS", 0.3)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(short / "docker.sock"))
        listening.listen()
        found = engine("client 27.0", f"unix://{short}/docker.sock")
    assert (found.state, "does not answer" in found.detail) == ("warning", True)


def test_an_engine_that_is_dead_or_absent_is_a_warning(short):
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(short / "docker.sock"))
    assert engine("client 27.0", f"unix://{short}/docker.sock").state == "warning"
    assert engine("client 27.0", f"unix://{short}/nothing.sock").state == "warning"
    assert engine("no client", f"unix://{short}/nothing.sock").state == "missing"


def test_an_engine_elsewhere_is_not_asked():
    found = engine("client 27.0", "tcp://user:s3cr3t@10.255.255.1:2376")
    assert found.state == "warning"
    assert "is another machine" in found.detail
    assert "s3cr3t" not in found.detail


def test_a_kernel_whose_program_is_gone_is_named_with_the_remedy(monkeypatch, tmp_path):
    for name, text in (("gone", '{"argv": ["/gone/python"], "display_name": "x"}'), ("torn", "{")):
        (tmp_path / "kernels" / name).mkdir(parents=True)
        (tmp_path / "kernels" / name / "kernel.json").write_text(text)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    found = kernels()
    assert found.state == "warning"
    assert "python3" in found.detail
    assert "gone (/gone/python is gone)" in found.detail
    assert found.advice == "jupyter kernelspec remove gone torn"


def test_the_store_says_where_it_is_and_why(tmp_path, monkeypatch):
    assert store.store().detail.endswith("mlflow.db (a new one in this folder), made by the first run")
    open_store(f"sqlite:///{Path.cwd()}/mlflow.db")
    assert "(the one in this folder), schema " in store.store().detail
    (Path.cwd() / ".git").mkdir()
    (Path.cwd() / "below").mkdir()
    monkeypatch.chdir(Path.cwd() / "below")
    assert "(the nearest one above this folder), schema " in store.store().detail
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mine.db")
    found = store.store()
    assert found.state == "ok"
    assert "mine.db (named by MLFLOW_TRACKING_URI)" in found.detail
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(tmp_path / "mlruns"))
    assert "a folder of files" in store.store().detail


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["CREATE TABLE x (y)"], "something else than MLflow"),
        (["CREATE TABLE alembic_version (version_num)", "INSERT INTO alembic_version VALUES ('ffffffffffff')"], "of a newer MLflow"),
        (["CREATE TABLE alembic_version (version_num)", "INSERT INTO alembic_version VALUES ('451aebb31d03')"], "of an older MLflow"),
    ],
)
def test_a_store_that_cannot_be_used_is_missing(statements, words):
    connection = sqlite3.connect("mlflow.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    found = store.store()
    assert (found.state, found.needed) == ("missing", True)
    assert words in found.detail
    assert "another store" in found.advice


def test_what_is_no_database_is_no_store():
    Path("mlflow.db").write_bytes(b"no database" * 100)
    assert store.store().state == "missing"


class Tracking(Engine):
    """Answers as a tracking server does."""

    answer = b"3.17.0"


def test_a_server_is_asked_whether_it_is_there(monkeypatch):
    monkeypatch.setattr(store, "_SECONDS", 30.0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tracking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        found = store.store()
        server.shutdown()
    assert found.state == "ok"
    assert found.detail.endswith("answers, MLflow 3.17.0")


def test_a_database_server_is_only_knocked_at(monkeypatch):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://u:s3cr3t@127.0.0.1:{listening.getsockname()[1]}/db")
        found = store.store()
    assert (found.state, found.detail.endswith("answers"), "s3cr3t" in found.detail) == ("ok", True, False)
    with socket.socket() as silent:  # holds the port, so that nobody else listens there
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://u:s3cr3t@127.0.0.1:{silent.getsockname()[1]}/db")
        found = store.store()
    assert (found.state, "does not answer" in found.detail) == ("missing", True)


def test_folders_tell_their_size_and_that_they_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("NBPROJ_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/x").write_bytes(b"x" * 2_000_000)
    assert state.cache() == Finding("cache", "ok", f"{tmp_path}/cache, 2.0 MB")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NBPROJ_CACHE_DIR", str(tmp_path / "file/cache"))
    monkeypatch.setenv("NBPROJ_STATE_DIR", str(tmp_path / "file/state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert (state.cache().state, state.state().state) == ("warning", "warning")


def test_runs_under_way_and_left_behind_are_counted():
    assert state.runs() == Finding("runs", "ok", "0 under way")
    ledger = Ledger.open()
    me = ProcessIdentity.of()
    ledger.enter(Owner(me, "sqlite:////x/mlflow.db"))
    ledger.enter(Owner(ProcessIdentity("elsewhere", "b", 7, 1.0), "sqlite:////x/mlflow.db"))
    assert state.runs().detail == "1 under way, 1 of other hosts"
    ledger.enter(Owner(ProcessIdentity(me.host, me.boot, me.pid, 1.0), "sqlite:////x/mlflow.db"))
    found = state.runs()
    assert found.state == "warning"
    assert "1 left by processes that died" in found.detail


def test_the_command_is_offered():
    assert "doctor" in cli.nbproj.commands


@pytest.mark.parametrize(
    ("text", "state", "told"),
    [
        (None, "missing", "no "),
        ("current-context: team\n", "ok", "context team"),
        ("kind: Config\n", "ok", "no current context"),
        ("a: [", "warning", "cannot be read"),
    ],
)
def test_the_cluster_that_a_job_would_go_to_is_named(text, state, told, tmp_path, monkeypatch):
    if text is not None:
        (tmp_path / "config").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    found = cluster()
    assert found.state == state
    assert told in found.detail
