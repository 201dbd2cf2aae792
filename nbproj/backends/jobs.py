"""Runs that are jobs of a queue: three questions to the queue, and the rest is here."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Final, Protocol

from nbproj.backends.backend import RunRequest, Workplace
from nbproj.backends.program import Program, Telling
from nbproj.errors import NbprojError, RunError
from nbproj.execution.execution import Execution, Outcome
from nbproj.execution.output import OutputLog
from nbproj.execution.threaded import ThreadedExecution
from nbproj.progress import Event

__all__ = ["JobExecution", "JobQueue", "RejoinedJob"]

_LOOK_SECONDS: Final = 0.1
_ASK_SECONDS: Final = 2.0
"""Between two questions to the queue."""
_LATE_SECONDS: Final = 10.0
"""How much later than its end a job's last word may be seen, on folders that come over a network."""
_CANCEL_SECONDS: Final = 50.0
_JOIN_SECONDS: Final = 70.0
_PREPARING: Final = 121


class JobQueue(Protocol):
    """A queue that starts programs, on machines that see the same folders as this one. Its methods are called by one thread."""

    def submit(self, program: Program) -> str:
        """Hand a program over; return what names its job from now on.

        Raises
        ------
        NbprojError
            The queue takes no job, and why.
        """

    def goes_on(self, job: str) -> bool:
        """Return whether a job waits or runs. Asked every two seconds, and the last time when it has ended.

        Raises
        ------
        NbprojError
            The queue does not answer. It is asked again.
        """

    def cancel(self, job: str) -> None:
        """Send TERM to a job, or take it out of the queue; need not wait. A job that has ended is no error."""


class JobExecution(ThreadedExecution):
    """A run that is a job of a queue: submitted, followed by what its program tells, ended by its queue.

    Parameters
    ----------
    queue : JobQueue
        Starts it.
    program : Program
        What it starts.
    workplace : Workplace
        The run's.
    job : str, optional
        What names the job, when it is there already.
    """

    def __init__(self, queue: JobQueue, program: Program, workplace: Workplace, job: str | None = None) -> None:
        super().__init__()
        self._queue, self._program, self._workplace, self._job = queue, program, workplace, job
        self._telling = Telling(program)
        self._cancelled = threading.Event()
        self._away = False

    def start(self) -> None:
        """Start the thread that submits and follows it.

        Raises
        ------
        RunError
            Its output cannot be kept.
        """
        log = OutputLog(self._workplace.log, self._workplace.stream_mask(), self._inbox)
        self._begin("job", self._work, log)

    def cancel(self) -> None:
        """Have the queue end it, and return when it has ended; after a minute in any case."""
        self._cancelled.set()
        self._inbox.drain()
        self._join(_JOIN_SECONDS)

    def _work(self, log: OutputLog) -> None:
        try:
            outcome = self._carried(log)
        except NbprojError as error:
            outcome = Outcome(error.exit_code, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a queue's client raises becomes the run's outcome
            outcome = Outcome(_PREPARING, self._workplace.mask(f"the queue failed: {type(error).__name__}: {error}"))
        self._program.hand_in(self._workplace.folder)
        self._files = {name: self._workplace.folder / Path(file).name for name, file in self._telling.artifacts.items()}
        log.close()
        self._outcome = Outcome(143, "cancelled", cancelled=True) if self._cancelled.is_set() else outcome
        self._inbox.close()

    def _note(self) -> None:
        self._workplace.submitted(json.dumps({"folder": str(self._program.folder), "cwd": str(self._program.cwd), "job": self._job}))

    def _carried(self, log: OutputLog) -> Outcome:
        self._note()  # before it is submitted: whoever takes the run up sees by the folder whether it was
        if self._job is None:
            if self._cancelled.is_set():
                return Outcome(143)
            self._job = str(self._queue.submit(self._program))
            self._note()
            self._inbox.put(Event("waiting", f"job {self._job}"))
        asked, ended_since, end_by = 0.0, None, None
        while True:
            self._pass_on(log)
            if self._telling.outcome is not None:
                return self._telling.outcome
            now = time.monotonic()
            if self._cancelled.is_set() and end_by is None:
                end_by = now + _CANCEL_SECONDS
                self._queue.cancel(self._job)
            if end_by is not None and now > end_by:
                return Outcome(143)
            if now - asked >= _ASK_SECONDS or end_by is not None:
                asked = now
                ended_since = None if self._goes_on() else ended_since or now
            if ended_since is not None and now - ended_since > (_LATE_SECONDS if end_by is None else 1):
                return Outcome(1, f"job {self._job} has ended, and its program has not told how: the queue's own log of the job may say why")
            time.sleep(_LOOK_SECONDS)

    def _goes_on(self) -> bool:
        try:
            goes_on = bool(self._queue.goes_on(str(self._job)))
        except NbprojError as error:
            if not self._away:
                self._away = True
                self._inbox.put(Event("note", f"{error}: the job goes on, and is asked for again"))
            return True
        self._away = False
        return goes_on

    def _pass_on(self, log: OutputLog) -> None:
        results = self._telling.results()
        if results:
            self._workplace.results(results)
        for event in self._telling.events():
            if event.step == "output":
                log.write(event.text.encode("utf-8", "replace"))
            elif event.text or event.step == "started":
                self._inbox.put(event)


class RejoinedJob:
    """A job of a queue whose driver died: what a backend's `rejoined` returns.

    Parameters
    ----------
    queue : JobQueue
        The queue.
    job : str
        What `rejoined` was given.

    Raises
    ------
    ValueError
        It names no job.
    """

    def __init__(self, queue: JobQueue, job: str) -> None:
        values = json.loads(job)
        try:
            self._program = Program.at(Path(values["folder"]), Path(values["cwd"]))
            self._job: str | None = values["job"]
        except (KeyError, TypeError) as error:
            msg = f"no job: {error}"
            raise ValueError(msg) from error
        self._queue = queue

    def look(self) -> None:
        """Refuse while the queue does not answer."""
        if self._job is not None:
            self._queue.goes_on(self._job)

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:  # noqa: ARG002 - the contract of all carriers
        """Return what follows the job, from the beginning of what it has told."""
        if self._job is None and not Telling(self._program).has_begun:
            with contextlib.suppress(OSError):
                (self._program.folder / "order.pickle").unlink()  # should it still come, it finds nothing to do
            msg = "the process that carried the run died before its job was submitted, or before it began"
            raise RunError(msg)
        return JobExecution(self._queue, self._program, workplace, self._job if self._job is not None else "")
