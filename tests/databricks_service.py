"""A server with the documented endpoints of a Databricks workspace: the one place where the real thing cannot be had for a test.

What it implements is what the public reference of the REST API says of them:

- Jobs 2.1, `POST jobs/runs/submit`, `GET jobs/runs/get`, `POST jobs/runs/cancel`, `GET jobs/runs/get-output`. One token of at most 64 characters
  makes one run, however often it is sent ("Databricks guarantees that exactly one run is launched with that idempotency token"), and is an error once
  that run was deleted; a run that is not there is 400 INVALID_PARAMETER_VALUE; a cancelled run ends some time after the answer, and to cancel one
  that has ended changes nothing; the output is that of a task's run, not of the whole run.
- Workspace 2.0, `get-status` (404 RESOURCE_DOES_NOT_EXIST), `mkdirs`, `import` (base64, 10 MB: MAX_NOTEBOOK_SIZE_EXCEEDED; without `overwrite`
  RESOURCE_ALREADY_EXISTS; a folder that is not there is an error); Files 2.0, `HEAD` and `PUT /api/2.0/fs/files/...`; DBFS 2.0, `get-status`,
  `create`, `add-block` (1 MB: MAX_BLOCK_SIZE_EXCEEDED), `close`, `move` (onto nothing: RESOURCE_ALREADY_EXISTS), `delete`; SCIM 2.0, `Me`.
- Errors as `{"error_code", "message"}`; 403 for a token that is none; 429 and 503 with `Retry-After`.
- MLflow 2.0: requests to `/api/2.0/mlflow/` are those of any tracking server, and a real one answers them.

Every request is compared field by field with the official client's own description of it (`databricks_reference`): what is not documented is refused,
so no test passes that sends it. Two things are stricter than the service may be: a Python file that is not there is refused when the job is
submitted, and so is a runtime that is unknown. A cluster is a process of this machine, where a test wants one.
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from databricks_reference import undocumented

TOKEN = "dapi-0123456789abcdef"
USER = "eva@example.org"
SPARK_VERSIONS = {"15.4.x-scala2.12", "16.4.x-scala2.12", "5.5.x-scala2.11"}


@dataclass
class Fault:
    """An answer in place of the usual one, some times."""

    path: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    lost: bool = False  # what was asked for is done, and nobody is told
    message: str = "not now"
    at: float = 0.0  # when it was given last
    code: str | int = "TEMPORARILY_UNAVAILABLE"  # a number at some older endpoints


@dataclass
class JobRun:
    """A run of a job."""

    number: int
    body: dict[str, Any]
    looks: int = 0
    life: str = "PENDING"
    result: str = ""
    message: str = "Waiting for cluster"
    logs: str = ""
    error: str = ""
    process: subprocess.Popen[str] | None = None


class RefusedError(Exception):
    """An error of the API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Service(http.server.ThreadingHTTPServer):
    """A workspace; `folder` is where its files lie for clusters."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.lock = threading.RLock()
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.named: set[str | None] = set()  # the workspaces that requests were for, where many share an address
        self.faults: list[Fault] = []
        self.runs: dict[int, JobRun] = {}
        self.tokens: dict[str, int] = {}
        self.handles: dict[int, tuple[str, bytearray]] = {}
        self.last_handle = 0
        self.look: Callable[[JobRun], None] = ends_well
        self.held = threading.Event()  # answers of submit wait for it
        self.held.set()
        self.token = TOKEN
        self.mlflow = ""  # a tracking server that answers for the workspace's own

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def submitted(self) -> list[dict[str, Any]]:
        """The bodies of all requests to submit."""
        return [body for method, path, body in self.asked if path.endswith("/runs/submit")]

    def paths(self, end: str) -> list[dict[str, Any]]:
        """Return the bodies, or queries, of the requests whose path ends so."""
        return [body for _, path, body in self.asked if path.endswith(end)]

    def file(self, path: str) -> Path:
        """Return where a file of the workspace lies here."""
        return self.folder / path.strip("/")


def ends_well(run: JobRun) -> None:
    """Let a run go through its states, one for each look."""
    if run.looks == 1:
        run.life, run.message = "RUNNING", "In run"
    elif run.looks > 1:
        run.life, run.result, run.message = "TERMINATED", "SUCCESS", ""


def goes_on(run: JobRun) -> None:
    """Let a run go on until it is cancelled."""
    if run.life not in {"TERMINATING", "TERMINATED"}:
        run.life, run.message = "RUNNING", "In run"
    elif run.life == "TERMINATING":
        run.life, run.result = "TERMINATED", "CANCELED"


def on_this_machine(service: Service) -> Callable[[JobRun], None]:
    """Return what runs the file of a job as a process of this machine, as a cluster with these files would."""

    def look(run: JobRun) -> None:
        task = run.body["tasks"][0]["spark_python_task"]
        if run.process is None:
            parameters = [re.sub(r"(?<=\")/(?=Workspace/|Volumes/|dbfs/)", f"{service.folder}/", one) for one in task["parameters"]]
            words = [sys.executable, str(service.file(task["python_file"])), *parameters]
            kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CACHE_HOME", "LANG") if name in os.environ}
            more = run.body["tasks"][0]["new_cluster"].get("spark_env_vars", {})
            with (service.folder / f"{run.number}.log").open("w") as output:
                run.process = subprocess.Popen(words, env={**kept, **more}, cwd=service.folder, stdout=output, stderr=output, text=True)
        run.life, run.message = "RUNNING", "In run"
        if run.process.poll() is not None:
            text = (service.folder / f"{run.number}.log").read_text()
            head, mark, trace = text.partition("Traceback (most recent call last)")
            run.logs, run.error = head, trace.strip().splitlines()[-1] if mark else ""
            run.life, run.result = "TERMINATED", "SUCCESS" if run.process.returncode == 0 else "FAILED"
            run.message = "" if run.process.returncode == 0 else "Workload failed, see run output for details"

    return look


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers requests."""

    protocol_version = "HTTP/1.1"
    server: Service

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(parts.path)
        is_document = "json" in (self.headers.get("Content-Type") or "")
        values = json.loads(data) if is_document and data else {name: one[0] for name, one in parse_qs(parts.query).items()}
        if path.startswith("/api/2.0/mlflow/") and self.server.mlflow:
            self.pass_on(data)
            return
        if path.startswith("/.well-known"):
            self.answer(404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "no such endpoint"})
            return
        with self.server.lock:
            self.server.asked.append((self.command, path, values))
            self.server.named.add(self.headers.get("X-Databricks-Workspace-Id"))
            fault = next((one for one in self.server.faults if one.times and re.search(one.path, path)), None)
            if fault is not None:
                fault.times -= 1
                fault.at = time.monotonic()
        if fault is not None and not fault.lost:
            self.answer(fault.status, {"error_code": fault.code, "message": fault.message}, fault.headers)
            return
        try:
            told = self.handle_request(path, values, data)
        except RefusedError as error:
            self.answer(error.status, {"error_code": error.code, "message": str(error)})
            return
        if fault is not None:
            self.close_connection = True
            self.connection.close()
            return
        if path.endswith("/runs/submit"):
            self.server.held.wait(60)
        self.answer(200, told)

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815 - the names that http.server calls

    def pass_on(self, data: bytes) -> None:
        """Have a real tracking server answer."""
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self.answer(403, {"error_code": "PERMISSION_DENIED", "message": "Invalid access token."})
            return
        request = urllib.request.Request(self.server.mlflow + self.path, data=data or None, method=self.command)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.answer(answer.status, json.loads(answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                self.answer(error.code, json.loads(error.read()))

    def answer(self, status: int, told: dict[str, Any] | int, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(told).encode() if isinstance(told, dict) else b""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(told if isinstance(told, int) else len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def handle_request(self, path: str, values: dict[str, Any], data: bytes) -> dict[str, Any] | int:
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            raise RefusedError(403, "PERMISSION_DENIED", "Invalid access token.")
        with self.server.lock:
            if path.startswith("/api/2.0/fs/files/"):
                return self.volume_file(path.removeprefix("/api/2.0/fs/files"), data)
            name = f"{self.command} {path}"
            if name not in ENDPOINTS:
                raise RefusedError(404, "ENDPOINT_NOT_FOUND", f"no such endpoint {name}")
            if wrong := undocumented(self.command, path, values):
                raise RefusedError(400, "MALFORMED_REQUEST", f"not as documented: {wrong}")
            return ENDPOINTS[name](self.server, values)

    def volume_file(self, path: str, data: bytes) -> dict[str, Any] | int:
        if not path.startswith("/Volumes/main/"):
            raise RefusedError(404, "NOT_FOUND", f"Volume {path} does not exist.")
        file = self.server.file(path)
        if self.command == "PUT":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            return {}
        if not file.is_file():
            raise RefusedError(404, "NOT_FOUND", "The file being accessed is not found.")
        return file.stat().st_size


def me(_service: Service, _values: dict[str, Any]) -> dict[str, Any]:
    return {"userName": USER, "active": True}


def submit(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    token = values["idempotency_token"]
    if len(token) > 64:
        raise RefusedError(400, "INVALID_PARAMETER_VALUE", "The token must have at most 64 characters.")
    if token in service.tokens and service.tokens[token] not in service.runs:
        raise RefusedError(400, "INVALID_PARAMETER_VALUE", "The run that was launched with this token has been deleted.")
    if token in service.tokens:
        return {"run_id": service.tokens[token]}
    (task,) = values["tasks"]
    version = task["new_cluster"]["spark_version"]
    if version not in SPARK_VERSIONS:
        raise RefusedError(400, "INVALID_PARAMETER_VALUE", f"Invalid spark version {version}.")
    file = task["spark_python_task"]["python_file"]
    if file.startswith("/") and not service.file(file).is_file():
        raise RefusedError(400, "INVALID_PARAMETER_VALUE", f"no such file {file}")
    number = 1001 + len(service.tokens)
    service.runs[number] = JobRun(number, values)
    service.tokens[token] = number
    return {"run_id": number}


def found(service: Service, values: dict[str, Any]) -> JobRun:
    run = service.runs.get(int(values["run_id"]))
    if run is None:
        raise RefusedError(400, "INVALID_PARAMETER_VALUE", f"Run {values['run_id']} does not exist.")
    return run


def get(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    run = found(service, values)
    service.look(run)
    run.looks += 1
    state = {"life_cycle_state": run.life, "state_message": run.message, **({"result_state": run.result} if run.result else {})}
    task = {"run_id": run.number + 50_000, "task_key": run.body["tasks"][0]["task_key"], "state": state}
    return {
        "job_id": run.number + 90_000,
        "run_id": run.number,
        "run_page_url": f"{service.url}/?o=1#job/{run.number + 90_000}/run/{run.number}",
        "run_type": "SUBMIT_RUN",
        "format": "MULTI_TASK",
        "state": state,
        "tasks": [task],
    }


def get_output(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    number = int(values["run_id"]) - 50_000
    if number not in service.runs:
        raise RefusedError(400, "INVALID_PARAMETER_VALUE", "Retrieving the output of runs with multiple tasks is not supported.")
    run = service.runs[number]
    return {"logs": run.logs, "logs_truncated": len(run.logs) > 5 << 20, **({"error": run.error} if run.error else {})}


def cancel(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    run = found(service, values)
    if run.life not in {"TERMINATED", "SKIPPED", "INTERNAL_ERROR"}:  # else nothing happens
        run.life = "TERMINATING"
    return {}


def status(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    file = service.file("Workspace" + values["path"])
    if not file.exists():
        raise RefusedError(404, "RESOURCE_DOES_NOT_EXIST", f"Path ({values['path']}) doesn't exist.")
    return {"path": values["path"], "object_type": "FILE", "object_id": 7, "size": file.stat().st_size}


def mkdirs(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    service.file("Workspace" + values["path"]).mkdir(parents=True, exist_ok=True)
    return {}


def put(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    content, file = base64.b64decode(values["content"]), service.file("Workspace" + values["path"])
    if len(values["content"]) > 10_000_000:
        raise RefusedError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", "the content is too large")
    if not file.parent.is_dir():
        raise RefusedError(404, "RESOURCE_DOES_NOT_EXIST", "The parent folder does not exist.")
    if file.exists() and not values.get("overwrite"):
        raise RefusedError(400, "RESOURCE_ALREADY_EXISTS", "it is there")
    file.write_bytes(content)
    return {}


def dbfs_status(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    file = service.file("dbfs" + values["path"])
    if not file.exists():
        raise RefusedError(404, "RESOURCE_DOES_NOT_EXIST", f"No file or directory exists on path {values['path']}.")
    return {"path": values["path"], "is_dir": False, "file_size": file.stat().st_size}


def dbfs_create(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    handle = service.last_handle = service.last_handle + 1
    service.handles[handle] = (values["path"], bytearray())
    return {"handle": handle}


def stream(service: Service, values: dict[str, Any]) -> tuple[str, bytearray]:
    if values["handle"] not in service.handles:
        raise RefusedError(404, "RESOURCE_DOES_NOT_EXIST", f"No stream has the handle {values['handle']}.")
    return service.handles[values["handle"]]


def dbfs_add(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    if len(values["data"]) > 1 << 20:
        raise RefusedError(400, "MAX_BLOCK_SIZE_EXCEEDED", "the block is too large")
    stream(service, values)[1].extend(base64.b64decode(values["data"]))
    return {}


def dbfs_close(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    path, data = stream(service, values)
    del service.handles[values["handle"]]
    file = service.file("dbfs" + path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return {}


def dbfs_move(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    source, target = service.file("dbfs" + values["source_path"]), service.file("dbfs" + values["destination_path"])
    if not source.exists():
        raise RefusedError(404, "RESOURCE_DOES_NOT_EXIST", f"No file or directory exists on path {values['source_path']}.")
    if target.exists():
        raise RefusedError(400, "RESOURCE_ALREADY_EXISTS", f"A file or directory already exists at {values['destination_path']}.")
    source.rename(target)
    return {}


def dbfs_delete(service: Service, values: dict[str, Any]) -> dict[str, Any]:
    service.file("dbfs" + values["path"]).unlink(missing_ok=True)
    return {}


ENDPOINTS: dict[str, Callable[[Service, dict[str, Any]], dict[str, Any]]] = {
    "GET /api/2.0/preview/scim/v2/Me": me,
    "POST /api/2.1/jobs/runs/submit": submit,
    "GET /api/2.1/jobs/runs/get": get,
    "GET /api/2.1/jobs/runs/get-output": get_output,
    "POST /api/2.1/jobs/runs/cancel": cancel,
    "GET /api/2.0/workspace/get-status": status,
    "POST /api/2.0/workspace/mkdirs": mkdirs,
    "POST /api/2.0/workspace/import": put,
    "GET /api/2.0/dbfs/get-status": dbfs_status,
    "POST /api/2.0/dbfs/create": dbfs_create,
    "POST /api/2.0/dbfs/add-block": dbfs_add,
    "POST /api/2.0/dbfs/close": dbfs_close,
    "POST /api/2.0/dbfs/move": dbfs_move,
    "POST /api/2.0/dbfs/delete": dbfs_delete,
}


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """Serve a workspace whose files lie in a folder."""
    service = Service(folder)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.held.set()
        service.shutdown()
        service.server_close()
        thread.join(10)
        for run in service.runs.values():
            if run.process is not None and run.process.poll() is None:
                run.process.kill()
                run.process.wait(timeout=10)
