"""An axis of a space: one parameter and the values that it takes, in their order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from nbproj.batches.forms import FormError, read_form
from nbproj.errors import ParameterError
from nbproj.project.conversion import shown
from nbproj.project.names import name_problem

__all__ = ["Axis", "axes_of"]


@dataclass(frozen=True, slots=True)
class Segment:
    """Values that were given at once.

    Parameters
    ----------
    values : sequence of object
        They.
    form : str, optional
        The text that stands for them.
    """

    values: Sequence[object]
    form: str | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter and its values.

    Parameters
    ----------
    name : str
        The parameter.
    segments : tuple of Segment
        Its values, as they were given one after another.
    doubts : mapping of str to str
        What is wrong with texts that look like forms, and count as values as long as the declared type takes them.
    """

    name: str
    segments: tuple[Segment, ...]
    doubts: Mapping[str, str]

    def __len__(self) -> int:
        return sum(len(segment.values) for segment in self.segments)

    @property
    def is_distinct(self) -> bool:
        """Whether the values are known to be different ones: a range has no number twice."""
        return len(self.segments) == 1 and isinstance(self.segments[0].values, range)

    def __getitem__(self, index: int) -> object:
        for segment in self.segments:
            if index < len(segment.values):
                return segment.values[index]
            index -= len(segment.values)
        raise IndexError(index)

    def __iter__(self) -> Iterator[object]:
        for segment in self.segments:
            yield from segment.values


def axes_of(assignments: Iterable[tuple[str, object]], seed: int) -> tuple[Axis, ...]:
    """Return the axes that assignments mean, in the order in which their names come first.

    Raises
    ------
    ParameterError
        A name that no parameter can have, or an object that is no value and no list of values.

    Examples
    --------
    >>> alpha, seed = axes_of([("alpha", "0.1"), ("seed", "range(3)"), ("alpha", "0.2")], 0)
    >>> list(alpha), list(seed)
    (['0.1', '0.2'], [0, 1, 2])
    """
    segments: dict[str, list[Segment]] = {}
    doubts: dict[str, dict[str, str]] = {}
    for name, given in assignments:
        problem = name_problem(name)
        if problem:
            msg = f"parameter {shown(name)}: a name {problem}"
            raise ParameterError(msg)
        try:
            segment = _segment(given, name, seed)
        except FormError as error:
            doubts.setdefault(name, {})[str(given)] = str(error)
            segment = Segment([given])
        except ValueError as error:
            msg = f"parameter {name!r}: {error}"
            raise ParameterError(msg) from None
        segments.setdefault(name, []).append(segment)
    return tuple(Axis(name, tuple(parts), doubts.get(name, {})) for name, parts in segments.items())


def _segment(given: object, name: str, seed: int) -> Segment:
    if isinstance(given, str):
        values = read_form(given, name, seed)
        return Segment([given]) if values is None else Segment(values, given)
    return Segment(_values(given))


def _values(given: Any) -> Sequence[object]:  # noqa: ANN401 - numpy's and pandas' objects among others
    """Return the values that an object from Python means: the elements of a list, a range, an array, a column; itself if it is one value."""
    if given is None or isinstance(given, str | bytes | os.PathLike | Mapping):
        return [given]
    if isinstance(given, AbstractSet):
        msg = f"a {type(given).__name__} has no order: write a list"
        raise ValueError(msg)  # noqa: TRY004 - one kind of refusal, whatever the cause
    dimensions = getattr(given, "ndim", None)
    if dimensions is not None:
        if dimensions > 1:
            msg = f"a {type(given).__name__} of {dimensions} dimensions is no list of values. Write a list of lists, or hand over a table as rows"
            raise ValueError(msg)
        listed = given.tolist() if hasattr(given, "tolist") else list(given)
        return list(listed) if dimensions else [listed]
    if isinstance(given, range | list | tuple):
        return given
    return list(given) if isinstance(given, Iterable) else [given]
