"""Docker: whether its engine can be reached on this machine, whether this user may, and whether the client that creates containers is there."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Final
from urllib.parse import urlsplit

from nbproj.display.doctor import Finding, State
from nbproj.sources.address import public

__all__ = ["NO_CLIENT", "engine"]

NO_CLIENT: Final = "no client"
_SOCKET: Final = "unix:///var/run/docker.sock"
_SECONDS = 2.0
_PORT: Final = 2375
_NEAR: Final = {"localhost", "127.0.0.1", "::1"}
_FOR: Final = "for projects with a docker_env"
_INSTALL: Final = f"Install Docker's command line (on Debian: docker.io, elsewhere docker-cli) {_FOR}"


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)


def engine(client: str, address: str = "") -> Finding:
    """Return what is known about Docker.

    Parameters
    ----------
    client : str
        What is known about the client; `NO_CLIENT` when there is none.
    address : str
        The engine's address; the usual one when it is empty. Only an engine of this machine is asked.

    Examples
    --------
    >>> engine("client 27.0", "ssh://build@example.org").detail
    'client 27.0; the engine at ssh://build@example.org is another machine, whose containers see no folder of this one'
    """
    shown = public(address or _SOCKET)
    parts = urlsplit(address or _SOCKET)
    if parts.scheme != "unix" and parts.hostname not in _NEAR:
        told = f"{client}; the engine at {shown} is another machine, whose containers see no folder of this one"
        return Finding("docker", "warning", told, f"Unset DOCKER_HOST, or run `docker context use default`, {_FOR}")
    try:
        if parts.scheme == "unix":
            connection: http.client.HTTPConnection = _Connection(parts.path)
        else:
            connection = http.client.HTTPConnection(str(parts.hostname), parts.port or _PORT, timeout=_SECONDS)
        found = _version(connection)
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        return _trouble(error, client, shown)
    if client == NO_CLIENT:
        return Finding("docker", "warning", f"engine {found}, and no docker on PATH, which creates the containers", _INSTALL)
    return Finding("docker", "ok", f"{client}, engine {found}")


def _trouble(error: Exception, client: str, shown: str) -> Finding:
    state: State = "warning"
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):  # no socket; one that an engine has left
        state = "missing" if client == NO_CLIENT else "warning"
        told, advice = f"no engine at {shown}", "Install Docker" if client == NO_CLIENT else "Start Docker, or set DOCKER_HOST,"
    elif isinstance(error, PermissionError):
        told, advice = f"no permission for {shown}", "Add yourself to the group of that socket, usually docker,"
    elif isinstance(error, TimeoutError):
        told, advice = f"the engine at {shown} does not answer", "Restart Docker"
    else:
        told, advice = f"the engine at {shown} does not answer: {error}", "Start Docker"
    return Finding("docker", state, f"{client}, {told}", f"{advice} {_FOR}")


def _version(connection: http.client.HTTPConnection) -> str:
    try:
        connection.request("GET", "/version")
        return str(json.loads(connection.getresponse().read(1 << 20))["Version"])
    finally:
        connection.close()
