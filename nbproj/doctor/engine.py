"""Docker's engine: whether it can be reached on this machine, and whether this user may."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

from nbproj.display.doctor import Finding, State
from nbproj.sources.address import public

__all__ = ["engine"]

_SOCKET = "unix:///var/run/docker.sock"
_SECONDS = 2.0
_FOR = "for projects with a docker_env"


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
        What is known about the client.
    address : str
        The engine's address; the usual one when it is empty. Only a socket of this machine is asked.

    Examples
    --------
    >>> engine("no client", "ssh://build@example.org").detail
    'no client; the engine at ssh://build@example.org is another machine, not asked'
    """
    shown = public(address or _SOCKET)
    if address and not address.startswith("unix://"):
        return Finding("docker", "ok", f"{client}; the engine at {shown} is another machine, not asked")
    path = (address or _SOCKET).removeprefix("unix://")
    if not Path(path).exists():
        state: State = "missing" if client == "no client" else "warning"
        return Finding("docker", state, f"{client}, no engine at {shown}", f"Start Docker, or set DOCKER_HOST, {_FOR}")
    connection = _Connection(path)
    try:
        connection.request("GET", "/version")
        told = json.loads(connection.getresponse().read(1 << 20))
        found = str(told["Version"])
    except PermissionError:
        return Finding("docker", "warning", f"{client}, no permission for {shown}", "Add yourself to the group of that socket, usually docker")
    except TimeoutError:
        return Finding("docker", "warning", f"{client}, the engine at {shown} does not answer", f"Restart Docker {_FOR}")
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        return Finding("docker", "warning", f"{client}, the engine at {shown} does not answer: {error}", f"Start Docker {_FOR}")
    finally:
        connection.close()
    return Finding("docker", "ok", f"{client}, engine {found}")
