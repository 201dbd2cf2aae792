"""Whether every value of a space fits its entry point: all that is wrong, each time with the parameter and its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from nbproj.batches.axis import Axis
from nbproj.batches.forms import FORMS
from nbproj.batches.table import Table
from nbproj.errors import ParameterError, suggestion
from nbproj.project.conversion import text_of
from nbproj.project.model import EntryPoint
from nbproj.project.parameters import Resolved, examine, sentence

__all__ = ["check_space"]

_MOST_TOLD: Final = 5
_LIKE_A_FORM: Final = re.compile(r"parameter '([^']+)': '(\w+) *\(.*\)' is not ")
_LIKE_A_LIST: Final = re.compile(r"parameter '([^']+)': '\[(.*)\]' is not an? (?!list)")
_NO_LIST: Final = re.compile(r"parameter '([^']+)': [^'].* is not a (list|dict) ")


def check_space(axes: Iterable[Axis], table: Table | None, entry_point: EntryPoint, *, base: Path, root: Path | None = None) -> None:
    """Refuse a space of which any point would be refused, or two are the same.

    A value is looked at once, however many points it is part of.

    Parameters
    ----------
    axes : iterable of Axis
        Parameters and their values.
    table : Table, optional
        Rows besides.
    entry_point : EntryPoint
        What they are for.
    base : Path
        Folder that relative paths of the axes start from.
    root : Path, optional
        The project's folder.

    Raises
    ------
    ParameterError
        The first few problems, and how many there are.
    """
    axes = tuple(axes)
    check = _Check(entry_point, base, root, {} if table is None else dict.fromkeys(table.columns, table.base))
    problems: dict[str, None] = {}  # in their order, each once
    for problem in _secrets(axes, table, entry_point):
        problems.setdefault(problem)
    rows = table.rows if table is not None else ({},)
    firsts = {axis.name: axis[0] for axis in axes}
    for problem in check.of_axes(axes, rows[0], firsts):
        problems.setdefault(problem)
    if table is not None:
        known = set(problems)
        absent = check.absent({*firsts, *table.columns})
        if absent:
            problems.setdefault(f"{absent}, or a column to {table.name}")
            known.add(absent)
        for problem in check.of_rows(table, firsts, known):
            problems.setdefault(problem)
    if problems:
        more = len(problems) - _MOST_TOLD
        raise ParameterError(sentence([*list(problems)[:_MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]))


class _Check:
    """Looks at the values of one entry point."""

    def __init__(self, entry_point: EntryPoint, base: Path, root: Path | None, bases: Mapping[str, Path]) -> None:
        self.entry_point = entry_point
        self.base = base
        self.root = root
        self.bases = bases

    def _examined(self, given: Mapping[str, object], entry_point: EntryPoint | None = None) -> tuple[Resolved, list[str]]:
        return examine(entry_point or self.entry_point, given, base=self.base, root=self.root, bases=self.bases)

    def absent(self, names: Collection[str]) -> str:
        """Return the sentence that names the parameters which no point gives; empty when there are none."""
        missing = [parameter for parameter in self.entry_point.parameters if parameter.required and parameter.name not in names]
        return next(iter(examine(EntryPoint(self.entry_point.name, missing), {}, base=self.base)[1]), "")

    def of_axes(self, axes: tuple[Axis, ...], row: Mapping[str, object], firsts: Mapping[str, object]) -> Iterator[str]:
        """Give what is wrong with the values of the axes: one is changed at a time, the others stay at their first value."""
        if not axes:
            return
        for axis in axes:
            declared = self.entry_point.parameter(axis.name)
            alone = EntryPoint(self.entry_point.name, [declared] if declared is not None else [])
            seen: set[str] = set()
            for number, value in enumerate(axis):
                # With the first value all names are looked at, too.
                whole = {**row, **firsts, axis.name: value}
                resolved, problems = self._examined(whole) if number == 0 else self._examined({axis.name: value}, alone)
                yield from (_hinted(problem, axis, value) for problem in problems if not row or f"parameter {axis.name!r}" in problem)
                doubt = axis.doubts.get(value) if isinstance(value, str) else None
                if doubt and not self._is_text(axis.name):
                    yield f"parameter {axis.name!r}: {doubt}"
                same = _told(resolved, axis.name) if not axis.is_distinct else None
                if same is not None and same in seen:
                    yield f"parameter {axis.name!r} takes {same} twice: leave one out, or add a parameter that tells the runs apart, such as a seed"
                elif same is not None:
                    seen.add(same)

    def _is_text(self, name: str) -> bool:
        declared = self.entry_point.parameter(name)
        return declared is not None and declared.type == "string"

    def of_rows(self, table: Table, firsts: Mapping[str, object], known: set[str]) -> Iterator[str]:
        """Give what is wrong with the rows, each with its place; what is known of the axes is not said again."""
        seen: dict[tuple[str | None, ...], str] = {}
        for place, row in zip(table.places, table.rows, strict=True):
            resolved, problems = self._examined({**row, **firsts})
            wrong = [problem for problem in problems if problem not in known]
            yield from (f"{place}: {problem.replace('parameter ', 'column ', 1) if _names(problem, row) else problem}" for problem in wrong)
            absent = [name for name in table.columns if name not in row]
            if absent and not wrong:
                yield f"{place}: has no {', '.join(repr(name) for name in absent)}, which other rows have"
            same = tuple(_told(resolved, name) for name in table.columns)
            if not wrong and same in seen:
                yield f"{place}: is the same as {seen[same]}: leave one out, or add a column that tells them apart, such as a seed"
            seen.setdefault(same, place)


def _names(problem: str, row: Mapping[str, object]) -> bool:
    return any(problem.startswith(f"parameter {name!r}") for name in row)


def _told(resolved: Resolved, name: str) -> str | None:
    """Return what tells a value from others of its type."""
    if name in resolved.values:
        return text_of(resolved.values[name])
    return resolved.extra.get(name)


def _secrets(axes: Iterable[Axis], table: Table | None, entry_point: EntryPoint) -> Iterator[str]:
    """Give the secrets that would differ from point to point: nothing of them is kept by which the points could be told apart."""
    several = {axis.name for axis in axes if len(axis) > 1} | set(table.columns if table is not None else ())
    for parameter in entry_point.parameters:
        if parameter.secret and parameter.name in several:
            yield f"parameter {parameter.name!r} is a secret, and the same for all runs of a batch: set {parameter.variable}"


def _hinted(problem: str, axis: Axis, value: object) -> str:
    """Return a problem with what was probably meant."""
    form = _LIKE_A_FORM.match(problem)
    if form and form[1] == axis.name:
        return (axis.doubts.get(str(value)) and f"parameter {axis.name!r}: {axis.doubts[str(value)]}") or f"{problem}.{suggestion(form[2], FORMS)}"
    listed = _LIKE_A_LIST.match(problem)
    if listed and listed[1] == axis.name:
        return f"{problem}. Several values are written choice({listed[2]})"
    if _NO_LIST.match(problem) and not isinstance(value, str):
        return f"{problem}. The elements of a list are values of a parameter each; one list as a value is written [[1, 2]]"
    return problem
