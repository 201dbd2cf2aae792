"""The names of parameters: letters, digits, `_`, `-`, `.`, wherever they enter (contract, section 4)."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["name_problem"]

MAXIMUM_LENGTH: Final = 250  # of a parameter's name in MLflow's store
NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")


def name_problem(name: str) -> str:
    """Return what is wrong with the name of a parameter, or an empty string.

    Examples
    --------
    >>> name_problem("learning-rate"), name_problem("a b")
    ('', "may hold letters, digits, '_', '-' and '.' only")
    """
    if not NAME.fullmatch(name):
        return "may hold letters, digits, '_', '-' and '.' only" if name else "is empty"
    if name == "." or name.startswith(".."):
        return "may not be '.' or begin with '..': the tracking store refuses it"
    return "" if len(name) <= MAXIMUM_LENGTH else f"is longer than {MAXIMUM_LENGTH} characters"
