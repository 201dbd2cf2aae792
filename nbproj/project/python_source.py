"""Python source that is read and never run: cells with IPython's own syntax in them, scripts, files of any origin."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Final

__all__ = ["parse_python"]

MAXIMUM_CHARACTERS: Final = 5_000_000
# %magic, !command, ?help; a cell magic's body is of another language unless it is one of these.
SPECIAL: Final = re.compile(r"^([ \t]*)(?:[%!?].*|\w[\w.]*\?{1,2}[ \t]*|\w+[ \t]*=[ \t]*[%!].*)$", re.MULTILINE)
CELL_MAGIC: Final = re.compile(r"\s*%%(\w+)[^\n]*")
PYTHON_MAGICS: Final = frozenset({"capture", "parameters", "prun", "time", "timeit"})


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
    if len(source) > MAXIMUM_CHARACTERS:
        msg = "too large to be read"
        raise SyntaxError(msg)
    magic = CELL_MAGIC.match(source)
    if magic:
        source = f"pass{source[magic.end() :]}" if magic[1] in PYTHON_MAGICS else ""
        source = "\n" * magic[0].count("\n") + source
    try:
        return _parsed(source)
    except SyntaxError:
        return _parsed(SPECIAL.sub(r"\1pass", source))


def _parsed(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is its author's business
            return ast.parse(source)
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL character; nested too deep
        raise SyntaxError(str(error)) from None
