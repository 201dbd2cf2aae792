"""`%mlrun`: a line becomes an order, the order a run, the run a card below the cell."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbproj.errors import UsageError
from nbproj.magics.expansion import expand
from nbproj.magics.line import options_of
from nbproj.record import Run, RunFailed

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbproj.request import Order

__all__ = ["parse_line", "run_line", "this_notebook"]


def parse_line(line: str, shell: InteractiveShell) -> Order | None:
    """Return the order that a line means; None when it asked for help, which is printed.

    Parameters
    ----------
    line : str
        What stands behind `%mlrun`, in the words of `nbproj run`.
    shell : InteractiveShell
        Whose names `{expr}` means.

    Raises
    ------
    UsageError
        The line is not well-formed.
    """
    from nbproj.magics.command import magic_command
    from nbproj.options import order_from_options, parameter_pairs

    options = options_of(line, magic_command(), "Run")
    if options is None:
        return None
    stale_ok = options.pop("stale_ok")
    values = expand(parameter_pairs(options["parameters"]), {**shell.user_global_ns, **shell.user_ns})
    notebook = None if options["uri"] is not None else this_notebook(shell, stale_ok=stale_ok)
    if notebook is not None:
        options["uri"] = str(notebook)
    order = order_from_options(options)
    # A path that is typed in a notebook starts from the notebook's folder, wherever its code has moved to.
    bases = dict.fromkeys(values, notebook.parent) if notebook is not None else {}
    return dataclasses.replace(order, parameters={**order.parameters, **values}, bases={**order.bases, **bases})


def this_notebook(shell: InteractiveShell, *, stale_ok: bool, magic: str = "%mlrun") -> Path:
    """Return the file that is the open notebook.

    Parameters
    ----------
    shell : InteractiveShell
        Where a magic was typed.
    stale_ok : bool
        It may be older than what was executed.
    magic : str
        For the error.

    Raises
    ------
    UsageError
        It cannot be told which it is, or it is not saved.
    """
    from nbproj.current.notebook import current_notebook
    from nbproj.magics.extension import Extension

    attached = Extension.of(shell)
    executions = attached.executions if attached is not None else None
    try:
        current = current_notebook(shell, executions)
        if executions is not None and not stale_ok:
            current.check_saved(executions)
    except UsageError as error:
        msg = f"{magic}: {str(error).replace('%mlrun', magic)}"
        raise UsageError(msg) from error
    return current.path


def _display(shell: InteractiveShell) -> Any:  # noqa: ANN401 - a card or a console: both take events
    if hasattr(shell, "kernel"):
        from nbproj.widgets.card import LiveCard

        return LiveCard()
    from nbproj.console import Console

    return Console()


def run_line(line: str, shell: InteractiveShell) -> Run | None:
    """Carry out what a line asks for, shown while it goes on.

    Parameters
    ----------
    line : str
        What stands behind `%mlrun`.
    shell : InteractiveShell
        Where it was typed: a kernel gets a live card, a terminal what the command line shows.

    Raises
    ------
    RunFailed
        The entry point failed; the card says how.
    NbprojError
        Something is wrong before that.
    """
    from nbproj.execution.signals import STOPS
    from nbproj.housekeeping import tidy
    from nbproj.runner import carry_out

    order = parse_line(line, shell)
    if order is None:
        return None
    with _display(shell) as shown:
        tidy(shown, spare=order.run_id)
        try:
            run = carry_out(order, shown)
        except RunFailed as failure:
            shown.finish(failure.run)
            _offer(failure.run, shown, shell)
            raise
        except STOPS as stop:
            if isinstance(stop.run, Run):
                shown.finish(stop.run)
            raise
        if order.synchronous or run.reused:
            shown.finish(run)
        else:
            shown.leave(run)
    _offer(run, shown, shell)
    # No card has followed a run that was there before: it is shown as the value of the cell.
    return run if run.reused and hasattr(shell, "kernel") else run.shown()


def _offer(run: Run, shown: Any, shell: InteractiveShell) -> None:  # noqa: ANN401 - a card or a console
    """Give a card its buttons, where somebody can press them."""
    from nbproj.current.frontend import is_live

    stack = getattr(shown, "stack", None)
    if stack is not None and is_live(shell):
        from nbproj.widgets.buttons import Buttons
        from nbproj.widgets.launch import Launcher

        Launcher(lambda text, _tone: Buttons.say(run, text), stack).offer(run)
