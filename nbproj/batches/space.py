"""The space of a batch: every combination of the values given for parameters, times the rows of a file, checked before anything runs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from nbproj.batches.axis import Axis, Segment, axes_of
from nbproj.batches.checking import check_space
from nbproj.batches.forms import read_form
from nbproj.batches.table import Table, read_table, table_of
from nbproj.errors import ParameterError
from nbproj.order import plain
from nbproj.project.model import EntryPoint

__all__ = ["MAXIMUM_POINTS", "Point", "Space"]

MAXIMUM_POINTS: Final = 1_000_000
"""More runs than anybody means."""


@dataclass(frozen=True, slots=True)
class Point:
    """One set of parameters.

    Parameters
    ----------
    index : int
        Its number in the space, from 0.
    parameters : mapping of str to object
        Texts or plain values, as the caller gave them: what an order takes.
    """

    index: int
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Space:
    """What a batch runs: rows of a file times all axes; the last axis changes fastest.

    Parameters
    ----------
    axes : tuple of Axis
        Parameters and their values.
    table : Table, optional
        Rows of a file, each with values of several parameters.
    seed : int
        Of the random forms.
    base : Path
        Folder that relative paths of the axes start from; those of the file start from its folder.

    Examples
    --------
    >>> space = Space.of([("alpha", "logspace(-2, 0, 3)"), ("seed", "range(2)"), ("model", "ridge")])
    >>> space.size, space.describe()
    (6, 'alpha: 3 values x seed: 2 values = 6 runs')
    >>> [dict(point.parameters) for point in space.points(EntryPoint("train"))][:2]
    [{'alpha': 0.01, 'seed': 0, 'model': 'ridge'}, {'alpha': 0.01, 'seed': 1, 'model': 'ridge'}]
    """

    axes: tuple[Axis, ...] = ()
    table: Table | None = None
    seed: int = 0
    base: Path = field(default_factory=Path.cwd)

    @classmethod
    def of(
        cls,
        assignments: Iterable[tuple[str, object]] = (),
        *,
        rows: Path | str | Any | None = None,  # noqa: ANN401 - a data frame of any library, or mappings
        seed: int = 0,
        base: Path | None = None,
    ) -> Self:
        """Return the space that assignments and a file mean.

        Parameters
        ----------
        assignments : iterable of (str, object)
            Names with a text (a value or a form), a value, or a list, range, array or column of values; a name that comes again adds values.
        rows : path or mappings, optional
            A csv, json, yaml or parquet file, a data frame, or a list of mappings.
        seed : int
            Of the random forms.
        base : Path, optional
            The caller's folder; the working folder by default.

        Raises
        ------
        ParameterError
            Nothing is in it, or something cannot be read; with the place.
        """
        folder = Path.cwd() if base is None else base
        table = None if rows is None else read_table(folder / Path(rows).expanduser()) if isinstance(rows, str | Path) else table_of(rows, folder)
        space = cls(axes_of(assignments, seed), table, seed, folder)
        space._refuse_empty()
        return space

    @property
    def size(self) -> int:
        """How many points there are; none of them is made for it."""
        return math.prod((len(self.table.rows) if self.table is not None else 1, *(len(axis) for axis in self.axes)))

    @property
    def varying(self) -> tuple[str, ...]:
        """Names of the parameters that may differ between points."""
        columns = self.table.columns if self.table is not None else ()
        return (*columns, *(axis.name for axis in self.axes if len(axis) > 1))

    @property
    def bases(self) -> dict[str, Path]:
        """The folders of parameters whose relative paths do not start from `base`: what the order of a child takes as its `bases`."""
        return {} if self.table is None else dict.fromkeys(self.table.columns, self.table.base)

    def point(self, index: int) -> Point:
        """Return one point by its number; nothing is checked."""
        rest, given = index, []
        for axis in reversed(self.axes):
            rest, at = divmod(rest, len(axis))
            given.append((axis.name, axis[at]))
        row = self.table.rows[rest] if self.table is not None else {}
        return Point(index, {**row, **dict(reversed(given))})

    def points(self, entry_point: EntryPoint, *, root: Path | None = None) -> Iterator[Point]:
        """Return all points, once every value of every parameter is known to fit the entry point.

        Parameters
        ----------
        entry_point : EntryPoint
            What runs.
        root : Path, optional
            The project's folder, which defaults of `path` parameters start from.

        Raises
        ------
        ParameterError
            Names everything that is wrong, with the parameter and, for a file, the row and the line.
        """
        if self.size > MAXIMUM_POINTS:
            msg = f"{self.describe()}: more than {MAXIMUM_POINTS:,} are no batch. Take fewer values"
            raise ParameterError(msg)
        check_space(self.axes, self.table, entry_point, base=self.base, root=root)
        return (self.point(index) for index in range(self.size))

    def describe(self) -> str:
        """Return the space in one line; no value is told, for one may be a secret."""
        parts = [] if self.table is None else [f"{self.table.name}: {_counted(len(self.table.rows), 'row')}"]
        parts += [f"{axis.name}: {_counted(len(axis), 'value')}" for axis in self.axes if len(axis) > 1]
        total = _counted(self.size, "run")
        return f"{' x '.join(parts)} = {total}" if parts else total

    def to_document(self, secret: Collection[str]) -> dict[str, object]:
        """Return the space as values that JSON holds; forms stay forms.

        Parameters
        ----------
        secret : collection of str
            Names of parameters whose values are not kept.
        """
        axes = [
            {"name": axis.name, "segments": [_segment_document(segment) for segment in axis.segments]}
            for axis in self.axes
            if axis.name not in secret
        ]
        table = None if self.table is None else self.table.to_document(secret)
        return {"axes": axes, "rows": table, "seed": self.seed, "base": str(self.base)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the space that `to_document` has written.

        Raises
        ------
        ParameterError
            It means none.

        Examples
        --------
        >>> space = Space.of([("seed", "range(3)"), ("token", "abc")])
        >>> Space.from_document(space.to_document({"token"})).describe()
        'seed: 3 values = 3 runs'
        """
        try:
            seed = int(document["seed"])
            axes = tuple(_axis(one, seed) for one in document["axes"])
            table = None if document["rows"] is None else Table.from_document(document["rows"])
            return cls(axes, table, seed, Path(document["base"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            msg = f"the record of this batch holds no space that is understood here: {error}"
            raise ParameterError(msg) from error

    def _refuse_empty(self) -> None:
        if self.table is not None and not self.table.rows:
            msg = f"{self.table.name} has no rows: there is nothing to run"
            raise ParameterError(msg)
        empty = next((axis for axis in self.axes if not len(axis)), None)
        if empty is not None:
            form = next((segment.form for segment in empty.segments if segment.form), None)
            msg = f"parameter {empty.name!r} takes no value{f' ({form})' if form else ''}: there is nothing to run"
            raise ParameterError(msg)
        for axis in self.axes:
            if self.table is not None and axis.name in self.table.columns:
                msg = f"parameter {axis.name!r} is a column of {self.table.name} and given besides: leave one of them out"
                raise ParameterError(msg)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _segment_document(segment: Segment) -> dict[str, object]:
    return {"form": segment.form} if segment.form is not None else {"values": [plain(value) for value in segment.values]}


def _axis(document: Mapping[str, Any], seed: int) -> Axis:
    name = str(document["name"])
    segments = []
    for one in document["segments"]:
        form = one.get("form")
        values = read_form(form, name, seed) if form is not None else list(one["values"])
        if values is None:
            msg = f"{form!r} is no form"
            raise ValueError(msg)
        segments.append(Segment(values, form))
    return Axis(name, tuple(segments), {})
