"""The table of runs as many tabs ask for it again and again: answered from memory until somebody has written into the store.

Lines and answers are those of `nbproj.overview`, which the table in a notebook shows, too.
"""

from __future__ import annotations

import base64
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from nbproj.display.card_json import plain_number
from nbproj.errors import StoreError, UsageError
from nbproj.overview.answers import Answers
from nbproj.overview.conversation import Conversation, view_of
from nbproj.overview.lines import default_columns, own_tags, sound_columns
from nbproj.record import Run
from nbproj.server.store import StorePlace
from nbproj.tracking.catalogue.opening import open_catalogue
from nbproj.tracking.catalogue.view import ATTRIBUTES, View
from nbproj.tracking.mlflow_store import open_store
from nbproj.tracking.store import RunNotFoundError

__all__ = ["Listing", "Window", "row", "view"]

_STORES: Final = 4
_WINDOWS: Final = 12
"""Different windows that are kept for each store: ten tabs mostly ask for the same one."""
_WATCH_SECONDS: Final = 10.0
"""After which a window is made anew though nobody has written: a run whose process died on another host says nothing."""
_NEWEST: Final = 200
_PATIENCE_SECONDS: Final = 3.0

Public = Callable[[Any], Any]

_EVERY: Final = View()


@dataclass(frozen=True, slots=True)
class Window:
    """Which lines are asked for.

    Parameters
    ----------
    view : View
        Which runs, in which order.
    columns : tuple of str
        What is told of each; by default what tells them apart.
    start, count : int
        Lines of the view.
    """

    view: View = _EVERY
    columns: tuple[str, ...] = ()
    start: int = 0
    count: int = 50


def view(asked: Mapping[str, Any]) -> View:
    """Return the view that a browser asks for.

    Raises
    ------
    UsageError
        Nothing can be sorted by that column.

    Examples
    --------
    >>> view({"sort": "metrics.rmse", "descending": False}).sort
    'metrics.rmse'
    """
    sort = asked.get("sort")
    if sort and not sound_columns([sort], ATTRIBUTES):
        msg = f"runs cannot be sorted by {str(sort)[:80]!r}: there are {', '.join(ATTRIBUTES)}, metrics.NAME, params.NAME and tags.NAME"
        raise UsageError(msg)
    return view_of({key: value for key, value in asked.items() if value not in ("", None)}, View())


def row(run: Run) -> dict[str, Any]:
    """Return one run in a few words; numbers that JSON has no word for are texts.

    What is started, stopped or shown is told of in these.
    """
    brief = run.brief()
    metrics = {name: plain_number(value) for name, value in brief["metrics"].items()}
    return {**brief, "metrics": metrics, "exit_code": run.exit_code, "reason": run.tags.get("nbproj.reason", "")}


class _Table:
    """The runs of one store."""

    def __init__(self, place: StorePlace, experiment: str, public: Public) -> None:
        self._open = lambda: open_store(place.uri, create=False, patience=_PATIENCE_SECONDS)
        catalogue = open_catalogue(place.uri, experiment or None, self._open)
        self.answers = Answers(catalogue, self._open)
        self._lines = Conversation(catalogue, self.answers, lambda _content, _buffers: None)
        self._public = public
        self._lock = Lock()
        self._columns: list[str] = []
        self._kept: OrderedDict[Window, tuple[float, dict[str, Any]]] = OrderedDict()

    def window(self, asked: Window) -> dict[str, Any]:
        """Return a window; several threads that want the same wait for the first."""
        with self._lock:
            if self._lines.catalogue.has_changed():
                self._kept.clear()
                self._columns = []
            when, value = self._kept.get(asked, (0.0, {}))
            if not value or time.monotonic() - when > _WATCH_SECONDS:
                value = self._made(asked)
                self._kept[asked] = time.monotonic(), value
                self._kept.move_to_end(asked)
                while len(self._kept) > _WINDOWS:
                    self._kept.popitem(last=False)
            return value

    def columns(self) -> list[str]:
        """Return the columns that are shown when nobody has chosen."""
        if not self._columns:
            self._columns = default_columns(self._lines.catalogue.keys(_NEWEST))
        return self._columns

    def keys(self) -> dict[str, list[str]]:
        """Return every column that there is."""
        keys = self._lines.catalogue.keys()
        return {"attributes": list(ATTRIBUTES), "metrics": list(keys.metrics), "params": list(keys.params), "tags": own_tags(list(keys.tags))}

    def _made(self, asked: Window) -> dict[str, Any]:
        columns = list(asked.columns) or self.columns()
        total, runs, lines = self._lines.lines(asked.view, columns, asked.start, asked.count)
        value: dict[str, Any] = self._public({"start": asked.start, "total": total, "runs": runs, "columns": columns, "rows": list(lines.values())})
        return value

    def close(self) -> None:
        """Let go of the store."""
        self._lines.end()


class Listing:
    """The tables of the stores that are shown, the last few of them open.

    Parameters
    ----------
    public : callable
        Takes out of a value what may not be shown.
    """

    def __init__(self, public: Public) -> None:
        self._public = public
        self._tables: OrderedDict[tuple[str, str], _Table] = OrderedDict()
        self._lock = Lock()

    def window(self, place: StorePlace, experiment: str, asked: Window) -> dict[str, Any]:
        """Return lines of the runs of a store; none of a store that is not there yet.

        Parameters
        ----------
        place : StorePlace
            The store.
        experiment : str
            Name or id; empty for all.
        asked : Window
            Which lines.

        Raises
        ------
        NbprojError
            The filter is not understood, there is no such experiment, the store does not answer.
        """
        try:
            with self._table(place, experiment) as table:
                return table.window(asked)
        except RunNotFoundError:
            return {"start": asked.start, "total": 0, "runs": 0, "columns": list(asked.columns), "rows": []}

    def answer(self, place: StorePlace, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is asked of runs beyond their lines: the columns that there are, runs side by side, their curves, notebooks, a file of all.

        Parameters
        ----------
        place : StorePlace
            The store.
        asked : mapping
            A question as `nbproj.overview` knows it: `kind`, and what that needs; `asked` is the view, `columns` what is shown of it.

        Raises
        ------
        NbprojError
            It cannot be answered.
        """
        shown = view(asked["asked"] if isinstance(asked.get("asked"), dict) else {})
        with self._table(place, "") as table:
            if asked.get("kind") == "columns":
                return table.keys()
            columns = sound_columns(asked.get("columns"), ATTRIBUTES) or table.columns()
            content, buffers = table.answers(str(asked.get("kind")), asked, (shown, columns))
        told: dict[str, Any] = self._public(content)
        return {**told, "buffers": [base64.b64encode(one).decode() for one in buffers]}

    @contextlib.contextmanager
    def _table(self, place: StorePlace, experiment: str) -> Iterator[_Table]:
        key = (place.uri, experiment)
        with self._lock:
            table = self._tables.get(key) or _Table(place, experiment, self._public)
            self._tables[key] = table
            self._tables.move_to_end(key)
            old = [self._tables.popitem(last=False)[1] for _ in range(len(self._tables) - _STORES)]
        for one in old:
            one.close()
        try:
            yield table
        except StoreError:  # it may be another when it is asked next
            with self._lock:
                self._tables.pop(key, None)
            raise
