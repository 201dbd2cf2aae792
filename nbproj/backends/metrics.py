"""What a run logs, told while it goes on: read from its store at a pace that harms neither the store nor the run."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import TypeAlias

from nbproj.errors import StoreError
from nbproj.progress import Event, Progress, silent
from nbproj.tracking.course import News, Point
from nbproj.tracking.store import Store

__all__ = ["MetricWatch", "wants_metrics"]

_SECONDS = 1.0
_SLOW_SECONDS = 3.0  # for stores that are asked over a network
_SHARE = 10  # a question that takes a second is asked every ten
_LONGEST_SECONDS = 60.0
_STOP_SECONDS = 1.0
_LOCAL_SECONDS = 10.0  # a file answers at once, unless the machine stands still

_Answers: TypeAlias = "queue.SimpleQueue[list[Point]]"


def wants_metrics(progress: Progress) -> bool:
    """Return whether a listener shows metrics as they come: any but `silent` and those that say `shows_metrics = False`."""
    return progress is not silent and bool(getattr(progress, "shows_metrics", True))


class MetricWatch:
    """Reads new metrics from when it is made until it is stopped, in a thread of its own; the caller's thread tells them.

    A store that does not answer is asked less and less often, and nobody hears of it: the metrics are in the record anyway.

    Parameters
    ----------
    store : Store
        Where the run logs.
    run_id : str
        The run.
    progress : callable
        Told of every new value, by `tell`.
    """

    def __init__(self, store: Store, run_id: str, progress: Progress) -> None:
        self._progress = progress
        self._news = News(store, run_id)
        self._answers: _Answers = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nbproj-metrics", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        pace = _SECONDS
        while not self._stop.wait(pace):
            began = time.monotonic()
            usual = _SECONDS if self._news.is_local else _SLOW_SECONDS
            try:
                self._read()
                pace = max(usual, _SHARE * (time.monotonic() - began))
            except StoreError:
                pace = max(usual, 2 * pace)
            pace = min(pace, _LONGEST_SECONDS)

    def _read(self) -> None:
        if self._answers.qsize() < 8 and (points := self._news()):  # noqa: PLR2004 - the caller shows slowly: the rest waits in the store
            self._answers.put(points)

    def tell(self) -> None:
        """Tell the listener what has come; in the caller's thread."""
        with contextlib.suppress(queue.Empty):
            while True:
                for point in self._answers.get_nowait():
                    metric = point.metric
                    data = {"key": metric.key, "value": metric.value, "step": metric.step, "timestamp": metric.timestamp, "count": point.count}
                    self._progress(Event("metric", data=data))

    def finish(self) -> None:
        """Stop, and tell what the program has logged last, where nobody has to be waited for."""
        self.stop()
        self._thread.join(_LOCAL_SECONDS if self._news.is_local else _STOP_SECONDS)
        self.tell()  # what waits here has to make room for the last
        if self._news.is_local and not self._thread.is_alive():
            with contextlib.suppress(StoreError):
                self._read()
        self.tell()

    def stop(self) -> None:
        """Let it stop. May be called twice."""
        self._stop.set()
