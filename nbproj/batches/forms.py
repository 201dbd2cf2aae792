"""The short forms that stand for several values of a parameter: `range(20)`, `logspace(-4, 0, 10)`, `choice(a, b)`, `uniform(0, 1, 50)`.

A form is known by its text alone, so that the size of a space can be told before anything is read. Its values are made when they are asked for, by
their number: a million of them costs nothing, and the fifth sample of a random form is the same however many are drawn.
"""

from __future__ import annotations

import ast
import hashlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, overload

from nbproj.project.conversion import shown

__all__ = ["FORMS", "FormError", "literal", "read_form"]

_CALL: Final = re.compile(r"\s*([a-z]+)\s*\((.*)\)\s*", re.DOTALL)
_INTEGER: Final = re.compile(r"[+-]?\d+(_\d+)*", re.ASCII)
_OPENING: Final = "([{"
_CLOSING: Final = ")]}"
MAXIMUM_COUNT: Final = 10_000_000


class FormError(ValueError):
    """A text has the name of a form, and not its arguments."""


@dataclass(frozen=True, slots=True)
class _Made(Sequence[object]):
    """Values by their number.

    Parameters
    ----------
    length : int
        How many.
    value : callable
        Makes one.
    """

    length: int
    value: Callable[[int], object]

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> object: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[object]: ...
    def __getitem__(self, index: int | slice) -> object:
        if isinstance(index, slice):
            return [self.value(number) for number in range(*index.indices(self.length))]
        return self.value(range(self.length)[index])


def read_form(text: str, name: str, seed: int) -> Sequence[object] | None:
    """Return the values that a text stands for, or None when it is an ordinary value.

    Parameters
    ----------
    text : str
        What was given for a parameter.
    name : str
        The parameter: two random ones with the same bounds get different samples.
    seed : int
        Of the random forms.

    Raises
    ------
    FormError
        It has the name of a form, and its arguments mean nothing.

    Examples
    --------
    >>> list(read_form("linspace(0, 1, 3)", "alpha", 0)), list(read_form("choice(a, 'b, c')", "model", 0)), read_form("0.5", "alpha", 0)
    ([0.0, 0.5, 1.0], ['a', 'b, c'], None)
    >>> uniform = read_form("uniform(0, 1, 100)", "alpha", 7)
    >>> uniform[:3] == read_form("uniform(0, 1, 3)", "alpha", 7)[:]
    True
    """
    call = _CALL.fullmatch(text)
    if call is None or call[1] not in FORMS:
        return None
    parts = _split(call[2])
    if parts is None:  # brackets or quotes that do not match: prose that begins like a form
        return None
    return FORMS[call[1]](parts, f"{seed}\0{name}")


def literal(text: str) -> str:
    """Return how a text is written that looks like a form, and is meant as it stands.

    Examples
    --------
    >>> literal("range(20)")
    "choice('range(20)')"
    """
    return f"choice({text!r})"


def _split(text: str) -> list[str] | None:
    """Return the arguments, as they are written; None when brackets or quotes are left open."""
    parts, part, quote, depth, escaped = [], "", "", 0, False
    for character in text:
        if quote:
            quote = "" if character == quote and not escaped else quote
            escaped = character == "\\" and not escaped
        elif character in "'\"" and not part.strip():
            quote = character
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
            if depth < 0:
                return None
        elif character == "," and not depth:
            parts.append(part.strip())
            part = ""
            continue
        part += character
    if quote or depth:
        return None
    return [*parts, part.strip()] if parts or part.strip() else []


def _range(parts: list[str], _stream: str) -> Sequence[object]:
    if not 1 <= len(parts) <= 3 or not all(_INTEGER.fullmatch(part) for part in parts):  # noqa: PLR2004 - as Python's
        msg = "range takes one to three whole numbers: range(stop), range(start, stop), range(start, stop, step)"
        raise FormError(msg)
    numbers = [int(part) for part in parts]
    if numbers[2:] == [0]:
        msg = "the step of a range is not 0"
        raise FormError(msg)
    return range(*numbers)


def _choice(parts: list[str], _stream: str) -> Sequence[object]:
    if not parts or not all(parts):
        msg = "choice takes the values themselves: choice(a, b, 'c d')"
        raise FormError(msg)
    return [_unquoted(part) for part in parts]


