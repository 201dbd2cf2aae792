"""What a workspace answers: documents, errors in its own words, and how long it wants to be left alone."""

from __future__ import annotations

import email.utils
import json
import re
import time
from typing import Any, Final

from nbproj.errors import NbprojError

__all__ = ["WorkspaceAwayError", "WorkspaceRefusalError", "document", "pause_of"]

_UNKNOWN_RUN: Final = re.compile(r"Run .* does not exist|Run: .* in job: .* doesn't exist")


class WorkspaceAwayError(NbprojError):
    """The workspace does not answer, or has too much to do.

    Parameters
    ----------
    message : str
        What was asked for, and what came in place of an answer.
    wait : float
        Seconds for which it wants to be left alone.
    """

    exit_code = 121

    def __init__(self, message: str, wait: float = 0.0, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.wait = wait


class WorkspaceRefusalError(NbprojError):
    """The workspace refuses a request.

    Parameters
    ----------
    message : str
        What was asked for, and what it says.
    status : int
        Of HTTP.
    code : str
        Its own word for it.
    """

    exit_code = 121

    def __init__(self, message: str, status: int, code: str = "", *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status, self.code = status, code

    @property
    def is_absence(self) -> bool:
        """Return whether it says that something is not there."""
        # The Jobs API says 400 INVALID_PARAMETER_VALUE of a run that is gone, and of much else: the official client, too, reads the message.
        unknown = self.code == "INVALID_PARAMETER_VALUE" and _UNKNOWN_RUN.search(self.message) is not None
        return self.status == 404 or self.code == "RESOURCE_DOES_NOT_EXIST" or unknown  # noqa: PLR2004 - HTTP's


def document(content: bytes) -> dict[str, Any] | None:
    """Return the document that a content holds, or None.

    Examples
    --------
    >>> document(b'{"run_id": 7}'), document(b""), document(b"<html>")
    ({'run_id': 7}, {}, None)
    """
    try:
        value = json.loads(content) if content.strip() else {}
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def pause_of(text: str | None) -> float | None:
    """Return the seconds that a Retry-After means: a number, or a date.

    Examples
    --------
    >>> pause_of("7"), pause_of("Thu, 01 Jan 1970 00:00:00 GMT"), pause_of(None), pause_of("soon")
    (7.0, 0.0, None, None)
    """
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
