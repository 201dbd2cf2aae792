"""How a run that goes on is followed: its events are told, new metrics too, until it ends, is asked to stop, or has taken too long."""

from __future__ import annotations

import signal
import time

from nbproj.backends.backend import RunRequest
from nbproj.backends.metrics import MetricWatch
from nbproj.backends.recorder import Recorder
from nbproj.execution.execution import Execution, Outcome
from nbproj.execution.signals import Signals
from nbproj.tracking.ledger import Entry
from nbproj.tracking.redact import Redactor

__all__ = ["TIMEOUT_CODE", "follow"]

TIMEOUT_CODE = 124
_LOOK_SECONDS = 0.5
"""How long a quiet program is waited for before somebody's wish to stop is looked for."""


def follow(
    request: RunRequest,
    execution: Execution,
    redactor: Redactor,
    signals: Signals,
    entry: Entry,
    metrics: MetricWatch | None,
    recorder: Recorder,
) -> Outcome:
    """Tell what happens until the execution has ended, and return how.

    Parameters
    ----------
    request : RunRequest
        Whose progress is told, whose time is limited.
    execution : Execution
        Started.
    redactor : Redactor
        Masks secrets in what the outcome tells.
    signals : Signals
        In force; one that came is raised here.
    entry : Entry
        The run's own, by which it may be asked to stop.
    metrics : MetricWatch, optional
        Reads what the program logs.
    recorder : Recorder
        Records what the program tells; told here is what it refuses.
    """
    deadline = None if request.timeout is None else time.monotonic() + request.timeout
    while True:
        signals.check()
        wait = _LOOK_SECONDS if deadline is None else min(_LOOK_SECONDS, deadline - time.monotonic())
        event = execution.next(wait)
        if event is not None:
            request.progress(event)
        if metrics is not None:
            metrics.tell()
        recorder.tell(request.progress)
        outcome = execution.outcome
        if outcome is not None:
            recorder.finish()
            recorder.tell(request.progress)
            if metrics is not None:
                metrics.finish()
            return _masked(outcome, redactor)
        if entry.is_asked_to_stop():
            execution.cancel()
            return Outcome(128 + signal.SIGTERM, "stopped", cancelled=True)
        if deadline is not None and time.monotonic() >= deadline:
            execution.cancel()
            return Outcome(TIMEOUT_CODE, f"timeout after {request.timeout:g} s")


def _masked(outcome: Outcome, redactor: Redactor) -> Outcome:
    return Outcome(
        outcome.exit_code,
        redactor.text(outcome.reason),
        outcome.cancelled,
        outcome.cell,
        redactor.text(outcome.source),
        redactor.text(outcome.trace),
    )
