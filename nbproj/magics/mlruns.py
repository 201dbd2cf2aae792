"""`%mlruns`: the panel of runs below the cell; in a terminal the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbproj.errors import UsageError

if TYPE_CHECKING:
    import click
    from IPython.core.interactiveshell import InteractiveShell

    from nbproj.widgets.runs import Panel

__all__ = ["runs_command", "runs_line"]


def runs_command() -> click.Command:
    """Return the definition of `%mlruns`: what its line may hold, for parsing it and for the tab key."""
    import click

    return click.Command(
        "%mlruns",
        params=[
            click.Option(["--experiment"], metavar="NAME|ID", help="Only the runs of an experiment."),
            click.Option(["--filter"], default="", metavar="CONDITIONS", help='In MLflow\'s language, such as "metrics.rmse < 60".'),
            click.Option(["--columns"], default="", metavar="NAME,...", help="What is shown: status, name, metrics.NAME, params.NAME, ..."),
            click.Option(["--sort"], default="start_time", metavar="COLUMN", help="What decides the order: the newest first, unless told."),
            click.Option(["--ascending"], is_flag=True, help="The smallest first."),
            click.Option(["--by-batch", "grouped"], is_flag=True, help="The runs of a batch stand below it."),
            click.Option(["--tracking-uri"], metavar="URI", help="The tracking store; by default the one that a run started here is recorded in."),
        ],
        help="Show the runs of a store in a table that lives: find, filter, sort, compare, draw.",
    )


def runs_line(line: str, shell: InteractiveShell) -> Panel | None:
    """Show the panel that a line asks for and return it; None when the line asked for help, which is printed.

    Parameters
    ----------
    line : str
        What stands behind `%mlruns`.
    shell : InteractiveShell
        Where it was typed: a kernel gets a live panel, a terminal plain text.

    Raises
    ------
    NbprojError
        The line is not well-formed, there is no such experiment or store, or it does not answer.
    """
    import click

    from nbproj.magics.expansion import words
    from nbproj.widgets.runs import panel

    try:
        options = runs_command().make_context("%mlruns", words(line)).params
    except click.exceptions.Exit:
        return None
    except (click.ClickException, ValueError) as error:
        msg = f"%mlruns: {error.format_message() if isinstance(error, click.ClickException) else error} Try: %mlruns --help"
        raise UsageError(msg) from error
    columns = [one.strip() for one in options["columns"].split(",") if one.strip()]
    made = panel(
        options["experiment"],
        filter=options["filter"],
        columns=columns,
        sort=options["sort"],
        descending=not options["ascending"],
        grouped=options["grouped"],
        tracking_uri=options["tracking_uri"],
    )
    if hasattr(shell, "kernel"):
        return made.shown()
    return made
