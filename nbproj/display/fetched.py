"""What was fetched and is kept, as a table. Pure: plain values in, text out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from nbproj.display.columns import clip, pad, printable
from nbproj.display.quantity import ago, size

__all__ = ["fetched_text"]

_NOUNS = {"data": ("download", "downloads"), "git": ("Git repository", "Git repositories")}


def fetched_text(fetched: Sequence[Mapping[str, Any]], *, now: float, width: int = 100) -> str:
    """Return a table of what was fetched, and what it takes together.

    Parameters
    ----------
    fetched : sequence of mapping
        Each as `fetched.Kept.to_list` gives it.
    now : float
        Seconds since the epoch.
    width : int
        Columns of the terminal.

    Examples
    --------
    >>> print(fetched_text([{"kind": "data", "address": "s3://bucket/data.csv", "size": 12_300_000, "used": 60.0}], now=120.0))
       SIZE  LAST USED  KIND  ADDRESS
      12 MB  1 min ago  data  s3://bucket/data.csv
    1 download, 12 MB
    """
    if not fetched:
        return "nothing is kept"
    used = [ago(float(one["used"]), now) for one in fetched]
    column = max(map(len, (*used, "LAST USED")))
    lines = [f"   SIZE  {pad('LAST USED', column)}  KIND  ADDRESS"]
    for one, when in zip(fetched, used, strict=True):
        kind, address = printable(str(one["kind"])), printable(str(one["address"]))
        lines.append(clip(f"{size(int(one['size'])):>7}  {pad(when, column)}  {pad(kind, 4)}  {address}", width))
    counts = Counter(str(one["kind"]) for one in fetched)
    told = [f"{counts[kind]} {nouns[counts[kind] > 1]}" for kind, nouns in _NOUNS.items() if counts[kind]]
    return "\n".join([*lines, ", ".join([*told, size(sum(int(one["size"]) for one in fetched))])])
