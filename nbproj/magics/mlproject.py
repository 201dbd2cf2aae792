"""`%mlproject`: what this notebook, or a project, offers; `%%mlproject`: a cell that declares it in YAML."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from nbproj.errors import UsageError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["check_cell", "show_line"]


def show_line(line: str, shell: InteractiveShell) -> None:
    """Show entry points and parameters.

    Parameters
    ----------
    line : str
        Where the project is; this notebook when nothing is named, in a terminal the working folder.
    shell : InteractiveShell
        Where it was typed.

    Raises
    ------
    NbprojError
        The line is not well-formed, or the project cannot be had or read.
    """
    from nbproj.inspection import inspect_project

    try:
        words = shlex.split(line)
    except ValueError as error:
        msg = f"%mlproject: {error}: close what was opened"
        raise UsageError(msg) from error
    edits = "--edit" in words
    words = [word for word in words if word != "--edit"]
    options = [word for word in words if word.startswith("-")]
    if options or len(words) > 1:
        wrong = f"there is no option {options[0]!r}" if options else f"one project at a time, not {len(words)}"
        msg = f"%mlproject: {wrong}. Write: %mlproject [--edit] [URI]"
        raise UsageError(msg)
    if edits:
        _edit(words[0] if words else _here(shell), shell)
        return
    inspection = inspect_project(words[0] if words else _here(shell))
    if not hasattr(shell, "kernel"):
        print(inspection.text(width=shutil.get_terminal_size((100, 24)).columns))  # noqa: T201 - what a terminal's magic shows
        return
    from IPython.display import display

    from nbproj.display.project_card import project_bundle

    everything = {**inspection.found, **inspection.project.entry_points}
    data = project_bundle(dataclasses.replace(inspection.project, entry_points=everything))
    display({**data, "text/plain": inspection.text()}, raw=True)


def _edit(uri: str, shell: InteractiveShell) -> None:
    """Show the declarations of a folder or notebook in a table."""
    path = Path(uri).expanduser()
    if not hasattr(shell, "kernel"):
        msg = "%mlproject --edit shows a table in a notebook, and this is a terminal: edit the file itself, or see nbproj init"
        raise UsageError(msg)
    if not path.is_dir() and not (path.is_file() and path.suffix == ".ipynb"):
        msg = f"%mlproject --edit {uri}: only a folder or a notebook on this machine can be edited"
        raise UsageError(msg)
    from nbproj.widgets.edit import Editor

    Editor(path).show()


def check_cell(line: str, cell: str, shell: InteractiveShell) -> None:
    """Refuse a `%%mlproject` cell whose YAML is wrong; a right one says nothing.

    Parameters
    ----------
    line : str
        What stands behind the magic: nothing.
    cell : str
        The YAML.
    shell : InteractiveShell
        Where it was executed.

    Raises
    ------
    ProjectError
        It is wrong; with the line in the cell.
    """
    from nbproj.errors import NbprojError
    from nbproj.magics.validation import placed
    from nbproj.project.cells import Cell
    from nbproj.project.declaration import Remarks
    from nbproj.project.manifest import read_manifest
    from nbproj.project.marks import read_mark

    where = f"In [{shell.execution_count}]"
    source = f"%%mlproject {line}\n{cell}"
    remarks = Remarks()
    try:
        manifest = read_manifest([(Cell(1, "code", source), read_mark(source))], where, Path.cwd(), remarks)
        for entry_point in manifest.entry_points.values():
            if entry_point.problem is not None:
                raise entry_point.problem
    except NbprojError as error:
        raise placed(error, where) from None
    for text in remarks.texts:
        print(f"note: {text}")  # noqa: T201 - below the cell


def _here(shell: InteractiveShell) -> str:
    if not hasattr(shell, "kernel"):
        return "."
    from nbproj.current.notebook import current_notebook
    from nbproj.magics.extension import Extension

    attached = Extension.of(shell)
    try:
        return str(current_notebook(shell, attached.executions if attached is not None else None).path)
    except UsageError as error:
        msg = f"%mlproject: {str(error).replace('%mlrun', '%mlproject')}"
        raise UsageError(msg) from error
