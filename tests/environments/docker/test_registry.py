"""Images of a registry: a real one, on the loopback address, open or with a password."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from pathlib import Path

import pytest
from docker_engine import shell_layer, untag
from ports import held_port
from remote_servers import served

import nbproj
from nbproj.display.live import CardState
from nbproj.environments.docker.images import base_image
from nbproj.errors import EnvironmentPreparationError
from nbproj.progress import Event

CONFIGURATION = """version: 0.1
storage: {{filesystem: {{rootdirectory: "{folder}/storage"}}}}
http: {{addr: "127.0.0.1:{port}"}}
log: {{level: error}}
"""
LOGIN = {"username": "eva", "password": "pass-4711"}


class Line(socketserver.ThreadingTCPServer):
    """Leads to a port, and brings six megabytes a second back: the engine passes on the latest it knows, and of a download in an instant nothing."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(("127.0.0.1", 0), Leading)


class Leading(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port)) as far:
            threading.Thread(target=carried, args=(self.request, far), daemon=True).start()
            carried(far, self.request, pause=0.02)


def carried(source: socket.socket, target: socket.socket, *, pause: float = 0) -> None:
    """Carry over what comes, until nothing does."""
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 17):
            target.sendall(piece)
            time.sleep(pause * len(piece) / (1 << 17))
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def serving(folder: Path, images, *, login: dict | None, slow: bool = False):
    """Serve a registry that holds one image, which this machine has lost; yield the image's name."""
    program = shutil.which("docker-registry")
    assert program is not None, "apt install docker-registry"
    with contextlib.ExitStack() as held:
        port = held.enter_context(held_port())
        text = CONFIGURATION.format(folder=folder, port=port)
        if login is not None:
            script = f'print crypt("{login["password"]}", "\\$2y\\$05\\$abcdefghijklmnopqrstuu")'  # bcrypt, which is all that it takes
            hashed = subprocess.run(["perl", "-e", script], capture_output=True, text=True, check=True).stdout
            (folder / "users").write_text(f"{login['username']}:{hashed}\n")
            text += f'auth: {{htpasswd: {{realm: test, path: "{folder}/users"}}}}\n'
        (folder / "registry.yml").write_text(text)
        process = subprocess.Popen([program, "serve", folder / "registry.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        reached = held.enter_context(served(Line(port))).server_address[1] if slow else port
        name = f"127.0.0.1:{reached}/mlflow-docker-example-environment"
        try:
            images.client.api.import_image_from_data(shell_layer(noise=os.urandom(8_000_000)), repository=name, tag="7.0", changes=["ENV PATH=/bin"])
            deadline = time.monotonic() + 60
            while "digest" not in (told := images.client.images.push(name, tag="7.0", auth_config=login or {"username": "", "password": ""})):
                assert time.monotonic() < deadline, told
                time.sleep(0.2)
            images.client.images.remove(f"{name}:7.0")
            yield f"{name}:7.0"
        finally:
            process.kill()
            process.wait()
            untag(images.client, name)


def test_example_3_an_image_in_a_remote_registry_is_pulled_and_its_digest_recorded(cli, container_project, only_run, containers, engine, tmp_path):
    """The third example of MLflow's documentation: `image: 012345678910.dkr.ecr.us-west-2.amazonaws.com/mlflow-docker-example-environment:7.0`."""
    with serving(tmp_path, engine, login=None) as image:
        folder = container_project("  main: {command: echo it runs}\n", image=image)

        done = cli("run", folder)

        assert done.code == 0, done.err
        assert "it runs" in done.out
        told = [line for line in done.err.splitlines() if image in line]
        assert told == [f"note: image {image} is not on this machine: it is pulled"], "a pipe gets one line, and no bar"
        assert "\r" not in done.err
        recorded = (Path(only_run().artifact_uri) / "run/environment.txt").read_text()
        assert f"image=={image}\n" in recorded
        assert f"digest=={image.rpartition(':')[0]}@sha256:" in recorded


def test_a_pull_is_shown_with_its_share_in_a_card(engine, tmp_path, monkeypatch):
    state, steps = CardState(started=0.0), []

    def told(event: Event) -> None:
        state.fold(event, 0.0)
        steps.append(state.values(0.0)["step"])

    with serving(tmp_path, engine, login=None, slow=True) as image:
        begun = time.monotonic()
        base_image(engine.client, image, told)
        assert len(steps) <= 4 + 2 * (time.monotonic() - begun), "at most two a second"
        assert state.values(0.0)["notes"] == [f"image {image} is not on this machine: it is pulled"]

        engine.client.images.remove(image)
        steps.clear()
        monkeypatch.setattr("nbproj.environments.docker.reports.SECONDS", 0)
        base_image(engine.client, image, told)

        assert f"pulling {image}" in steps
        assert f"unpacking {image} (100 %)" in steps
        shares = [int(step.rpartition("(")[2][:-3]) for step in steps if step.startswith(f"pulling {image} (")]
        assert shares
        assert shares == sorted(shares)


def test_the_logins_of_docker_open_a_registry(container_project, only_run, containers, engine, home, tmp_path):
    with serving(tmp_path, engine, login=LOGIN) as image:
        known = base64.b64encode(f"{LOGIN['username']}:{LOGIN['password']}".encode()).decode()
        (home / ".docker").mkdir()
        (home / ".docker/config.json").write_text(json.dumps({"auths": {image.partition("/")[0]: {"auth": known}}}))

        run = nbproj.run(container_project("  main: {command: echo it runs}\n", image=image))

        assert run.status == "FINISHED"
        assert LOGIN["password"] not in str(only_run().tags)


def test_credentials_open_a_registry_and_are_kept_nowhere(container_project, store, containers, engine, home, tmp_path):
    with serving(tmp_path, engine, login=LOGIN) as image:
        folder = container_project("  main: {command: echo it runs}\n", image=image)
        with pytest.raises(EnvironmentPreparationError, match=r"is not on this machine and cannot be pulled: .*no basic auth credentials"):
            nbproj.run(folder)
        with pytest.raises(EnvironmentPreparationError, match=r"cannot be pulled"):
            nbproj.run(folder, docker_auth={**LOGIN, "registry": "another.example.org"})

        run = nbproj.run(folder, docker_auth={**LOGIN, "registry": image.partition("/")[0]})

        assert run.status == "FINISHED"
        assert {one.status for one in store.search_runs()} == {"FAILED", "FINISHED"}
        assert "pass-4711" not in str([one.tags for one in store.search_runs()])
        kept = [path for path in home.rglob("*") if path.is_file() and b"pass-4711" in path.read_bytes()]
        assert kept == []
