"""What the front end of a table of runs asks, and what it is answered.

Every question carries a number, `ask`, which its answer repeats, and names the `view` that asks, because the same table may be on a page twice. What
has changed in the lines that a view has got is sent by itself, and only that. A question that is sent again, because a front end cannot know whether
the first waits behind a running cell, is answered once. Answers are made in two threads: windows in one; runs side by side, pictures and exports,
which take longer, in the other. So neither a running cell nor a slow store keeps the table from living.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nbproj.errors import NbprojError, one_line
from nbproj.overview.answers import Answers
from nbproj.overview.lines import default_columns, line, own_tags, sound_columns
from nbproj.overview.worker import Worker
from nbproj.tracking.catalogue.view import ATTRIBUTES, Catalogue, View

__all__ = ["Conversation", "Send"]

Send = Callable[[dict[str, Any], Sequence[bytes]], None]
"""Takes an answer, and what of it is no text."""

_MOST_LINES: Final = 1000
_NEWEST: Final = 200
_WATCH_SECONDS: Final = 10.0
"""How often lines of running runs are looked at though nobody has written: a run whose process died says nothing."""
_VIEWS: Final = 20
_TAKEN: Final = 1000
"""Of how many questions it is known that they were taken."""
_RENEW_SECONDS: Final = 2.0


@dataclass(slots=True)
class _Sight:
    """What one view on a page has got."""

    view: View
    columns: list[str]
    start: int = 0
    count: int = 0
    total: int = -1
    runs: int = -1
    sent: dict[int, dict[str, Any]] = field(default_factory=dict)
    looked: float = 0.0


class Conversation:
    """One table of runs, with any number of views.

    Parameters
    ----------
    catalogue : Catalogue
        The runs.
    answers : Answers
        What is asked of runs beyond their lines.
    send : callable
        Takes an answer; may be called from several threads, one at a time.
    label : str
        The store's address as it may be shown.
    view : View
        What is shown first.
    columns : sequence of str
        Which columns; by default those that tell the runs apart.
    renew : callable, optional
        Called, but not often, when what a view shows has changed.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        answers: Answers,
        send: Send,
        *,
        label: str = "",
        view: View | None = None,
        columns: Sequence[str] = (),
        renew: Callable[[], None] | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.view = view or View()
        self.columns = list(columns)
        self.selected: list[str] = []
        self._answers = answers
        self._label = label
        self._send = send
        self._sights: dict[str, _Sight] = {}
        self._lock = threading.Lock()
        self._taken: dict[tuple[str, int], None] = {}
        self._taking = threading.Lock()
        self._quick = Worker("nbproj-panel", self._beat)
        self._slow = Worker("nbproj-panel-details")
        self._names: Mapping[str, str] = {}
        self._renew = renew
        self._is_stale = False
        self._renewed = time.monotonic()

    def receive(self, content: object) -> None:
        """Take a question; returns at once."""
        if not isinstance(content, dict):
            return
        kind, ask, view = content.get("kind"), content.get("ask"), content.get("view")
        if not isinstance(kind, str) or not isinstance(ask, int) or not isinstance(view, str):
            return
        if ask and not self._is_new(view, ask):
            return
        if kind == "select":  # plain values: whoever asks in the next cell finds them
            self.selected = ids_of(content, 10_000)
            return
        quick = {"open": self._open, "look": self._look, "columns": self._columns, "close": self._close}
        if kind in quick:
            self._quick.do(lambda: self._reply(view, ask, lambda: (quick[kind](view, content), ())))
        else:
            self._slow.do(lambda: self._reply(view, ask, lambda: self._answers(kind, content, self._shown(view))))

    def _is_new(self, view: str, ask: int) -> bool:
        with self._taking:  # the main shell and a subshell may bring the same question
            if (view, ask) in self._taken:
                return False
            self._taken[view, ask] = None
            while len(self._taken) > _TAKEN:
                del self._taken[next(iter(self._taken))]
            return True

    def tell(self, content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send something that nobody has asked for."""
        with self._lock:
            self._send(content, buffers)

    def settle(self, task: Callable[[], None]) -> None:
        """Have something done behind the table; what it changes in the store is seen as any other change."""
        self._slow.do(task)

    def end(self) -> None:
        """End the threads, and let go of the store."""
        self._quick.end()
        self._slow.end()
        self.catalogue.close()

    def _reply(self, view: str, ask: int, answer: Callable[[], tuple[dict[str, Any] | None, Sequence[bytes]]]) -> None:
        try:
            content, buffers = answer()
        except NbprojError as error:
            content, buffers = {"error": one_line(str(error))}, ()
        except Exception as error:  # noqa: BLE001 - the thread outlives what a question runs into; the view shows it
            content, buffers = {"error": f"{type(error).__name__}: {one_line(str(error))}"}, ()
        if content is not None:
            self.tell({**content, "ask": ask, "view": view}, buffers)

    def first_columns(self) -> list[str]:
        """Return the columns that are shown first."""
        if not self.columns:
            self.columns = default_columns(self.catalogue.keys(_NEWEST))
            newest = [one.run_id for one in self.catalogue.span(View(), 0, _NEWEST).lines]
            if len({record.experiment_id for record in self.catalogue.records(newest, []).values()}) > 1:
                self.columns.insert(self.columns.index("start_time"), "experiment")
        return self.columns

    def _experiments(self) -> Mapping[str, str]:
        if not self._names:
            self._names = self.catalogue.experiments()
        return self._names

    def lines(self, view: View, columns: Sequence[str], start: int, count: int) -> tuple[int, int, dict[int, dict[str, Any]]]:
        """Return how many lines and runs a view has, and the lines of a window by their place."""
        span = self.catalogue.span(view, start, count)
        records = self.catalogue.records([one.run_id for one in span.lines], columns)
        if any(record.experiment_id not in self._experiments() for record in records.values()):
            self._names = self.catalogue.experiments()
        made = (line(one, records.get(one.run_id), columns, self._names) for one in span.lines)
        return span.total, span.runs, dict(enumerate(made, start))

    def _open(self, view: str, content: Mapping[str, Any]) -> dict[str, Any]:
        while len(self._sights) >= _VIEWS:  # a page that was closed has not said so
            del self._sights[next(iter(self._sights))]
        self._sights[view] = _Sight(self.view, self.first_columns())
        first = {"store": self._label, "selected": self.selected, "asked": _asked(self.view)}
        return {**first, **self._look(view, {**content, "asked": None, "columns": None})}

    def _look(self, view: str, content: Mapping[str, Any]) -> dict[str, Any]:
        sight = self._sights.setdefault(view, _Sight(self.view, self.first_columns()))
        if isinstance(content.get("asked"), dict):
            sight.view = view_of(content["asked"], sight.view)
            self.view = sight.view
            self._is_stale = True
        if content.get("columns") is not None:
            sight.columns = sound_columns(content["columns"], ATTRIBUTES) or sight.columns
            self.columns = sight.columns
        sight.start = max(_whole(content.get("start"), 0), 0)
        sight.count = min(max(_whole(content.get("count"), 100), 1), _MOST_LINES)
        sight.total, sight.runs, sight.sent = self.lines(sight.view, sight.columns, sight.start, sight.count)
        sight.looked = time.monotonic()
        return {
            "start": sight.start,
            "total": sight.total,
            "runs": sight.runs,
            "columns": sight.columns,
            "rows": list(sight.sent.values()),
            "now": int(time.time() * 1000),
        }

    def _columns(self, _view: str, _content: Mapping[str, Any]) -> dict[str, Any]:
        keys = self.catalogue.keys()
        return {"attributes": list(ATTRIBUTES), "metrics": list(keys.metrics), "params": list(keys.params), "tags": own_tags(list(keys.tags))}

    def _close(self, view: str, _content: Mapping[str, Any]) -> None:
        self._sights.pop(view, None)

    def _shown(self, view: str) -> tuple[View, list[str]]:
        sight = self._sights.get(view)
        return (sight.view, sight.columns) if sight is not None else (self.view, self.first_columns())

    def _beat(self) -> float | None:
        """Send what has changed; return when to look again."""
        if not self._sights:
            return None
        try:
            changed = self.catalogue.has_changed()
            for name, sight in list(self._sights.items()):
                if changed or self._is_due(sight):
                    self._refresh(name, sight)
            if self._renew is not None and self._is_stale and time.monotonic() - self._renewed >= _RENEW_SECONDS:
                self._is_stale = False
                self._renew()
                self._renewed = time.monotonic()
        except NbprojError as error:
            self.tell({"push": "trouble", "error": one_line(str(error))})
            return 10 * self.catalogue.pause
        return self.catalogue.pause

    @staticmethod
    def _is_due(sight: _Sight) -> bool:
        return time.monotonic() - sight.looked > _WATCH_SECONDS and any(one["status"] == "RUNNING" for one in sight.sent.values())

    def _refresh(self, name: str, sight: _Sight) -> None:
        total, runs, now = self.lines(sight.view, sight.columns, sight.start, sight.count)
        sight.looked = time.monotonic()
        new = {place: one for place, one in now.items() if sight.sent.get(place) != one}
        moved = total != sight.total or any(place not in sight.sent or sight.sent[place]["id"] != one["id"] for place, one in new.items())
        if new or total != sight.total or runs != sight.runs:
            self._is_stale = True
            # Lines outside the window are only old where others have come, gone or changed places.
            self.tell(
                {"push": "changes", "view": name, "total": total, "runs": runs, "moved": moved, "rows": [[place, one] for place, one in new.items()]}
            )
        sight.total, sight.runs, sight.sent = total, runs, now


def _whole(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def ids_of(content: Mapping[str, Any], limit: int) -> list[str]:
    """Return the ids of runs in a question, each once."""
    asked = content.get("ids")
    return list(dict.fromkeys(one for one in asked if isinstance(one, str)))[:limit] if isinstance(asked, list) else []


def _asked(view: View) -> dict[str, Any]:
    return {
        "filter": view.filter,
        "text": view.text,
        "sort": view.sort,
        "descending": view.descending,
        "grouped": view.grouped,
        "opened": sorted(view.opened),
    }


def view_of(asked: Mapping[str, Any], before: View) -> View:
    """Return the view that a front end asks for; what it does not name stays as it was."""
    found: dict[str, Any] = {}
    for name in ("filter", "text", "sort"):
        if isinstance(asked.get(name), str):
            found[name] = asked[name][:10_000]
    for name in ("descending", "grouped"):
        if isinstance(asked.get(name), bool):
            found[name] = asked[name]
    if isinstance(asked.get("opened"), list):
        found["opened"] = frozenset(one for one in asked["opened"][:1000] if isinstance(one, str))
    if "sort" in found and not sound_columns([found["sort"]], ATTRIBUTES):
        del found["sort"]
    return replace(before, **found)
