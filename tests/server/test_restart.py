"""A server that dies and comes back: runs go on without it, are found again, and what died meanwhile is settled."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest
from ports import held_port

from nbproj.tracking.ledger import Ledger
from nbproj.tracking.mlflow_store import open_store

SLEEP = f'{sys.executable} -c "import time; time.sleep(600)"'
TOKEN = "restart-token"
OTHERS = ("jupyter_lsp", "jupyter_server_terminals", "jupyterlab", "jupyterlab_jupytext", "notebook", "notebook_shim")
"""What else is switched on in this environment, and takes seconds to import."""


@contextmanager
def server(root, port):
    """Run a Jupyter server with our routes until the block ends, which kills it."""
    flags = [f"--ServerApp.root_dir={root}", f"--port={port}", f"--IdentityProvider.token={TOKEN}", "--ServerApp.base_url=/hub/eva"]
    flags += ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0", "--ServerApp.terminals_enabled=False"]
    flags += [f"--ServerApp.jpserver_extensions={ {**dict.fromkeys(OTHERS, False), 'nbproj': True} }"]
    flags += ["--ServerApp.allow_unauthenticated_access=False"]
    with subprocess.Popen([sys.executable, "-m", "jupyter_server", *flags], stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            until(lambda: ask(port, "GET", "status"))
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def ask(port, method, path, given=None):
    """Return what a route answers, or None while there is no server."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        body = json.dumps(given) if given is not None else None
        connection.request(method, f"/hub/eva/nbproj/api/{path}", body, {"Authorization": f"token {TOKEN}"})
        return json.loads(connection.getresponse().read())
    except OSError:
        return None
    finally:
        connection.close()


def until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.1)
    return found


def owners():
    """Return who carries which run, by the ledger."""
    return {entry.owner.run_id: entry.owner for entry in Ledger.open()}


@pytest.fixture
def port():
    """Return a port for one server after the other."""
    with held_port() as held:
        yield held


def test_runs_outlive_a_killed_server_and_the_next_one_settles_those_that_did_not(tmp_path, port):
    (tmp_path / "MLproject").write_text(f"entry_points:\n  main:\n    command: {json.dumps(SLEEP)}\n")
    with server(tmp_path, port):
        alive, dead = (ask(port, "POST", "runs", {})["run"]["run_id"] for _ in range(2))
    assert set(owners()) == {alive, dead}
    owner = until(lambda: found if (found := owners()[dead]).group else None)  # the answer comes before the program
    program = psutil.Process(owner.group)
    os.kill(owner.process.pid, signal.SIGKILL)
    store = open_store(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert (store.get_status(alive), store.get_status(dead)) == ("RUNNING", "RUNNING")
    with server(tmp_path, port):
        until(lambda: store.get_status(dead) == "KILLED")  # nobody has asked for it: the start of the server has settled it
        until(lambda: not program.is_running() or program.status() == psutil.STATUS_ZOMBIE)
        rows = ask(port, "GET", "runs?column=status")["rows"]
        assert {one["id"]: one["status"] for one in rows} == {alive: "RUNNING", dead: "KILLED"}
        assert ask(port, "POST", f"runs/{alive}/stop")["run"]["status"] == "KILLED"
    assert list(Ledger.open()) == []
