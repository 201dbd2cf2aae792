"""The parameters and marks of a notebook as rows, and rows as its cells: lines that nobody touched stay as they are written."""

from __future__ import annotations

import ast
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from nbproj.declaring.rows import EntryRow, ParameterRow, Revision
from nbproj.errors import EntryPointError
from nbproj.project.cells import PYTHON, Cell
from nbproj.project.edition import CellChange, new_cell
from nbproj.project.marks import ENTRY_POINT_TAG, PARAMETERS_TAG, Mark, read_mark
from nbproj.project.model import Place
from nbproj.project.names import name_problem
from nbproj.project.neutral import body
from nbproj.project.notebook import declarations_in
from nbproj.project.python_source import parse_python
from nbproj.project.revision import read_draft, revised

__all__ = ["NotebookDeclarations"]

_NEW: Final = "# parameters"
_FIRST: Final = 60
_COMMENT: Final = re.compile(r"#\s*(.*)$")


@dataclass(frozen=True, slots=True)
class _Block:
    """The lines of one assignment, with the comments above it."""

    row: ParameterRow
    text: str


class NotebookDeclarations:
    r"""What a notebook declares: the assignments of its parameters cells, and the entry points that mark its other cells.

    Parameters
    ----------
    path : Path
        The notebook.

    Raises
    ------
    EntryPointError
        It is not a notebook, or not one of Python.

    Examples
    --------
    >>> import json, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> cell = {"cell_type": "code", "metadata": {}, "source": "# parameters\nalpha: float = 0.5  # strength", "outputs": [], "execution_count": None}
    >>> path = Path(folder.name, "a.ipynb")
    >>> _ = path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    >>> declared = NotebookDeclarations(path)
    >>> declared.parameters
    (ParameterRow(name='alpha', type='float', default='0.5', help='strength', was='alpha'),)
    >>> print(declared.revised([*declared.parameters, ParameterRow("seed", "int", "1")], declared.entries).difference)
    a.ipynb, cell 1
      # parameters
      alpha: float = 0.5  # strength
    + seed: int = 1
    >>> folder.cleanup()
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._draft = read_draft(path, path.name)
        if self._draft.language not in PYTHON:
            msg = f"is written in {self._draft.language}: only the assignments of Python are edited here. Edit its parameters cell by hand"
            raise EntryPointError(msg, place=Place(path.name))
        marks = [(cell, read_mark(cell.source, cell.tags, place=cell.place(path.name))) for cell in self._draft.cells if cell.kind == "code"]
        self._cell = next((pair for pair in marks if pair[1].kind == "parameters"), None)
        self._head, self._blocks, self._tail = _blocks(*self._cell) if self._cell is not None else ("", (), "")
        self._marks = {str(cell.number): (cell, mark) for cell, mark in marks if mark.kind in {"none", "entrypoint"} and cell.source.strip()}
        self.parameters: tuple[ParameterRow, ...] = tuple(block.row for block in self._blocks)
        self.entries: tuple[EntryRow, ...] = tuple(
            EntryRow(" ".join(mark.names), _first_line(cell, mark), was=number) for number, (cell, mark) in self._marks.items()
        )

    def revised(self, parameters: Sequence[ParameterRow], entries: Sequence[EntryRow]) -> Revision:
        """Return the notebook as it would be with other rows.

        Parameters
        ----------
        parameters : sequence of ParameterRow
            All that its first parameters cell shall declare, in their order; a notebook without such a cell gets one.
        entries : sequence of EntryRow
            Which entry points each cell belongs to; one that was no cell yet becomes a new cell at the end.

        Raises
        ------
        EntryPointError
            A declaration would be wrong.
        """
        changes: dict[int, CellChange] = {}
        if tuple(parameters) != self.parameters:
            changes |= self._with_parameters(parameters)
        known = {row.was: row for row in self.entries}
        for row in entries:
            if row.was in self._marks and known[row.was].name.split() != row.name.split():
                cell, mark = self._marks[row.was]
                earlier = changes.get(cell.number, CellChange())
                changes[cell.number] = replace(_marked(cell, mark, row.name.split()), before=earlier.before)
        new = [self._new_entry(row) for row in entries if row.was is None and (row.name.strip() or row.runs.strip())]
        if new:
            last = self._draft.cells[-1].number
            changes[last] = replace(changes.get(last, CellChange()), after=new)
        draft = revised(self._draft, changes)
        found = declarations_in(draft.new_cells(), draft.language, file=draft.file, root=self.path.parent)
        problem = next((point.problem for point in found.entry_points.values() if point.problem is not None), None)
        if problem is not None:
            raise problem
        return Revision(self.path, draft.before, draft.after, draft.difference)

    def _new_entry(self, row: EntryRow) -> dict[str, object]:
        names = row.name.split()
        if not names or not self._draft.cells:
            what = "a new cell belongs to an entry point: give it a name" if not names else "has no cells: add one in the notebook itself"
            raise EntryPointError(what, place=Place(self.path.name))
        identity = f"entry-{uuid.uuid4().hex[:8]}" if self._has_ids else None
        return new_cell("\n".join([f"# entrypoint: {' '.join(names)}", *row.runs.rstrip().splitlines()]), [], identity=identity)

    @property
    def _has_ids(self) -> bool:
        return any(cell.id is not None for cell in self._draft.cells)

    def _with_parameters(self, rows: Sequence[ParameterRow]) -> dict[int, CellChange]:
        known = {block.row.name: block for block in self._blocks}
        texts = [known[row.was].text if row.was in known and known[row.was].row == row else _line(row, self.path.name) for row in rows]
        if self._cell is None:
            first = self._draft.cells[0].number if self._draft.cells else 1
            source = "\n".join([_NEW, *texts])
            return {first: CellChange(before=[new_cell(source, [PARAMETERS_TAG], identity="parameters" if self._has_ids else None)])}
        cell, mark = self._cell
        if not texts and not self._head and mark.forms == ("tag",):
            texts = [_NEW]  # a cell without a word would mean nothing to its reader
        source = "\n".join([*([self._head] if self._head else []), *texts, *([self._tail] if self._tail else [])])
        return {cell.number: CellChange(source)}


def _blocks(cell: Cell, mark: Mark) -> tuple[str, tuple[_Block, ...], str]:
    """Return the first lines of a parameters cell, its assignments, and what follows the last."""
    lines = cell.source.split("\n")
    source = body(cell.source, mark)
    start = max(mark.lines, default=0)
    blocks: list[_Block] = []
    at = start
    for node in parse_python(source).body:
        target = (
            node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        )
        end = node.end_lineno or node.lineno
        if not isinstance(target, ast.Name) or not isinstance(node, ast.AnnAssign | ast.Assign):
            break  # what follows may need what stands before it: it stays behind the parameters
        annotation = ast.get_source_segment(source, node.annotation) if isinstance(node, ast.AnnAssign) else ""
        value = ast.get_source_segment(source, node.value) if node.value is not None else ""
        comment = _COMMENT.search(lines[end - 1].encode()[node.end_col_offset or 0 :].decode())
        row = ParameterRow(target.id, annotation or "", value or "", comment[1].strip() if comment else "", target.id)
        blocks.append(_Block(row, "\n".join(lines[at:end])))
        at = end
    return "\n".join(lines[:start]), tuple(blocks), "\n".join(lines[at:])


def _line(row: ParameterRow, file: str) -> str:
    problem = name_problem(row.name) or ("" if row.name.isidentifier() else "of a notebook's parameter is one that Python admits")
    if problem:
        msg = f"parameter {row.name!r}: a name {problem}"
        raise EntryPointError(msg, place=Place(file))
    for what, text in (("type", row.type), ("default", row.default)):
        try:
            if text:
                ast.parse(text, mode="eval")
        except (SyntaxError, ValueError) as error:
            msg = f"parameter {row.name!r}: its {what} {text!r} is not Python: a text is written in quotes"
            raise EntryPointError(msg, place=Place(file)) from error
    annotation = f": {row.type}" if row.type else ""
    value = f" = {row.default}" if row.default else ("" if row.type else " = None")
    comment = f"  # {' '.join(row.help.split())}" if row.help else ""
    return f"{row.name}{annotation}{value}{comment}"


def _marked(cell: Cell, mark: Mark, names: Sequence[str]) -> CellChange:
    """Return a cell that belongs to other entry points: its mark becomes a comment, which plain papermill runs, too."""
    lines = [line for number, line in enumerate(cell.source.split("\n"), start=1) if number not in mark.lines]
    told = f" --help {mark.help}" if mark.help and names else ""
    head = [f"# entrypoint: {' '.join(names)}{told}"] if names else []
    tags = tuple(tag for tag in cell.tags if not tag.startswith(ENTRY_POINT_TAG))
    return CellChange("\n".join([*head, *lines]), tags if tags != tuple(cell.tags) else None)


def _first_line(cell: Cell, mark: Mark) -> str:
    lines = (line.strip() for number, line in enumerate(cell.source.split("\n"), start=1) if number not in mark.lines)
    return next((line[:_FIRST] for line in lines if line), "")
