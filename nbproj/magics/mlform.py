"""`%mlform`: a form for the parameters of an entry point, of this notebook or of another project."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nbproj.errors import UsageError
from nbproj.progress import Event

if TYPE_CHECKING:
    import click
    from IPython.core.interactiveshell import InteractiveShell

    from nbproj.widgets.form import Form

__all__ = ["form_command", "form_line"]


def form_command(unnamed: Callable[[], str] | None = None) -> click.Command:
    """Return the definition of `%mlform`: what its line may hold, for parsing it and for the tab key.

    Parameters
    ----------
    unnamed : callable, optional
        Returns the project that is meant when none is named: for the tab key.
    """
    import click

    return click.Command(
        "%mlform",
        params=[
            click.Argument(["uri"], required=False, default=unnamed),
            click.Option(["-e", "--entry-point"], metavar="ENTRY", help="What to run. Default: main, with all entry points to choose from."),
            click.Option(["-v", "--version"], metavar="VERSION", help="Commit, branch or tag of a Git project."),
            click.Option(["--stale-ok"], is_flag=True, help="Take this notebook as it is saved, even if it is older than what was run here."),
        ],
        help="Show a form for the parameters of an entry point. Without URI, of this notebook, as it is saved.",
    )


def form_line(line: str, shell: InteractiveShell) -> Form | None:
    """Show the form that a line asks for and return it; None when the line asked for help, which is printed.

    Parameters
    ----------
    line : str
        What stands behind `%mlform`.
    shell : InteractiveShell
        Of a kernel.

    Raises
    ------
    NbprojError
        The line is not well-formed, or the project cannot be had or read.
    """
    import click

    from nbproj.magics.expansion import words
    from nbproj.magics.mlrun import this_notebook
    from nbproj.widgets.form import Form
    from nbproj.widgets.subject import Subject

    try:
        options = form_command().make_context("%mlform", words(line)).params
    except click.exceptions.Exit:
        return None
    except (click.ClickException, ValueError) as error:
        told = error.format_message() if isinstance(error, click.ClickException) else f"{error}: close what was opened."
        msg = f"%mlform: {told} Try: %mlform --help"
        raise UsageError(msg) from error
    if not hasattr(shell, "kernel"):
        msg = "%mlform shows a form in a notebook, and this is a terminal: run with %mlrun and -P NAME=VALUE"
        raise UsageError(msg)
    uri, stale_ok = options["uri"], options["stale_ok"]
    if uri is not None:
        return Form(Subject.of(uri, options["entry_point"], options["version"], progress=_told)).show()

    def saved() -> Path:
        return this_notebook(shell, stale_ok=stale_ok, magic="%mlform")

    notebook = saved()
    subject = Subject.of(str(notebook), options["entry_point"], options["version"], base=notebook.parent, is_here=True)

    def guard() -> None:
        saved()  # what was declared and run since is in the file, or the form's run is refused

    return Form(subject, guard=guard).show()


def _told(event: Event) -> None:
    """Say what is waited for."""
    if event.step in {"fetching", "note"} and event.text:
        sys.stderr.write(f"{event.text}\n")
