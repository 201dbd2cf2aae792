"""How much a request may bring and ask for, and a body read within that."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, Final

from nbproj.errors import suggestion
from nbproj.server.errors import RefusedError

__all__ = ["BODY_BYTES", "DEPTH", "JSON_DEPTH", "STREAMS", "WINDOW", "body", "number", "too_long"]

BODY_BYTES: Final = 1 << 20
"""An order of a run is a few hundred bytes; the parameters of one may be a table."""

JSON_DEPTH: Final = 20
"""Levels of lists and objects: a value of type `dict` has few."""

WINDOW: Final = 1000
"""Rows in one answer: a table shows what fits on a screen."""

DEPTH: Final = 10_000
"""Rows above a window: a store is asked for those, too."""

STREAMS: Final = 64
"""Runs that are watched at the same time, over all tabs."""

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def body(data: bytes, known: Collection[str]) -> dict[str, Any]:
    """Return the object that a body holds, with no other keys than the known ones.

    Raises
    ------
    RefusedError
        413 when it is too long; 400 when it is no JSON object, too deep, or has other keys.

    Examples
    --------
    >>> body(b'{"path": "wine"}', ["path"])
    {'path': 'wine'}
    """
    if len(data) > BODY_BYTES:
        raise RefusedError(413, too_long())
    depth = 0
    for token in _TOKENS.finditer(data):  # before the parser, which goes down with each level
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token.group(), 0)
        if depth > JSON_DEPTH:
            msg = f"the body has more than {JSON_DEPTH} levels"
            raise RefusedError(400, msg)
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()  # half a character, written as an escape, is no text
    except ValueError as error:  # UnicodeDecodeError is one
        msg = f"the body is no JSON: {error}"
        raise RefusedError(400, msg) from error
    if not isinstance(value, dict):
        msg = "the body must be a JSON object"
        raise RefusedError(400, msg)
    unknown = next((key for key in value if key not in known), None)
    if unknown is not None:
        msg = f"the body has no key {unknown[:100]!r}.{suggestion(unknown[:100], known)} Known: {', '.join(sorted(known))}"
        raise RefusedError(400, msg)
    return value


def _no_number(text: str) -> float:
    msg = f"{text} is no number in JSON; write it as a text"
    raise ValueError(msg)


def too_long() -> str:
    """Return what is said of a body that is too long."""
    return f"the body is longer than {BODY_BYTES >> 10} kB"


def number(text: str, name: str, *, default: int, least: int = 0, most: int = WINDOW) -> int:
    """Return an argument of an address as a whole number.

    Raises
    ------
    RefusedError
        400: it is none, or out of bounds.

    Examples
    --------
    >>> number("", "limit", default=50), number("20", "limit", default=50)
    (50, 20)
    """
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        msg = f"{name} must be a whole number from {least} to {most}, not {text[:40]!r}"
        raise RefusedError(400, msg)
    return int(text)
