"""A run that is a Job: made, its output followed, its end told; given up, it is deleted."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nbproj.backends.kubernetes.cluster import ClusterAwayError, ClusterRefusalError, LoginRenewedError
from nbproj.backends.kubernetes.jobs import Job
from nbproj.backends.kubernetes.output import PodOutput
from nbproj.backends.kubernetes.sight import Sight
from nbproj.errors import NbprojError, StoreError
from nbproj.execution.execution import Outcome
from nbproj.execution.output import ByteMask, OutputLog
from nbproj.execution.threaded import ThreadedExecution
from nbproj.progress import Event, Progress, silent

__all__ = ["JobOrder", "KubernetesExecution"]

_SETTLE_SECONDS: Final = 0.5
"""Between two looks when a pod has ended and its Job does not say so yet."""
_LONGEST_IDLE_PAUSE: Final = 5.0
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 15.0
_REFUSED_SECONDS: Final = 20.0
"""For which, at least, a refusal may be one of an API server that has just started and does not know yet who may do what."""
_REST_SECONDS: Final = 20.0
"""For which the rest of the output is waited for after the Job's end."""
_HANGING_SECONDS: Final = 2.0
_CANCEL_SECONDS: Final = 40.0


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A Job that is to be made.

    Parameters
    ----------
    body : mapping
        The Job.
    secret : mapping of str to str
        Variables that only its pods may read.
    run_id : str
        The run.
    """

    body: Mapping[str, Any]
    run_id: str
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)


class KubernetesExecution(ThreadedExecution):
    """A Job that runs, or one that runs already.

    Parameters
    ----------
    job : Job
        Which one.
    order : JobOrder, optional
        What it is made from; None for one that is there.
    log : Path
        File for its output.
    mask : ByteMask
        Applied to it.
    patience : float
        Seconds for which it may wait for what will hardly come, and for a new login.
    made : callable
        Told before the Job is made and when it was, so that it can be found again.
    tell : Progress
        Told by the caller's own thread what a cancelled Job may leave.
    """

    def __init__(
        self,
        job: Job,
        order: JobOrder | None,
        *,
        log: Path,
        mask: ByteMask,
        patience: float,
        made: Callable[[Job], None] = lambda _job: None,
        tell: Progress = silent,
    ) -> None:
        super().__init__()
        self._job, self._order, self._made, self._patience = job, order, made, patience
        self._log_path, self._mask, self._tell = log, mask, tell
        self._cancelled = threading.Event()
        self._over = threading.Event()
        self._sight: Sight | None = None
        self._last_word: Outcome | None = None
        self._seen_new = threading.Event()
        self._output: PodOutput | None = None
        self._exists = order is None
        self._refused_since: float | None = None
        self._blind_pause = _FIRST_PAUSE
        self._idle_pause = _SETTLE_SECONDS

    def start(self) -> None:
        """Start to make and to follow it.

        Raises
        ------
        RunError
            Its output cannot be kept.
        """
        log = OutputLog(self._log_path, self._mask, self._inbox)
        if self._order is not None:
            self._made(self._job)
        self._begin("job", self._work, log)

    def cancel(self) -> None:
        """Delete the Job with its pods, and return when that is done; the pods have the time for their end that the template gives them."""
        self._cancelled.set()
        self._inbox.drain()
        if self._exists:  # at once: whoever follows it may be waiting for a change, and this is one
            self._job.delete()
        self._join(_CANCEL_SECONDS)
        if self._job.may_be_there:
            with contextlib.suppress(Exception):  # the run is settled, whatever a listener does with this
                self._tell(Event("note", self._may_go_on))

    def _work(self, log: OutputLog) -> None:
        """Make the Job and follow it; in a thread of its own."""
        reader = threading.Thread(target=self._read, args=(log,), name="nbproj-pods", daemon=True)
        try:
            if self._order is not None:
                self._job.create(self._order.body, self._order.secret, self._order.run_id, waiting=self._wait)
                self._exists = True
                with contextlib.suppress(StoreError):  # its name is known already
                    self._made(self._job)
            self._inbox.put(Event("started", data={"job": self._job.label}))
            reader.start()
            outcome = self._follow()
        except NbprojError as error:
            outcome = self._given_up(1 if self._exists else error.exit_code, str(error))
        except Exception as error:  # noqa: BLE001 - whatever the client raises becomes the run's outcome
            outcome = self._given_up(1, f"the Job could not be followed: {type(error).__name__}: {error}")
        if self._cancelled.is_set():
            outcome = Outcome(143, "cancelled", cancelled=True)
            if self._job.may_be_there:
                self._job.delete()
        else:
            self._job.secret.leave()
        self._over.set()
        self._seen_new.set()
        if reader.ident is not None:
            reader.join(_HANGING_SECONDS)
            if reader.is_alive() and self._output is not None:  # of a pod that was deleted the end is not always told
                self._output.interrupt()
                reader.join(_REST_SECONDS)
        if not reader.is_alive():
            log.close()
        self._outcome = outcome
        self._inbox.close()

    @property
    def _may_go_on(self) -> str:
        return f"the Job {self._job.label} may go on: the cluster does not let it be deleted now"

    def _given_up(self, code: int, reason: str) -> Outcome:
        """Delete a Job whose end nobody would see; return why."""
        gone = not self._job.may_be_there or self._job.delete()
        return Outcome(code, reason if gone else f"{reason}. {self._may_go_on[0].upper()}{self._may_go_on[1:]}")

    def _wait(self, text: str) -> None:
        self._inbox.put(Event("waiting", text))
        if self._cancelled.is_set():
            raise ClusterAwayError(text)

    def _follow(self) -> Outcome:
        """Look until the Job has ended, or has waited too long for what will not come."""
        told, hopeless_since = "", None
        noted: set[str] = set()  # an image that cannot be pulled is told in two ways by turns
        while not self._cancelled.is_set():
            sight = self._seen()
            if sight is None:
                continue
            if isinstance(sight, Outcome):
                return sight
            waits = sight.waits_for
            if waits.text != told:
                told = waits.text
                if (waits.lasting or waits.hopeless) and told not in noted:
                    noted.add(told)
                    self._inbox.put(Event("note", told))
                if told:
                    self._inbox.put(Event("waiting", told))
            hopeless_since = (hopeless_since or time.monotonic()) if waits.hopeless else None
            if hopeless_since is not None and time.monotonic() - hopeless_since > self._patience:
                return self._given_up(1, told)
            self._pause(sight, hopeless=waits.hopeless)
        return Outcome(143, "cancelled", cancelled=True)

    def _seen(self) -> Sight | Outcome | None:
        """Return what is to be seen of the Job, how it has ended, or None after a pause when nothing can be seen now."""
        try:
            sight = self._see(self._job.look())
        except (ClusterAwayError, ClusterRefusalError) as error:
            if isinstance(error, ClusterRefusalError) and error.is_absence:
                self._job.may_be_there = False
                return self._gone()
            renewed = isinstance(error, LoginRenewedError)
            if renewed or isinstance(error, ClusterRefusalError):
                self._refused_since = self._refused_since or time.monotonic()
                if time.monotonic() - self._refused_since > max(_REFUSED_SECONDS, self._patience):
                    raise
            if not renewed and self._blind_pause == _FIRST_PAUSE:
                self._inbox.put(Event("note", f"{error}: the Job goes on, and is looked for again"))
            self._cancelled.wait(self._blind_pause)
            self._blind_pause = min(self._blind_pause * 2, _LONGEST_PAUSE)
            return None
        self._refused_since, self._blind_pause = None, _FIRST_PAUSE
        return sight.outcome or sight

    def _see(self, sight: Sight) -> Sight:
        """Keep what is seen; whoever reads the output looks at it at once, because a pod may be gone soon."""
        self._sight = sight
        if sight.pods:  # they go with their Job, and may be gone before it is
            self._last_word = sight.last_word
        self._seen_new.set()
        return sight

    def _gone(self) -> Outcome:
        """Return how a Job has ended that is not there any more."""
        return self._last_word or Outcome(
            1, f"the Job {self._job.label} was deleted by somebody else, or its ttlSecondsAfterFinished was over before its end was seen"
        )

    def _pause(self, sight: Sight, *, hopeless: bool) -> None:
        """Wait for a change. Without pods, and at their end, it is the Job that changes."""
        if not sight.pods or all(pod.metadata.deletion_timestamp or pod.status.phase in {"Succeeded", "Failed"} for pod in sight.pods):
            self._cancelled.wait(self._idle_pause)
            self._idle_pause = min(self._idle_pause * 1.5, _LONGEST_IDLE_PAUSE)
            return
        self._idle_pause = _SETTLE_SECONDS
        begun = time.monotonic()
        changed = self._job.wait_for_change(sight.version, 2.0 if hopeless else _LONGEST_PAUSE)
        if changed is not None:
            self._see(sight.after(changed))  # a Job that goes as soon as it has ended may not be there for the next look
        elif time.monotonic() - begun < _FIRST_PAUSE:  # it cannot be watched, or not now
            self._cancelled.wait(_FIRST_PAUSE)

    def _read(self, log: OutputLog) -> None:
        """Keep and show what the pods print, one pod after the other; in a thread of its own."""
        outputs: dict[str, PodOutput] = {}
        done: set[tuple[str, int]] = set()
        while True:
            last = self._over.is_set()
            self._seen_new.clear()
            for pod, container, restarts in list(self._sight.printing()) if self._sight is not None else ():
                if (pod, restarts) not in done:
                    done.add((pod, restarts))
                    self._output = outputs.setdefault(pod, PodOutput(self._job, pod, container, self._over, self._cancelled))
                    before = self._output.copy_before(log) if restarts else ""  # also what came after the last look at it
                    told = self._output.copy(log, restarts)
                    for one in (before if (pod, restarts - 1) not in done else "", told):
                        if one:
                            self._inbox.put(Event("note", one))
            if last or self._cancelled.is_set():
                return
            self._seen_new.wait(_SETTLE_SECONDS)
