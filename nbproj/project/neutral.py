r"""The source of a cell as a kernel gets it: what only declares is made inert, every line keeps its number (contract, section 8, "Executed").

The environment of a run needs its kernel and nothing of ours: neither the magics, nor what a parameter's annotation names. What is left is the
author's code, character for character.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from typing import Final

from nbproj.project.cells import PYTHON
from nbproj.project.marks import UNMARKED, Mark
from nbproj.project.python_source import PYTHON_MAGICS, python_of

__all__ = ["body", "has_foreign_magic", "inert_lines", "neutralised", "runs_ours"]

EXTENSION: Final = re.compile(r"(\s*)%(load_ext|reload_ext|unload_ext)\s+nbproj\s*(#.*)?$")
# They show something to whoever sits before the notebook; nobody does.
SHOWN: Final = re.compile(r"(\s*)%(mlproject|mlruns)\b")
# They run something, and do so in a run, too, where nbproj can be imported.
WORKING: Final = re.compile(r"^[^#\n]*%%?(mlrun|mlbatch|mlform)\b", re.MULTILINE)
CELL_MAGIC: Final = re.compile(r"\s*%%(\w+)")
IF_THERE: Final = '__import__("importlib.util").util.find_spec("nbproj") and get_ipython().run_line_magic("load_ext", "nbproj")'


def runs_ours(source: str) -> bool:
    """Return whether a cell uses a magic of ours that does something in a run: `%mlrun`, `%mlbatch`, `%mlform`."""
    return WORKING.search(source) is not None


def body(source: str, mark: Mark) -> str:
    r"""Return a cell without its declaration lines, which are left empty.

    Examples
    --------
    >>> from nbproj.project.marks import read_mark
    >>> body("%parameters\na = 1", read_mark("%parameters\na = 1"))
    '\na = 1'
    """
    lines = source.split("\n")
    for number in mark.lines:
        lines[number - 1] = ""
    return "\n".join(lines)


def has_foreign_magic(source: str) -> bool:
    r"""Return whether a cell without its declaration lines begins with another cell magic: nothing may stand above that.

    Examples
    --------
    >>> has_foreign_magic("\n%%time\nx = 1"), has_foreign_magic("x = 1")
    (True, False)
    """
    return CELL_MAGIC.match(source) is not None


def neutralised(source: str, mark: Mark = UNMARKED, *, language: str = "python", load: bool = False) -> str:
    r"""Return the source of a code cell with our declarations made inert, line by line.

    Declaration lines become comments; `%load_ext nbproj` and the magics that only show something become `pass`; the annotations of parameters become
    blanks, so that `alpha: Literal["a"] = "a"` needs no import.

    Parameters
    ----------
    source : str
        The cell.
    mark : Mark
        What it says about itself.
    language : str
        The notebook's language. Only Python cells hold something of ours besides comments.
    load : bool
        Another cell uses a magic of ours that works in a run: `%load_ext nbproj` then loads it where it can be imported.

    Returns
    -------
    str
        As many lines as before, and in them everything where it was.

    Examples
    --------
    >>> from nbproj.project.marks import read_mark
    >>> source = "%parameters\nalpha: float = 1.0  # strength\nx: T"
    >>> print(neutralised(source, read_mark(source)))
    # %parameters
    alpha        = 1.0  # strength
    pass
    """
    if language not in PYTHON:
        return source
    lines = source.split("\n")
    plain = body(source, mark)
    foreign = CELL_MAGIC.match(plain)
    for number in mark.lines:
        # Another cell magic below must come to stand at the top of the cell: only empty lines may be above it.
        lines[number - 1] = "" if foreign else _comment(lines[number - 1])
    if foreign is None or foreign[1] in PYTHON_MAGICS:
        for number, text in inert_lines(plain, load=load):
            lines[number] = text
        if mark.kind == "parameters":
            _blank_annotations(lines, plain)
    return "\n".join(lines)


def _comment(line: str) -> str:
    text = line.strip()
    return line if text.startswith("#") else f"# {text}"


def inert_lines(source: str, *, load: bool) -> Iterator[tuple[int, str]]:
    r"""Give the lines of a cell that must not reach the kernel, counted from 0, and what stands in their place.

    Examples
    --------
    >>> list(inert_lines("import x\n%load_ext nbproj", load=False))
    [(1, 'pass  # %load_ext nbproj')]
    """
    if "nbproj" not in source and "%ml" not in source:
        return
    quoted: set[int] | None = None
    lines = source.split("\n")
    index = 0
    while index < len(lines):
        extension = EXTENSION.match(lines[index])
        found = extension or SHOWN.match(lines[index])
        if quoted is None and found:
            quoted = _quoted_lines(source)
        if not found or index in (quoted or ()):
            index += 1
            continue
        loads = load and extension is not None and extension[2] != "unload_ext"
        yield index, f"{found[1]}{IF_THERE if loads else f'pass  # {lines[index].strip()}'}"
        while lines[index].endswith("\\") and index + 1 < len(lines):  # IPython joins such lines
            index += 1
            yield index, f"# {lines[index].strip()}"
        index += 1


def _quoted_lines(source: str) -> set[int]:
    """Return the lines, counted from 0, that continue a text of several lines: what looks like a magic there is none."""
    try:
        python, _tree = python_of(source)
    except SyntaxError:
        return set()
    return {line for token in _tokens(python) if token.type in _TEXTS for line in range(token.start[0], token.end[0])}


# From Python 3.12 on an f-string is several tokens, its literal parts among them.
_TEXTS: Final = frozenset({tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1), getattr(tokenize, "TSTRING_MIDDLE", -1)})


def _tokens(source: str) -> list[tokenize.TokenInfo]:
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            found.append(token)  # noqa: PERF402 - what came before an error is kept
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def _blank_annotations(lines: list[str], source: str) -> None:
    """Replace the annotations of top-level assignments by blanks, and an annotation alone by `pass`."""
    try:
        python, tree = python_of(source)
    except SyntaxError:
        return  # whoever reads the declarations says what is wrong
    annotated = [node for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    if not annotated:
        return
    tokens = _tokens(python)
    texts = python.split("\n")
    # From the end, so that what is replaced by something longer moves nothing that is still to come.
    for node in reversed(annotated):
        start, end = _position(texts, node.lineno, node.col_offset), _position(texts, node.end_lineno or 0, node.end_col_offset or 0)
        colon, equals = _colon_and_equals(token for token in tokens if start <= token.start and token.end <= end)
        if colon is None:
            continue
        if equals is None:
            _blank(lines, start, end, "pass")
        else:
            _blank(lines, colon, equals, "")


def _position(lines: list[str], line: int, column: int) -> tuple[int, int]:
    """Return the position of a node as tokens count it: in characters, where the tree counts bytes."""
    return line, len(lines[line - 1].encode()[:column].decode(errors="replace"))


def _colon_and_equals(tokens: Iterable[tokenize.TokenInfo]) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Return where the annotation of a statement begins, and where its value does."""
    colon: tuple[int, int] | None = None
    depth = 0
    for token in tokens:
        if token.type != tokenize.OP:
            continue
        if token.string in "([{":
            depth += 1
        elif token.string in ")]}":
            depth -= 1
        elif depth == 0 and token.string == ":" and colon is None:
            colon = token.start
        elif depth == 0 and token.string == "=" and colon is not None:
            return colon, token.start
    return colon, None


def _blank(lines: list[str], start: tuple[int, int], end: tuple[int, int], text: str) -> None:
    """Put a text and blanks in place of what stands between two positions; over several lines it stays one statement."""
    (first, left), (last, right) = start, end
    for number in range(first, last + 1):
        line = lines[number - 1]
        begin, stop = left if number == first else 0, right if number == last else len(line.rstrip("\r"))
        blank = (text if number == first else "").ljust(stop - begin)
        if number < last:
            blank = (blank.removesuffix(" ")) + "\\"
        lines[number - 1] = line[:begin] + blank + (line[stop:] if number == last else "")
