"""`%%parameters`, `%%entrypoint` and their line forms in a live session: input transforms, which leave ordinary cells.

A declaration line becomes a comment, so that every other line keeps its number, and the cell keeps all that an ordinary cell can do. What the
declaration says is checked when the cell has run, by the same rules that a run applies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from nbproj.errors import UsageError

if TYPE_CHECKING:
    from nbproj.project.marks import Declaring, Mark

__all__ = ["ENTRY_POINT_HELP", "PARAMETERS_HELP", "check_values", "declaration", "transform"]

# What a first line that declares something begins with; whether it does, project.marks says.
MAYBE: Final = re.compile(r"\s*(?:%%?(?:parameters|entrypoint)\b|#[ \t]*(?:parameters|entrypoint)\b)")

PARAMETERS_HELP: Final = """Declare that a cell's assignments are parameters.

%%parameters [--entry NAME]...

The first line of a cell; `%parameters` and the comment `# parameters` mean the same. The cell is an ordinary cell otherwise. Each assignment is a
parameter: its type is the annotation's, else the literal's, and the comment behind it is its help.

    %%parameters
    alpha: float = 0.5                      # how much to regularise
    solver: Literal["lbfgs", "saga"] = "lbfgs"
    data: Path = "wine.csv"

--entry NAME: parameters of this entry point alone. When the cell has run, every value is checked against its declaration.
"""

ENTRY_POINT_HELP: Final = """Declare that a cell belongs to an entry point.

%%entrypoint NAME... [--help TEXT]

The first line of a cell; `%entrypoint NAME` and the comment `# entrypoint: NAME` mean the same. The cell is an ordinary cell otherwise. `%mlrun -e
NAME` runs the cells without a mark and those of NAME, in their order.

    %%entrypoint train --help "Train the model and keep it"
    model = train(alpha)
"""


def declaration(kind: Declaring, line: str) -> None:
    """Say what is wrong with a declaration that no cell's first line holds, or holds in a way that is not understood.

    Parameters
    ----------
    kind : str
        `parameters` or `entrypoint`.
    line : str
        What stands behind it.

    Raises
    ------
    EntryPointError
        The line is not understood.
    UsageError
        It is, and stands where it declares nothing.
    """
    from nbproj.project.marks import read_arguments

    read_arguments(kind, line.strip())
    msg = f"%{kind} declares nothing here: write it as the first line of a cell"
    raise UsageError(msg)


def transform(lines: list[str]) -> list[str]:
    r"""Return the lines of a cell with its declaration lines as comments: an input transform of IPython.

    What is not understood is left as it is: the magic of that name then says what is wrong.

    Parameters
    ----------
    lines : list of str
        With their line ends.

    Examples
    --------
    >>> transform(["%%entrypoint train\n", "await fit()\n"])
    ['# %%entrypoint train\n', 'await fit()\n']
    >>> transform(["%entrypoint train\n", "%%time\n", "fit()\n"])
    ['%%time\n', 'fit()\n']
    """
    if not lines or not MAYBE.match(lines[0]):
        return lines
    mark = _mark("".join(lines))
    if mark is None or mark.kind not in {"parameters", "entrypoint"}:
        return lines
    last = max(mark.lines)
    declaring = [lines[number - 1] for number in mark.lines]
    below = next((number for number in range(last, len(lines)) if lines[number].strip()), last)
    if lines[below:] and lines[below].startswith("%%") and all(line.startswith("%") for line in declaring):
        return lines[below:]  # a cell magic is one on the first line only
    if mark.kind == "parameters":
        from nbproj.project.neutral import neutralised

        return neutralised("".join(lines), mark).splitlines(keepends=True)
    return [f"# {line}" if number in mark.lines and line.startswith("%") else line for number, line in enumerate(lines, start=1)]


def _mark(source: str) -> Mark | None:
    from nbproj.errors import NbprojError
    from nbproj.project.marks import read_mark

    try:
        return read_mark(source)
    except NbprojError:
        return None


def check_values(source: str, names: Mapping[str, object], where: str) -> None:
    """Refuse values that the declarations of a cell do not admit, when it has run.

    Parameters
    ----------
    source : str
        The cell as the user wrote it.
    names : mapping of str to object
        The notebook's names.
    where : str
        The cell, for the error.

    Raises
    ------
    EntryPointError
        A declaration is wrong, or a value is not what it says.
    """
    if not MAYBE.match(source.lstrip("\n")):
        return
    mark = _mark(source)
    if mark is not None and mark.kind == "parameters":
        from nbproj.magics.validation import check_parameters

        check_parameters(source, mark, names, where)
