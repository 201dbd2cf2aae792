"""A list of runs, shown as a table."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from typing import Any, overload

from nbproj.record import Run

__all__ = ["RunList"]


class RunList(Sequence[Run]):
    """Runs in an order, shown as a table.

    Parameters
    ----------
    found : sequence of Run
        The runs.
    store : str
        The store's address as it may be shown.

    Examples
    --------
    >>> import nbproj
    >>> for run in nbproj.runs(failed=True):  # doctest: +SKIP
    ...     print(run.run_id, run.tags["nbproj.reason"])
    """

    def __init__(self, found: Sequence[Run], store: str = "") -> None:
        self._runs = tuple(found)
        self.store = store

    @overload
    def __getitem__(self, index: int) -> Run: ...

    @overload
    def __getitem__(self, index: slice) -> RunList: ...

    def __getitem__(self, index: int | slice) -> Run | RunList:
        """Return one run, or a part of the list."""
        return RunList(self._runs[index], self.store) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def to_list(self) -> list[dict[str, Any]]:
        """Return plain values for programs: the stable form of `nbproj runs --json`."""
        return [run.to_dict() for run in self._runs]

    def text(self, *, width: int = 120) -> str:
        """Return the table as plain text."""
        return str(self._bundle(width)["text/plain"])

    def _bundle(self, width: int = 120) -> dict[str, Any]:
        from nbproj.display.runs import bundle

        zone = dt.datetime.now().astimezone().tzinfo or dt.UTC
        return bundle([run.brief() for run in self._runs], now=time.time() * 1000, zone=zone, width=width)

    def _repr_mimebundle_(self, **_wanted: object) -> dict[str, Any]:
        # IPython asks for this to show the value of a cell.
        return self._bundle()

    def __repr__(self) -> str:
        return f"<RunList of {len(self)} runs{f' in {self.store}' if self.store else ''}>"
