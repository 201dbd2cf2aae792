"""A gateway of a run in a store of the test's own, and somebody who sends requests to it as clients in any language do."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nbproj.tracking.gateway.server import Gateway
from nbproj.tracking.store import RunRecord


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Sender:
    """Sends requests to one gateway; every one on a connection of its own."""

    gateway: Gateway
    notes: list[str]
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.headers = {"Authorization": f"Bearer {self.gateway.token}", **self.headers}

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        parts = urllib.parse.urlsplit(self.gateway.uri)
        return str(parts.hostname), int(parts.port or 0)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str | None) -> Answer:
        """Send a request as it is; a header that is None is left out."""
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        try:
            connection.putrequest(method, path, skip_host="Host" in given, skip_accept_encoding=True)
            if body is not None and "Content-Length" not in given:
                given["Content-Length"] = str(len(body))
            for name, value in given.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()

    def get(self, path: str, **query: Any) -> Answer:
        """Ask MLflow's API, version 2.0."""
        return self.send("GET", f"/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query, doseq=True)}")

    def post(self, path: str, **values: Any) -> Answer:
        """Tell MLflow's API, version 2.0."""
        return self.send("POST", f"/api/2.0/mlflow/{path}", json.dumps(values).encode(), Content_Type="application/json; charset=utf-8")

    def artifact(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send or fetch an artifact."""
        return self.send(method, f"/api/2.0/mlflow-artifacts/artifacts/{path}", body)

    def end(self) -> list[str]:
        """End the gateway; return its notes."""
        self.gateway.stop()
        return self.notes


@pytest.fixture
def start(store, run: RunRecord, tmp_path: Path, request: pytest.FixtureRequest):
    """Return a function that starts a gateway for the run, with further settings."""

    def make(**settings: Any) -> Sender:
        notes: list[str] = []
        gateway = Gateway(store, run.run_id, "0", tmp_path / "gateway", progress=lambda event: notes.append(event.text), **settings)
        request.addfinalizer(gateway.stop)
        gateway.start()
        return Sender(gateway, notes)

    return make


@pytest.fixture
def sender(start) -> Sender:
    """Return somebody who speaks to a gateway of the run."""
    return start()


@pytest.fixture
def stranger(store) -> RunRecord:
    """Return a run of the same store and experiment that has nothing to do with the gateway's."""
    return store.create_run("0", name="a stranger", tags={"mlflow.user": "mallory"})
