"""What the command line answers: what came out of a run, and why it cannot do what was asked; for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from nbproj.errors import NbprojError, RunError, suggestion

if TYPE_CHECKING:
    from nbproj.console import Console
    from nbproj.record import Run

__all__ = ["carried", "complain", "refuse", "stopped", "told"]


def stopped(code: int) -> RunError:
    """Return the error of a command that was interrupted (130) or terminated."""
    error = RunError("interrupted" if code == 130 else "terminated")  # noqa: PLR2004 - 128 + INT
    error.exit_code = code
    return error


def carried(console: Console, start: Callable[[], Run], *, detached: bool, as_json: bool, quiet: bool) -> int:
    """Start a run, show what came out, and return the exit code of the command.

    Parameters
    ----------
    console : Console
        Where it is shown.
    start : callable
        Returns the run: an ended one, or, detached, one that has begun.
    detached, as_json, quiet : bool
        What was asked for.

    Raises
    ------
    NbprojError
        There is no run.
    """
    from nbproj.execution.signals import STOPS
    from nbproj.record import RunFailed

    code = 0
    try:
        result: Any = start()
    except RunFailed as failure:
        result, code = failure.run, failure.exit_code
        if quiet:
            complain("nbproj run", failure)
    except STOPS as stop:
        result, code = stop.run, stop.exit_code
        if result is None:
            raise stopped(code) from stop
    if detached and not result.reused:
        console.leave(result)
    else:
        console.block(result.summary(width=console.width))
    if as_json:
        console.answer(json.dumps(result.to_dict(), indent=2))
    elif detached:
        console.answer(result.run_id)
    return code


def told(error: click.ClickException, name: str) -> str:
    """Return what was wrong with a command line, in our manner."""
    todo = f" See {name} --help"
    if isinstance(error, click.NoSuchOption):
        return f"there is no option {error.option_name!r}.{suggestion(error.option_name, error.possibilities or ()) or todo}"
    text = error.format_message().rstrip(".")
    return f"{text[:1].lower()}{text[1:]}.{todo}"


def complain(name: str, error: NbprojError) -> None:
    """Say an error in one line, its hint in a second."""
    click.echo(str(error) if error.place is not None else f"{name}: {error}", err=True)
    if error.hint:
        click.echo(error.hint, err=True)


def refuse(name: str, error: NbprojError, given: Sequence[str]) -> NoReturn:
    """End with an error: a line for people, and where JSON was asked for a document for programs."""
    complain(name, error)
    if "--json" in given:
        click.echo(json.dumps({"version": 1, "error": error.to_dict()}, indent=2))
    sys.exit(error.exit_code)
