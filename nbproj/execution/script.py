"""A command or a script, run by a shell as MLflow runs it: `bash -c COMMAND` in the project's root."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from nbproj.errors import EnvironmentPreparationError
from nbproj.execution.execution import Inbox, Outcome
from nbproj.execution.output import ByteMask, OutputLog, Pipe
from nbproj.execution.process import Guard, Started, exit_code, start
from nbproj.processes import end_group, group_exists
from nbproj.progress import Event

__all__ = ["ScriptExecution", "command_for_script", "find_bash"]

_DRAIN_SECONDS = 1.0
_PIECES = 8  # of output, a megabyte at most, that may wait to be shown
_ESCAPED = "a process that has left the run's group still holds its output: what it writes from now on is not kept"


def command_for_script(script: str) -> str:
    """Return the shell command that runs a script of a project by its path.

    Python files run with the environment's `python`, `.sh` files with bash, `.R` files with `Rscript` - through the R package mlflow where it is
    installed, so that `mlflow_param` works, as `mlflow run` does it.

    Examples
    --------
    >>> command_for_script("train me.py")
    "python 'train me.py'"
    """
    import shlex

    suffix = Path(script).suffix
    path = script if not script.startswith("-") else f"./{script}"
    if suffix == ".py":
        return f"python {shlex.quote(path)}"
    if suffix == ".sh":
        return f"bash {shlex.quote(path)}"
    literal = '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
    program = f'if (requireNamespace("mlflow", quietly = TRUE)) mlflow::mlflow_source({literal}) else source({literal})'
    return f"Rscript -e {shlex.quote(program)} --args"


def find_bash(environment: Mapping[str, str]) -> str:
    """Return the bash of an environment.

    Raises
    ------
    EnvironmentPreparationError
        There is none.
    """
    bash = shutil.which("bash", path=environment.get("PATH") or os.defpath)
    if bash is None:
        msg = "no bash on PATH, and commands run in bash. Install it, or set PATH"
        raise EnvironmentPreparationError(msg)
    return bash


class ScriptExecution:
    """A shell command that runs.

    Parameters
    ----------
    command : str
        What bash is given.
    environment : mapping of str to str
        The whole environment of the process.
    cwd : Path
        The project's root.
    log : Path
        File for its output.
    mask : ByteMask
        Applied to the output.
    guard : Guard
        Ends the processes when the driver dies.
    started : callable
        Called with the process group before the command starts.

    Raises
    ------
    EnvironmentPreparationError
        There is no bash.
    """

    def __init__(self, command: str, *, environment: Mapping[str, str], cwd: Path, log: Path, mask: ByteMask, guard: Guard, started: Started) -> None:
        bash = find_bash(environment)
        self.artifacts: dict[str, Path] = {}
        self._inbox = Inbox(_PIECES)
        self._outcome: Outcome | None = None
        self._cancelled = False
        self._guard = guard
        self._waiter: threading.Thread | None = None
        self._group = 0
        self._open_log = functools.partial(OutputLog, log, mask, self._inbox)
        self._start = functools.partial(start, [bash, "-c", command], environment=environment, cwd=cwd, guard=guard, started=started)

    def start(self) -> None:
        """Start the command.

        Raises
        ------
        RunError
            The process cannot be made, or its output not be kept.
        """
        log = self._open_log()
        try:
            process = self._start()
        except BaseException:
            log.close()
            raise
        self._group = process.pid
        self._inbox.put(Event("started", data={"pid": process.pid}))
        self._waiter = threading.Thread(target=self._carry, args=(process, log), name="nbproj-wait", daemon=True)
        self._waiter.start()

    def _read(self, pipe: Pipe, log: OutputLog) -> None:
        try:
            if not pipe.pump(log):
                self._inbox.put(Event("note", _ESCAPED))
        except OSError as error:
            self._inbox.put(Event("note", f"output ended early: {error.strerror}"))

    def _carry(self, process: subprocess.Popen[bytes], log: OutputLog) -> None:
        """Follow the process to its end; in a thread of its own."""
        assert process.stdout is not None  # noqa: S101 - by construction
        pipe = Pipe(process.stdout)
        reader = threading.Thread(target=self._read, args=(pipe, log), name="nbproj-output", daemon=True)
        reader.start()
        code = exit_code(process.wait())
        # What the command left in the background still holds the pipe: nobody will wait for it, so it ends with the run. While it lives, the number
        # of its group is not given to another; when nobody is left, one system call says so.
        if group_exists(process.pid):
            reader.join(_DRAIN_SECONDS)
            end_group(process.pid)
        self._group = 0  # soon another's
        self._guard.release(process.pid)
        reader.join(_DRAIN_SECONDS)
        pipe.finish()
        reader.join()
        log.close()
        pipe.close()
        reason = ""
        if code > 128:  # noqa: PLR2004 - a shell's way to say "signal"
            reason = f"ended by signal {code - 128}"
        elif code:
            reason = f"exit code {code}"
        self._outcome = Outcome(code, reason, cancelled=self._cancelled)
        self._inbox.close()

    def next(self, timeout: float) -> Event | None:
        """Return the next event, or None when none came in that many seconds."""
        return self._inbox.get(timeout)

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, once all its events were taken."""
        return self._outcome if self._inbox.closed else None

    def cancel(self) -> None:
        """End the command's whole group."""
        self._cancelled = True
        self._inbox.drain()
        if self._waiter is None:
            return
        group = self._group
        if group:
            end_group(group)
        self._waiter.join(10)
