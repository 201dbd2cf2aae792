"""What in a messy notebook could be a parameter: literals that are assigned once, at the top level, and used later. Read, never executed."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from nbproj.errors import EntryPointError
from nbproj.project.annotations import with_quoted_annotations
from nbproj.project.assignments import declared_parameters
from nbproj.project.cells import Cell
from nbproj.project.edition import CellChange, new_cell
from nbproj.project.marks import INJECTED_TAG, PARAMETERS_TAG, SKIP_TAG
from nbproj.project.model import Parameter, Place
from nbproj.project.names import name_problem
from nbproj.project.neutral import has_foreign_magic
from nbproj.project.python_source import python_of

__all__ = ["Candidate", "candidates", "marked"]

KINDS: Final = (bool, int, float, str, list, dict)
MAXIMUM_TEXT: Final = 200
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An assignment that could declare a parameter.

    Parameters
    ----------
    parameter : Parameter
        What it would be.
    cell : int
        The cell's number, counted from 1.
    line, end : int
        Its lines in the cell, counted from 1.
    cells : tuple of int
        The cells that use it.
    """

    parameter: Parameter
    cell: int
    line: int
    end: int
    cells: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.parameter.name


@dataclass(slots=True)
class _Names:
    """What the cells of a notebook do with names: how often each is bound, and where it is read."""

    bound: Counter[str] = field(default_factory=Counter)
    early: dict[str, tuple[int, int]] = field(default_factory=dict)
    reads: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def read(self, name: str, at: tuple[int, int], *, deferred: bool) -> None:
        self.reads.setdefault(name, []).append(at)
        if not deferred:
            self.early[name] = min(at, self.early.get(name, at))


def candidates(cells: Sequence[Cell], *, file: str = "notebook") -> tuple[Candidate, ...]:
    r"""Return the assignments of a Python notebook that could declare parameters, in their order.

    Parameters
    ----------
    cells : sequence of Cell
        All of them; a notebook that declares nothing yet.
    file : str
        What errors call the notebook.

    Examples
    --------
    >>> found = candidates([Cell(1, "code", "import math\nalpha = 0.5  # strength\nunused = 1"), Cell(2, "code", "print(alpha)")])
    >>> [(one.name, one.parameter.type, one.parameter.help, one.cells) for one in found]
    [('alpha', 'float', 'strength', (2,))]
    """
    names = _Names()
    found: list[Candidate] = []
    for cell in cells:
        if cell.kind != "code" or INJECTED_TAG in cell.tags or SKIP_TAG in cell.tags:
            continue
        try:
            python, tree = python_of(cell.source)
        except (SyntaxError, RecursionError):
            names.bound.update(dict.fromkeys(re.findall(r"[^\W\d]\w*", cell.source), 2))  # it may do anything to any of them
            continue
        _look(cell, python, tree, names)
        if not has_foreign_magic(cell.source):
            found += _assignments(cell, tree, file)
    return tuple(
        replace(one, cells=tuple(dict.fromkeys(number for number, _ in names.reads[one.name])))
        for one in found
        if names.bound[one.name] == 1 and one.name in names.reads and names.early.get(one.name, (one.cell, one.end + 1)) > (one.cell, one.line)
    )


def marked(cells: Sequence[Cell], chosen: Sequence[Candidate], *, has_ids: bool = False) -> dict[int, CellChange]:
    r"""Return the changes that make parameters of assignments.

    A cell that holds nothing else is marked where it is. Otherwise they move into a cell of their own above all code: literals depend on nothing.

    Parameters
    ----------
    cells : sequence of Cell
        All of them.
    chosen : sequence of Candidate
        At least one.
    has_ids : bool
        Whether the cells of this notebook have ids.

    Examples
    --------
    >>> cells = [Cell(1, "code", "alpha = 0.5"), Cell(2, "code", "print(alpha)")]
    >>> marked(cells, candidates(cells))[1].source
    '# parameters\nalpha = 0.5'
    """
    by_number = {cell.number: cell for cell in cells}
    numbers = {one.cell for one in chosen}
    taken = {number: {line for one in chosen if one.cell == number for line in range(one.line, one.end + 1)} for number in numbers}
    if len(numbers) == 1:
        cell = by_number[next(iter(numbers))]
        if not _left(cell, taken[cell.number], but_comments=True):
            source = with_quoted_annotations(f"# parameters\n{cell.source}", set(dir(builtins)))
            return {cell.number: CellChange(source, _with_tag(cell.tags))}
    moved = "\n".join(line for one in chosen for line in by_number[one.cell].source.split("\n")[one.line - 1 : one.end])
    source = with_quoted_annotations(f"# parameters\n{moved}", set(dir(builtins)))
    known = {cell.id for cell in cells}
    identity = next(one for one in ("parameters", *(f"parameters-{count}" for count in range(2, len(cells) + 3))) if one not in known)
    new = new_cell(source, [PARAMETERS_TAG], identity=identity if has_ids else None)
    changes: dict[int, CellChange] = {}
    for number in sorted(numbers):
        left = _left(by_number[number], taken[number])
        changes[number] = CellChange(left) if left else CellChange(removed=True)
    first = next(cell.number for cell in cells if cell.kind == "code")
    changes[first] = replace(changes.get(first, CellChange()), before=(new,))
    return changes


