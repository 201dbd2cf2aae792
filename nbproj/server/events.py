"""Server-sent events: what happens in a run as lines of text that a browser reads while they come, and can go on from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbproj.following import Mark
from nbproj.server.errors import RefusedError

__all__ = ["END", "KEEP_ALIVE", "RETRY", "mark_of", "message"]

END = "end"
"""The id of the last event: whoever asks for what comes after it is told that nothing does."""

KEEP_ALIVE = ": still here\n\n"
"""A comment, for proxies that close what is silent."""

RETRY = "retry: 2000\n\n"
"""Milliseconds after which a browser that has lost the connection asks again."""


def message(event: Mapping[str, Any], mark: Mark | str) -> str:
    r"""Return an event as a browser reads it.

    Parameters
    ----------
    event : mapping
        What `Event.to_dict` returns.
    mark : Mark or str
        From where to go on afterwards.

    Examples
    --------
    >>> message({"step": "output", "text": "a\nb"}, Mark(2, 3))
    'id: 2.3\ndata: {"step": "output", "text": "a\\nb"}\n\n'
    """
    return f"id: {mark}\ndata: {json.dumps(event, allow_nan=False)}\n\n"


def mark_of(last: str) -> Mark | None:
    """Return how far a reader has come by the last id that it knows; None when that was the end.

    Raises
    ------
    RefusedError
        400: it is no id of ours.

    Examples
    --------
    >>> mark_of(""), mark_of("3.1024"), mark_of("end")
    (Mark(events=0, read=0), Mark(events=3, read=1024), None)
    """
    if last == END:
        return None
    if not last:
        return Mark()
    try:
        return Mark.parse(last)
    except ValueError as error:
        msg = f"{last[:40]!r} is no id of an event"
        raise RefusedError(400, msg) from error
