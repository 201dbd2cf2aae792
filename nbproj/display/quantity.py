"""Quantities as people read them: `1.2 s`, `3 min`, `12 MB`, `0.934`."""

from __future__ import annotations

import math

__all__ = ["ago", "duration", "elapsed", "number", "size"]


def duration(seconds: float) -> str:
    """Return a duration with a unit.

    Examples
    --------
    >>> [duration(s) for s in (0.042, 1.234, 61, 3725, 200000)]
    ['42 ms', '1.2 s', '1 min 1 s', '1 h 2 min', '2 d 7 h']
    """
    if seconds < 0.9995:  # noqa: PLR2004 - what rounds to a thousand milliseconds is a second
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:  # noqa: PLR2004 - what rounds to sixty seconds is a minute
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, length, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds:.0f} s"


def ago(then: float, now: float) -> str:
    """Return how long ago something was, to the minute; it never was at 0.

    Examples
    --------
    >>> ago(60.0, 150.0), ago(60.0, 70.0), ago(0, 70.0)
    ('1 min 30 s ago', 'just now', 'never')
    """
    if not then:
        return "never"
    return f"{duration(now - then)} ago" if now - then >= 60 else "just now"  # noqa: PLR2004 - a minute


def elapsed(seconds: float) -> str:
    """Return how long something lasts already, in whole seconds: for a clock that ticks.

    Examples
    --------
    >>> [elapsed(s) for s in (0.4, 59.9, 61, 3725)]
    ['0 s', '59 s', '1 min 1 s', '1 h 2 min']
    """
    return f"{int(seconds)} s" if seconds < 60 else duration(int(seconds))  # noqa: PLR2004 - a minute


def size(count: float) -> str:
    """Return a number of bytes with a unit.

    Examples
    --------
    >>> [size(n) for n in (0, 999, 12_300_000, 5 * 10**9)]
    ['0 B', '999 B', '12 MB', '5.0 GB']
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 999.5 or unit == "TB":  # noqa: PLR2004 - what rounds to a thousand takes the next unit
            return f"{count:.1f} {unit}" if unit != "B" and count < 9.95 else f"{count:.0f} {unit}"  # noqa: PLR2004 - two digits are enough
        count /= 1000
    return ""


def number(value: float) -> str:
    """Return a metric with four significant digits, whole numbers whole.

    Examples
    --------
    >>> [number(v) for v in (58.83612, 3.0, 1e-7, float("nan"))]
    ['58.84', '3', '1e-07', 'nan']
    """
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:  # noqa: PLR2004 - beyond that a float is not exact
        return str(int(value))
    return f"{value:.4g}"
