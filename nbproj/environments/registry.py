"""Which provider makes an environment."""

from __future__ import annotations

from nbproj.environments.environment import EnvironmentProvider
from nbproj.environments.system import SystemEnvironments
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import EnvironmentSpec

__all__ = ["provider", "require"]

_PROVIDERS: tuple[EnvironmentProvider, ...] = (SystemEnvironments(),)


def provider(spec: EnvironmentSpec) -> EnvironmentProvider:
    """Return the provider of a specification's kind.

    Raises
    ------
    EnvironmentPreparationError
        This version has none; the message says what to do.
    """
    for candidate in _PROVIDERS:
        if candidate.detect(spec):
            return candidate
    named = f" (asked for by {spec.file})" if spec.file else ""
    msg = f"{spec.kind} environments{named} are not there yet in this version of nbproj. Run in the current environment with --env-manager local"
    raise EnvironmentPreparationError(msg)


def require(spec: EnvironmentSpec) -> None:
    """Refuse a specification that nothing here can prepare, before a run exists.

    Raises
    ------
    EnvironmentPreparationError
        As `provider`.
    """
    provider(spec)
