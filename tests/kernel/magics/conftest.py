"""A real Jupyter server, notebooks that are open in it, and cells executed in their kernels as a front end does."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import nbformat.v4
import psutil
import pytest
from jupyter_client import BlockingKernelClient

SECONDS = 60
SECRET = "secret-of-the-test"
OF_TEST = ("HOME", "MLFLOW_TRACKING_URI", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


@dataclass
class Answer:
    """What a cell left."""

    status: str = ""
    printed: str = ""
    error: str = ""
    outputs: list = field(default_factory=list)
    payload: list = field(default_factory=list)

    @property
    def text(self) -> str:
        """What was printed, and behind it what is displayed at the end."""
        return self.printed + "".join(f"{data.get('text/plain', '')}\n" for _, data in self.outputs)

    @property
    def html(self) -> str:
        """What a notebook shows."""
        return "".join(data.get("text/html", "") for _, data in self.outputs)


class Kernel:
    """Executes cells in a kernel that runs already, and tells it their ids as JupyterLab does."""

    def __init__(self, connection: Path) -> None:
        self._client = BlockingKernelClient(connection_file=str(connection))
        self._client.load_connection_file()
        self._client.start_channels()
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self._client.wait_for_ready(timeout=SECONDS)
            except RuntimeError:  # on a busy machine a kernel that is late is taken for dead
                assert time.monotonic() < deadline
                continue
            break

    def close(self) -> None:
        self._client.stop_channels()

    def payload(self, source: str) -> str:
        """Execute a cell and return what its pager shows."""
        return "\n".join(one["data"]["text/plain"] for one in self(source).payload)

    def complete(self, line: str) -> list[str]:
        """Return what a press of the tab key offers at the end of a line."""
        return self._client.complete(line, reply=True, timeout=SECONDS)["content"]["matches"]

    def adopt(self, environment: Mapping[str, str]) -> None:
        """Give the kernel an environment, without a trace in its history."""
        code = f"import os as _os\n_os.environ.update({dict(environment)!r})"
        self(code, silent=True)

    def __call__(self, source: str, cell: str | None = None, *, silent: bool = False) -> Answer:
        content = {"code": source, "silent": silent, "store_history": not silent, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
        message = self._client.session.msg("execute_request", content, metadata={"cellId": cell} if cell else {})
        self._client.shell_channel.send(message)
        wanted = message["header"]["msg_id"]
        answer = Answer()
        while True:
            got = self._client.get_iopub_msg(timeout=SECONDS)
            if got["parent_header"].get("msg_id") != wanted:
                continue
            kind, body = got["msg_type"], got["content"]
            if kind == "status" and body["execution_state"] == "idle":
                break
            if kind == "stream":
                answer.printed += body["text"]
            elif kind == "error":
                answer.error = "\n".join(body["traceback"])
            elif kind in {"display_data", "execute_result"}:
                answer.outputs.append((body.get("transient", {}).get("display_id"), body["data"]))
            elif kind == "update_display_data":
                shown = body["transient"]["display_id"]
                answer.outputs = [(one, body["data"] if one == shown else data) for one, data in answer.outputs]
        while True:
            got = self._client.get_shell_msg(timeout=SECONDS)
            if got["parent_header"].get("msg_id") == wanted:
                answer.status = got["content"]["status"]
                answer.payload = got["content"].get("payload", [])
                return answer


@dataclass
class JupyterServer:
    """A server that runs."""

    root: Path
    runtime: Path
    info: dict
    token: str
    pid: int
    stack: ExitStack

    def ask(self, method: str, path: str, body: object | None = None) -> object:
        connection = http.client.HTTPConnection("127.0.0.1", self.info["port"] or 80, timeout=SECONDS)
        if self.info["sock"]:
            connection.sock = socket.socket(socket.AF_UNIX)
        try:
            if self.info["sock"]:
                connection.sock.connect(self.info["sock"])
            connection.request(method, f"{self.info['base_url']}{path}", json.dumps(body), {"Authorization": f"token {self.token}"})
            answer = connection.getresponse()
            data = answer.read()
            assert answer.status < 300, data
            return json.loads(data) if data else None
        finally:
            connection.close()

    def answers(self) -> bool:
        """Return whether it listens already: its file is there a moment before."""
        try:
            self.ask("GET", "api/status")
        except OSError:
            return False
        return True

    def open(self, path: str, *, kernel: str | None = None, kind: str = "notebook") -> Kernel:
        """Open a notebook as a front end does, on a kernel of its own or one that runs, and return the kernel."""
        chosen = {"id": kernel} if kernel else {"name": "python3"}
        session = self.ask("POST", "api/sessions", {"path": path, "name": Path(path).name, "type": kind, "kernel": chosen})
        self.last = session
        connection = self.runtime / f"kernel-{session['kernel']['id']}.json"
        deadline = time.monotonic() + SECONDS
        while not connection.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        opened = Kernel(connection)
        self.stack.callback(opened.close)
        # The server may live longer than the test, whose store and home are its own.
        opened.adopt({name: os.environ[name] for name in OF_TEST if name in os.environ})
        return opened

    def forget(self) -> None:
        """Close what is open and remove the notebooks."""
        self.stack.close()
        for session in self.ask("GET", "api/sessions"):
            with suppress(AssertionError):  # a second session of a kernel went with the first
                self.ask("DELETE", f"api/sessions/{session['id']}")
        for path in self.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self.runtime.glob("jpserver-?.json"):
            path.unlink()

    def rename(self, session: dict, path: str) -> None:
        (self.root / session["path"]).rename(self.root / path)
        self.ask("PATCH", f"api/sessions/{session['id']}", {"path": path, "name": Path(path).name, "type": "notebook"})


@contextmanager
def running_server(tmp_path: Path, *options: str, token: str = SECRET, **environment: str) -> Iterator[JupyterServer]:
    """Run a Jupyter server with folders of its own."""
    root, runtime = tmp_path / "served", tmp_path / "runtime"
    root.mkdir(exist_ok=True)
    folders = {"JUPYTER_RUNTIME_DIR": runtime, "JUPYTER_CONFIG_DIR": tmp_path / "config", "JUPYTER_DATA_DIR": tmp_path / "data"}
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
        *([] if any("sock=" in option for option in options) else ["--ip=127.0.0.1", "--port=0"]),
        *(f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}", "--ServerApp.terminals_enabled=False", *options),
    ]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **{k: str(v) for k, v in folders.items()}, **environment}, stdout=log, stderr=log)
    try:
        file = runtime / f"jpserver-{process.pid}.json"
        deadline = time.monotonic() + SECONDS
        while not (file.exists() and file.read_bytes().endswith(b"}")):
            assert process.poll() is None, (tmp_path / "server.log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "server.log").read_text()
            time.sleep(0.05)
        with ExitStack() as stack:
            one = JupyterServer(root, runtime, json.loads(file.read_bytes()), token, process.pid, stack)
            while not one.answers():
                assert time.monotonic() < deadline, (tmp_path / "server.log").read_text()
                time.sleep(0.05)
            yield one
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        for left in family:
            with suppress(psutil.NoSuchProcess):  # most are ending just now, with the server
                left.kill()


@pytest.fixture(scope="module")
def long_running(tmp_path_factory) -> Iterator[JupyterServer]:
    """Return a Jupyter server for several tests."""
    folder = tmp_path_factory.mktemp("server")
    own = {"HOME": str(folder), "IPYTHONDIR": str(folder / "ipython"), "XDG_CONFIG_HOME": str(folder / "xdg")}
    with running_server(folder, **own) as one:
        yield one


@pytest.fixture
def server(long_running) -> Iterator[JupyterServer]:
    """Return a Jupyter server that runs, with a token, and nothing open in it."""
    yield long_running
    long_running.forget()


@pytest.fixture
def save() -> Callable[..., Path]:
    """Return a function that saves a notebook with these cells; a cell may be given as (id, source)."""

    def write(path: Path, *cells: str | tuple[str, str]) -> Path:
        pairs = [cell if isinstance(cell, tuple) else (f"cell-{number}", cell) for number, cell in enumerate(cells)]
        document = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source, id=identity) for identity, source in pairs],
            metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}},
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(document))
        return path

    return write
