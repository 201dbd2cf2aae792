"""The engine that papermill finds under the name `nbproj`: entry points, typed parameters, quick kernels and a notebook that tells the truth.

papermill loads this module whenever it is imported itself, so everything else is imported when a notebook is executed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nbproj.execution.execution import Outcome

__all__ = ["NbprojEngine"]

VARIABLE: Final = "NBPROJ_ENTRY_POINT"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the caller of papermill can ask this engine for.

    Parameters
    ----------
    entry_point : str, optional
        Which of the notebook's entry points; what NBPROJ_ENTRY_POINT says by default.
    allow_errors : bool
        Run on after a cell that fails.
    execution_timeout, timeout : float, optional
        Seconds that a cell may take; papermill's word for it, and nbclient's.
    start_timeout : float
        Seconds that the kernel may take to start.
    stdout_file, stderr_file : file, optional
        Where the streams of the cells are written, too.
    input_path : str or NotebookNode, optional
        What papermill has read.
    """

    entry_point: str | None = None
    allow_errors: bool = False
    execution_timeout: float | None = None
    timeout: float | None = None
    start_timeout: float = 60
    stdout_file: Any = None
    stderr_file: Any = None
    input_path: Any = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> _Wish:
        """Return what papermill's options mean.

        Raises
        ------
        UsageError
            One that is not known here, and so would have no effect.
        """
        from nbproj.errors import UsageError, suggestion

        known = [one.name for one in fields(cls)]
        given = {name: value for name, value in options.items() if value is not None}
        strange = next((name for name in given if name not in known), None)
        if strange is not None:
            msg = f"engine nbproj has no option {strange!r}.{suggestion(strange, known)} It takes {', '.join(known)}"
            raise UsageError(msg)
        return cls(**given)


class NbprojEngine:
    """Executes a notebook for papermill as `nbproj run` executes it, without a record in a store."""

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Return the kernel of a notebook; Python's for one that names none."""
        return name or str(nb.metadata.get("kernelspec", {}).get("name") or "python3")

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Return the language of a notebook; Python for one that does not say."""
        from nbproj.project.cells import language as language_of

        return language or language_of(nb)

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool | dict[str, Any] = True,  # noqa: FBT001, FBT002 - papermill's signature
        log_output: bool = False,  # noqa: FBT001, FBT002 - as above
        autosave_cell_every: int = 30,
        **options: Any,
    ) -> Any:
        """Execute a notebook that papermill has read and put parameters into.

        Parameters
        ----------
        nb : NotebookNode
            The notebook. papermill's own cell of parameters is replaced by ours, behind the cells that declare them.
        kernel_name : str
            Name of a kernelspec.
        output_path : str, optional
            Where it is saved meanwhile, through papermill's handlers: at most once a second where that is a file, else as often as
            `autosave_cell_every` says.
        progress_bar : bool or dict
            Whether to show one; a mapping goes to tqdm.
        log_output : bool
            Write what the cells show into papermill's log.
        autosave_cell_every : int
            Seconds.
        **options
            `entry_point`, `allow_errors`, and papermill's `execution_timeout`, `start_timeout`, `stdout_file`, `stderr_file`.

        Returns
        -------
        NotebookNode
            The executed notebook. papermill looks for the errors in it, and raises them.

        Raises
        ------
        NbprojError
            What would be refused before a run: an unknown entry point, a value of the wrong type, a value without effect.
        DeadKernelError
            The kernel died; the message and the saved notebook say how.
        CellTimeoutError
            A cell took longer than it may.
        """
        from nbproj.execution.executed import ExecutedNotebook
        from nbproj.execution.kernels import named_kernel
        from nbproj.execution.process import Guard
        from nbproj.execution.session import Session
        from nbproj.papermill_engine.course import Course, Tap
        from nbproj.papermill_engine.draft import Draft
        from nbproj.papermill_engine.output import Output
        from nbproj.paths import sockets_folder
        from nbproj.tracking.redact import Redactor

        wish = _Wish.of(options)
        cwd = Path.cwd()
        draft = Draft.take(nb, wish.input_path)
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nbproj-")))
            kernel = named_kernel(kernel_name, draft.file)
            chosen = draft.choose(folder, wish.entry_point or os.environ.get(VARIABLE) or None, cwd=cwd)
            plan = draft.prepare(chosen, kernel)
            redactor = Redactor(chosen.resolved.secrets.values())
            output = Output(output_path)
            about = {"kernel": kernel.name, "cells": plan.total, **({"entry_point": chosen.entry_point.cells} if chosen.entry_point.cells else {})}
            pause = 1.0 if output.is_file else float(autosave_cell_every or 30)
            notebook = ExecutedNotebook(draft.document, plan, save=output.save, mask=redactor.text, about=about, pause=pause)
            notebook.save(always=True)
            output.check()
            environment = {variable: value for variable, value in os.environ.items() if variable != VARIABLE}
            if draft.path is not None:  # what `%mlrun` in a cell means
                environment["NBPROJ_NOTEBOOK"] = str(draft.path)
            streams = {"stdout": wish.stdout_file, "stderr": wish.stderr_file}
            stack.callback(shutil.rmtree, sockets_folder(folder), ignore_errors=True)
            with Guard() as guard, Course(nb, plan, progress_bar=progress_bar, log_output=log_output, streams=streams, mask=redactor.text) as course:
                outcome = Session(
                    kernel=kernel,
                    plan=plan,
                    notebook=notebook,
                    folder=folder,
                    cwd=cwd,
                    environment={**environment, **chosen.resolved.secrets},
                    guard=guard,
                    watcher=course,
                    cell_timeout=wish.execution_timeout or wish.timeout,
                    allow_errors=wish.allow_errors,
                    results=Tap(course),
                    start_timeout=wish.start_timeout,
                ).run()
        output.check()
        return _result(outcome, notebook.text())


def _result(outcome: Outcome, text: str) -> Any:
    """Return the executed notebook, or raise what papermill would not find in it."""
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    from nbproj.errors import RunError

    if outcome.died:
        raise DeadKernelError(outcome.reason)
    if outcome.exit_code == 124:  # noqa: PLR2004 - the exit code of every timeout
        raise CellTimeoutError(outcome.reason)
    if outcome.exit_code and not outcome.source:
        raise RunError(outcome.reason)
    return nbformat.v4.reads(text)
