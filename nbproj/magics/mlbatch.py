"""`%mlbatch`: a line becomes an order of many runs, and these a table below the cell that fills."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from nbproj.magics.expansion import expand
from nbproj.magics.line import options_of
from nbproj.magics.mlrun import this_notebook

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbproj.batches.order import BatchOrder
    from nbproj.batches.result import Batch

__all__ = ["batch_line", "parse_line"]


def parse_line(line: str, shell: InteractiveShell) -> BatchOrder | None:
    """Return the order that a line means; None when it asked for help, which is printed.

    Parameters
    ----------
    line : str
        What stands behind `%mlbatch`, in the words of `nbproj batch`.
    shell : InteractiveShell
        Whose names `{expr}` means.

    Raises
    ------
    NbprojError
        The line is not well-formed, or a file that it names cannot be read.
    """
    from nbproj.magics.command import batch_command
    from nbproj.options import assignments, batch_from_options

    options = options_of(line, batch_command(), "Batch")
    if options is None:
        return None
    stale_ok = options.pop("stale_ok")
    names = {**shell.user_global_ns, **shell.user_ns}
    given = [pair for name, text in assignments(options.pop("parameters")) for pair in expand({name: text}, names).items()]
    notebook = None if options["uri"] is not None else this_notebook(shell, stale_ok=stale_ok, magic="%mlbatch")
    if notebook is not None:
        options["uri"] = str(notebook)
    asked = batch_from_options(options, given)
    if notebook is None:
        return asked
    # A path that is typed in a notebook starts from the notebook's folder, wherever its code has moved to.
    return dataclasses.replace(
        asked, space=dataclasses.replace(asked.space, base=notebook.parent), order=dataclasses.replace(asked.order, base=notebook.parent)
    )


def _display(shell: InteractiveShell, tracking_uri: str | None) -> Any:  # noqa: ANN401 - a card or a console: both take events
    if hasattr(shell, "kernel"):
        from nbproj.magics.batch_card import BatchCard

        return BatchCard(tracking_uri)
    from nbproj.console import Console

    return Console()


def batch_line(line: str, shell: InteractiveShell) -> Batch | None:
    """Carry out what a line asks for, shown while it goes on.

    Parameters
    ----------
    line : str
        What stands behind `%mlbatch`.
    shell : InteractiveShell
        Where it was typed: a kernel gets a live card, a terminal what the command line shows.

    Raises
    ------
    NbprojError
        The batch cannot be begun, or cannot go on.
    """
    from nbproj.batches.carrying import carry_batch
    from nbproj.batches.result import Batch
    from nbproj.execution.signals import STOPS

    asked = parse_line(line, shell)
    if asked is None:
        return None
    with _display(shell, asked.order.tracking_uri) as shown:
        try:
            batch = carry_batch(asked, shown)
        except STOPS as stop:
            if isinstance(stop.run, Batch):
                shown.finish(stop.run)
            raise
        if asked.synchronous:
            shown.finish(batch)
        else:
            shown.leave(batch)
    return batch.shown()
