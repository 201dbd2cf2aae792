"""`nbproj init`: what a messy notebook or folder could declare, proposed and, where that is wished, written. Nothing of it is executed."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbproj.display.columns import columns, pad, printable
from nbproj.errors import EntryPointError, ProjectError, SourceError, UsageError, suggestion
from nbproj.paths import replace_unchanged
from nbproj.project.candidates import Candidate, candidates, marked
from nbproj.project.cells import PYTHON
from nbproj.project.conversion import shown
from nbproj.project.directory import load_project
from nbproj.project.model import Place
from nbproj.project.notebook import declarations_in
from nbproj.project.outline import mlproject_text
from nbproj.project.revision import Draft, read_draft, revised

__all__ = ["Proposal", "propose"]

MLPROJECT: Final = "MLproject"
SUFFIXES: Final = (".ipynb", ".py", ".md", ".Rmd")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What could be written.

    Parameters
    ----------
    path : Path
        The notebook, or the MLproject file to be.
    draft : Draft, optional
        The notebook's file.
    found : tuple of Candidate
        What could be its parameters.
    text : str
        The MLproject file to be.
    """

    path: Path
    draft: Draft | None = None
    found: tuple[Candidate, ...] = ()
    text: str = ""

    @property
    def table(self) -> str:
        """The candidates with their types, one a line."""
        rows = [
            [one.name, one.parameter.type, shown(one.parameter.default), f"cell {one.cell}, used in {_cells(one.cells)}", one.parameter.help]
            for one in self.found
        ]
        texts = [[printable(text) for text in row] for row in rows]
        widths = [max(map(columns, column)) for column in zip(*texts, strict=True)]
        return "\n".join("  ".join(pad(text, width) for text, width in zip(row, widths, strict=True)).rstrip() for row in texts)

    @property
    def difference(self) -> str:
        """What would change, with all candidates chosen."""
        return self.chosen(None).difference if self.draft is not None else "".join(f"+ {line}\n" for line in self.text.splitlines()).rstrip("\n")

    def chosen(self, names: Collection[str] | None) -> Draft:
        """Return the notebook with some of the candidates, or all, as its parameters.

        Raises
        ------
        UsageError
            One of the names is no candidate.
        """
        if self.draft is None:
            msg = f"{self.path} is no notebook"
            raise UsageError(msg)
        known = [one.name for one in self.found]
        odd = next((name for name in names or () if name not in known), None)
        if odd is not None:
            msg = f"{odd!r} is not among what could be a parameter.{suggestion(odd, known)} There are: {', '.join(known)}"
            raise UsageError(msg)
        wanted = [one for one in self.found if names is None or one.name in names]
        if not wanted:
            return self.draft
        has_ids = any(cell.id is not None for cell in self.draft.cells)
        new = revised(self.draft, marked(self.draft.cells, wanted, has_ids=has_ids))
        _check(new, [one.name for one in wanted], self.path.parent)
        return new

    def write(self, names: Collection[str] | None = None) -> None:
        """Write it, at once and only if nobody has changed the file meanwhile.

        Raises
        ------
        ProjectError
            It cannot be written.
        """
        if self.draft is not None:
            new = self.chosen(names)
            replace_unchanged(self.path, new.before, new.after)
            return
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(self.text)
        except OSError as error:
            msg = f"{self.path} cannot be written: {error.strerror or error}"
            raise ProjectError(msg) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the stable form for programs."""
        parameters = {
            one.name: {"type": one.parameter.type, "default": one.parameter.default_text, "help": one.parameter.help, "cell": one.cell}
            for one in self.found
        }
        return {"version": 1, "file": str(self.path), "parameters": parameters, "difference": self.difference}


def propose(path: Path) -> Proposal:
    """Return what a notebook or folder could declare.

    Parameters
    ----------
    path : Path
        A folder, or a notebook in any form.

    Raises
    ------
    SourceError
        There is no such file or folder.
    UsageError
        It declares something already.
    ProjectError
        It cannot be read, or there is nothing to propose.
    """
    if path.is_dir():
        return _of_folder(path)
    if not path.exists():
        msg = f"there is no folder or notebook {path}"
        raise SourceError(msg)
    if path.suffix not in SUFFIXES:
        msg = f"{path} is neither a folder nor a notebook"
        raise UsageError(msg)
    draft = read_draft(path, path.name)
    if draft.language not in PYTHON:
        msg = f"is written in {draft.language}: only the assignments of Python are read. Tag its parameters cell by hand"
        raise EntryPointError(msg, place=Place(path.name))
    known = declarations_in(draft.cells, draft.language, file=path.name, root=path.parent)
    declared = next((one for point in known.entry_points.values() for one in point.parameters), None)
    problem = next((point.problem for point in known.entry_points.values() if point.problem is not None), None)
    if problem is not None:
        raise problem
    if declared is not None:
        msg = f"{path} declares parameters already: nbproj show {path}"
        raise UsageError(msg)
    found = candidates(draft.cells, file=path.name)
    if not found:
        msg = "holds no literal that is assigned once at the top level and used later: there is nothing to propose"
        raise EntryPointError(msg, place=Place(path.name))
    return Proposal(path, draft, found)


def _of_folder(path: Path) -> Proposal:
    project = load_project(path)
    if project.file is not None:
        msg = f"{path} has an {project.file} file already: nbproj check says whether it is right"
        raise UsageError(msg)
    text = mlproject_text(project)
    if not text:
        msg = f"{path} holds no notebook and no script: there is nothing to propose"
        raise ProjectError(msg)
    return Proposal(path / MLPROJECT, text=text)


def _check(draft: Draft, names: Sequence[str], root: Path) -> None:
    """Make sure that what would be written declares what was chosen."""
    notebook = declarations_in(draft.new_cells(), draft.language, file=draft.file, root=root)
    for point in notebook.entry_points.values():
        if point.problem is not None:
            raise point.problem
        if {one.name for one in point.parameters} != set(names):
            msg = "cannot be marked without changing what its cells mean. Mark the assignments by hand: '# parameters' as a first line"
            raise EntryPointError(msg, place=Place(draft.file))


def _cells(numbers: Sequence[int]) -> str:
    return f"cell{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"
