"""From an error to an answer: which status each kind has, and what a browser is told of it. The one place where both are decided."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from nbproj.errors import (
    BackendError,
    EnvironmentPreparationError,
    NbprojError,
    ProjectError,
    RunError,
    SourceError,
    StoreError,
    StoreUnreachableError,
    UsageError,
)
from nbproj.tracking.store import RunNotFoundError

__all__ = ["RefusedError", "document", "status"]

_STATUS: tuple[tuple[type[NbprojError], HTTPStatus], ...] = (
    # The first that fits counts.
    (RunNotFoundError, HTTPStatus.NOT_FOUND),
    (StoreUnreachableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreError, HTTPStatus.CONFLICT),
    (UsageError, HTTPStatus.BAD_REQUEST),
    (ProjectError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (SourceError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (EnvironmentPreparationError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BackendError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (RunError, HTTPStatus.CONFLICT),
)


class RefusedError(UsageError):
    """A request that is refused whatever the rooms below would say of it.

    Parameters
    ----------
    status : int
        The answer's status.
    message : str
        One line.

    Examples
    --------
    >>> error = RefusedError(404, "there is no run '1'")
    >>> error.status, str(error)
    (404, "there is no run '1'")
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


def status(error: NbprojError) -> int:
    """Return the status of the answer to an error.

    Examples
    --------
    >>> from nbproj.errors import ParameterError
    >>> status(ParameterError("alpha is missing")), status(StoreUnreachableError("no answer")), status(NbprojError("?"))
    (422, 503, 400)
    """
    if isinstance(error, RefusedError):
        return error.status
    return next((code for kind, code in _STATUS if isinstance(error, kind)), HTTPStatus.BAD_REQUEST).value


def document(error: NbprojError) -> dict[str, Any]:
    """Return what a browser is told of an error: `message` and `hint` to show, `type` to tell apart.

    Examples
    --------
    >>> document(ProjectError("unknown key 'entrypoints'", hint="Did you mean 'entry_points'?"))["message"]
    "unknown key 'entrypoints'"
    """
    told = error.to_dict()
    return {"message": told["message"], "hint": told["hint"], "type": told["type"]}
