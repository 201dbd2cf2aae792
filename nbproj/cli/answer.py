"""What the command line says when it cannot do what was asked: a line for people, a document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from nbproj.errors import NbprojError, suggestion

__all__ = ["complain", "refuse", "told"]


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
