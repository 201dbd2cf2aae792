"""A notebook that runs: papermill's client and bookkeeping on a guarded kernel, in a thread of its own.

The saved notebook says what happened also when the kernel died or the run was ended: the cell that ran is marked failed, later ones stay pending.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nbproj.errors import EntryPointError
from nbproj.execution.client import cell_client
from nbproj.execution.execution import Inbox, Mask, Outcome
from nbproj.execution.injection import inject
from nbproj.execution.kernels import guarded_manager, kernel_language
from nbproj.execution.output import ByteMask, OutputLog
from nbproj.execution.process import Guard, Started, exit_code
from nbproj.paths import sockets_folder, write_atomically
from nbproj.processes import end_group
from nbproj.progress import Event

__all__ = ["NotebookExecution", "NotebookTask", "check_kernel"]

_CANCEL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class NotebookTask:
    """What is to be executed.

    Parameters
    ----------
    source : Path
        The notebook; never changed.
    output : Path
        Where the executed notebook is saved, cell by cell.
    values : mapping of str to object
        Parameters to inject.
    secrets : mapping of str to str
        Secret parameters and the environment variables that hold them.
    kernel : str
        Name of a kernelspec.
    cwd : Path
        The kernel's working folder.
    environment : mapping of str to str
        The kernel's whole environment.
    """

    source: Path
    output: Path
    values: Mapping[str, object]
    secrets: Mapping[str, str]
    kernel: str
    cwd: Path
    environment: Mapping[str, str] = field(repr=False)


def check_kernel(name: str | None, notebook: Path) -> str:
    """Return the kernel that a notebook will run in.

    Parameters
    ----------
    name : str, optional
        The caller's choice; the notebook's own by default, else `python3`.
    notebook : Path
        The notebook.

    Raises
    ------
    EntryPointError
        There is no such kernel; the message names those found.
    """
    import json

    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    if name is None:
        metadata = json.loads(notebook.read_bytes()).get("metadata", {})
        name = str(metadata.get("kernelspec", {}).get("name") or "python3")
    manager = KernelSpecManager()
    try:
        manager.get_kernel_spec(name)
    except NoSuchKernel as error:
        found = ", ".join(sorted(manager.find_kernel_specs())) or "none"
        msg = f"{notebook.name}: there is no kernel {name!r}. Found: {found}. Choose one with --kernel NAME"
        raise EntryPointError(msg) from error
    return name


class NotebookExecution:
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
    """

    def __init__(self, task: NotebookTask, *, log: Path, mask: ByteMask, text_mask: Mask, guard: Guard, started: Started) -> None:
        self.artifacts = {f"run/{task.source.name}": task.output}
        self._task = task
        self._guard = guard
        self._started = started
        self._text_mask = text_mask
        self._inbox = Inbox()
        self._log_path, self._mask = log, mask
        self._kernel_log = log.with_name("kernel.log")
        self._outcome: Outcome | None = None
        self._cancelled = False
        self._group: int | None = None
        self._death: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: asyncio.Task[Outcome] | None = None
        self._thread: threading.Thread | None = None
        self._log: OutputLog | None = None

    def start(self) -> None:
        """Start the thread that executes the notebook.

        Raises
        ------
        RunError
            Its output cannot be kept.
        """
        log = OutputLog(self._log_path, self._mask, self._inbox)
        self._log = log
        self._thread = threading.Thread(target=self._work, args=(log,), name="nbproj-notebook", daemon=True)
        self._thread.start()

    def next(self, timeout: float) -> Event | None:
        """Return the next event, or None when none came in that many seconds."""
        return self._inbox.get(timeout)

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, once all its events were taken."""
        return self._outcome if self._inbox.closed else None

    def cancel(self) -> None:
        """End the kernel and whatever it started."""
        self._cancelled = True
        self._inbox.drain()
        if self._thread is None:
            return
        # At its start the thread has no kernel yet, nor anything that could be cancelled: it looks at `_cancelled` before it has either, and what it
        # gets between two looks here is ended at the next one.
        deadline = time.monotonic() + _CANCEL_SECONDS
        asked = False
        while self._thread.is_alive() and time.monotonic() < deadline:
            if self._group is not None:
                end_group(self._group)
            if self._loop is not None and self._running is not None and not asked:
                with contextlib.suppress(RuntimeError):  # the loop has just closed: nothing is left to cancel
                    self._loop.call_soon_threadsafe(self._running.cancel)
                asked = True
            self._thread.join(0.1)

    def _kernel_started(self, group: int) -> None:
        self._group = group
        if self._cancelled:
            raise asyncio.CancelledError
        self._started(group)
        self._inbox.put(Event("started", data={"pid": group}))

    def _kernel_died(self, returncode: int | None) -> None:
        self._death = returncode

    def _work(self, log: OutputLog) -> None:
        try:
            self._outcome = asyncio.run(self._main())
        except asyncio.CancelledError:
            self._outcome = Outcome(143, "cancelled", cancelled=True)
        except Exception as error:  # noqa: BLE001 - whatever papermill, nbclient or zmq raise becomes the run's outcome
            self._outcome = self._failure(error)
        finally:
            if self._group is not None:
                end_group(self._group, grace=1.0)
                self._guard.release(self._group)
            log.close()
            self._inbox.close()

    async def _main(self) -> Outcome:
        self._running = asyncio.create_task(self._execute())
        self._loop = asyncio.get_running_loop()
        return await self._running

    async def _execute(self) -> Outcome:
        from papermill.iorw import load_notebook_node

        if self._cancelled:
            raise asyncio.CancelledError
        task = self._task
        logging.getLogger("papermill").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks of nbformat on old notebooks; nothing a reader can act on during a run
            notebook = load_notebook_node(str(task.source))
        language = kernel_language(notebook, task.kernel)
        inject(notebook, task.values, task.secrets, kernel=task.kernel, language=language)
        notebook.metadata.papermill["parameters"] = {name: _plain(value) for name, value in task.values.items()}
        notebook.metadata.papermill["input_path"] = task.source.name
        notebook.metadata.papermill["output_path"] = task.output.name
        client = cell_client(notebook, self)
        client.km = guarded_manager(task.kernel, sockets_folder(self._kernel_log.parent), self._guard, self._kernel_started, self._kernel_died)
        client.nb_man.notebook_start()
        try:
            with self._kernel_log.open("wb") as kernel_log:
                await client.km.start_kernel(env=dict(task.environment), cwd=str(task.cwd), stdout=kernel_log, stderr=kernel_log)
            await client.async_start_new_kernel_client()
            outcome: Outcome = await client.execute_cells()
            return outcome
        finally:
            client.nb_man.notebook_complete()
            if client.km is not None:
                with contextlib.suppress(Exception):  # the group is ended below whatever the kernel answers
                    await asyncio.wait_for(client._async_cleanup_kernel(), 10)  # noqa: SLF001 - nbclient offers it to subclasses only

    def save(self, text: str) -> None:
        """Save the executed notebook as it stands."""
        try:
            write_atomically(self._task.output, self._text_mask(text), mode=0o600)
        except OSError as error:
            self._inbox.put(Event("note", f"the executed notebook could not be saved: {error.strerror}"))

    def stream(self, text: str) -> None:
        """Keep and show what a cell printed."""
        assert self._log is not None  # noqa: S101 - a cell runs after `start`
        self._log.write(text.encode("utf-8", "replace"))

    def cell(self, done: int, total: int, text: str) -> None:
        """Tell that a cell starts."""
        self._inbox.put(Event("cell", text, done=done, total=total))

    def death(self, position: str) -> Outcome:
        """Return the outcome of a kernel that died."""
        if self._cancelled:
            return Outcome(143, "cancelled", cancelled=True)
        code = exit_code(self._death) if self._death is not None else 1
        how = f"ended by signal {code - 128}" if code > 128 else f"exit code {code}"  # noqa: PLR2004 - a shell's way to say "signal"
        if code == 137:  # noqa: PLR2004 - KILL
            how += ", probably out of memory"
        return Outcome(code or 1, f"the kernel died {position}: {how}")

    def _failure(self, error: Exception) -> Outcome:
        if self._cancelled:
            return Outcome(143, "cancelled", cancelled=True)
        last = ""
        with contextlib.suppress(OSError):
            lines = self._kernel_log.read_text(errors="replace").strip().splitlines()
            last = lines[-1] if lines else ""
        if self._death is not None or "died" in str(error):
            outcome = self.death("at start")
            return Outcome(outcome.exit_code, f"{outcome.reason}{f' ({last})' if last else ''}")
        return Outcome(1, f"the notebook could not be executed: {error}")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)