def _with_tag(tags: Sequence[str]) -> tuple[str, ...]:
    return (*tags, *([PARAMETERS_TAG] if PARAMETERS_TAG not in tags else []))


def _left(cell: Cell, taken: Collection[int], *, but_comments: bool = False) -> str:
    """Return what stays of a cell without some lines."""
    lines = [line for number, line in enumerate(cell.source.split("\n"), start=1) if number not in taken]
    if but_comments:
        lines = [line for line in lines if not line.strip().startswith("#")]
    return "\n".join(lines).strip("\n") if any(line.strip() for line in lines) else ""


def _assignments(cell: Cell, tree: ast.Module, file: str) -> Iterator[Candidate]:
    lines = cell.source.split("\n")
    for index, node in enumerate(tree.body):
        target = _target(node)
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if target is None or value is None or not _is_plain(value):
            continue
        end = node.end_lineno or node.lineno
        before = tree.body[index - 1].end_lineno if index else 0
        behind = tree.body[index + 1].lineno if index + 1 < len(tree.body) else end + 1
        if before == node.lineno or behind == end or node.col_offset:  # a = 1; b = 2
            continue
        source = "\n".join(lines[node.lineno - 1 : end])
        try:
            declared = declared_parameters(source, cell.place(file))
        except EntryPointError:  # its annotation says otherwise
            continue
        if len(declared) == 1:
            place = Place(file, node.lineno, cell=cell.number, cell_id=cell.id)
            yield Candidate(replace(declared[0], declared=place), cell.number, node.lineno, end)


def _target(node: ast.stmt) -> str | None:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
    return name if name and not name.startswith("_") and not name_problem(name) else None


def _is_plain(value: ast.expr) -> bool:
    try:
        known = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return type(known) in KINDS and len(repr(known)) <= MAXIMUM_TEXT and not (isinstance(known, str) and "\n" in known)


def _look(cell: Cell, python: str, tree: ast.Module, names: _Names) -> None:
    for node, deferred in _walk(tree):
        for name in _bound_by(node):
            names.bound[name] += 1
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names.read(node.id, (cell.number, node.lineno), deferred=deferred)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            names.read(node.target.id, (cell.number, node.lineno), deferred=deferred)
    if python != cell.source:  # names in the lines of IPython's own syntax: !echo {alpha}
        for number, (line, other) in enumerate(zip(cell.source.split("\n"), python.split("\n"), strict=True), start=1):
            for word in re.findall(r"[^\W\d]\w*", line) if line != other else ():
                names.read(word, (cell.number, number), deferred=False)


def _walk(tree: ast.Module) -> Iterator[tuple[ast.AST, bool]]:
    """Give every node, and whether it stands in a function, which runs whenever it is called."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, deferred = waiting.pop()
        yield node, deferred
        inner = deferred or isinstance(node, FUNCTIONS)
        waiting += [(child, inner) for child in ast.iter_child_nodes(node)]


_NAMED: Final[Mapping[type[ast.AST], str]] = {
    ast.FunctionDef: "name",
    ast.AsyncFunctionDef: "name",
    ast.ClassDef: "name",
    ast.ExceptHandler: "name",
    ast.MatchAs: "name",
    ast.MatchStar: "name",
    ast.MatchMapping: "rest",
}


def _bound_by(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.alias):
        return [(node.asname or node.name).partition(".")[0]]
    if isinstance(node, ast.Global | ast.Nonlocal):
        return node.names
    name = getattr(node, _NAMED[type(node)], None) if type(node) in _NAMED else None
    return [name] if isinstance(name, str) else []
