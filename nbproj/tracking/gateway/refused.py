"""What the gateway answers when it does not do what it was asked: MLflow's own form of an error, in which every client tells it."""

from __future__ import annotations

import json
from typing import NoReturn

from nbproj.errors import StoreUnreachableError, one_line
from nbproj.tracking.redact import mask_url
from nbproj.tracking.store import RunNotFoundError

__all__ = ["Refused", "deny", "not_found", "refused_by"]

_LONGEST = 2000


class Refused(Exception):  # noqa: N818 - it says what happened to the request; nothing is wrong here
    """A request is not carried out.

    Parameters
    ----------
    status : int
        HTTP's number for it.
    code : str
        MLflow's name for it.
    message : str
        What the client shows.
    note : str
        What the user is told at the end of the run; empty where the client's own error says enough.
    """

    def __init__(self, status: int, code: str, message: str, *, note: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.note = note

    def to_json(self) -> bytes:
        """Return the body of the answer.

        Examples
        --------
        >>> Refused(403, "PERMISSION_DENIED", "no").to_json()
        b'{"error_code": "PERMISSION_DENIED", "message": "no"}'
        """
        return json.dumps({"error_code": self.code, "message": self.message}).encode()


def not_found(message: str, *, note: str = "") -> Refused:
    """Return the refusal of something that is not there, or that is none of the client's business: the two look the same."""
    return Refused(404, "RESOURCE_DOES_NOT_EXIST", message, note=note)


def deny(what: str) -> NoReturn:
    """Refuse something that reaches beyond the run.

    Raises
    ------
    Refused
        Always.
    """
    raise Refused(403, "PERMISSION_DENIED", f"the tracking gateway of a run does not {what}", note=what)


def refused_by(error: Exception) -> Refused:
    """Return the answer for an error of the store below: the library's own code and words, where it has any.

    Parameters
    ----------
    error : Exception
        Whatever was raised; a `StoreError` names the library's error as its cause.
    """
    cause = error.__cause__ or error
    code = str(getattr(cause, "error_code", ""))
    if isinstance(error, StoreUnreachableError):
        return Refused(503, "TEMPORARILY_UNAVAILABLE", str(error))  # clients ask again
    if code and hasattr(cause, "get_http_status_code"):
        # The statement that failed is no answer, and may hold values.
        text = mask_url(str(getattr(cause, "message", cause)).partition(" [SQL: ")[0])
        return Refused(int(cause.get_http_status_code()), code, text[:_LONGEST])
    if isinstance(error, RunNotFoundError):
        return not_found(str(error))
    if isinstance(cause, OSError):  # no room, a name that no file can have: asked again, it is the same
        return Refused(507 if cause.errno == 28 else 400, "INVALID_PARAMETER_VALUE", one_line(cause.strerror or "the file cannot be stored"))  # noqa: PLR2004 - ENOSPC
    return Refused(500, "INTERNAL_ERROR", mask_url(one_line(str(error)))[:_LONGEST] or type(error).__name__)
