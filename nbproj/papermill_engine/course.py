"""What papermill's caller sees while a notebook runs: its progress bar, its log, the files for both streams."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from nbproj.execution.connection import Message
from nbproj.execution.execution import Mask
from nbproj.execution.plan import Plan
from nbproj.execution.results import ResultMessages

__all__ = ["Course", "Tap"]


class Course:
    """Tells of a notebook that runs, in papermill's words; a context manager.

    Parameters
    ----------
    nb : NotebookNode
        The notebook, for papermill's own manager of it.
    plan : Plan
        Which cells run.
    progress_bar : bool or dict
        As papermill has it.
    log_output : bool
        Whether what cells show goes into papermill's log.
    streams : mapping
        Files by the name of the stream.
    mask : callable
        Applied to what is told.
    """

    def __init__(self, nb: Any, plan: Plan, *, progress_bar: bool | dict[str, Any], log_output: bool, streams: Mapping[str, Any], mask: Mask) -> None:
        from papermill.engines import NotebookExecutionManager
        from papermill.log import logger

        self._log: Any = logger
        self._manager: Any = NotebookExecutionManager(nb, progress_bar=progress_bar)
        self._plan, self._streams, self._mask = plan, streams, mask
        self._log_output = log_output
        self._running: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end_cell()
        self._manager.cleanup_pbar()

    def started(self, group: int) -> None:
        """Hear of the kernel's process group."""

    def cell(self, done: int, total: int, text: str) -> None:  # noqa: ARG002 - papermill counts in its own way
        """Tell that a cell starts, or that all have ended."""
        self._end_cell()
        bar = self._manager.pbar
        if done == len(self._plan.steps):
            self._manager.complete_pbar()
            return
        step = self._plan.steps[done]
        self._running = step.index
        if self._log_output:
            self._log.info(f"Executing Cell {step.index + 1:-<40}")
        if bar:
            described = self._manager.get_cell_description({"source": step.source})
            if described is not None:
                bar.set_description(f"Executing {described}", refresh=False)
            bar.update(step.index - bar.n)

    def printed(self, name: str, text: str) -> None:
        """Take what a cell prints."""
        told = self._mask(text)
        file = self._streams.get(name)
        if file is not None:
            with contextlib.suppress(OSError, ValueError):  # a reader that has gone does not end a run
                file.write(told)
                file.flush()
        if self._log_output:
            (self._log.warning if name == "stderr" else self._log.info)(told)

    def shown(self, text: str) -> None:
        """Take the text of what a cell displays."""
        if self._log_output:
            self._log.info(self._mask(text))

    def waiting(self, text: str) -> None:
        """Tell that something takes long."""
        self._log.info(text)

    def _end_cell(self) -> None:
        if self._running is not None and self._log_output:
            self._log.info(f"Ending Cell {self._running + 1:-<43}")
        self._running = None


class Tap(ResultMessages):
    """Hears the displays of a notebook on their way; nobody records its results, which go where the notebook itself finds a run.

    Parameters
    ----------
    course : Course
        Told of them.
    """

    def __init__(self, course: Course) -> None:
        super().__init__()
        self._course = course

    def take(self, message: Message) -> bool:
        """Tell of a display, and let it pass."""
        if message.type in {"display_data", "execute_result"}:
            data = message.content.get("data")
            text = data.get("text/plain") if isinstance(data, Mapping) else None
            if isinstance(text, str):
                self._course.shown(text)
        return super().take(message)