def _unquoted(part: str) -> str:
    if part[0] not in "'\"":
        return part
    try:
        return str(ast.literal_eval(part))
    except (ValueError, SyntaxError):
        msg = f"{shown(part)} is not a text in quotes"
        raise FormError(msg) from None


def _linspace(parts: list[str], _stream: str) -> Sequence[object]:
    start, stop, count = _bounds("linspace", "(start, stop, count)", parts)
    return _Made(count, lambda number: _between(start, stop, number, count))


def _logspace(parts: list[str], _stream: str) -> Sequence[object]:
    start, stop, count = _bounds("logspace", "(first exponent, last exponent, count), as numpy's", parts)
    for exponent in (start, stop):
        if not math.isfinite(_power(exponent)):
            msg = f"10 to the power of {exponent:g} is too large a number: logspace takes exponents, logspace(-4, 0, 5) is 0.0001 to 1"
            raise FormError(msg)
    return _Made(count, lambda number: _rounded(_power(_between(start, stop, number, count))))


def _rounded(value: float) -> float:
    """Return a value without its last digit, in which the mathematics of two machines may differ: their points are the same points."""
    return float(f"{value:.15g}")


def _power(exponent: float) -> float:
    try:
        return float(10.0**exponent)
    except OverflowError:
        return math.inf


def _between(start: float, stop: float, number: int, count: int) -> float:
    if number == count - 1 and count > 1:
        return stop
    return start + number * ((stop - start) / (count - 1)) if count > 1 else start


def _uniform(parts: list[str], stream: str) -> Sequence[object]:
    low, high, count = _bounds("uniform", "(low, high, count)", parts, ordered=True)
    return _Made(count, lambda number: low + (high - low) * _sample(stream, number))


def _loguniform(parts: list[str], stream: str) -> Sequence[object]:
    low, high, count = _bounds("loguniform", "(low, high, count)", parts, ordered=True)
    if low <= 0:
        msg = "loguniform takes bounds above 0, the values themselves and not their exponents: loguniform(0.0001, 1, 20)"
        raise FormError(msg)
    return _Made(count, lambda number: _rounded(math.exp(math.log(low) + (math.log(high) - math.log(low)) * _sample(stream, number))))


def _normal(parts: list[str], stream: str) -> Sequence[object]:
    mean, deviation, count = _bounds("normal", "(mean, standard deviation, count)", parts)
    if deviation <= 0:
        msg = "the standard deviation of normal is above 0"
        raise FormError(msg)
    distribution = NormalDist(mean, deviation)
    return _Made(count, lambda number: _rounded(distribution.inv_cdf(_sample(stream, number))))


def _sample(stream: str, number: int) -> float:
    """Return the n-th number between 0 and 1, both left out, of a stream: the same on every machine, whatever was drawn before it."""
    drawn = hashlib.sha256(f"{stream}\0{number}".encode("utf-8", "surrogatepass")).digest()
    return ((int.from_bytes(drawn[:8]) >> 12) + 0.5) / (1 << 52)


def _bounds(form: str, takes: str, parts: list[str], *, ordered: bool = False) -> tuple[float, float, int]:
    """Return two numbers and a count."""
    msg = f"{form} takes three numbers: {form}{takes}"
    if len(parts) != 3:  # noqa: PLR2004 - as it says
        raise FormError(msg if len(parts) != 2 else f"{msg}; say how many values, as in {form}({parts[0]}, {parts[1]}, 10)")  # noqa: PLR2004 - all but the count
    try:
        first, second = float(parts[0]), float(parts[1])
    except ValueError:
        raise FormError(msg) from None
    if not math.isfinite(first) or not math.isfinite(second):
        raise FormError(msg)
    if not _INTEGER.fullmatch(parts[2]) or not 1 <= int(parts[2]) <= MAXIMUM_COUNT:
        msg = f"the last number of {form} is how many values there are, a whole number from 1 on"
        raise FormError(msg)
    if ordered and not first < second:
        msg = f"{form} takes the lower bound first, and a higher one"
        raise FormError(msg)
    return first, second, int(parts[2])


FORMS: Final[dict[str, Callable[[list[str], str], Sequence[object]]]] = {
    "range": _range,
    "linspace": _linspace,
    "logspace": _logspace,
    "choice": _choice,
    "uniform": _uniform,
    "loguniform": _loguniform,
    "normal": _normal,
}
"""The forms by name."""
