"""One notebook in one kernel: started, spoken to, its cells executed in turn, ended; the executed notebook tells the truth about all of it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from nbproj.execution.client import START_SECONDS, CellTimeout, Client, KernelDied, Stopped
from nbproj.execution.connection import Connection
from nbproj.execution.executed import ExecutedNotebook
from nbproj.execution.execution import Outcome
from nbproj.execution.forked import Unborn
from nbproj.execution.forkserver import KernelServers
from nbproj.execution.kernelprocess import KernelProcess
from nbproj.execution.kernels import Kernel
from nbproj.execution.outputs import CellOutputs, Displays
from nbproj.execution.plan import Plan, Step
from nbproj.execution.process import Guard
from nbproj.execution.reply import Reply
from nbproj.execution.results import ResultMessages
from nbproj.paths import sockets_folder

__all__ = ["Session", "Watcher"]

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_END_SECONDS: Final = 5.0
_TIMEOUT_CODE: Final = 124
_OUR_MAGIC: Final = re.compile(r"magic function `%+ml\w+` not found")
_NO_INPUT: Final = "StdinNotImplementedError"


class Watcher(Protocol):
    """Who is told what happens; called in the session's thread."""

    def started(self, group: int) -> None:
        """Hear of the kernel's process group before the kernel starts; may raise."""

    def printed(self, name: str, text: str) -> None:
        """Take what a cell prints on the stream of that name, while it runs."""

    def cell(self, done: int, total: int, text: str) -> None:
        """Hear that a cell starts, or that all have ended."""

    def waiting(self, text: str) -> None:
        """Hear that something takes long."""


