"""What of a notebook runs, and what is put into it: the cells of an entry point, with the run's parameters behind the cells that declare them.

The kernel gets the author's code with our declarations made inert; the executed notebook keeps the author's text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbproj.errors import ParameterError
from nbproj.execution.injection import parameter_cell, parameter_source
from nbproj.execution.kernels import Kernel, notebook_language
from nbproj.project.cells import Cell, cells_of, language, read_document
from nbproj.project.marks import INJECTED_TAG
from nbproj.project.model import Place
from nbproj.project.selection import CellPlan, lost_overrides, plan

__all__ = ["Plan", "Step", "places", "prepare", "refuse_lost_values", "refuse_unwritable_values"]

_SKIPPED: Final = "skip-execution"
"""nbclient's tag for cells that never run."""


@dataclass(frozen=True, slots=True)
class Step:
    """One cell that runs.

    Parameters
    ----------
    index : int
        Its position in the executed notebook, counted from 0.
    number : int, optional
        Its number in the author's notebook, counted from 1 over all cells; None for a cell that holds the run's parameters.
    source : str
        What the kernel gets: declarations are inert, lines stay where they are.
    may_fail : bool
        An exception in it does not end the run (tag `raises-exception`).
    """

    index: int
    number: int | None
    source: str
    may_fail: bool = False

    @property
    def name(self) -> str:
        """What a reader is told."""
        return f"cell {self.number}" if self.number is not None else "the parameter cell"


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a notebook runs.

    Parameters
    ----------
    steps : tuple of Step
        In document order.
    selected : frozenset of int
        Positions of the cells that take part, those without code included; the others stay as they are.
    not_selected : tuple of int
        The numbers of the others in the author's notebook.
    total : int
        How many cells the author's notebook has.
    """

    steps: tuple[Step, ...]
    selected: frozenset[int]
    not_selected: tuple[int, ...]
    total: int


def prepare(
    document: dict[str, Any],
    *,
    kernel: Kernel,
    entry_point: str | None = None,
    values: Mapping[str, object],
    secrets: Mapping[str, str],
    file: str = "notebook",
) -> Plan:
    """Put the run's parameters into a notebook, and return what of it runs.

    Parameters
    ----------
    document : dict
        The notebook; its list of cells is changed.
    kernel : Kernel
        Decides the language of the injected cells.
    entry_point : str, optional
        Which of the notebook's own entry points; None for a notebook without any.
    values, secrets : mapping
        What to assign; secret parameters and the environment variables that hold them.
    file : str
        What errors call the notebook.

    Raises
    ------
    ParameterError
        A name, or a language, that cannot be written.
    EntryPointError
        A declaration that is not understood.
    """
    spoken = notebook_language(document, kernel)
    cells = cells_of(document, Place(file))
    plans = plan(cells, language(document), entry_point, file=file)
    behind = places(plans, {*values, *secrets}, spoken)
    replaced = _replaced(plans, cells)
    if behind and replaced is not None:  # as papermill does it with its own
        behind = {replaced: frozenset({*values, *secrets})}
    made: list[dict[str, Any]] = []
    steps: list[Step] = []
    selected: set[int] = set()

    def inject(names: frozenset[str]) -> None:
        chosen = {name: value for name, value in values.items() if name in names}
        source = parameter_source(chosen, {name: where for name, where in secrets.items() if name in names}, kernel=kernel.name, language=spoken)
        selected.add(len(made))
        steps.append(Step(len(made), None, source))
        made.append(parameter_cell({**document, "cells": [*document["cells"], *made]}, source))

    if 0 in behind:
        inject(behind[0])
    for one, read, cell in zip(plans, cells, document["cells"], strict=True):
        if one.number == replaced and one.number in behind:
            inject(behind[one.number])
            continue
        if one.runs or (read.kind != "code"):
            selected.add(len(made))
        if one.runs and one.source.strip() and _SKIPPED not in read.tags:
            steps.append(Step(len(made), one.number, one.source, "raises-exception" in read.tags))
        made.append(cell)
        if one.number in behind:
            inject(behind[one.number])
    document["cells"] = made
    others = tuple(one.number for one, read in zip(plans, cells, strict=True) if read.kind == "code" and not one.runs)
    return Plan(tuple(steps), frozenset(selected), others, len(cells))


def refuse_lost_values(notebook: Path, entry_point: str | None, names: Sequence[str], *, file: str) -> None:
    """Refuse values that would have no effect.

    Parameters
    ----------
    notebook : Path
        The notebook.
    entry_point : str, optional
        Which of its own entry points will run.
    names : sequence of str
        The parameters that the caller gives.
    file : str
        What errors call the notebook.

    Raises
    ------
    ParameterError
        One is assigned again before anything reads it, or only cells that do not run would take it.
    """
    if not names:
        return
    place = Place(file)
    document = read_document(notebook, place)
    spoken = language(document)
    cells = cells_of(document, place)
    plans = plan(cells, spoken, entry_point, file=file)
    replaced = _replaced(plans, cells)
    if replaced is not None:  # the values stand there, and what comes before has no hold on them
        plans = tuple(one for one in plans if one.number > replaced)
    lost = lost_overrides(plans, names, spoken, file=file)
    if lost:
        msg = f"{lost[0].text}. Leave the parameter out, or change the notebook"
        raise ParameterError(msg, place=lost[0].place)


def refuse_unwritable_values(notebook: Path, kernel: Kernel, values: Mapping[str, object], secrets: Mapping[str, str], *, file: str) -> None:
    """Refuse values that cannot be written as code of a notebook's language.

    Parameters
    ----------
    notebook : Path
        The notebook.
    kernel : Kernel
        What it will run in.
    values, secrets : mapping
        As for `prepare`.
    file : str
        What errors call the notebook.

    Raises
    ------
    ParameterError
        A name that is no variable's there, a type that it does not have, or a language that nobody can write.
    """
    if values or secrets:
        place = Place(file)
        try:
            parameter_source(values, secrets, kernel=kernel.name, language=notebook_language(read_document(notebook, place), kernel))
        except ParameterError as error:
            raise ParameterError(error.message, place=place) from None


def _replaced(plans: Sequence[CellPlan], cells: Sequence[Cell]) -> int | None:
    """Return the number of the cell that holds the parameters of an earlier run."""
    return next((one.number for one, cell in zip(plans, cells, strict=True) if INJECTED_TAG in cell.tags and one.runs), None)


def places(plans: Sequence[CellPlan], names: set[str], spoken: str) -> dict[int, frozenset[str]]:
    r"""Return which parameters go behind which cell; 0 stands for the top. What no cell declares goes with the first that declares anything.

    Examples
    --------
    >>> from nbproj.project.cells import Cell
    >>> from nbproj.project.selection import plan
    >>> places(plan([Cell(1, "code", "import math"), Cell(2, "code", "# parameters\na = 1")]), {"a"}, "python")
    {2: frozenset({'a'})}
    """
    if not names:
        return {}
    declaring = [one for one in plans if one.is_declaring]
    if not declaring:
        return {0: frozenset(names)}
    if spoken != "python":  # its assignments are not read
        return {declaring[0].number: frozenset(names)}
    found = {one.number: one.declares & names for one in declaring}
    rest = names - frozenset().union(*found.values())
    found[declaring[0].number] |= rest
    return {number: some for number, some in found.items() if some}
