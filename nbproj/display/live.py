"""What a card shows while its run travels: events folded into plain values, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbproj.display.sparkline import Curve, plain_float
from nbproj.display.terminal import Screen
from nbproj.errors import one_line
from nbproj.progress import Event

__all__ = ["CardState"]

_METRICS = 200
_NOTES = 20
_TEXT = 1000
_ENDED = frozenset({"FINISHED", "FAILED", "KILLED"})
_STEPS = {
    "checked": "checked",
    "creating": "creating the run",
    "prepared": "starting",
    "started": "running",
    "ending": "keeping what the run left",
    "settled": "",
}


class CardState:
    """The state of one live card.

    Parameters
    ----------
    started : float
        Now, in milliseconds since the epoch; the caller's clock is the only one.

    Examples
    --------
    >>> state = CardState(started=1000.0)
    >>> state.fold(Event("checked", data={"entry_point": "train"}), at=1100.0)
    >>> state.fold(Event("cell", "cell 7 of 12", done=6, total=12), at=2000.0)
    >>> values = state.values(now=3000.0)
    >>> values["status"], values["entry_point"], values["step"], values["cells"]
    ('STARTING', 'train', 'cell 7 of 12', (6, 12))
    """

    def __init__(self, started: float, *, params: Mapping[str, str] | None = None) -> None:
        self.screen = Screen(rows=60)  # as far up as several progress bars reach
        self._started = started
        self._ended: float | None = None
        self._status = "STARTING"
        self._step = ""
        self._cells: tuple[int, int] | None = None
        self._about: dict[str, Any] = {}
        self._params = dict(params or {})
        self._metrics: dict[str, float] = {}
        self._curves: dict[str, Curve] = {}
        self._notes: list[str] = []
        self._notes_left_out = 0

    def fold(self, event: Event, at: float) -> None:
        """Take one event.

        Parameters
        ----------
        event : Event
            What happened. Data that is taken: `checked` entry_point, uri, commit; `created` run_id, store, experiment_id, params (a mapping);
            `metric` key, value, count; `settled` status, exit_code.
        at : float
            When, in milliseconds since the epoch.
        """
        data = event.data
        if event.step == "output":
            self.screen.feed(event.text)
            return
        if event.step == "metric":
            self._metric(str(data.get("key", event.text))[:_TEXT], plain_float(data.get("value")), data.get("count"))
            return
        if event.step == "note":
            self._note(event.text)
            return
        if event.step == "cell" and event.done is not None and event.total is not None:
            self._cells = (event.done, event.total)
        self._step = _STEPS.get(event.step) or ("" if event.step == "settled" else one_line(event.text[:_TEXT]) + _share(event) or self._step)
        self._about |= {key: value for key, value in data.items() if key in _ABOUT}
        if isinstance(params := data.get("params"), Mapping):
            self._params |= {str(name): str(value) for name, value in params.items()}
        if event.step == "created":
            self._status = "RUNNING"
        elif event.step == "settled":
            self._status = str(data.get("status", "FAILED"))
            self._ended = at

    def _metric(self, key: str, value: float, count: object) -> None:
        if key not in self._curves:
            if len(self._curves) >= _METRICS:
                return
            self._curves[key] = Curve()
        self._metrics[key] = value
        self._curves[key].add(value, count if isinstance(count, int) else 1)

    def _note(self, text: str) -> None:
        note = one_line(text[:_TEXT])
        if note in self._notes:
            return
        if len(self._notes) >= _NOTES:
            self._notes_left_out += 1
        else:
            self._notes.append(note)

    @property
    def ended(self) -> bool:
        """Whether the run has settled."""
        return self._status in _ENDED

    def values(self, now: float) -> dict[str, Any]:
        """Return the plain values that `card.bundle` shows; what `Run` tells of its end can be laid over them.

        Parameters
        ----------
        now : float
            In milliseconds since the epoch.
        """
        about = self._about
        return {
            "run_id": str(about.get("run_id", "")),
            "status": self._status,
            "exit_code": about.get("exit_code"),
            "experiment_id": str(about.get("experiment_id", "")),
            "entry_point": str(about.get("entry_point", "")),
            "uri": str(about.get("uri", "")),
            "commit": str(about.get("commit") or ""),
            "store": str(about.get("store", "")),
            "start_time": self._started,
            "end_time": self._ended,
            "now": None if self.ended else now,
            "step": "" if self.ended else self._step,
            "cells": self._cells,
            "params": dict(self._params),
            "metrics": dict(self._metrics),
            "curves": {key: curve.points for key, curve in self._curves.items()},
            "counts": {key: curve.count for key, curve in self._curves.items()},
            "notes": [*self._notes, *([f"and {self._notes_left_out} more"] if self._notes_left_out else [])],
            "tail": self.screen.tail(),
        }


_ABOUT = frozenset({"commit", "entry_point", "exit_code", "experiment_id", "run_id", "store", "uri"})


def _share(event: Event) -> str:
    if event.step == "cell" or not event.total or event.done is None:
        return ""
    return f" ({min(100 * event.done // event.total, 100)} %)"
