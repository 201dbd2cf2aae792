"""A Jupyter server of its own for each test, with our routes below a base URL that has to be quoted, and what browsers ask of it.

The modules name pytest-jupyter as their plugin: pytest takes plugins from the uppermost conftest.py only.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Reply", "ask", "jp_server_config", "root", "start"]


@dataclass
class Reply:
    """What the server has answered."""

    code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as a document."""
        return json.loads(self.body)


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    """Return the configuration of the server: ours is the only extension."""
    extensions = {"nbproj": True, "jupyter_server_terminals": False}
    return {"ServerApp": {"jpserver_extensions": extensions, "allow_unauthenticated_access": False}}


@pytest.fixture
def root(jp_root_dir) -> Path:
    """Return the folder that the server serves."""
    return Path(jp_root_dir)


@pytest.fixture
def ask(jp_serverapp, http_server_client, jp_base_url, jp_auth_header) -> Callable[..., Awaitable[Reply]]:
    """Return a function that asks a route, by default as somebody with a token."""

    async def fetch(path: str, method: str = "GET", given: Any = None, *, headers: Mapping[str, str] | None = None, token: bool = True) -> Reply:
        body = given if isinstance(given, bytes) else json.dumps(given).encode() if given is not None else None
        got = await http_server_client.fetch(
            f"{jp_base_url}nbproj/api/{path}",
            method=method,
            body=body,
            headers={**(jp_auth_header if token else {}), **(headers or {})},
            raise_error=False,
            allow_nonstandard_methods=True,
            follow_redirects=False,
            request_timeout=120,
        )
        return Reply(got.code, got.headers, got.body)

    return fetch


@pytest.fixture
def start(ask, root) -> Callable[..., Awaitable[str]]:
    """Return a function that writes a project with one command into a folder, starts it there, and returns the run's id."""

    async def run(command: str, folder: str = "wine", **order: Any) -> str:
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "MLproject").write_text(f"name: wine\nentry_points:\n  main:\n    command: {json.dumps(command)}\n")
        got = await ask("runs", "POST", {"path": folder, **order})
        assert got.code == 201, got.body
        return got.json["run"]["run_id"]

    return run
