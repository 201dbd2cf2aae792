"""Annotations of parameters that a plain Run All can read: what names something that no import has bound becomes a text of the same meaning."""

from __future__ import annotations

import ast
from collections.abc import Collection

from nbproj.project.bindings import read_bindings
from nbproj.project.python_source import python_of

__all__ = ["with_quoted_annotations"]


def with_quoted_annotations(source: str, bound: Collection[str]) -> str:
    r"""Return a parameters cell whose annotations need no name that is not bound when they are reached.

    `Literal["a"]` becomes `'Literal["a"]'`, which Python does not look into, and which declares the same.

    Parameters
    ----------
    source : str
        The cell, without its declaration lines.
    bound : collection of str
        What the cells above bind, and what is built in.

    Examples
    --------
    >>> with_quoted_annotations('n: int = 1\nmode: Literal["a", "b"] = "a"  # which', {"int"})
    'n: int = 1\nmode: \'Literal["a", "b"]\' = "a"  # which'
    """
    try:
        python, tree = python_of(source)
    except SyntaxError:
        return source
    texts = python.split("\n")
    lines = source.split("\n")
    for node in reversed(tree.body):
        if not isinstance(node, ast.AnnAssign):
            continue
        names = {inner.id for inner in ast.walk(node.annotation) if isinstance(inner, ast.Name)} - set(bound)
        if not names or names <= read_bindings("\n".join(lines[: node.lineno - 1])).binds:
            continue
        one = node.annotation
        first, last = one.lineno - 1, (one.end_lineno or one.lineno) - 1
        left, right = _column(texts[first], one.col_offset), _column(texts[last], one.end_col_offset or 0)
        written = texts[first][left:right] if first == last else ast.unparse(one)
        lines[first : last + 1] = [lines[first][:left] + repr(written) + lines[last][right:]]
    return "\n".join(lines)


def _column(line: str, offset: int) -> int:
    """Return the column of a node in characters, where the tree counts bytes."""
    return len(line.encode()[:offset].decode(errors="replace"))
