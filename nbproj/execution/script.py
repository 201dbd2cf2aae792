"""A command or a script, run as MLflow runs it, by `bash -c COMMAND` in the project's root; by itself where bash would add nothing."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nbproj.errors import EnvironmentPreparationError
from nbproj.execution.execution import Outcome
from nbproj.execution.output import ByteMask, OutputLog, Pipe
from nbproj.execution.process import Guard, Started, ended_with, exit_code, start
from nbproj.execution.threaded import ThreadedExecution
from nbproj.execution.words import plain_words, shell_variables
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


def _judged(code: int) -> Outcome:
    return Outcome(code, ended_with(code))


class ScriptExecution(ThreadedExecution):
    """A shell command that runs.

    Parameters
    ----------
    command : str or sequence of str
        What bash is given, or would be; or a program and its arguments, which is started as it is.
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
    judge : callable, optional
        Says what an exit code means.

    Raises
    ------
    EnvironmentPreparationError
        There is no bash, and it is needed.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
        mask: ByteMask,
        guard: Guard,
        started: Started,
        judge: Callable[[int], Outcome] = _judged,
    ) -> None:
        super().__init__(_PIECES)
        if isinstance(command, str):
            words = plain_words(command, environment, cwd)
            argv = words or [find_bash(environment), "-c", command]
            environment = environment if words is None else shell_variables(words, environment, cwd)
        else:
            argv = list(command)
        self._judge = judge
        self._cancelled = False
        self._guard = guard
        self._group = 0
        self._open_log = functools.partial(OutputLog, log, mask, self._inbox)
        self._start = functools.partial(start, argv, environment=environment, cwd=cwd, guard=guard, started=started)

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
        self._begin("wait", self._carry, process, log)

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
        self._outcome = dataclasses.replace(self._judge(code), cancelled=self._cancelled)
        self._inbox.close()

    def cancel(self) -> None:
        """End the command's whole group."""
        self._cancelled = True
        self._inbox.drain()
        group = self._group
        if group:
            end_group(group)
        self._join(10)
