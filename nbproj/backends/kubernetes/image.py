"""The image of a run's pods: the project's files above its own image, for a notebook with what carries one between; pushed, by its digest."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from nbproj.backends.backend import RunRequest
from nbproj.backends.kubernetes.wishes import KubernetesWishes
from nbproj.environments.environment import Environment
from nbproj.progress import Event

__all__ = ["JobImage"]

_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class JobImage:
    """An image that is in the repository.

    Parameters
    ----------
    name : str
        By its digest, as the cluster pulls it.
    local : str
        Its id on the engine that has built it.
    environment : Environment
        The project's own image below.
    """

    name: str
    local: str
    environment: Environment

    @classmethod
    def of(cls, request: RunRequest, wishes: KubernetesWishes) -> JobImage:
        """Return the image of a run, built and pushed where it has to be; the runs of a batch have one, which is looked at once.

        Raises
        ------
        EnvironmentPreparationError
            It cannot be built or pushed.
        """

        def make(_stack: ExitStack | None = None) -> JobImage:
            return cls._made(request, wishes)

        return make() if request.shared is None else request.shared.once(("kubernetes", wishes.repository), make)

    @classmethod
    def _made(cls, request: RunRequest, wishes: KubernetesWishes) -> JobImage:
        from nbproj.backends.kubernetes.push import push_image
        from nbproj.containers import connected, engine_address
        from nbproj.environments.docker.images import project_image, project_tag
        from nbproj.environments.docker.provider import DockerEnvironments

        docker = request.environment.docker
        ignored = [name for name in ("volumes", "user", "args") if docker is not None and getattr(docker, name)]
        if ignored or request.docker.arguments:
            what = " and ".join([*ignored, *(["-A"] if request.docker.arguments else [])])
            request.progress(Event("note", f"{what} of docker_env: a Job's template says that; it is left out"))
        request.progress(Event("preparing", "preparing the docker environment"))
        environment = DockerEnvironments(request.docker.auth).prepare(request.environment, request.project.root, request.progress)
        with connected(engine_address(), timeout=_SECONDS) as client:
            base: Any = client.images.get(environment.image)
            if request.command is None:
                from nbproj.backends.kubernetes.carrier import carrier_image

                base = carrier_image(client, base, request.progress)
            local = project_tag(request.project.name, request.checkout.commit, dirty=request.checkout.dirty)
            image, local = project_image(client, base, request.project.root, f"nbproj-job-{local}", request.progress)
            tag = local.rpartition(":")[2]
            image.tag(wishes.repository, tag=tag)
            name = push_image(client, wishes.repository, tag, request.progress, auth=request.docker.auth)
        return cls(name, str(image.id), environment)
