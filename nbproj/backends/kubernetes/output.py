"""What one pod prints: followed from its first line to its last, whatever happens to the connection."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import threading
import time
from collections import deque
from typing import Any, Final

from nbproj.backends.kubernetes.cluster import ClusterAwayError, ClusterRefusalError
from nbproj.backends.kubernetes.jobs import Job
from nbproj.errors import one_line
from nbproj.execution.output import OutputLog

__all__ = ["PodOutput"]

_TIME: Final = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_SECOND: Final = 10**9
_DISORDER: Final = _SECOND // 100
"""Nanoseconds by which a line may be older than the one before: a node reads what comes on stdout and on stderr by itself."""
_REMEMBERED: Final = 4096
"""Lines by which those of that time are known again."""
_CLOCKS: Final = 60
"""Seconds by which this machine's clock and a node's may differ: so much is read again after a connection has ended."""
_LONGEST: Final = 1 << 16
"""Bytes of a line that are kept until its end comes."""
_REFUSED_SECONDS: Final = 30.0
"""For which a refusal may be one of an API server that has just started."""
_LAST_SECONDS: Final = 6.0
"""For which the rest is tried to be read when the Job has ended."""
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 2.0


class PodOutput:
    """The output of a pod's container.

    Parameters
    ----------
    job : Job
        Whose pod it is.
    pod, container : str
        Their names.
    over : Event
        Set when the Job has ended: what is there is read, nothing more is waited for.
    cancelled : Event
        Set when nobody wants it any more.
    """

    def __init__(self, job: Job, pod: str, container: str, over: threading.Event, cancelled: threading.Event) -> None:
        self._job, self._pod, self._container = job, pod, container
        self._over, self._cancelled = over, cancelled
        self._newest: int | None = None
        self._last: deque[int] = deque(maxlen=_REMEMBERED)
        self._rest = b""
        self._goes_into_log: bool | None = None
        self._known: frozenset[int] = frozenset()
        self._oldest: int | None = None
        self._connection: Any = None
        self._begun: set[int] = set()

    def interrupt(self) -> None:
        """End the reading that goes on, from another thread: what there is now is read once more, or nothing when it is cancelled."""
        with contextlib.suppress(OSError, ValueError, AttributeError):  # it has just ended by itself
            self._connection.shutdown()

    def copy(self, log: OutputLog, restarts: int = 0) -> str:
        """Copy all of it into a log; return what a reader should know of what is missing, empty when nothing is.

        Parameters
        ----------
        log : OutputLog
            Takes the lines without their times.
        restarts : int
            How often the container was started again before: each time its output begins anew.
        """
        refused_since: float | None = None
        last_until: float | None = None
        missing = ""
        pause = _FIRST_PAUSE
        while not self._cancelled.is_set():
            last = self._over.is_set()  # a pod that is deleted may be called running for a while
            if last and last_until is None:
                last_until, pause = time.monotonic() + _LAST_SECONDS, _FIRST_PAUSE
            try:
                if self._copied(log, follow=not last, restarts=restarts):
                    missing = self.copy_before(log)
                    continue
                if last or not self._goes_on(restarts):
                    self._take(self._rest, log)  # a last line without an end
                    return missing
                refused_since, pause = None, _FIRST_PAUSE
                self._over.wait(pause)
                continue
            except (ClusterAwayError, ClusterRefusalError) as error:
                told = f"the end of the output may be missing: {error}"
                if isinstance(error, ClusterRefusalError):
                    if error.is_absence and last:
                        return told
                    refused_since = refused_since or time.monotonic()
            now = time.monotonic()
            if (last_until is not None and now > last_until) or (refused_since is not None and now > refused_since + _REFUSED_SECONDS):
                return told
            (self._cancelled if last else self._over).wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        return missing

    def copy_before(self, log: OutputLog) -> str:
        """Copy what a container printed before it was started again, lines that are known left out; return why it cannot be read, empty when it can.

        A node keeps the output of the start before this one, and of none before that.
        """
        try:
            self._copied(log, follow=False, previous=True)
            self._take(self._rest, log)
        except (ClusterAwayError, ClusterRefusalError) as error:
            return f"what the container printed before it was started again is missing: {error}"
        return ""

    def _copied(self, log: OutputLog, *, follow: bool, previous: bool = False, restarts: int | None = None) -> bool:
        """Copy until the connection ends. Lines that came before are left out.

        A node gives the output of the latest start, which may have been after we looked: when it was, nothing is copied the first time, and this
        returns True.
        """
        self._rest, self._goes_into_log = b"", None
        self._known = frozenset(self._last)
        self._oldest = self._newest - _DISORDER if self._newest is not None else None
        seconds = max(1, int((time.time_ns() - self._newest) / _SECOND) + _CLOCKS) if self._newest is not None else None
        for piece in self._job.log(self._pod, self._container, seconds, follow=follow, previous=previous, opened=self._opened):
            if restarts is not None and restarts not in self._begun:
                self._begun.add(restarts)
                if self._was_started_again(restarts):
                    return True
            *lines, self._rest = (self._rest + piece).split(b"\n")
            for line in lines:
                self._take(line + b"\n", log)
            while len(self._rest) > _LONGEST:
                self._take(self._rest[:_LONGEST], log)
                self._rest = self._rest[_LONGEST:]
            if self._cancelled.is_set():
                break
        return False

    def _take(self, data: bytes, log: OutputLog) -> None:
        """Take a line, or a part of one that is very long."""
        if self._goes_into_log is None and data:
            stamp, _, text = data.partition(b" ")
            when = _nanoseconds(stamp)
            if when is None:  # the kubelet's own words: it cannot read the output, or not now
                msg = f"the output cannot be read: {one_line(data.decode(errors='replace'))}"
                raise ClusterAwayError(msg)
            name = hash(data[:_LONGEST].rstrip(b"\n"))
            self._goes_into_log = (self._oldest is None or when >= self._oldest) and name not in self._known
            if self._goes_into_log:
                self._last.append(name)
                self._newest = max(when, self._newest or when)
        else:
            text = data
        if self._goes_into_log:
            log.write(text)
        if data.endswith(b"\n"):
            self._goes_into_log = None

    def _opened(self, connection: Any) -> None:  # noqa: ANN401 - urllib3's answer
        self._connection = connection

    def _goes_on(self, restarts: int) -> bool:
        """Return whether a container whose output has ended is running all the same: its connection was cut without a word."""
        return any(status.state.running and status.restart_count == restarts for status in self._statuses())

    def _was_started_again(self, restarts: int) -> bool:
        """Return whether a container was started more often than that; no when nobody can tell now."""
        with contextlib.suppress(ClusterAwayError, ClusterRefusalError):
            return any(status.restart_count > restarts for status in self._statuses())
        return False

    def _statuses(self) -> list[Any]:
        """Return what is to be seen of the container now; nothing when its pod is gone."""
        pods = [one for one in self._job.look().pods if one.metadata.name == self._pod]
        return [status for pod in pods for status in pod.status.container_statuses or () if status.name == self._container]


def _nanoseconds(stamp: bytes) -> int | None:
    """Return the time that stands in front of a line, in whatever zone a node writes it; None for what is no time."""
    found = _TIME.fullmatch(stamp)
    if found is None:
        return None
    try:
        whole = dt.datetime.fromisoformat((found[1] + found[3]).decode())
    except ValueError:
        return None
    return int(whole.timestamp()) * _SECOND + int((found[2] or b"0").ljust(9, b"0")[:9])
