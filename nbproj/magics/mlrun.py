"""`%mlrun`: a line becomes an order, the order a run, the run a card below the cell."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbproj.errors import UsageError
from nbproj.magics.expansion import expand, words
from nbproj.record import Run, RunFailed

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbproj.request import Order

__all__ = ["parse_line", "run_line"]


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
    import click

    from nbproj.magics.command import magic_command
    from nbproj.options import order_from_options, parameter_pairs

    try:
        typed = words(line)
    except ValueError as error:
        msg = f"%mlrun: {error}: close what was opened, or write it in the other kind of quotes"
        raise UsageError(msg) from error
    try:
        context = magic_command().make_context("%mlrun", typed)
    except click.exceptions.Exit:
        return None
    except click.ClickException as error:
        msg = f"%mlrun: {error.format_message()} Try: %mlrun --help"
        raise UsageError(msg) from error
    options = dict(context.params)
    if options.pop("as_json") or options.pop("quiet"):
        msg = "%mlrun: --json and --quiet are for the command line; here the Run itself comes back: run = %mlrun ..."
        raise UsageError(msg)
    stale_ok = options.pop("stale_ok")
    if options["uri"] is not None and stale_ok:
        msg = "%mlrun: --stale-ok is for this notebook, and another project is named: leave one of them out"
        raise UsageError(msg)
    values = expand(parameter_pairs(options["parameters"]), {**shell.user_global_ns, **shell.user_ns})
    notebook = None if options["uri"] is not None else _this_notebook(shell, stale_ok=stale_ok)
    if notebook is not None:
        options["uri"] = str(notebook)
    order = order_from_options(options)
    # A path that is typed in a notebook starts from the notebook's folder, wherever its code has moved to.
    bases = dict.fromkeys(values, notebook.parent) if notebook is not None else {}
    return dataclasses.replace(order, parameters={**order.parameters, **values}, bases={**order.bases, **bases})


def _this_notebook(shell: InteractiveShell, *, stale_ok: bool) -> Path:
    from nbproj.current.notebook import current_notebook
    from nbproj.magics.extension import Extension

    attached = Extension.of(shell)
    executions = attached.executions if attached is not None else None
    try:
        current = current_notebook(shell, executions)
        if executions is not None and not stale_ok:
            current.check_saved(executions)
    except UsageError as error:
        msg = f"%mlrun: {error}"
        raise UsageError(msg) from error
    return current.path


def _display(shell: InteractiveShell) -> Any:  # noqa: ANN401 - a card or a console: both take events
    if hasattr(shell, "kernel"):
        from nbproj.magics.card import LiveCard

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
        tidy(shown)
        try:
            run = carry_out(order, shown)
        except RunFailed as failure:
            shown.finish(failure.run)
            raise
        except STOPS as stop:
            if isinstance(stop.run, Run):
                shown.finish(stop.run)
            raise
        if order.synchronous:
            shown.finish(run)
        else:
            shown.leave(run)
    return run.shown()
