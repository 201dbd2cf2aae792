"""What a declaration admits among the values of its type: choices, bounds, and NaN or infinities only where it names them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from nbproj.project.conversion import shown
from nbproj.project.model import REQUIRED, Parameter

__all__ = ["check_limits"]


def check_limits(parameter: Parameter, value: object) -> None:
    """Refuse a value of the right type that is not among the choices, out of bounds, or not finite where that is not declared.

    The choices and bounds of a `list` are those of its elements.

    Parameters
    ----------
    parameter : Parameter
        The declaration.
    value : object
        As `conversion.convert` returned it.

    Raises
    ------
    ValueError
        The message begins with the value.

    Examples
    --------
    >>> check_limits(Parameter("alpha", "float", min=0, max=1), 0.5)
    """
    for number in _floats(value):
        if not math.isfinite(number) and not _mentioned(parameter, number):
            msg = f"{shown(number)} is not a finite number, and the declaration names none"
            raise ValueError(msg)
    if value is None:
        return
    for element in value if isinstance(value, list) else (value,):
        if parameter.choices and not any(_same(element, choice) for choice in parameter.choices):
            msg = f"{shown(element)} is not one of {', '.join(shown(choice) for choice in parameter.choices)}"
            raise ValueError(msg)
        if isinstance(element, int | float) and not isinstance(element, bool):
            _check_bounds(parameter, element)


def _check_bounds(parameter: Parameter, number: float) -> None:
    if parameter.min is not None and number < parameter.min:
        msg = f"{shown(number)} is less than {parameter.min:g}"
        raise ValueError(msg)
    if parameter.max is not None and number > parameter.max:
        msg = f"{shown(number)} is more than {parameter.max:g}"
        raise ValueError(msg)


def _same(one: object, other: object) -> bool:
    # True is 1 in Python, and not in a declaration.
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return one == other or both_nan


def _mentioned(parameter: Parameter, number: float) -> bool:
    """Whether the declaration itself holds a NaN (for a NaN) or an infinity (for an infinity)."""
    default = None if parameter.default is REQUIRED else parameter.default
    test = math.isnan if math.isnan(number) else math.isinf
    return any(test(other) for other in _floats([default, *parameter.choices, parameter.min, parameter.max]))


def _floats(value: object) -> Iterator[float]:
    """Give every float in a value, also in what it holds."""
    waiting = [value]
    seen: set[int] = set()  # a list of the caller's may hold itself
    while waiting:
        one = waiting.pop()
        if isinstance(one, float):
            yield one
        elif isinstance(one, list | tuple | Mapping) and id(one) not in seen:
            seen.add(id(one))
            waiting.extend(one.values() if isinstance(one, Mapping) else one)
