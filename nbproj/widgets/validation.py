"""What a form holds, checked as it is typed: by the same rules, and in the same words, as on the command line."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from nbproj.batches.forms import FormError, read_form
from nbproj.project.model import EntryPoint, Parameter
from nbproj.project.parameters import examine
from nbproj.widgets.several import values_of

__all__ = ["NEEDED", "Checked", "check_one", "check_values", "problem_of"]

NEEDED: Final = "a value is needed"
_LOOKED_AT: Final = 1000
"""Values of a batch that are checked as one types; the rest is checked before anything runs."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out of a check.

    Parameters
    ----------
    values : mapping of str to object
        What a notebook would receive, of those parameters that are right. Secrets are not among them.
    problems : mapping of str to str
        What is wrong, by the name of the parameter.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def check_one(parameter: Parameter, given: Mapping[str, object], entry_point: EntryPoint, *, base: Path, root: Path) -> tuple[dict[str, object], str]:
    """Return the value of one parameter, by its name, and what is wrong with it; an empty text when nothing is.

    Parameters
    ----------
    parameter : Parameter
        The declaration.
    given : mapping of str to object
        The caller's values; those of other parameters are not looked at.
    entry_point : EntryPoint
        What declares it.
    base, root : Path
        Where the caller's paths and those of the project start.

    Examples
    --------
    >>> alpha = Parameter("alpha", "float", max=1.0)
    >>> check_one(alpha, {"alpha": "2"}, EntryPoint("main", [alpha]), base=Path(), root=Path())
    ({}, '2.0 is more than 1')
    >>> check_one(alpha, {}, EntryPoint("main", [alpha]), base=Path(), root=Path())
    ({}, 'a value is needed')
    """
    name = parameter.name
    alone = dataclasses.replace(entry_point, parameters=[parameter])
    mine = {name: given[name]} if name in given else {}
    resolved, problems = examine(alone, mine, base=base, root=root)
    if problems and not mine and parameter.required:
        return {}, NEEDED
    return dict(resolved.values), problems[0].removeprefix(f"parameter {name!r}: ") if problems else ""


def problem_of(parameter: Parameter, text: str, entry_point: EntryPoint, *, base: Path, root: Path) -> str:
    """Return what is wrong with several values, in the words of a single one; an empty text when nothing is.

    Examples
    --------
    >>> alpha = Parameter("alpha", "float")
    >>> problem_of(alpha, "0.1, high", EntryPoint("main", [alpha]), base=Path(), root=Path())
    "'high' is not a float"
    """
    try:
        given = values_of(text, parameter.name)
        values: Sequence[object] | None = read_form(given, parameter.name, 0) if isinstance(given, str) else given
    except FormError as error:
        return str(error)
    if not values:
        return NEEDED
    for value in itertools.islice(values, _LOOKED_AT):
        _, problem = check_one(parameter, {parameter.name: value}, entry_point, base=base, root=root)
        if problem:
            return problem
    return ""


def check_values(
    entry_point: EntryPoint, given: Mapping[str, object], several: Mapping[str, str] = MappingProxyType({}), *, base: Path, root: Path | None
) -> Checked:
    """Return the values of all parameters and all that is wrong.

    Parameters
    ----------
    entry_point : EntryPoint
        The declaration.
    given : mapping of str to object
        The caller's values; what is not among them has its default.
    several : mapping of str to str
        Texts that stand for several values each.
    base : Path
        Where the caller's paths start.
    root : Path, optional
        The project's folder. Without one, of a project that is not on this machine, defaults are taken as they are written.

    Examples
    --------
    >>> point = EntryPoint("main", [Parameter("alpha", "float"), Parameter("seed", "int", default=1)])
    >>> check_values(point, {"alpha": "high"}, base=Path(), root=Path())
    Checked(values={'seed': 1}, problems={'alpha': "'high' is not a float"})
    """
    values: dict[str, object] = {}
    problems: dict[str, str] = {}
    for parameter in entry_point.parameters:
        if parameter.name in several:
            found, problem = {}, problem_of(parameter, several[parameter.name], entry_point, base=base, root=root or base)
        elif root is None and parameter.name not in given and not parameter.required:
            found, problem = ({} if parameter.secret else {parameter.name: parameter.default}), ""
        else:
            found, problem = check_one(parameter, given, entry_point, base=base, root=root or base)
        values |= found if not problem else {}
        if problem:
            problems[parameter.name] = problem
    return Checked(values, problems)
