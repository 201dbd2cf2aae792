"""What `%load_ext nbproj` adds to a shell, held in one place so that all of it can be taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Self

from nbproj.current.executions import Executions
from nbproj.magics.declare import ENTRY_POINT_HELP, PARAMETERS_HELP, check_values, declaration, transform
from nbproj.magics.help import BATCH_HELP, FORM_HELP, PROJECT_HELP, RUN_HELP, RUNS_HELP

if TYPE_CHECKING:
    import click
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

__all__ = ["Extension"]

KINDS: Final = ("line", "cell")


class Extension:
    """The magics, input transforms and hooks of one shell.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.executions = Executions()
        self._replaced: dict[tuple[str, str], Any] = {}

    @classmethod
    def of(cls, shell: InteractiveShell) -> Self | None:
        """Return what is attached to a shell, or None."""
        owners = (getattr(one, "__self__", None) for one in shell.input_transformers_cleanup)
        return next((owner for owner in owners if isinstance(owner, cls)), None)

    def attach(self) -> None:
        """Add everything; what was executed before counts as executed now, for want of a better time."""
        from nbproj.completion.magic import register
        from nbproj.display import formatters

        shell = self.shell
        raw = getattr(shell.history_manager, "input_hist_raw", [])
        self.executions.note_all([source for source in raw if source], time.time())
        for name, (kinds, function, text) in self._magics().items():
            function.__doc__ = text
            # What IPython's own decorator sets: braces and dollars in the line are ours. Importing the decorator would import its magics.
            vars(function)["_ipython_magic_no_var_expand"] = True
            for kind in KINDS:
                if kind in kinds:
                    self._replaced[kind, name] = shell.magics_manager.magics[kind].get(name)
            shell.magics_manager.register_function(function, magic_kind=kinds, magic_name=name)
        shell.input_transformers_cleanup.append(self.transform)
        shell.events.register("pre_run_cell", self.before_cell)
        shell.events.register("post_run_cell", self.after_cell)
        register(shell, self.commands)
        formatters.register(shell)

    def detach(self) -> None:
        """Take everything back, and give back what was there before under the same names."""
        from nbproj.completion.magic import unregister
        from nbproj.display import formatters

        shell = self.shell
        formatters.unregister(shell)
        unregister(shell)
        shell.events.unregister("post_run_cell", self.after_cell)
        shell.events.unregister("pre_run_cell", self.before_cell)
        shell.input_transformers_cleanup.remove(self.transform)
        for (kind, name), before in self._replaced.items():
            if before is None:
                shell.magics_manager.magics[kind].pop(name, None)
            else:
                shell.magics_manager.magics[kind][name] = before

    def commands(self) -> dict[str, click.Command]:
        """Return what the tab key completes: by the name of a magic the command whose options it takes."""
        from nbproj.magics.command import batch_command, magic_command
        from nbproj.magics.mlform import form_command

        here = self._notebook
        return {"mlrun": magic_command(here), "mlbatch": batch_command(here), "mlform": form_command(here)}

    def _notebook(self) -> str:
        from nbproj.current.notebook import current_notebook

        return str(current_notebook(self.shell, self.executions).path)

    def transform(self, lines: list[str]) -> list[str]:
        """Make declaration lines comments."""
        return transform(lines)

    # IPython asks transforms whether a cell that is being typed is complete; a cell magic is when an empty line follows, and stays one for that.
    vars()["transform"].has_side_effects = True

    def before_cell(self, info: ExecutionInfo) -> None:
        """Keep what is executed."""
        if info.store_history and isinstance(info.raw_cell, str):
            self.executions.note(info.raw_cell, time.time(), getattr(info, "cell_id", None))

    def after_cell(self, result: ExecutionResult | None) -> None:
        """Let a cell fail whose values are not what its declarations say."""
        from nbproj.errors import NbprojError

        source = result.info.raw_cell if result is not None and result.info is not None else None
        if result is None or not result.success or not isinstance(source, str):
            return
        try:
            check_values(source, self.shell.user_ns, f"In [{result.execution_count or '*'}]")
        except NbprojError as error:
            # The front end is told what stands in the result: the cell failed, and Run All stops.
            result.error_in_exec = error
            self.shell.showtraceback((type(error), error, None))

    def _magics(self) -> dict[str, tuple[str, Callable[..., object], str]]:
        shell = self.shell

        def mlrun(line: str) -> object:
            from nbproj.magics.mlrun import run_line

            return run_line(line, shell)

        def mlbatch(line: str) -> object:
            from nbproj.magics.mlbatch import batch_line

            return batch_line(line, shell)

        def mlproject(line: str, cell: str | None = None) -> None:
            from nbproj.magics.mlproject import check_cell, show_line

            if cell is None:
                show_line(line, shell)
            else:
                check_cell(line, cell, shell)

        def mlform(line: str) -> object:
            from nbproj.magics.mlform import form_line

            return form_line(line, shell)

        def mlruns(line: str) -> object:
            from nbproj.magics.mlruns import runs_line

            return runs_line(line, shell)

        def parameters(line: str, _cell: str | None = None) -> None:
            declaration("parameters", line)

        def entrypoint(line: str, _cell: str | None = None) -> None:
            declaration("entrypoint", line)

        return {
            "mlrun": ("line", mlrun, RUN_HELP),
            "mlbatch": ("line", mlbatch, BATCH_HELP),
            "mlproject": ("line_cell", mlproject, PROJECT_HELP),
            "mlform": ("line", mlform, FORM_HELP),
            "mlruns": ("line", mlruns, RUNS_HELP),
            "parameters": ("line_cell", parameters, PARAMETERS_HELP),
            "entrypoint": ("line_cell", entrypoint, ENTRY_POINT_HELP),
        }
