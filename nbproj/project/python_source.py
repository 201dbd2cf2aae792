"""Python source that is read and never run: cells with IPython's own syntax in them, scripts, files of any origin."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Final

__all__ = ["parse_python", "python_of"]

MAXIMUM_CHARACTERS: Final = 5_000_000
# %magic, !command, ?help; a cell magic's body is of another language unless it is one of these.
SPECIAL: Final = re.compile(r"^([ \t]*)(?:[%!?].*|\w[\w.]*\?{1,2}[ \t]*|\w+[ \t]*=[ \t]*[%!].*)$", re.MULTILINE)
CELL_MAGIC: Final = re.compile(r"\s*%%(\w+)[^\n]*")
PYTHON_MAGICS: Final = frozenset({"capture", "entrypoint", "parameters", "prun", "time", "timeit"})


def parse_python(source: str) -> ast.Module:
    r"""Return the syntax tree of Python source, IPython's syntax replaced by `pass` where it keeps the source from being Python.

    Lines keep their numbers. Nothing is executed, no warning is given.

    Parameters
    ----------
    source : str
        A script, or a cell.

    Raises
    ------
    SyntaxError
        It is not Python, or too large or too deep to be read.

    Examples
    --------
    >>> [type(node).__name__ for node in parse_python("%matplotlib inline\nx = 1").body]
    ['Pass', 'Assign']
    """
    return python_of(source)[1]


def python_of(source: str) -> tuple[str, ast.Module]:
    """Return what of a source is Python, with as many lines, and its syntax tree.

    Raises
    ------
    SyntaxError
        As `parse_python`.
    """
    if len(source) > MAXIMUM_CHARACTERS:
        msg = "too large to be read"
        raise SyntaxError(msg)
    magic = CELL_MAGIC.match(source)
    if magic:
        rest = source[magic.end() :]
        source = "\n" * magic[0].count("\n") + (f"pass{rest}" if magic[1] in PYTHON_MAGICS else "\n" * rest.count("\n"))
    try:
        return source, _parsed(source)
    except SyntaxError:
        plain = SPECIAL.sub(r"\1pass", source)
        return plain, _parsed(plain)


def _parsed(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is its author's business
            return ast.parse(source)
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL character; nested too deep
        raise SyntaxError(str(error)) from None
