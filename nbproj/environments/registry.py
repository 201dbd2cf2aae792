"""Which provider makes an environment."""

from __future__ import annotations

from pathlib import Path

from nbproj.environments.conda import CondaEnvironments
from nbproj.environments.docker.provider import DockerEnvironments
from nbproj.environments.environment import EnvironmentProvider
from nbproj.environments.system import SystemEnvironments
from nbproj.environments.uv import UvEnvironments
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import EnvironmentSpec

__all__ = ["PROVIDERS", "provider", "require"]

PROVIDERS: tuple[EnvironmentProvider, ...] = (SystemEnvironments(), UvEnvironments(), CondaEnvironments(), DockerEnvironments())


def provider(spec: EnvironmentSpec) -> EnvironmentProvider:
    """Return the provider of a specification's kind.

    Raises
    ------
    EnvironmentPreparationError
        This version has none; the message says what to do.
    """
    for candidate in PROVIDERS:
        if candidate.detect(spec):
            return candidate
    named = f" (asked for by {spec.file})" if spec.file else ""
    msg = f"{spec.kind} environments{named} are not there yet in this version of nbproj. Run in the current environment with --env-manager local"
    raise EnvironmentPreparationError(msg)


def require(spec: EnvironmentSpec, root: Path | None = None) -> None:
    """Refuse a specification that nothing here can prepare, before a run exists.

    Parameters
    ----------
    spec : EnvironmentSpec
        What is asked for.
    root : Path, optional
        The project's folder: the files of the specification are read, too.

    Raises
    ------
    EnvironmentPreparationError
        As `provider`, or a file is wrong.
    """
    found = provider(spec)
    if root is not None:
        found.check(spec, root)
