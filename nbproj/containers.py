"""Docker's engine and the containers of runs on it: how it is reached, and how a container is found again and removed.

A container is known by the engine's address and a name that is also its label: whatever name the user gave it, it is found by that label.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nbproj.errors import EnvironmentPreparationError, one_line

if TYPE_CHECKING:
    import docker

__all__ = ["LABEL", "complaint", "connected", "engine_address", "reference", "remove_containers"]

LABEL = "nbproj.container"
"""On every container that is made for a run; the value is the name in the run's record."""

_USUAL = "unix:///var/run/docker.sock"
_NEAR = {"localhost", "127.0.0.1", "::1", None}
_LONGEST = 600


def engine_address() -> str:
    """Return the address of the engine: DOCKER_HOST, else what `docker context use` has chosen, else the usual socket.

    Raises
    ------
    EnvironmentPreparationError
        It is another machine's, whose containers see nothing of this one's files.
    """
    address = os.environ.get("DOCKER_HOST") or _of_context() or _USUAL
    parts = urlsplit(address)
    if parts.scheme != "unix" and parts.hostname not in _NEAR:
        msg = f"the Docker engine at {parts.scheme}://{parts.hostname} is another machine, whose containers see no folder of this one"
        raise EnvironmentPreparationError(msg, hint="Unset DOCKER_HOST, or run `docker context use default`")
    return address


def _of_context() -> str | None:
    from docker.context import ContextAPI

    with contextlib.suppress(Exception):  # a broken configuration is the client's to complain about
        context = ContextAPI.get_current_context()
        if context is not None and context.name != "default":
            return str(context.Host) if context.Host else None
    return None


@contextlib.contextmanager
def connected(address: str | None = None, *, timeout: float = 60.0) -> Iterator[docker.DockerClient]:
    """Connect to the engine; it has answered when the block begins.

    Parameters
    ----------
    address : str, optional
        Where it is; as `engine_address` says by default.
    timeout : float
        Seconds that an answer may take.

    Raises
    ------
    EnvironmentPreparationError
        There is no engine, this user may not speak to it, or it refuses what the block asks for.
    """
    import docker
    import requests

    where = address or engine_address()
    client = None
    try:
        try:
            _knock(where, timeout)
            client = docker.DockerClient(base_url=where, timeout=timeout)  # type: ignore[arg-type]  # a part of a second is as good
            client.ping()
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            raise _unreachable(where, error) from None
        yield client
    except docker.errors.DockerException as error:
        msg = f"Docker refuses: {complaint(error)}"
        raise EnvironmentPreparationError(msg) from None
    except requests.RequestException as error:
        msg = f"the Docker engine at {where} does not answer any more: {type(error).__name__}"
        raise EnvironmentPreparationError(msg) from None
    finally:
        if client is not None:
            client.close()


def _knock(where: str, timeout: float) -> None:
    """Find out whether somebody listens; the library would leave the socket on which nobody does to the collector of garbage."""
    parts = urlsplit(where)
    if parts.scheme == "unix":
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(timeout)
            probe.connect(parts.path)


def _unreachable(where: str, error: BaseException) -> EnvironmentPreparationError:
    text = str(error)
    if isinstance(error, PermissionError) or "Permission denied" in text:
        msg = f"no permission for the Docker engine at {where}"
        return EnvironmentPreparationError(msg, hint="Add yourself to the group of that socket, usually docker")
    msg = f"no Docker engine answers at {where}"
    return EnvironmentPreparationError(msg, hint="Start Docker, or set DOCKER_HOST; `nbproj doctor` looks for it")


def complaint(error: BaseException) -> str:
    r"""Return in one line what an engine complains about.

    Examples
    --------
    >>> complaint(ValueError("first\nsecond"))
    'first second'
    """
    told = getattr(error, "explanation", None) or str(error)
    return one_line(str(told))[:_LONGEST].rstrip(".")


def reference(address: str, name: str) -> str:
    """Return how a run's record names its container.

    Examples
    --------
    >>> reference("unix:///var/run/docker.sock", "nbproj-0123")
    'unix:///var/run/docker.sock#nbproj-0123'
    """
    return f"{address}#{name}"


def remove_containers(recorded: str) -> bool:
    """Remove whatever containers a run has on its engine, running or not; return whether that is known to have succeeded.

    Parameters
    ----------
    recorded : str
        As `reference` wrote it.
    """
    address, _, name = recorded.rpartition("#")
    import docker

    try:
        with connected(address) as client:
            for found in client.api.containers(all=True, filters={"label": f"{LABEL}={name}"}):
                with contextlib.suppress(docker.errors.NotFound):
                    client.api.remove_container(found["Id"], force=True, v=True)
    except (EnvironmentPreparationError, docker.errors.DockerException):
        return False
    return True
