"""An entry point carried where somebody else has started us: prepared and executed as on any machine, told to whoever listens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from nbproj.backends.backend import RunRequest, Workplace
from nbproj.execution.execution import Execution, Outcome
from nbproj.execution.process import Guard
from nbproj.execution.results import Keep
from nbproj.execution.signals import STOPS, Signals
from nbproj.progress import Event, Progress
from nbproj.tracking.redact import Redactor

__all__ = ["carry_inside"]

_PIECE: Final = 1 << 16


def carry_inside(
    request: RunRequest,
    *,
    folder: Path,
    variables: Mapping[str, str],
    redactor: Redactor,
    results: Keep,
    tell: Progress,
    signals: Signals | None = None,
) -> tuple[Execution, Outcome]:
    """Carry an entry point to its end, and return what ran and how it ended. What raises ends it first.

    Parameters
    ----------
    request : RunRequest
        The entry point, its values and its environment.
    folder : Path
        Private folder of the run here.
    variables : mapping of str to str
        What its program is told in its environment.
    redactor : Redactor
        Masks secrets in its output.
    results : callable
        Takes what a notebook tells of its results.
    tell : Progress
        Told of everything.
    signals : Signals, optional
        In force: one that comes ends the entry point, whose end is returned; before it has begun it is raised.

    Raises
    ------
    NbprojError
        It cannot be prepared or started.
    """
    from nbproj.backends.local import LocalBackend

    with ExitStack() as stack:
        guard = stack.enter_context(Guard())
        workplace = Workplace(
            folder=folder,
            variables=variables,
            guard=guard,
            started=_nothing,
            contained=_nothing,
            submitted=_nothing,
            mask=redactor.text,
            stream_mask=redactor.stream,
            hide=redactor.add,
            results=results,
            resources=stack.enter_context(ExitStack()),
        )
        execution = LocalBackend().submit(request, workplace)
        stack.callback(execution.cancel)
        shielded = contextlib.nullcontext if signals is None else signals.shielded
        told = 0
        try:
            with shielded():  # what has begun may print before we know of it, and that is kept, too
                execution.start()
            while (ended := execution.outcome) is None:
                if signals is not None:
                    signals.check()
                event = execution.next(0.5)
                if event is not None:
                    with shielded():
                        tell(event)
                        told += len(event.text) if event.step == "output" else 0
        except STOPS as stop:
            execution.cancel()
            for text in _behind(workplace.log, told):  # an execution that is cancelled keeps what comes, and tells no more
                tell(Event("output", text))
            return execution, Outcome(stop.exit_code, "ended from outside", cancelled=True)
        return execution, ended


def _behind(log: Path, told: int) -> Iterator[str]:
    """Yield the output that a log holds behind so many characters, in pieces."""
    with contextlib.suppress(OSError), log.open(encoding="utf-8", errors="replace", newline="") as kept:
        while told > 0 and (skipped := kept.read(min(told, _PIECE))):
            told -= len(skipped)
        while text := kept.read(_PIECE):
            yield text


def _nothing(_what: object) -> None:
    """Note nothing: whoever has started us ends what we start."""
