r"""Which cells of a notebook an entry point runs, and what of each reaches the kernel (contract, section 8).

Running NAME runs, in document order, the unmarked cells, the cells of NAME and the parameters cells that are for NAME or for all; the others stay in
the notebook, unrun. Who executes the notebook asks once::

    plans = plan(cells, "python", "train")      # one CellPlan for each cell of the notebook, in order
    for cell, one in zip(notebook.cells, plans, strict=True):
        one.runs        # whether it is executed; never true of what is no code cell
        one.source      # what the kernel gets, with as many lines as the cell has
        one.declares    # the parameters that it assigns: an injected cell with their values belongs behind it
        one.is_declaring  # a parameters cell that runs, also in a language whose assignments are not read

Who checks an order asks `lost_overrides` which of its values would have no effect, and `unbound_names` for names that only unselected cells give.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nbproj.project.bindings import Bindings, read_bindings
from nbproj.project.cells import PYTHON, Cell
from nbproj.project.marks import UNMARKED, Mark, read_mark
from nbproj.project.model import Place
from nbproj.project.names import name_problem
from nbproj.project.neutral import body, neutralised, runs_ours

__all__ = ["MAIN", "CellPlan", "Remark", "lost_overrides", "plan", "unbound_names"]

MAIN = "main"


@dataclass(frozen=True, slots=True)
class CellPlan:
    """What happens to one cell when an entry point runs.

    Parameters
    ----------
    number : int
        Of the cell, counted from 1 over all cells.
    runs : bool
        Whether the entry point runs it.
    source : str
        What the kernel gets: the cell with our declarations made inert, its lines where they were.
    declares : frozenset of str
        The parameters that it assigns, when it is a parameters cell.
    mark : Mark
        What it says about itself.
    original : str
        Its source as it stands.
    cell_id : str, optional
        Its id.
    """

    number: int
    runs: bool
    source: str
    declares: frozenset[str] = frozenset()
    mark: Mark = UNMARKED
    original: str = ""
    cell_id: str | None = None

    @property
    def is_declaring(self) -> bool:
        """Whether it is a parameters cell that runs."""
        return self.runs and self.mark.kind == "parameters"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a name in a cell that its reader should know.

    Parameters
    ----------
    name : str
        The name.
    place : Place
        Where.
    text : str
        What about it, as a sentence that begins with the name.
    """

    name: str
    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def plan(cells: Sequence[Cell], language: str = "python", name: str | None = None, *, file: str = "notebook") -> tuple[CellPlan, ...]:
    """Return what happens to every cell of a notebook when an entry point runs.

    Parameters
    ----------
    cells : sequence of Cell
        All of them, as `cells.read_cells` returns them.
    language : str
        The notebook's language, in lower case.
    name : str, optional
        The entry point, as `EntryPoint.cells` names it; None is for a notebook without entry points of its own, which is `main`.
    file : str
        What errors call the notebook.

    Raises
    ------
    EntryPointError
        A declaration that is not understood.

    Examples
    --------
    >>> cells = [Cell(1, "code", "import x"), Cell(2, "code", "# entrypoint: train"), Cell(3, "code", "# entrypoint: eval")]
    >>> [one.runs for one in plan(cells, "python", "train")]
    [True, True, False]
    """
    wanted = MAIN if name is None else name
    marks = [read_mark(cell.source, cell.tags, language=language, place=cell.place(file)) if cell.kind == "code" else UNMARKED for cell in cells]
    runs = [cell.kind == "code" and mark.belongs_to(wanted) for cell, mark in zip(cells, marks, strict=True)]
    load = any(run and runs_ours(cell.source) for cell, run in zip(cells, runs, strict=True))
    return tuple(
        CellPlan(
            cell.number,
            run,
            neutralised(cell.source, mark, language=language, load=load) if cell.kind == "code" else cell.source,
            _declared(cell, mark, language) if mark.kind == "parameters" else frozenset(),
            mark,
            cell.source,
            cell.id,
        )
        for cell, mark, run in zip(cells, marks, runs, strict=True)
    )


