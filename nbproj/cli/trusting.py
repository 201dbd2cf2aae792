"""`nbproj trust`: projects that a click in a saved document may run without a question."""

from __future__ import annotations

import json
import sys

import click

__all__ = ["trust"]


@click.command(short_help="Trust a project: a click in a saved document runs it without a question.")
@click.argument("uri", metavar="[PROJECT]", default=".")
@click.option("--revoke", is_flag=True, help="Trust it no longer.")
@click.option("--list", "listing", is_flag=True, help="List what is trusted.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON, for programs.")
def trust(uri: str, *, revoke: bool, listing: bool, as_json: bool) -> None:
    """Trust a project, so that a button in a saved notebook runs it without a question.

    A folder is trusted with what lies in it; a project at an address with all its versions. Running by a command of your own never asks.
    """
    from nbproj import trust as list_of
    from nbproj.console import Console
    from nbproj.errors import UsageError

    if listing and revoke:
        msg = "--list shows what is trusted and --revoke changes it: choose one of them"
        raise UsageError(msg)
    with Console() as console:
        was = True
        if revoke:
            was = list_of.revoke(uri)
            console.line(f"{list_of.trusted_name(uri)} is {'trusted no longer' if was else 'not trusted'}")
            if list_of.is_trusted(uri):
                console.line("it lies in a folder or project that is trusted: nbproj trust --list")
        elif not listing:
            console.line(f"{list_of.trust(uri)} is trusted")
        names = list_of.trusted()
        if as_json:
            console.answer(json.dumps({"version": 1, "trusted": list(names)}, indent=2))
        elif listing:
            console.answer("\n".join(names) if names else "nothing is trusted")
    sys.exit(0 if was else 1)
