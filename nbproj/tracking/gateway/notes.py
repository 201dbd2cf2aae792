"""What the user is told of refused requests: each kind once, with how often it came."""

from __future__ import annotations

import threading

from nbproj.errors import one_line

__all__ = ["Notes"]

_MOST = 10
_LONGEST = 200


class Notes:
    """Counts refusals; safe in threads, bounded whatever comes.

    Examples
    --------
    >>> notes = Notes()
    >>> notes.add("make experiments"), notes.add("make experiments")
    (None, None)
    >>> notes.lines()
    ['the tracking gateway was asked to make experiments: refused (2 times)']
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._others = 0
        self._lock = threading.Lock()

    def add(self, what: str) -> None:
        """Count one refusal."""
        text = one_line(what)[:_LONGEST]
        with self._lock:
            if text in self._counts or len(self._counts) < _MOST:
                self._counts[text] = self._counts.get(text, 0) + 1
            else:
                self._others += 1

    def lines(self) -> list[str]:
        """Return what there is to tell, a line for each kind."""
        with self._lock:
            told = [
                f"the tracking gateway was asked to {what}: refused{f' ({count} times)' if count > 1 else ''}" for what, count in self._counts.items()
            ]
            return [*told, f"the tracking gateway refused {self._others} requests of other kinds"] if self._others else told
