"""Whether an undeclared parameter is meant to be a declared one: strict enough that `x2` beside `x1` passes, and `aplha` for `alpha` does not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

__all__ = ["misspelled"]

NEAR: Final = 0.75


def misspelled(name: str, declared: Iterable[str]) -> bool:
    """Return whether a name is probably one of the declared ones, written wrongly.

    Parameters
    ----------
    name : str
        An undeclared name.
    declared : iterable of str
        Declared names that were not given.

    Examples
    --------
    >>> misspelled("aplha", ["alpha"]), misspelled("x2", ["x1"]), misspelled("learning-rate", ["learning_rate"])
    (True, False, True)
    """
    return any(_near(name, other) for other in declared)


def _near(name: str, other: str) -> bool:
    one, two = (re.sub(r"[-_.]", "", text).casefold() for text in (name, other))
    if one == two:
        return True
    if re.sub(r"\d+", "0", one) == re.sub(r"\d+", "0", two):  # numbered on purpose: layer_1, layer_2
        return False
    return difflib.SequenceMatcher(None, one, two).ratio() >= NEAR
