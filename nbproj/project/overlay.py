"""Two declarations of one parameter: the first decides, the second fills in what it leaves open (contract, section 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nbproj.errors import EntryPointError
from nbproj.project.conversion import convert
from nbproj.project.limits import check_limits
from nbproj.project.model import REQUIRED, Parameter, Place

__all__ = ["overlaid"]


def overlaid(first: Sequence[Parameter], second: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Return the parameters of both, each name once.

    Parameters
    ----------
    first : sequence of Parameter
        The declarations that win.
    second : sequence of Parameter
        Those that give a default or a help text where the first have none, and the names that the first leave out.

    Raises
    ------
    EntryPointError
        A default of the second does not fit the type of the first.

    Examples
    --------
    >>> overlaid([Parameter("alpha", "float")], [Parameter("alpha", "int", default=1, default_text="1")])[0].default
    1.0
    """
    others = {parameter.name: parameter for parameter in second}
    merged = [_filled(parameter, others.pop(parameter.name)) if parameter.name in others else parameter for parameter in first]
    return (*merged, *others.values())


def _where(place: Place | None) -> str:
    if place is None or place.cell is None:
        return "the MLproject file" if place is None or place.file.lower() == "mlproject" else str(place)
    return f"cell {place.cell}" + (f", line {place.line}," if place.line is not None else "")


def _filled(parameter: Parameter, other: Parameter) -> Parameter:
    first = parameter
    parameter = replace(parameter, help=parameter.help or other.help)
    if parameter.default is not REQUIRED or parameter.secret:
        return parameter
    if parameter.type == "string" and not isinstance(other.default, str) and other.default is not REQUIRED and other.default is not None:
        # A declaration without a type is a string's: it is not meant to make a text of the notebook's number.
        parameter = replace(parameter, type=other.type, item=other.item)
    if other.default is REQUIRED:
        # Only the notebook knows how to make the value: it is left alone unless one is given.
        return replace(parameter, optional=parameter.optional or other.optional, default_text=other.default_text)
    if other.default is None:
        return replace(parameter, default=None, optional=True)
    try:
        value = convert(parameter, other.default)
        check_limits(parameter, value)
    except ValueError as error:
        msg = f"parameter {parameter.name!r}: default {error} ({_where(first.declared)} declares it {parameter.type})"
        raise EntryPointError(msg, place=other.declared) from None
    # The default's place says which folder a relative path starts from: the notebook's.
    return replace(parameter, default=value, default_text=other.default_text, declared=other.declared)
