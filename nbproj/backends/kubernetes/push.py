"""The way of an image to the repository that the cluster pulls from, and its digest there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from nbproj.containers import complaint
from nbproj.environments.docker.registry import login_of
from nbproj.environments.docker.reports import Report
from nbproj.errors import EnvironmentPreparationError
from nbproj.progress import Progress

if TYPE_CHECKING:
    import docker

__all__ = ["push_image"]

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


def push_image(client: docker.DockerClient, repository: str, tag: str, progress: Progress, *, auth: Mapping[str, object] | None = None) -> str:
    """Push an image; return how a cluster names exactly this one: `repository@sha256:...`.

    Parameters
    ----------
    client : DockerClient
        The engine, which has the image under that name.
    repository, tag : str
        The image's name.
    progress : Progress
        Told how much of it is pushed.
    auth : mapping, optional
        Credentials of the repository's registry; the user's own logins by default.

    Raises
    ------
    EnvironmentPreparationError
        The registry refuses it, or does not answer.
    """
    import docker

    name = f"{repository}:{tag}"
    layers: dict[str, tuple[int, int]] = {}
    refused, digest = "", ""
    report = Report(progress, f"pushing {name}")
    report.begin()
    try:
        for line in client.api.push(repository, tag=tag, stream=True, decode=True, auth_config=login_of(auth, repository)):
            refused = refused or str(line.get("error") or "")
            digest = str((line.get("aux") or {}).get("Digest") or digest)
            detail: dict[str, Any] = line.get("progressDetail") or {}
            if line.get("id") and detail.get("total"):
                layers[line["id"]] = (detail.get("current", 0), detail["total"])
            if layers:
                done, total = (sum(pair[place] for pair in layers.values()) for place in (0, 1))
                report.tell(done=min(done, total), total=total)
    except docker.errors.APIError as error:
        refused = complaint(error)
    if refused:
        msg = f"image {name} cannot be pushed: {' '.join(refused.split())}"
        raise EnvironmentPreparationError(
            msg, hint="Look at repository-uri in the backend configuration, and log in to the registry with `docker login`"
        )
    digest = digest or _known(client, name, repository)
    if not _DIGEST.fullmatch(digest):
        msg = f"image {name} was pushed, and its registry has told no digest"
        raise EnvironmentPreparationError(msg)
    return f"{repository}@{digest}"


def _known(client: docker.DockerClient, name: str, repository: str) -> str:
    """Return the digest that the engine has noted."""
    for found in client.images.get(name).attrs.get("RepoDigests") or ():
        if str(found).startswith(f"{repository}@"):
            return str(found).partition("@")[2]
    return ""
