"""A running Jupyter server, as a kernel can ask it: which notebooks are open on a kernel.

Servers leave a file each in Jupyter's runtime folder: where they listen, what they call their root, and the token. What a server is asked goes to
this machine only, past every proxy, follows no redirection and is given up after a moment.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["Server", "servers"]

SECONDS: Final = 2.0
"""How long one server is waited for."""
MOST_BYTES: Final = 4 << 20
PATTERNS: Final = ("jpserver-*.json", "nbserver-*.json")
LOCAL: Final[Mapping[str, str]] = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what others listen on


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server listens.

    Parameters
    ----------
    host, port : str, int
        Its address.
    base : str
        The path that its addresses begin with; it ends with a slash.
    root : Path, optional
        The folder that its notebooks' paths start from; None when it does not say.
    token : str
        Opens it; empty when it has none that we know.
    secure : bool
        It speaks TLS.
    sock : str
        The Unix socket it listens on instead of an address.
    pid : int, optional
        Its process.
    """

    host: str
    port: int
    base: str = "/"
    root: Path | None = None
    token: str = field(default="", repr=False)
    secure: bool = False
    sock: str = ""
    pid: int | None = None

    def notebooks(self, kernel: str) -> list[str]:
        """Return the paths of the notebooks that are open on a kernel, as the server calls them; none when it does not answer.

        Parameters
        ----------
        kernel : str
            The kernel's id.
        """
        found = []
        for session in self._sessions():
            fields = session if isinstance(session, dict) else {}
            holder, older = _mapping(fields.get("kernel")), _mapping(fields.get("notebook"))
            path = fields.get("path") or older.get("path")
            if holder.get("id") == kernel and fields.get("type", "notebook") == "notebook" and isinstance(path, str) and path not in found:
                found.append(path)
        return found

    def _sessions(self) -> list[object]:
        connection = self._connection()
        try:
            headers = {"Authorization": f"token {self.token}"} if self.token else {}
            connection.request("GET", f"{self.base}api/sessions", headers=headers)
            answer = connection.getresponse()
            document = json.loads(_body(answer)) if answer.status == http.client.OK else None
        except (OSError, http.client.HTTPException, ValueError, RecursionError):
            return []
        finally:
            connection.close()
        return document if isinstance(document, list) else []

    def _connection(self) -> http.client.HTTPConnection:
        if self.sock:
            return _SocketConnection(self.sock)
        if not self.secure:
            return http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        # The certificate of a server on this machine is seldom signed by anybody, and what is said does not leave the machine.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=context)


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


def servers(folders: Iterable[Path], environ: Mapping[str, str], parent: int) -> list[Server]:
    """Return the servers that run on this machine for this user, the one that started this process first.

    Parameters
    ----------
    folders : iterable of Path
        Where servers leave their files.
    environ : mapping of str to str
        The environment, in which JupyterHub says how its server of this user is reached.
    parent : int
        The process that started this one.
    """
    found: dict[tuple[str, int, str], Server] = {}
    for server in [*_recorded(folders, environ), *_of_hub(environ)]:
        found.setdefault((server.sock or server.host, server.port, server.base), server)
    return sorted(found.values(), key=lambda server: server.pid != parent)


def _recorded(folders: Iterable[Path], environ: Mapping[str, str]) -> Iterator[Server]:
    files = {file for folder in folders for pattern in PATTERNS for file in folder.glob(pattern)}
    for file in sorted(files):
        try:
            info = json.loads(file.read_bytes())
            server = _server(info, environ) if isinstance(info, dict) else None
        except (OSError, ValueError, TypeError, RecursionError):
            continue
        # A file may outlive its server, and come from another host that has the same home.
        if server is not None and server.pid is not None and _is_ours(server.pid):
            yield server


def _server(info: Mapping[str, Any], environ: Mapping[str, str]) -> Server:
    base = str(info.get("base_url") or "/")
    root = info.get("root_dir") or info.get("notebook_dir")
    token = str(info.get("token") or "")
    if not token and base == environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        token = _hub_token(environ)
    host = str(info.get("hostname") or "")
    return Server(
        LOCAL.get(host, host),
        int(info.get("port") or 0),
        base if base.endswith("/") else f"{base}/",
        Path(str(root)) if root else None,
        token,
        bool(info.get("secure")),
        str(info.get("sock") or ""),
        int(info["pid"]) if info.get("pid") else None,
    )


def _of_hub(environ: Mapping[str, str]) -> Iterator[Server]:
    """Give the server that JupyterHub started for this user: it may leave no file."""
    try:
        parts = urlsplit(environ.get("JUPYTERHUB_SERVICE_URL", ""))
        prefix = environ.get("JUPYTERHUB_SERVICE_PREFIX") or parts.path or "/"
        if parts.hostname and parts.port:
            host = LOCAL.get(parts.hostname, parts.hostname)
            root = Path(environ["JUPYTERHUB_ROOT_DIR"]) if environ.get("JUPYTERHUB_ROOT_DIR") else None
            yield Server(host, parts.port, prefix if prefix.endswith("/") else f"{prefix}/", root, _hub_token(environ), parts.scheme == "https")
    except ValueError:  # no address, or a port that is none
        return


def _hub_token(environ: Mapping[str, str]) -> str:
    return environ.get("JUPYTERHUB_API_TOKEN") or environ.get("JPY_API_TOKEN") or ""


def _is_ours(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    return True


def _body(answer: http.client.HTTPResponse) -> bytes:
    """Return the body, or refuse one that never ends."""
    deadline = time.monotonic() + SECONDS
    data = b""
    while piece := answer.read1(1 << 16):
        data += piece
        if len(data) > MOST_BYTES or time.monotonic() > deadline:
            msg = "too long"
            raise ValueError(msg)
    return data


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
