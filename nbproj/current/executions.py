"""What was executed in this session, so that a file older than that can be told from one that holds it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Executions"]

# A cell that starts a run, `run = %mlrun ...`, asks for what the others say and is no part of it.
ASKS: Final = re.compile(r"^[ \t]*(?:[\w., \t]+=[ \t]*)?%ml\w+\b", re.MULTILINE)
LOADS: Final = re.compile(r"^[ \t]*%(?:re)?load_ext[ \t]+nbproj\b.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Execution:
    source: str
    when: float


@dataclass(slots=True)
class Executions:
    """The cells that were executed, the latest version of each.

    Parameters
    ----------
    latest : dict
        By the cell's id, or by a number where the front end gives none.
    cell : str, optional
        Id of the cell that was executed last.

    Examples
    --------
    >>> seen = Executions()
    >>> seen.note("alpha = 1", when=10.0, cell="a")
    >>> seen.note("alpha = 2", when=20.0, cell="a")
    >>> seen.unsaved(["alpha = 1"], saved=5.0), seen.unsaved(["alpha = 2"], saved=5.0), seen.unsaved(["alpha = 3"], saved=30.0)
    ('alpha = 2', None, None)
    """

    latest: dict[str | int, _Execution] = field(default_factory=dict)
    cell: str | None = None

    def note(self, source: str, when: float, cell: str | None = None) -> None:
        """Keep one execution.

        Parameters
        ----------
        source : str
            The cell as the user wrote it.
        when : float
            Time of its start, or a time after it where that is not known, as `time.time` tells it.
        cell : str, optional
            The cell's id.
        """
        self.cell = cell
        if _substance(source):
            self.latest[cell if cell is not None else len(self.latest)] = _Execution(source, when)

    def note_all(self, sources: Sequence[str], when: float) -> None:
        """Keep what was executed before anybody watched."""
        for source in sources:
            self.note(source, when)

    def unsaved(self, cells: Iterable[str], saved: float) -> str | None:
        """Return a cell that was executed after the file was saved and is not in it, or None when the file holds all that was run since.

        What was executed earlier and is not in the file was changed on purpose, and saved.

        Parameters
        ----------
        cells : iterable of str
            Sources of the file's cells.
        saved : float
            When the file was written.
        """
        known: set[str] | None = None
        for execution in self.latest.values():
            if execution.when <= saved:
                continue
            known = {_substance(cell) for cell in cells} if known is None else known
            if _substance(execution.source) not in known:
                return execution.source
        return None


def _substance(source: str) -> str:
    """Return what a cell contributes to a run: nothing when it asks for one; white space at the ends of lines does not count."""
    if ASKS.search(source):
        return ""
    lines = (line.rstrip() for line in LOADS.sub("", source).splitlines())
    return "\n".join(line for line in lines if line)
