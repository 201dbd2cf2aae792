"""What `nbproj doctor` says about Docker, and what a run says of the same trouble: one line each."""

from __future__ import annotations

import functools
import json
import re
import socket
import subprocess

import pytest
from environments.docker.callers import as_another

from nbproj.containers import connected
from nbproj.doctor.tools import ask, docker
from nbproj.environments.docker.provider import find_client
from nbproj.errors import EnvironmentPreparationError

BOTH = """
import functools, json
from nbproj.containers import connected
from nbproj.doctor import engine, tools
tools.ask, engine._SECONDS = functools.partial(tools.ask, seconds=60), 60
from nbproj.doctor.tools import docker
from nbproj.errors import NbprojError
found = docker()
try:
    with connected():
        told = "it answers"
except NbprojError as error:
    told = str(error)
print(json.dumps([found.state, found.detail, found.advice, told]))
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Give up nobody after two seconds, for which a busy machine may run somebody else: what is told of who answers is the matter here."""
    monkeypatch.setattr("nbproj.doctor.tools.ask", functools.partial(ask, seconds=60))
    monkeypatch.setattr("nbproj.doctor.engine._SECONDS", 60)


@pytest.fixture
def without_client(monkeypatch, tmp_path):
    """A PATH on which nothing is."""
    monkeypatch.setenv("PATH", str(tmp_path))


def test_an_engine_and_a_client_are_told_with_their_versions(engine):
    found = docker()

    assert (found.state, found.advice) == ("ok", "")
    assert re.fullmatch(r"client [\d.]+, engine \S+", found.detail)


def test_no_engine_is_told(monkeypatch, tmp_path, docker_engine):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")

    found = docker()

    assert (found.state, found.advice) == ("warning", "Start Docker, or set DOCKER_HOST, for projects with a docker_env")
    assert found.detail.endswith(f"no engine at unix://{tmp_path}/nobody.sock")


def test_a_socket_that_an_engine_has_left_is_no_engine(monkeypatch, home, docker_engine):
    address = f"unix://{home}/left.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(f"{home}/left.sock")
    monkeypatch.setenv("DOCKER_HOST", address)

    assert docker().detail.endswith(f"no engine at {address}")
    with pytest.raises(EnvironmentPreparationError, match=f"no Docker engine answers at {address}"), connected():
        pass


@pytest.mark.parametrize("closed", ["socket", "folder"])
def test_no_permission_is_told(closed, monkeypatch, home, docker_engine):
    folder = home / "engine"
    folder.mkdir()
    path = folder / "d.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        # Without root's right to read, which another user of a test keeps, a folder is closed, too.
        path.chmod(0o600 if closed == "folder" else 0)
        folder.chmod(0 if closed == "folder" else 0o755)
        done = subprocess.run([*as_another(), "-c", BOTH], capture_output=True, text=True, timeout=120, check=False)
        folder.chmod(0o755)

    assert done.returncode == 0, done.stderr
    state, detail, advice, told = json.loads(done.stdout)
    assert state == "warning"
    assert detail.endswith(f"no permission for unix://{path}")
    assert advice == "Add yourself to the group of that socket, usually docker, for projects with a docker_env"
    assert told == f"no permission for the Docker engine at unix://{path}"


def test_no_client_is_told_also_where_an_engine_answers(engine, without_client):
    found = docker()

    assert found.state == "warning"
    assert found.detail.endswith("and no docker on PATH, which creates the containers")
    assert found.advice.startswith("Install Docker's command line")
    with pytest.raises(EnvironmentPreparationError, match="no docker on PATH"):
        find_client()


def test_neither_client_nor_engine_is_a_docker_that_is_missing(monkeypatch, without_client, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")

    found = docker()

    assert (found.state, found.detail) == ("missing", f"no client, no engine at unix://{tmp_path}/nobody.sock")
    assert found.advice == "Install Docker for projects with a docker_env"


def test_an_engine_on_a_port_of_this_machine_is_asked(monkeypatch, docker_engine):
    with socket.socket() as held:  # nobody listens on it
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{held.getsockname()[1]}")

        assert docker().detail.endswith(f"no engine at tcp://127.0.0.1:{held.getsockname()[1]}")