def lost_overrides(plans: Sequence[CellPlan], names: Iterable[str], language: str = "python", *, file: str = "notebook") -> tuple[Remark, ...]:
    r"""Return which of the given parameters would have no effect, and why: only what is certain is told.

    A value is lost when a later cell that runs, or code without a condition in it, assigns its name again before anything has read it; and when only
    cells that do not run would take it.

    Parameters
    ----------
    plans : sequence of CellPlan
        From `plan`.
    names : iterable of str
        The names that the caller gives.
    language, file
        As for `plan`.

    Examples
    --------
    >>> cells = [Cell(1, "code", "# parameters\nalpha = 1"), Cell(2, "code", "alpha = 2"), Cell(3, "code", "print(alpha)")]
    >>> print(*lost_overrides(plan(cells), ["alpha"]))
    notebook, cell 2, line 1: 'alpha' is assigned again before anything reads the given value
    """
    if language not in PYTHON:
        return ()
    bindings = {one.number: _bindings(one) for one in plans if one.runs}
    return tuple(remark for name in names if (remark := _lost(name, plans, bindings, file)) is not None)


def unbound_names(plans: Sequence[CellPlan], given: Iterable[str] = (), language: str = "python", *, file: str = "notebook") -> tuple[Remark, ...]:
    r"""Return the names that the cells of an entry point use and only cells that it does not run bind.

    Parameters
    ----------
    plans : sequence of CellPlan
        From `plan`.
    given : iterable of str
        Names that a run binds besides: its parameters.
    language, file
        As for `plan`.

    Examples
    --------
    >>> cells = [Cell(1, "code", "# entrypoint: a\nx = 1"), Cell(2, "code", "# entrypoint: b\nprint(x)")]
    >>> print(*unbound_names(plan(cells, name="b")))
    notebook, cell 2, line 2: 'x' is used here, and only cell 1 binds it, which this entry point does not run
    """
    if language not in PYTHON:
        return ()
    known = [(one, _bindings(one)) for one in plans if one.mark.kind != "mlproject"]
    bound = {name for one, found in known if one.runs for name in found.binds} | set(given)
    if any(found.opaque for one, found in known if one.runs):
        return ()
    elsewhere: dict[str, int] = {}
    for one, found in known:
        if not one.runs:
            for name in found.binds:
                elsewhere.setdefault(name, one.number)
    remarks: dict[str, Remark] = {}
    for one, found in known:
        for name, line in found.reads.items() if one.runs else ():
            if name in elsewhere and name not in bound:
                text = f"{name!r} is used here, and only cell {elsewhere[name]} binds it, which this entry point does not run"
                remarks.setdefault(name, Remark(name, Place(file, line, cell=one.number, cell_id=one.cell_id), text))
    return tuple(remarks.values())


def _bindings(one: CellPlan) -> Bindings:
    # The annotations of parameters are gone before the kernel sees them: what they name is not read.
    return read_bindings(one.source if one.is_declaring else body(one.original, one.mark))


def _declared(cell: Cell, mark: Mark, language: str) -> frozenset[str]:
    if language not in PYTHON:
        return frozenset()
    return frozenset(name for name in read_bindings(body(cell.source, mark)).assigned if not name_problem(name))


def _lost(name: str, plans: Sequence[CellPlan], bindings: dict[int, Bindings], file: str) -> Remark | None:
    declaring = [one for one in plans if name in one.declares]
    if declaring and not any(one.runs for one in declaring):
        one = declaring[0]
        text = f"{name!r} is a parameter of {', '.join(repr(other) for other in one.mark.names)} only: this cell does not run"
        return Remark(name, Place(file, cell=one.number, cell_id=one.cell_id), text)
    # The value stands behind each cell that declares it, so the last of them that runs is where it begins to live; without one it stands on top.
    last = max((one.number for one in declaring if one.runs), default=0)
    for one in plans:
        if not one.runs:
            continue
        found = bindings[one.number]
        if one.number <= last:
            if found.opaque or name in found.deferred:
                return None  # a function from above may read it at any time
            continue
        line = found.overwrites(name)
        if line is not None:
            text = f"{name!r} is assigned again before anything reads the given value"
            return Remark(name, Place(file, line, cell=one.number, cell_id=one.cell_id), text)
        if found.opaque or name in found.reads or name in found.binds:
            return None
    return None
