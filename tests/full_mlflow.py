"""A full MLflow in an environment of its own: the peer that tests and benchmarks run against, and a tracking server made of it.

mlflow-skinny, which nbproj stands on, has no server and no user interface. `full_mlflow()` builds the other one once per machine, with uv, into
the user's cache folder (`NBPROJ_TEST_CACHE`, else `XDG_CACHE_HOME`, else `~/.cache`), and returns its interpreter. A marker says that it is complete.

A folder of tests gets the server by importing the fixture in its conftest.py: `from full_mlflow import mlflow_server`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Self

import pytest
from filelock import FileLock
from ports import held_port

BUILD_SECONDS = 900
START_SECONDS = 240

# Read when the module is loaded: tests point HOME and XDG_CACHE_HOME elsewhere, the environment is kept where the machine keeps its caches.
CACHE = Path(os.environ.get("NBPROJ_TEST_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nbproj-tests")
_UV_ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}}


def _uv() -> str:
    """Return uv's path: the one of the test group's package, else the one on the path."""
    with contextlib.suppress(ImportError, FileNotFoundError):
        from uv import find_uv_bin

        return str(find_uv_bin())
    found = shutil.which("uv")
    if found is None:
        msg = "uv is needed to build the full MLflow that tests compare with: install the test group"
        raise RuntimeError(msg)
    return found


def full_mlflow(release: str | None = None) -> Path:
    """Return the interpreter of an environment that holds a full MLflow, building it when there is none.

    Parameters
    ----------
    release : str, optional
        MLflow's version; by default that of the mlflow-skinny nbproj is tested with.
    """
    wanted = release or version("mlflow-skinny")
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / f"mlflow-full-{wanted}-py{sys.version_info.major}.{sys.version_info.minor}"
    python, marker = folder / "bin" / "python", folder / "complete"
    with FileLock(f"{folder}.lock", timeout=BUILD_SECONDS):
        if marker.exists() and python.exists():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        uv = _uv()
        for command in (
            [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", str(python), f"mlflow=={wanted}"],
        ):
            done = subprocess.run(command, env=_UV_ENVIRONMENT, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
            if done.returncode:
                msg = f"{' '.join(command)} failed:\n{done.stderr[-2000:]}"
                raise RuntimeError(msg)
        marker.touch()
    return python


@dataclass
class MlflowServer:
    """A real tracking server on the loopback address, with a SQLite database and served artifacts; a context manager that ends it.

    Parameters
    ----------
    folder : Path
        Where it keeps its database and artifacts.
    store_uri : str, optional
        A store that is there already, shown as `mlflow ui` shows it; one of its own by default.
    host : str
        The address it listens on; containers reach another one than loopback.
    port : int
        Its port, from the beginning of the block on; the same one after `stop` and `start`.
    """

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    store_uri: str | None = None
    host: str = "127.0.0.1"
    port: int = field(default=0, init=False)
    _held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, init=False, repr=False)

    @property
    def uri(self) -> str:
        """Its address."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> MlflowServer:
        """Start it and wait until it is healthy."""
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {
            **{name: value for name, value in _UV_ENVIRONMENT.items() if not name.startswith(("MLFLOW_", "_MLFLOW_", "NBPROJ_"))},
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its job runners take 2 GB and nothing here asks for jobs
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(8),
        }
        command = [str(full_mlflow()), "-m", "mlflow", "server", "--host", self.host, "--port", str(self.port), "--workers", "1"]
        command += ["--allowed-hosts", f"{self.host}:*,127.0.0.1:*"] if self.host != "127.0.0.1" else []
        own = ["--backend-store-uri", f"sqlite:///{self.folder}/server.db", "--artifacts-destination", str(self.folder / "artifacts")]
        command += own if self.store_uri is None else ["--backend-store-uri", self.store_uri]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                if answer.status == 200:
                    return self
            time.sleep(0.1)
        self.stop()
        msg = f"the tracking server did not start:\n{(self.folder / 'server.log').read_text()[-3000:]}"
        raise RuntimeError(msg)

    def stop(self) -> None:
        """End it and what it started, by its process group. May be called twice."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=20)
            self.process = None

    def __enter__(self) -> Self:
        self.port = self._held.enter_context(held_port(self.host))
        try:
            self.start()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        self._held.close()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A tracking server that lives as long as the test session; do not stop it, start an `MlflowServer` of your own for that."""
    with MlflowServer(tmp_path_factory.mktemp("mlflow-server")) as server:
        yield server
