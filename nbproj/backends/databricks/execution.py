"""A run that is a job of a workspace: submitted once, followed to its end; given up, it is cancelled."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from nbproj.backends.databricks.answer import WorkspaceAwayError, WorkspaceRefusalError
from nbproj.backends.databricks.jobs import JobRun, Sight
from nbproj.backends.databricks.reference import RunReference
from nbproj.backends.databricks.workspace import Patience
from nbproj.errors import NbprojError
from nbproj.execution.execution import Outcome
from nbproj.execution.output import ByteMask, OutputLog
from nbproj.execution.threaded import ThreadedExecution
from nbproj.progress import Event

__all__ = ["DatabricksExecution"]

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 15.0
_GROWTH: Final = 1.4
_LONGEST_LEFT_ALONE: Final = 600.0
"""However long the service wants not to be asked."""
_REFUSED_SECONDS: Final = 60.0
"""For which a refused look may be one of a login that is just being renewed."""
_END_SECONDS: Final = 40.0
"""How long the end of a cancelled run is waited for."""
_LAST_SUBMIT_SECONDS: Final = 10.0


class DatabricksExecution(ThreadedExecution):
    """A run on Databricks, to be submitted or there already.

    Parameters
    ----------
    run : JobRun
        Which one.
    reference : RunReference
        What names it.
    body : mapping, optional
        The request that makes it; None for one that is there. With the reference's token it makes one run, however often it is sent.
    log : Path
        File for its output.
    mask : ByteMask
        Applied to it.
    made : callable
        Told before it is submitted and when it was, so that it can be found again.
    ended : callable
        Returns what the program on the cluster has left of its end, if it has.
    left : callable
        Returns files of the record that are wanted here.
    """

    def __init__(
        self,
        run: JobRun,
        reference: RunReference,
        body: Mapping[str, Any] | None,
        *,
        log: Path,
        mask: ByteMask,
        made: Callable[[RunReference, Sight | None], None],
        ended: Callable[[], Outcome | None],
        left: Callable[[], dict[str, Path]] = dict,
    ) -> None:
        super().__init__()
        self._left = left
        self._run, self._reference, self._body = run, reference, body
        self._log_path, self._mask, self._made, self._ended = log, mask, made, ended
        self._cancelled = threading.Event()
        self._refused_since: float | None = None
        self._told = ""
        self._shown = False
        self._left_alone = 0.0

    def start(self) -> None:
        """Start to submit and to follow it.

        Raises
        ------
        RunError
            Its output cannot be kept.
        """
        log = OutputLog(self._log_path, self._mask, self._inbox)
        self._made(self._reference, None)
        self._begin("databricks", self._work, log)

    def cancel(self) -> None:
        """Cancel it; returns when it has ended there, or when that takes too long."""
        self._cancelled.set()
        self._inbox.drain()
        self._join(_END_SECONDS + _LAST_SUBMIT_SECONDS)

    def _work(self, log: OutputLog) -> None:
        try:
            outcome = self._carry(log)
        except NbprojError as error:
            outcome = Outcome(1 if self._run.number else error.exit_code, str(error))
            self._give_up()
            if isinstance(error, WorkspaceAwayError) and not self._run.number:
                name = (self._body or {}).get("run_name")
                self._inbox.put(Event("note", f"should the request have arrived all the same, look on Databricks for a run named {name!r}"))
        except Exception as error:  # noqa: BLE001 - whatever the client raises becomes the run's outcome
            outcome = Outcome(1, f"the run on Databricks could not be followed: {type(error).__name__}: {error}")
            self._give_up()
        if self._cancelled.is_set():
            outcome = Outcome(143, "cancelled", cancelled=True)
        log.close()
        self._outcome = outcome
        self._inbox.close()

    def _carry(self, log: OutputLog) -> Outcome:
        if not self._run.number:
            self._submit()
        last = self._follow()
        if isinstance(last, Outcome):
            return last
        return self._end(last, log)

    def _submit(self) -> None:
        body = self._body or {}
        try:
            self._run.submit(body, Patience(cancelled=self._cancelled, waiting=lambda text: self._inbox.put(Event("waiting", text))))
        except WorkspaceAwayError:
            if not self._cancelled.is_set():
                raise
            # An answer may have been lost: the same request again names that run, and it can be cancelled.
            self._run.submit(body, Patience(_LAST_SUBMIT_SECONDS))
        self._reference = dataclasses.replace(self._reference, number=self._run.number)
        self._tell_made(None)

    def _tell_made(self, sight: Sight | None) -> None:
        """Have it noted where it is; a record that takes no tag now is no reason to end a job."""
        try:
            self._made(self._reference, sight)
        except NbprojError as error:
            self._inbox.put(Event("note", f"where the run is on Databricks could not be noted: {error}"))

    def _follow(self) -> Sight | Outcome:
        """Look until it has ended."""
        seen, pause = self._glance(), _FIRST_PAUSE
        self._inbox.put(Event("started", data={"job": str(self._run.number), "url": self._reference.page}))
        while seen is None:
            if self._cancelled.wait(max(pause, self._left_alone)):
                return self._stop()
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)
            seen = self._glance()
        return seen

    def _glance(self) -> Sight | Outcome | None:
        """Look once; None while it goes on, or nothing can be seen of it now: it goes on without us."""
        waits = ""
        try:
            sight = self._run.look(cancelled=self._cancelled)
        except WorkspaceAwayError as error:
            waits, self._left_alone = str(error), min(error.wait, _LONGEST_LEFT_ALONE)
        except WorkspaceRefusalError as error:
            if error.is_absence:
                return Outcome(1, f"run {self._run.number} is not on Databricks any more: it was deleted there before its end was seen")
            self._refused_since = self._refused_since or time.monotonic()
            if time.monotonic() - self._refused_since > _REFUSED_SECONDS:
                raise
        else:
            self._refused_since, self._left_alone = None, 0.0
            self._show(sight)
            if sight.is_over:
                return sight
            waits = _waits_for(sight)
        self._tell(waits)
        return None

    def _show(self, sight: Sight) -> None:
        """Have its page noted and shown, the first time that it is seen: a workspace under load may be silent until later."""
        if sight.page and not self._shown:
            self._shown = True
            self._reference = dataclasses.replace(self._reference, number=self._run.number, page=sight.page)
            self._tell_made(sight)
            self._inbox.put(Event("note", f"run {self._run.number} on Databricks: {sight.page}"))

    def _tell(self, waits: str) -> None:
        if waits and waits != self._told:
            self._inbox.put(Event("waiting", waits))
        self._told = waits

    def _stop(self) -> Sight | Outcome:
        """Cancel it and wait for its end."""
        deadline = time.monotonic() + _END_SECONDS
        over = Outcome(143, "cancelled", cancelled=True)
        try:
            self._run.cancel()
            while time.monotonic() < deadline:
                pause = _FIRST_PAUSE
                try:
                    sight = self._run.look()
                    if sight.is_over:
                        return sight
                except WorkspaceAwayError as error:  # the wish has arrived
                    pause = max(pause, error.wait)
                time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        except WorkspaceRefusalError as error:
            if error.is_absence:
                return over
        except WorkspaceAwayError:
            pass
        self._inbox.put(Event("note", f"run {self._run.number} may go on: look at {self._reference.page or self._run.workspace.host}"))
        return over

    def _give_up(self) -> None:
        """Cancel what nobody would see the end of."""
        if self._run.number:
            try:
                self._run.cancel()
            except NbprojError:
                self._inbox.put(Event("note", f"run {self._run.number} may go on: look at {self._reference.page or self._run.workspace.host}"))

    def _end(self, sight: Sight, log: OutputLog) -> Outcome:
        """Return how it has ended, once its output was kept."""
        why = ""
        for task in sight.tasks[:1]:
            try:
                text, why, cut = self._run.output(task)
            except NbprojError as error:
                self._inbox.put(Event("note", str(error)))
                continue
            if cut:
                self._inbox.put(Event("note", "Databricks keeps the last 5 MB of the output: what comes before them is missing"))
            log.write(text.encode("utf-8", "surrogatepass"))
        self._files.update(self._left())
        outcome = sight.outcome or Outcome(1, "the run has not ended")
        if not outcome.exit_code or outcome.cancelled:
            return outcome
        return self._ended() or (Outcome(outcome.exit_code, f"{outcome.reason}: {why}") if why and why not in outcome.reason else outcome)


def _waits_for(sight: Sight) -> str:
    """Return what a run waits for that does not work yet; an empty text for one that does."""
    if sight.life in {"PENDING", "QUEUED", "BLOCKED", "WAITING_FOR_RETRY"}:
        return f"Databricks: {sight.message or sight.life.lower().replace('_', ' ')}"
    return ""
