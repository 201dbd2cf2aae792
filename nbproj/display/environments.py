"""Environments as text: a table, and one with all that is known about it. Pure: plain values in, text out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from nbproj.display.columns import clip, pad, printable
from nbproj.display.quantity import ago, size

__all__ = ["environment_text", "environments_text"]

_SHOWN = 10


def environments_text(environments: Sequence[Mapping[str, Any]], *, now: float, width: int = 100) -> str:
    """Return a table of environments, and what they take together.

    Parameters
    ----------
    environments : sequence of mapping
        Each as `preparation.Environments.to_list` gives it.
    now : float
        Seconds since the epoch.
    width : int
        Columns of the terminal.

    Examples
    --------
    >>> one = {"key": "0a1b" * 8, "title": "requirements.txt, Python 3.12.1", "size": 12_300_000, "used": 60.0, "runs": ["r1"], "problem": ""}
    >>> print(environments_text([one], now=120.0))
    ENVIRONMENT      SIZE  LAST USED       RUNS  WHAT
    0a1b0a1b0a1b    12 MB  1 min ago          1  requirements.txt, Python 3.12.1
    1 environment, 12 MB
    """
    if not environments:
        return "no environments"
    used = [ago(float(one["used"]), now) for one in environments]
    column = max(map(len, (*used, "LAST USED     ")))
    lines = [f"ENVIRONMENT   {'SIZE':>7}  {pad('LAST USED', column)}  RUNS  WHAT"]
    for one, when in zip(environments, used, strict=True):
        what = ("damaged: " if one["problem"] else "") + printable(str(one["title"]))  # how, `environment_text` tells
        lines.append(clip(f"{printable(str(one['key']))[:12]}  {size(one['size']):>7}  {pad(when, column)}  {len(one['runs']):>4}  {what}", width))
    total = sum(int(one["size"]) for one in environments)
    return "\n".join([*lines, f"{len(environments)} environment{'s' if len(environments) > 1 else ''}, {size(total)}"])


def environment_text(one: Mapping[str, Any], packages: str, *, now: float) -> str:
    """Return everything that is known about an environment.

    Parameters
    ----------
    one : mapping
        As in `environments_text`, with `folder`, `created`, `kernels`, `in_use`.
    packages : str
        The exported list of its packages.
    now : float
        Seconds since the epoch.
    """
    created = dt.datetime.fromtimestamp(float(one["created"])).astimezone().isoformat(" ", "seconds") if one["created"] else "-"
    runs = [printable(str(run)) for run in one["runs"]]
    more = f" and {len(runs) - _SHOWN} more" if len(runs) > _SHOWN else ""
    facts = [
        ("state", printable(str(one["problem"])) or ("sound, in use" if one["in_use"] else "sound")),
        ("folder", printable(str(one["folder"]))),
        ("size", size(one["size"])),
        ("built", created),
        ("last used", ago(float(one["used"]), now)),
        ("runs", (", ".join(run[:8] for run in runs[:_SHOWN]) + more) or "none"),
        *(("kernel", printable(str(kernel))) for kernel in one["kernels"]),
    ]
    lines = [f"{printable(str(one['key']))[:12]}  {printable(str(one['title']))}", *(f"  {name:<10} {value}" for name, value in facts)]
    return "\n".join([*lines, "", printable_lines(packages)]).rstrip()


def printable_lines(text: str) -> str:
    """Return a text with its lines, and nothing else that a terminal would obey."""
    return "\n".join(printable(line) for line in text.splitlines())
