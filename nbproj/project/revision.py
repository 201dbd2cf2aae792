"""A notebook's file before and after a change of its declarations, with the proof that it means the same, or what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Final

from nbproj.errors import EntryPointError
from nbproj.project.cells import Cell, cells_of, document_of, language, read_bytes
from nbproj.project.declared import Notebook
from nbproj.project.edition import CellChange, cell_difference, new_edition
from nbproj.project.marks import read_mark
from nbproj.project.model import EntryPoint, Parameter, Place
from nbproj.project.notebook import declarations_in
from nbproj.project.plain import plain_form
from nbproj.project.selection import plan

__all__ = ["Draft", "read_draft", "revised", "without_magics"]

_KEPT: Final = ("name", "type", "default", "default_text", "help", "choices", "min", "max", "step", "secret", "env", "optional", "exists", "item")
_AS_TEXT: Final = {"path": "a path", "date": "a date", "datetime": "a date and time"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A notebook's file as it is and as it could be.

    Parameters
    ----------
    file : str
        What readers call it.
    before, after : bytes
        The content.
    cells : tuple of Cell
        Those of `before`.
    language : str
        The notebook's, in lower case.
    difference : str
        What changes, cell by cell; empty when nothing does.
    notes : tuple of str
        What its reader should know, a line each.
    """

    file: str
    before: bytes
    after: bytes
    cells: tuple[Cell, ...]
    language: str
    difference: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after

    def new_cells(self) -> Sequence[Cell]:
        """Return the cells of `after`."""
        return _cells(self.after, PurePath(self.file).suffix, Place(self.file))[0]


def read_draft(path: Path, file: str) -> Draft:
    """Return a notebook's file, with nothing changed yet.

    Raises
    ------
    EntryPointError
        It is not a notebook.
    """
    place = Place(file)
    data = read_bytes(path, place)
    cells, spoken = _cells(data, path.suffix, place)
    return Draft(file, data, data, tuple(cells), spoken)


def revised(draft: Draft, changes: Mapping[int, CellChange]) -> Draft:
    """Return a notebook's file with some cells changed.

    Parameters
    ----------
    draft : Draft
        The file.
    changes : mapping of int to CellChange
        By the number of the cell.

    Raises
    ------
    EntryPointError
        It cannot be changed without changing more.
    """
    place = Place(draft.file)
    after = new_edition(draft.before, changes, place)
    return replace(draft, after=after, difference=cell_difference(draft.file, draft.cells, changes))


def without_magics(draft: Draft, root: Path) -> Draft:
    """Return a notebook's file with its declarations in the forms that plain papermill and every kernel can run; they mean the same.

    Parameters
    ----------
    draft : Draft
        The file.
    root : Path
        The project's folder.

    Raises
    ------
    ProjectError
        Something in it is wrong, or cannot be said in another form; with the cell.
    """
    meant = _sound(declarations_in(draft.cells, draft.language, file=draft.file, root=root))
    plain = plain_form(draft.cells, draft.language, file=draft.file)
    new = revised(draft, plain.changes)
    cells = new.new_cells()
    means = declarations_in(cells, draft.language, file=draft.file, root=root)
    # A cell of YAML never ran; the comments that it becomes run, and do nothing.
    yaml = {
        cell.number for cell in draft.cells if cell.kind == "code" and read_mark(cell.source, cell.tags, language=draft.language).kind == "mlproject"
    }
    if _meaning(meant, draft.cells, draft.language, yaml) != _meaning(means, cells, draft.language, yaml):
        number = next(iter(plain.changes), None)
        msg = "cannot be said in another form: what it declares would change. Change this notebook by hand"
        raise EntryPointError(msg, place=Place(draft.file, cell=number))
    notes = dict.fromkeys([*plain.notes, *(text for point in meant.entry_points.values() for text in _texts_of_papermill(point))])
    return replace(new, notes=tuple(notes))


def _cells(data: bytes, suffix: str, place: Place) -> tuple[Sequence[Cell], str]:
    document = document_of(data, suffix, place)
    return cells_of(document, place), language(document)


def _sound(notebook: Notebook) -> Notebook:
    for point in notebook.entry_points.values():
        if point.problem is not None:
            raise point.problem
    return notebook


def _meaning(notebook: Notebook, cells: Sequence[Cell], spoken: str, but: set[int]) -> object:
    """Return what a notebook says and does, without where it says it, and without some cells."""
    points = {}
    for name, point in notebook.entry_points.items():
        plans = plan(cells, spoken, point.cells, file=notebook.file) if point.notebook is not None else ()
        runs = [one.runs for one in plans if one.number not in but]
        points[name] = (point.command, point.cells, point.help, [_of_parameter(one) for one in point.parameters], runs, _of_environment(point))
    return notebook.name, notebook.is_marked, points


def _of_parameter(parameter: Parameter) -> tuple[str, ...]:
    return tuple(repr(getattr(parameter, key)) for key in _KEPT)


def _of_environment(point: EntryPoint) -> object:
    found = point.environment
    return found and (found.kind, found.file, found.docker, found.python, found.dependencies)


def _texts_of_papermill(point: EntryPoint) -> list[str]:
    """Return where a value that papermill puts in is another than a run of nbproj would put in."""
    told = [
        f"{one.declared}: papermill hands {one.name!r} over as a text, a run of nbproj as {_AS_TEXT[one.type]}; nbproj export reconciles them"
        for one in point.parameters
        if one.type in _AS_TEXT and not one.secret
    ]
    return told + [
        f"{one.declared}: papermill writes the value of the secret {one.name!r} into the notebook; a run of nbproj does not"
        for one in point.parameters
        if one.secret
    ]
