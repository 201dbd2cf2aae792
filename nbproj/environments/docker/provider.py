"""Docker environments as a kind of environment: what is refused before there is a run, and the image that a run starts from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from nbproj.containers import connected
from nbproj.environments.docker.images import base_image, kernel_image
from nbproj.environments.docker.wishes import host_variables, volumes
from nbproj.environments.environment import Environment
from nbproj.errors import EnvironmentPreparationError
from nbproj.progress import Progress
from nbproj.project.model import DockerSpec, EnvironmentKind, EnvironmentSpec

__all__ = ["DockerEnvironments", "find_client"]

_CHECK_SECONDS = 10.0
_SECONDS = 600.0


def find_client() -> str:
    """Return Docker's own client, which knows every argument of `docker run`.

    Raises
    ------
    EnvironmentPreparationError
        There is none.
    """
    found = shutil.which("docker")
    if found is None:
        msg = "no docker on PATH, which creates the containers of a docker_env"
        raise EnvironmentPreparationError(msg, hint="Install Docker's command line (on Debian: docker.io, elsewhere docker-cli)")
    return found


class DockerEnvironments:
    """Provides images.

    Parameters
    ----------
    auth : mapping, optional
        Credentials of a registry, as `docker login` takes them.
    label : str
        The run's container; what looks into an image is found by it.
    """

    kind: EnvironmentKind = "docker"

    def __init__(self, auth: Mapping[str, object] | None = None, label: str = "nbproj") -> None:
        self._auth, self._label = auth, label

    def detect(self, spec: EnvironmentSpec) -> bool:
        """Return whether the specification is of this kind."""
        return spec.kind == self.kind

    def check(self, spec: EnvironmentSpec, root: Path) -> None:
        """Refuse volumes that are none, variables that are not there, and a machine without Docker; nothing is pulled.

        Raises
        ------
        EnvironmentPreparationError
            With the place.
        """
        docker = _declared(spec)
        volumes(docker, root, spec.declared)
        host_variables(docker, os.environ, spec.declared)
        find_client()
        with connected(timeout=_CHECK_SECONDS):
            pass

    def key(self, spec: EnvironmentSpec, root: Path) -> str:  # noqa: ARG002 - the contract of all kinds
        """Return nothing: images are kept by the engine."""
        return ""

    def prepare(self, spec: EnvironmentSpec, root: Path, progress: Progress, *, kernel: bool = False, run_id: str | None = None) -> Environment:  # noqa: ARG002 - the contract of all kinds
        """Return the environment of an image, pulled if it is not on this machine.

        Parameters
        ----------
        spec : EnvironmentSpec
            Of kind `docker`.
        root : Path
            The project's folder; its files are put above the image when it runs.
        progress : Progress
            Told what is pulled and installed.
        kernel : bool
            A notebook will run in it: where ipykernel is missing, an image above adds it.
        run_id : str, optional
            Not used: images are the engine's.

        Raises
        ------
        EnvironmentPreparationError
            It cannot be had.
        """
        docker = _declared(spec)
        with connected(timeout=_SECONDS) as client:
            base = base_image(client, docker.image, progress, auth=self._auth)
            image = kernel_image(client, base, progress, label=self._label) if kernel else base
            digests = [str(one) for one in base.attrs.get("RepoDigests") or ()]
        lines = [f"image=={docker.image}", f"id=={base.id}", *(f"digest=={digest}" for digest in digests)]
        return Environment(
            kind=self.kind,
            variables={},
            fingerprint=str(base.id).rpartition(":")[2][:16],
            description="\n".join(lines) + "\n",
            image=str(image.id),
        )


def _declared(spec: EnvironmentSpec) -> DockerSpec:
    if spec.docker is None:
        msg = "the project has no docker_env: add one to its MLproject file"
        raise EnvironmentPreparationError(msg)
    return spec.docker
