"""What is told of Docker's long work: how far it is, at most twice a second."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from nbproj.progress import Event, Progress

__all__ = ["PullReport", "Report"]

SECONDS: Final = 0.5
"""Between two reports of the same work."""


class Report:
    """Tells of one piece of work. What comes too soon after the last report is left out.

    Parameters
    ----------
    progress : Progress
        Told.
    text : str
        What is done.
    """

    def __init__(self, progress: Progress, text: str) -> None:
        self._progress, self._text = progress, text
        self._told = time.monotonic()

    def begin(self) -> None:
        """Tell that it begins; what is quick enough need not be told at all."""
        self._told = time.monotonic()
        self._progress(Event("preparing", self._text))

    def tell(self, detail: str = "", *, done: int | None = None, total: int | None = None) -> None:
        """Tell how far it is.

        Parameters
        ----------
        detail : str
            What is done just now.
        done, total : int, optional
            In bytes.
        """
        now = time.monotonic()
        if now - self._told >= SECONDS:
            self._told = now
            self._progress(Event("preparing", f"{self._text}: {detail}" if detail else self._text, done=done, total=total))


class PullReport:
    """Follows a pull, line by line of what the engine tells of its layers.

    Parameters
    ----------
    progress : Progress
        Told.
    name : str
        The image.

    Examples
    --------
    >>> told = []
    >>> report = PullReport(told.append, "python:3.12")
    >>> report.take({"id": "a1", "status": "Downloading", "progressDetail": {"current": 1, "total": 4}})
    >>> [(event.text, event.done, event.total) for event in told]
    [('pulling python:3.12', 1, 4)]
    """

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self._told = float("-inf")
        self._layers: dict[str, dict[str, tuple[int, int]]] = {"Downloading": {}, "Extracting": {}}

    def take(self, line: Mapping[str, Any]) -> None:
        """Take what the engine tells."""
        status, layer, detail = str(line.get("status") or ""), str(line.get("id") or ""), line.get("progressDetail") or {}
        ended = {"Download complete": "Downloading", "Pull complete": "Extracting"}.get(status)
        known = self._layers.get(ended or status)
        if known is None:
            return
        if ended:
            known[layer] = (known[layer][1], known[layer][1]) if layer in known else (0, 0)
        elif detail.get("total"):
            known[layer] = (int(detail.get("current") or 0), int(detail["total"]))
        loaded, unpacked = self._layers.values()
        fetched = all(done >= total for done, total in loaded.values())
        shown = unpacked if fetched and unpacked else loaded
        done, total = (sum(pair[place] for pair in shown.values()) for place in (0, 1))
        now = time.monotonic()
        if total and now - self._told >= SECONDS:
            self._told = now
            self._progress(Event("preparing", f"{'unpacking' if shown is unpacked else 'pulling'} {self._name}", done=done, total=total))
