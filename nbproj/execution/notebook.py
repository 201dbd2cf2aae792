"""A notebook that runs as an entry point: parameters in, a kernel of its own, the executed notebook out, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nbproj.errors import NbprojError
from nbproj.execution.executed import ExecutedNotebook, plain
from nbproj.execution.execution import Mask, Outcome
from nbproj.execution.forkserver import KernelServers
from nbproj.execution.kernels import Kernel, check_kernel
from nbproj.execution.output import ByteMask, OutputLog
from nbproj.execution.plan import prepare
from nbproj.execution.process import Guard, Started
from nbproj.execution.results import Keep, ResultMessages
from nbproj.execution.session import Session
from nbproj.execution.threaded import ThreadedExecution
from nbproj.paths import write_atomically
from nbproj.processes import end_group
from nbproj.progress import Event
from nbproj.project.cells import read_document
from nbproj.project.model import Place

__all__ = ["NotebookExecution", "NotebookTask", "check_kernel"]

_CANCEL_SECONDS: Final = 30.0
_PATIENCE_SECONDS: Final = 12.0
"""After that the kernel is ended from here, whatever its own thread is busy with."""
_TIMEOUT_CODE: Final = 124


@dataclass(frozen=True, slots=True)
class NotebookTask:
    """What is to be executed.

    Parameters
    ----------
    source : Path
        The notebook; never changed.
    output : Path
        Where the executed notebook is saved while it runs.
    values : mapping of str to object
        Parameters to inject.
    secrets : mapping of str to str
        Secret parameters and the environment variables that hold them.
    kernel : Kernel
        What it runs in.
    cwd : Path
        The kernel's working folder.
    environment : mapping of str to str
        The kernel's whole environment.
    entry_point : str, optional
        Which of the notebook's own entry points; None for a notebook without any.
    timeout : float, optional
        Seconds after which the caller will cancel it; a notebook that is cancelled later than that says so.
    cell_timeout : float, optional
        Seconds that a cell may take.
    allow_errors : bool
        Run on after a cell that fails; the run still fails.
    """

    source: Path
    output: Path
    values: Mapping[str, object]
    secrets: Mapping[str, str]
    kernel: Kernel
    cwd: Path
    environment: Mapping[str, str] = field(repr=False)
    entry_point: str | None = None
    timeout: float | None = None
    cell_timeout: float | None = None
    allow_errors: bool = False


class NotebookExecution(ThreadedExecution):
    """A notebook that runs.

    Parameters
    ----------
    task : NotebookTask
        What is to be executed.
    log : Path
        File for what its cells print.
    mask, text_mask : ByteMask, callable
        Applied to the output and to the saved notebook.
    guard : Guard
        Ends the kernel when the driver dies.
    started : callable
        Called with the kernel's process group before the kernel starts.
    results : callable, optional
        Takes what the notebook tells of its results.
    servers : KernelServers, optional
        The kernel is forked by one of these, where that is sound.
    """

    def __init__(
        self,
        task: NotebookTask,
        *,
        log: Path,
        mask: ByteMask,
        text_mask: Mask,
        guard: Guard,
        started: Started,
        results: Keep | None = None,
        servers: KernelServers | None = None,
    ) -> None:
        super().__init__()
        self._files[f"run/{task.output.name}"] = task.output
        self._task = task
        self._guard = guard
        self._tell_started = started
        self._text_mask = text_mask
        self._results = results
        self._servers = servers
        self._log_path, self._mask = log, mask
        self._stopped: Outcome | None = None
        self._group: int | None = None
        self._session: Session | None = None
        self._log: OutputLog | None = None
        self._deadline: float | None = None
        self._unsaved = ""

    def start(self) -> None:
        """Start the thread that executes the notebook.

        Raises
        ------
        RunError
            Its output cannot be kept.
        """
        if self._task.timeout is not None:
            self._deadline = time.monotonic() + self._task.timeout
        log = OutputLog(self._log_path, self._mask, self._inbox)
        self._log = log
        self._begin("notebook", self._work, log)

    def cancel(self) -> None:
        """End the kernel and whatever it started."""
        late = self._deadline is not None and time.monotonic() >= self._deadline
        self._stopped = Outcome(_TIMEOUT_CODE, f"timeout after {self._task.timeout:g} s") if late else Outcome(143, "cancelled", cancelled=True)
        self._inbox.drain()
        if self._thread is None:
            return
        # The thread looks at `_stopped` before it has a session; one that it gets between two looks here is stopped at the next one.
        begin = time.monotonic()
        while self._thread.is_alive() and time.monotonic() < begin + _CANCEL_SECONDS:
            if self._session is not None:
                self._session.stop(self._stopped)
            if self._group is not None and time.monotonic() > begin + _PATIENCE_SECONDS:
                end_group(self._group, grace=0)
            self._thread.join(0.1)

    def _work(self, log: OutputLog) -> None:
        try:
            self._outcome = self._execute()
        except NbprojError as error:
            self._outcome = self._stopped or Outcome(error.exit_code, str(error))
        except Exception as error:  # noqa: BLE001 - whatever zmq, the disk or the system raise becomes the run's outcome
            self._outcome = self._stopped or Outcome(1, f"the notebook could not be executed: {error}")
        finally:
            self._group = None
            log.close()
            self._inbox.close()

    def _execute(self) -> Outcome:
        task = self._task
        document: dict[str, Any] = dict(read_document(task.source, Place(task.source.name)))
        plan = prepare(document, kernel=task.kernel, entry_point=task.entry_point, values=task.values, secrets=task.secrets, file=task.source.name)
        metadata = document.setdefault("metadata", {})
        metadata["papermill"] = {
            "parameters": {name: plain(value) for name, value in task.values.items()},
            "input_path": task.source.name,
            "output_path": task.output.name,
        }
        about: dict[str, object] = {"kernel": task.kernel.name, "cells": plan.total}
        if task.entry_point:
            about["entry_point"] = task.entry_point
        notebook = ExecutedNotebook(document, plan, save=self._save, mask=self._text_mask, about=about)
        session = Session(
            kernel=task.kernel,
            plan=plan,
            notebook=notebook,
            folder=self._log_path.parent,
            cwd=task.cwd,
            environment=task.environment,
            guard=self._guard,
            watcher=self,
            cell_timeout=task.cell_timeout,
            allow_errors=task.allow_errors,
            results=ResultMessages(self._results) if self._results is not None else None,
            servers=self._servers,
            own=task.secrets.values(),
            note=lambda text: self._inbox.put(Event("note", text)),
        )
        if self._stopped is not None:
            session.stop(self._stopped)
        self._session = session
        return session.run()

    def started(self, group: int) -> None:
        """Hear of the kernel's process group before the kernel starts."""
        self._group = group
        self._tell_started(group)
        self._inbox.put(Event("started", data={"pid": group}))

    def printed(self, name: str, text: str) -> None:  # noqa: ARG002 - a terminal, too, shows both streams as one
        """Keep and show what a cell prints."""
        assert self._log is not None  # noqa: S101 - a cell runs after `start`
        self._log.write(text.encode("utf-8", "replace"))

    def cell(self, done: int, total: int, text: str) -> None:
        """Tell that a cell starts."""
        self._inbox.put(Event("cell", text, done=done, total=total))

    def waiting(self, text: str) -> None:
        """Tell that something takes long."""
        self._inbox.put(Event("waiting", text))

    def _save(self, text: str) -> None:
        try:
            # A lone surrogate, which no UTF-8 has, becomes JSON's own way of writing it.
            write_atomically(self._task.output, text.encode("utf-8", "backslashreplace"), mode=0o600, lasting=False)
        except OSError as error:
            if self._unsaved != str(error.strerror):  # said once, not every second
                self._unsaved = str(error.strerror)
                self._inbox.put(Event("note", f"the executed notebook could not be saved: {error.strerror}"))
