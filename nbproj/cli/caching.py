"""`nbproj cache`: what is kept so that it need not be fetched or made again."""

from __future__ import annotations

import json
import sys

import click

from nbproj.errors import UsageError

__all__ = ["cache"]

_STORAGE = click.option("--storage-dir", metavar="DIR", help="The one that runs were given. Default: as configured, else the user's cache.")


@click.group(short_help="List and remove what was fetched: data and Git repositories.", invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """List and remove what was fetched: for `path` parameters that are addresses, and for projects in Git.

    Of environments, nbproj env list tells.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        sys.exit(UsageError.exit_code)


@cache.command("list", short_help="List what is kept.")
@_STORAGE
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")
def list_(*, storage_dir: str | None, as_json: bool) -> None:
    """List what was fetched and is kept: size, last use, where it came from."""
    from nbproj.console import Console
    from nbproj.fetched import fetched

    with Console() as console:
        found = fetched(storage_dir)
        console.answer(json.dumps(found.to_list(), indent=2) if as_json else found.text(width=console.width))


@cache.command(short_help="Remove what was not used for long.")
@click.option("--older-than", metavar="TIME", default="30d", show_default=True, help="Not used since then: 12h, 30d, 2w; 0 for all.")
@_STORAGE
def gc(older_than: str, *, storage_dir: str | None) -> None:
    """Remove downloads, Git repositories and environments that were not used for long, and what is broken. What a run uses stays."""
    from nbproj.console import Console
    from nbproj.fetched import tidy_fetched
    from nbproj.stock import tidy_environments

    with Console() as console:
        gone, stay = tidy_fetched(older_than, storage_dir)
        made, in_use = tidy_environments(older_than)
        lines = [f"{one.text(width=console.width)} removed" for one in (gone, made) if one.found]
        console.answer("\n".join(lines) or "nothing removed")
        left = len(stay.found) + len(in_use.found)
        if left:
            console.line(f"{left} as old stay: a run or a kernel in Jupyter uses them")
