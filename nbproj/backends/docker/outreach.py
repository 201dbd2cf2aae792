"""How a container reaches its run's store: through a gateway on the host's address in its network, by the store's own folder, or directly."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from nbproj.backends.backend import RunRequest, Workplace
from nbproj.backends.docker.credentials import credentials, folder_of
from nbproj.backends.docker.mounts import Mounts
from nbproj.backends.passage import TRACKING_TAG, through_gateway, wish_of
from nbproj.containers import complaint
from nbproj.errors import BackendError
from nbproj.progress import Event
from nbproj.tracking.location import is_file_store
from nbproj.tracking.redact import secrets_of

if TYPE_CHECKING:
    import docker

__all__ = ["Outreach", "open_outreach"]

_HOST: Final = "host.docker.internal"
_ANY: Final = ("MLFLOW_",)
_HOST_BOUND: Final = {
    "MLFLOW_CONDA_HOME",
    "MLFLOW_CONDA_CREATE_ENV_CMD",
    "MLFLOW_ENV_ROOT",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_GIT_PASSWORD",
    "MLFLOW_GIT_USERNAME",
    "MLFLOW_TMP_DIR",
}
"""What of MLflow's variables speaks of this machine, or of what was done before the program starts."""


@dataclass(slots=True)
class Outreach:
    """What a container needs to reach its store.

    Parameters
    ----------
    variables : dict of str to str
        Its variables, those of the run included.
    words : list of str
        Arguments of `docker run`.
    """

    variables: dict[str, str] = field(repr=False)
    words: list[str]


def open_outreach(
    client: docker.DockerClient, request: RunRequest, workplace: Workplace, variables: Mapping[str, str], mounts: Mounts, network: str | None
) -> Outreach:
    """Return how a run's container reaches its store; a gateway that is started for it ends with the workplace's resources.

    Parameters
    ----------
    client : DockerClient
        The engine.
    request : RunRequest
        The run's request.
    workplace : Workplace
        Its workplace.
    variables : mapping of str to str
        The project's variables and the run's, as the container has them.
    mounts : Mounts
        Gets the folder of a file store.
    network : str, optional
        What the project or the caller asks for; Docker's own bridge by default.

    Raises
    ------
    BackendError
        The store cannot be reached from there, or nothing says how to log in to it.
    RunError
        The gateway cannot be started.
    """
    uri, run_id = request.store.uri, workplace.variables["MLFLOW_RUN_ID"]
    variables = {**_propagated(), **variables}
    if is_file_store(uri):
        _tell(request, run_id, "folder: the store's folder is mounted")
        folders = [folder_of(uri), folder_of(request.store.get_run(run_id).artifact_uri)]
        for folder in filter(None, folders):
            if not any(folder.is_relative_to(one.source) for one in mounts.given if one.writable and one.target == PurePosixPath(one.source)):
                folder.mkdir(parents=True, exist_ok=True)
                mounts.add(folder, PurePosixPath(folder), writable=True)
        return Outreach(dict(variables), [])
    database = not uri.startswith(("http:", "https:")) and uri.partition(":")[0] not in {"databricks", "databricks-uc", "uc"}
    wanted = wish_of(request.config)
    if wanted != "direct" and (database or wanted == "gateway" or (_is_loopback(uri) and network != "host")):
        return _through_gateway(client, request, workplace, variables, network)
    if network == "none":
        return _unreachable(request, run_id, variables)
    _tell(request, run_id, "direct: the store is a server, which every version of MLflow speaks to")
    found = credentials(request.store.get_run(run_id).artifact_uri, uri, os.environ, mounts)
    for secret in secrets_of(found):
        workplace.hide(secret)
    address = {name: value for name, value in found.items() if name == "MLFLOW_TRACKING_URI"}  # without the profile, which is not in the container
    return Outreach({**found, **variables, **address}, [])


def _through_gateway(
    client: docker.DockerClient, request: RunRequest, workplace: Workplace, variables: Mapping[str, str], network: str | None
) -> Outreach:
    run_id = workplace.variables["MLFLOW_RUN_ID"]
    if network == "none":
        return _unreachable(request, run_id, variables)
    _tell(request, run_id, "gateway: a container opens no database of this machine")
    if network == "host":
        return Outreach(through_gateway(request, workplace, variables), [])
    if "Docker Desktop" in str(client.info().get("OperatingSystem")):  # its containers come to this machine's loopback under that name
        return Outreach(through_gateway(request, workplace, variables, reached_as=_HOST), [])
    address = _address_of_host(client, network or "bridge")
    return Outreach(through_gateway(request, workplace, variables, host=address, reached_as=_HOST), ["--add-host", f"{_HOST}:{address}"])


def _address_of_host(client: docker.DockerClient, network: str) -> str:
    """Return this machine's address in a container network."""
    import docker

    try:
        configured = client.networks.get(network).attrs["IPAM"]["Config"] or ()
        # Docker's own bridge may not say it: without another choice it is the first address.
        found = [str(one.get("Gateway") or next(ipaddress.ip_network(one["Subnet"]).hosts())) for one in configured if one.get("Subnet")]
    except docker.errors.NotFound:
        msg = f"there is no container network {network!r}. `docker network ls` lists them"
        raise BackendError(msg) from None
    except docker.errors.APIError as error:
        msg = f"container network {network!r} cannot be used: {complaint(error)}"
        raise BackendError(msg) from None
    if not found:
        msg = f"a container in the network {network!r} cannot reach this machine, and so not the run's store: take Docker's own bridge, or a server"
        raise BackendError(msg)
    return next((one for one in found if ":" not in one), found[0])


def _unreachable(request: RunRequest, run_id: str, variables: Mapping[str, str]) -> Outreach:
    _tell(request, run_id, "none: the container has no network")
    request.progress(Event("note", "the container has no network: what its program logs with MLflow does not reach the store"))
    known = {name: value for name, value in variables.items() if name not in {"MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"}}
    return Outreach(known, [])


def _tell(request: RunRequest, run_id: str, how: str) -> None:
    request.store.set_tags(run_id, {TRACKING_TAG: how})


def _is_loopback(uri: str) -> bool:
    host = urlsplit(uri).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host == socket.gethostname()


def _propagated() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_ANY) and name not in _HOST_BOUND}
