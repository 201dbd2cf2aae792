"""The addresses among the values of a run's parameters: a password or token in one reaches the program, and no record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nbproj.backends.backend import RunRequest
from nbproj.tracking.redact import mask_url, secrets_in

__all__ = ["passwords_of", "without_passwords"]

_KINDS: Final = {"path", "uri"}
_TELLING: Final = ("nbproj.order", "nbproj.command")
"""Tags in which the values of parameters stand."""


def _addresses(request: RunRequest) -> dict[str, str]:
    names = {one.name for one in request.entry_point.parameters if not _KINDS.isdisjoint({one.type, one.item})}
    return {name: value for name, value in request.resolved.tracked.items() if name in names}


def passwords_of(request: RunRequest) -> list[str]:
    """Return the passwords and tokens in the values of `path` and `uri` parameters, so that the program's output is masked, too."""
    return [secret for value in _addresses(request).values() for secret in secrets_in(value)]


def without_passwords(request: RunRequest) -> tuple[dict[str, str], Mapping[str, str]]:
    """Return the parameters and the tags of a run as they may be recorded."""
    masked = {name: mask_url(value) for name, value in _addresses(request).items()}
    tracked = {**request.resolved.tracked, **request.resolved.extra, **masked}
    if all(request.resolved.tracked[name] == value for name, value in masked.items()):
        return tracked, request.tags
    return tracked, {name: mask_url(value) if name in _TELLING else value for name, value in request.tags.items()}