@dataclass(slots=True)
class Session:
    """A notebook that is executed in a kernel of its own.

    Parameters
    ----------
    kernel : Kernel
        What is started.
    plan : Plan
        Which cells run.
    notebook : ExecutedNotebook
        Where all is written down.
    folder : Path
        Private folder of the run: for sockets, and for what the kernel itself prints.
    cwd : Path
        The kernel's working folder.
    environment : mapping of str to str
        Its whole environment.
    guard : Guard
        Ends the kernel when this process dies.
    watcher : Watcher
        Told what happens.
    cell_timeout : float, optional
        Seconds that a cell may take.
    allow_errors : bool
        Run on after a cell that fails; the run still fails, with the first of them.
    results : ResultMessages, optional
        Takes what the notebook tells of its results.
    start_timeout : float
        Seconds that the kernel may take to start.
    servers : KernelServers, optional
        The kernel is forked by one of these, where that is sound.
    own : collection of str
        Variables of the environment that belong to this run alone: its secrets.
    note : callable, optional
        Told why a kernel was not forked.
    """

    kernel: Kernel
    plan: Plan
    notebook: ExecutedNotebook
    folder: Path
    cwd: Path
    environment: Mapping[str, str] = field(repr=False)
    guard: Guard
    watcher: Watcher
    cell_timeout: float | None = None
    allow_errors: bool = False
    results: ResultMessages | None = None
    start_timeout: float = START_SECONDS
    servers: KernelServers | None = None
    own: Collection[str] = ()
    note: Callable[[str], object] = str
    _begun: bool = False
    _stopped: Outcome | None = None
    _pipe: tuple[int, int] = (-1, -1)

    def stop(self, outcome: Outcome) -> None:
        """End it, from any thread; `outcome` is how it then ends."""
        self._stopped = self._stopped or outcome
        with contextlib.suppress(OSError):
            os.write(self._pipe[1], b".")

    def run(self) -> Outcome:
        """Execute the notebook; return how it ended. Whatever happens, it is saved and no process is left.

        Raises
        ------
        RunError
            The kernel cannot be started.
        """
        self._pipe = os.pipe()
        process: KernelProcess | None = None
        outcome = Outcome(1, "the notebook was not executed")
        try:
            self.notebook.save(always=True)
            if self._stopped is not None:
                raise Stopped  # noqa: TRY301 - the same end as everywhere below
            connection = Connection.make(sockets_folder(self.folder), sockets=self.kernel.knows_sockets)
            process = self._forked(connection) or self._started(connection)
            try:
                outcome = self._talk(process, connection)
            except KernelDied:
                if not process.forked or self._begun:
                    raise
                process.close(self.guard)
                self.note("the kernel is started by itself: the forked one died at its start")
                process = self._started(connection)  # it goes on, or says why not
                outcome = self._talk(process, connection)
        except Stopped:
            outcome = self._stopped or outcome
        except KernelDied:
            assert process is not None  # noqa: S101 - who died was there
            outcome = self._death(process, "at start")
        except CellTimeout as error:
            outcome = Outcome(1, f"{error}{self._last_words()}")
        except KeyboardInterrupt:
            outcome = Outcome(130, "interrupted", cancelled=True)
            raise
        finally:
            try:
                if process is not None:
                    process.close(self.guard, grace=_END_SECONDS if self._stopped is not None else 1.0)
            finally:
                self.notebook.finish(exit_code=outcome.exit_code, reason=outcome.reason, cell=outcome.cell)
                reading, writing = self._pipe
                self._pipe = (-1, -1)
                os.close(reading)
                os.close(writing)
        return outcome

    def _started(self, connection: Connection) -> KernelProcess:
        return KernelProcess.start(self.kernel, connection, **self._surroundings())

    def _forked(self, connection: Connection) -> KernelProcess | None:
        """Return a kernel from the servers of the batch; None where it has to be started by itself."""
        if self.servers is None:
            return None
        spare = self.servers.take(
            self.kernel,
            environment=self.kernel.variables(self.environment),
            own=self.own,
            cwd=self.cwd,
            sources=[step.source for step in self.plan.steps],
            note=self.note,
        )
        if spare is None:
            return None
        try:
            return KernelProcess.fork(spare, self.kernel, connection, **self._surroundings())
        except Unborn as error:
            self.note(f"the kernel is started by itself: the forked one failed ({error})")
            return None

    def _surroundings(self) -> dict[str, Any]:
        log = self.folder / "kernel.log"
        return {"environment": self.environment, "cwd": self.cwd, "log": log, "guard": self.guard, "started": self.watcher.started}

    def _talk(self, process: KernelProcess, connection: Connection) -> Outcome:
        with Client(connection, process, woken=self._pipe[0], stopping=lambda: self._stopped is not None, beat=self.notebook.save) as client:
            about = client.ready(lambda: self.watcher.waiting(f"kernel {self.kernel.name!r} is starting"), self.start_timeout)
            if about.get("language_info"):
                self.notebook.document["metadata"]["language_info"] = about["language_info"]
            if self.results is not None and self.kernel.language == "python":
                client.tell(self.results.prelude())
            self._begun = True
            outcome = self._cells(client, process)
            if process.alive:
                client.shut_down(on_shell=self.kernel.is_ipykernel)
                self.notebook.save()
                process.wait(_END_SECONDS)
            return outcome

    def _cells(self, client: Client, process: KernelProcess) -> Outcome:
        displays, total = Displays(), len(self.plan.steps)
        failed: Outcome | None = None
        for done, step in enumerate(self.plan.steps):
            self.watcher.cell(done, total, f"{step.name} of {self.plan.total}" if step.number is not None else step.name)
            outputs = CellOutputs(displays)
            self.notebook.start_cell(step.index, outputs)
            self.notebook.save()
            outcome = self._cell(client, process, step, outputs)
            if outcome is None:
                self.notebook.end_cell(step.index, "completed")
                continue
            if not outcome.exit_code:  # it ended itself, well
                self.notebook.end_cell(step.index, "completed")
                return failed or outcome
            self.notebook.end_cell(step.index, "failed", outcome.reason)
            failed = failed or outcome
            if not self.allow_errors or not process.alive or outcome.exit_code == _TIMEOUT_CODE or outcome.cancelled:
                return failed
        self.watcher.cell(total, total, "")
        return failed or Outcome(0)

    def _cell(self, client: Client, process: KernelProcess, step: Step, outputs: CellOutputs) -> Outcome | None:
        """Execute one cell; return how the run ends with it, or None when it goes on."""

        def hear(message: Any) -> None:
            if self.results is not None and self.results.take(message):
                return
            name, text = outputs.take(message)
            if text:
                self.watcher.printed(name, text)

        try:
            reply = client.execute(step.source, hear, timeout=self.cell_timeout, stop_on_error=not (step.may_fail or self.allow_errors))
        except KernelDied:
            return self._death(process, f"in {step.name}", step)
        except Stopped:
            stopped = self._stopped or Outcome(1)
            self.notebook.end_cell(step.index, "failed", stopped.reason)
            raise
        except CellTimeout:
            reason = f"{step.name}: timeout after {self.cell_timeout:g} s"
            return Outcome(_TIMEOUT_CODE, reason, cell=step.number, source=step.source, trace=_plain(outputs.trace))
        return self._judge(reply, step, outputs)

    def _judge(self, reply: Reply, step: Step, outputs: CellOutputs) -> Outcome | None:
        content = reply.content
        if content.get("status") == "ok":
            # `exit()` and `quit()` of IPython raise nothing: they say it in the reply, and the kernel ends a moment later.
            asked = [said for said in content.get("payload", ()) if said.get("source") == "ask_exit"]
            return Outcome(0) if asked else None
        name, value = str(content.get("ename", "")), str(content.get("evalue", ""))
        if name == "SystemExit":
            return self._exit(value, step, outputs)
        if step.may_fail:
            return None
        told = "input() was called, and nobody is there to answer. Make it a parameter" if name == _NO_INPUT else f"{name or 'error'}: {value}"
        if _OUR_MAGIC.search(value):
            told += " It needs %load_ext nbproj above it, and nbproj in the environment of the kernel"
        reason = f"{step.name}: {told}".rstrip(": ")
        trace = _plain(outputs.trace or [str(line) for line in content.get("traceback", ())])
        return Outcome(1, reason, cell=step.number, source=step.source, trace=trace)

    @staticmethod
    def _exit(value: str, step: Step, outputs: CellOutputs) -> Outcome:
        """Return the outcome of a cell that ended the program, as Python itself sets the exit code."""
        value = value.strip()
        if value in {"", "None", "False"}:
            return Outcome(0)
        code = int(value) % 256 if re.fullmatch(r"[+-]?\d+", value) else 1
        if not code:
            return Outcome(0)
        return Outcome(code, f"{step.name}: SystemExit: {value}", cell=step.number, source=step.source, trace=_plain(outputs.trace))

    def _death(self, process: KernelProcess, where: str, step: Step | None = None) -> Outcome:
        code, how = process.death()
        reason = f"the kernel died {where}: {how}" + (self._last_words() if step is None else "")
        return Outcome(code or 1, reason, cell=step.number if step else None, source=step.source if step else "", died=True)

    def _last_words(self) -> str:
        """Return the last line that the kernel itself printed, in parentheses."""
        with contextlib.suppress(OSError):
            lines = (self.folder / "kernel.log").read_text(errors="replace").strip().splitlines()
            return f" ({lines[-1].strip()})" if lines else ""
        return ""


def _plain(trace: list[str]) -> str:
    return _COLOURS.sub("", "\n".join(trace))
