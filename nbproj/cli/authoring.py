"""`nbproj export`: projects written for others."""

from __future__ import annotations

import json
from pathlib import Path

import click

__all__ = ["export"]


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
