"""`nbproj show` and `nbproj check`: what a project is, read and never executed."""

from __future__ import annotations

import json
import sys

import click

__all__ = ["check", "show"]


@click.command(short_help="Show entry points and parameters of a project.")
@click.argument("uri", default=".")
@click.option("-e", "--entry-point", metavar="ENTRY", help="Show this one only.")
@click.option("-v", "--version", metavar="VERSION", help="Commit, branch or tag of a Git project.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, for programs.")
def show(uri: str, entry_point: str | None, version: str | None, *, as_json: bool) -> None:
    """Show entry points and parameters of a project; nothing of it is executed."""
    from nbproj.console import Console
    from nbproj.inspection import inspect_project

    with Console() as console:
        inspection = inspect_project(uri, version, entry_point=entry_point, progress=console)
        for warning in inspection.project.warnings:
            console.line(f"warning: {warning}")
        console.answer(json.dumps(inspection.to_dict(), indent=2) if as_json else inspection.text(width=console.width))


@click.command(short_help="Check that a project can be read and its entry points run.")
@click.argument("uri", default=".")
@click.option("-v", "--version", metavar="VERSION", help="Commit, branch or tag of a Git project.")
@click.option("--strict", is_flag=True, help="Refuse unknown keys and types too.")
@click.option("--fix", is_flag=True, help="Write the declarations of notebooks as comments and tags, which plain papermill runs.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON, for programs.")
def check(uri: str, version: str | None, *, strict: bool, fix: bool, as_json: bool) -> None:
    """Check that a project can be read and its entry points run; nothing of it is executed.

    --fix changes notebooks on this machine, and shows what it changes: magics become comments and tags that mean the same. It takes scripts and
    Markdown files that jupytext reads as notebooks, too.
    """
    from nbproj.console import Console
    from nbproj.fixing import fix_project
    from nbproj.inspection import check_project

    with Console() as console:
        fixed = fix_project(uri, version, strict=strict, progress=console) if fix else None
        verdict = fixed.verdict if fixed is not None else check_project(uri, version, strict=strict, progress=console)
        if fixed is not None and fixed.drafts:
            (console.block if as_json else console.answer)(fixed.difference)
        for line in [*verdict.problems, *(f"warning: {warning}" for warning in verdict.warnings)]:
            console.line(line)
        if as_json:
            console.answer(json.dumps((fixed or verdict).to_dict(), indent=2))
        elif verdict.ok:
            console.answer(f"{verdict.summary}, no problem found")
    sys.exit(verdict.exit_code)
