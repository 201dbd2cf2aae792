"""`nbproj init` and `nbproj export`: declarations proposed, and projects written for others."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

__all__ = ["export", "init"]


@click.command(short_help="Write a project for mlflow run and papermill.")
@click.argument("uri", metavar="PROJECT", default=".")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Where to. Default: NAME-export in the working folder.")
@click.option("-v", "--version", metavar="VERSION", help="Commit, branch or tag of a Git project.")
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON, for programs.")
def export(uri: str, output: Path | None, version: str | None, *, force: bool, as_json: bool) -> None:
    """Write a project once more, for those who have no nbproj.

    What comes out is an MLproject file, a plain notebook for each entry point of a notebook, the project's other files and its environment.
    mlflow run and papermill run it with the same results. Nothing is executed.
    """
    from nbproj.console import Console
    from nbproj.exporting.export import export_project

    with Console() as console:
        made = export_project(uri, output, version, force=force, progress=console)
        for note in made.notes:
            console.line(f"note: {note}")
        if as_json:
            console.answer(json.dumps(made.to_dict(), indent=2))
        else:
            console.answer(f"{made.folder}: {', '.join(made.entry_points)}")


@click.command(short_help="Propose parameters for a notebook, or an MLproject file for a folder.")
@click.argument("path", metavar="DIR|NOTEBOOK", default=".", type=click.Path(path_type=Path))
@click.option("-y", "--yes", is_flag=True, help="Write what is proposed, without a question.")
@click.option("--json", "as_json", is_flag=True, help="Print the proposal as JSON, for programs.")
def init(path: Path, *, yes: bool, as_json: bool) -> None:
    """Find what a notebook or folder could declare, show it, and write it where that is wished; nothing is executed.

    In a notebook, literals that are assigned once and used later become parameters, in a cell that papermill understands too. A folder gets an
    MLproject file with its notebooks and scripts. Where nobody can be asked, nothing is written without --yes.
    """
    from nbproj.console import Console
    from nbproj.proposing import propose

    with Console() as console:
        proposal = propose(path)
        console.answer(json.dumps(proposal.to_dict(), indent=2) if as_json else "\n\n".join(filter(None, (proposal.table, proposal.difference))))
    names: list[str] | None = None
    if not yes:
        if not (sys.stdin and sys.stdin.isatty()):
            click.echo("nothing is changed: --yes writes it", err=True)
            return
        if proposal.found:
            answer = click.prompt("Parameters: names, or Enter for all", default="", show_default=False, err=True)
            names = answer.replace(",", " ").split() or None
            if names is not None:
                click.echo(proposal.chosen(names).difference, err=as_json)
        if not click.confirm(f"Write this into {proposal.path}?", default=True, err=True):
            sys.exit(1)
    proposal.write(names)
    click.echo(f"{proposal.path} is written. Next: nbproj show {path}", err=True)
