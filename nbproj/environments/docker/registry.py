"""An image that is not on this machine: pulled from its registry, with the caller's credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbproj.containers import complaint
from nbproj.environments.docker.reports import PullReport
from nbproj.errors import EnvironmentPreparationError, one_line
from nbproj.progress import Event, Progress

if TYPE_CHECKING:
    import docker

__all__ = ["login_of", "pull"]


def pull(client: docker.DockerClient, name: str, progress: Progress, auth: Mapping[str, object] | None = None) -> None:
    """Pull an image.

    Parameters
    ----------
    client : DockerClient
        The engine.
    name : str
        With registry path, tag or digest where given.
    progress : Progress
        Told how far it is.
    auth : mapping, optional
        `username`, `password` and `registry`, as `docker login` takes them; the user's own logins by default.

    Raises
    ------
    EnvironmentPreparationError
        There is no such image, or it may not be pulled.
    """
    import docker
    from docker.utils import parse_repository_tag

    repository, tag = parse_repository_tag(name)
    refused = ""
    # A note stays, also in a log: of all that is done before a run, this may take longest.
    progress(Event("note", f"image {name} is not on this machine: it is pulled"))
    progress(Event("preparing", f"pulling {name}"))
    report = PullReport(progress, name)
    try:
        for line in client.api.pull(repository, tag=tag or "latest", stream=True, decode=True, auth_config=login_of(auth, repository)):
            refused = refused or str(line.get("error") or "")
            report.take(line)
    except docker.errors.APIError as error:
        raise _no_image(name, complaint(error)) from None
    if refused:
        raise _no_image(name, refused)


def _no_image(name: str, why: str) -> EnvironmentPreparationError:
    msg = f"image {name} is not on this machine and cannot be pulled: {one_line(why)}"
    return EnvironmentPreparationError(msg, hint="Build or pull it, or log in to its registry with `docker login`")


def login_of(auth: Mapping[str, object] | None, repository: str) -> dict[str, str] | None:
    """Return the credentials for a repository's registry, and for no other."""
    if not auth:
        return None
    from docker.auth import convert_to_hostname, resolve_repository_name

    asked = str(auth.get("registry") or auth.get("serveraddress") or "")
    registry, _ = resolve_repository_name(repository)
    if asked and convert_to_hostname(asked) != registry:
        return None
    return {str(name): str(value) for name, value in auth.items() if name in {"username", "password", "email", "identitytoken"}}
