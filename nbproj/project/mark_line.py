"""One declaration line of a cell: `%%parameters --entry train`, `# entrypoint: train --help "Train it"`, and what stands behind its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, TypeAlias

from nbproj.errors import EntryPointError, suggestion
from nbproj.project.cells import PYTHON
from nbproj.project.model import Place
from nbproj.project.names import name_problem

__all__ = ["DECLARING", "Arguments", "Declaring", "Form", "MarkLine", "entry_point_problem", "read_arguments", "read_mark_line"]

Declaring: TypeAlias = Literal["parameters", "entrypoint", "mlproject"]
Form: TypeAlias = Literal["cell magic", "line magic", "comment", "tag"]

DECLARING: Final[tuple[Declaring, ...]] = ("parameters", "entrypoint", "mlproject")
"""Names of the magics that declare; `%mlproject`, the line magic, shows the project and declares nothing."""

MAGIC: Final = re.compile(r"(%%?)(parameters|entrypoint|mlproject)(?:[ \t]+(.*))?$")
# Exactly this: `# Parameters` is what papermill injects, `# parameters of the model` is prose.
PARAMETERS_COMMENT: Final = re.compile(r"#[ \t]*parameters(?:[ \t]+(--entry\b.*))?$")
ENTRY_POINT_COMMENT: Final = re.compile(r"#[ \t]*entrypoint:(.*)$")
OPTIONS: Final = {"parameters": ("--entry",), "entrypoint": ("--help",), "mlproject": ()}
FILES: Final = (".ipynb", ".py", ".sh", ".R", ".md", ".Rmd")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What stands behind a declaration on its line.

    Parameters
    ----------
    names : tuple of str
        Entry points: those that a cell belongs to, or those that parameters are for (empty: all).
    help : str
        What the entry point does, for people.
    """

    names: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class MarkLine:
    """One declaration line.

    Parameters
    ----------
    kind : str
        `parameters`, `entrypoint` or `mlproject`.
    form : str
        `cell magic`, `line magic` or `comment`.
    text : str
        What follows the declaration's name, not yet understood: for `read_arguments`.
    """

    kind: Declaring
    form: Form
    text: str


def read_mark_line(line: str, *, first: bool = True, language: str = "python") -> MarkLine | None:
    """Return the declaration that a line is, or None.

    Parameters
    ----------
    line : str
        One line of a cell.
    first : bool
        Whether it is the first line that is not empty: only there a cell magic can stand.
    language : str
        Magics exist in Python notebooks only, comments wherever `#` begins one.

    Examples
    --------
    >>> read_mark_line("%%entrypoint train")
    MarkLine(kind='entrypoint', form='cell magic', text='train')
    >>> read_mark_line("# parameters of the model") is None
    True
    """
    line = line.strip()
    magic = MAGIC.match(line) if language in PYTHON else None
    if magic is not None:
        kind: Declaring = next(name for name in DECLARING if name == magic[2])
        is_cell_magic = magic[1] == "%%"
        if (is_cell_magic and not first) or (kind == "mlproject" and not is_cell_magic):
            return None
        return MarkLine(kind, "cell magic" if is_cell_magic else "line magic", (magic[3] or "").strip())
    comment = PARAMETERS_COMMENT.match(line)
    if comment is not None:
        return MarkLine("parameters", "comment", (comment[1] or "").strip())
    comment = ENTRY_POINT_COMMENT.match(line)
    return None if comment is None else MarkLine("entrypoint", "comment", comment[1].strip())


def read_arguments(kind: Declaring, text: str, place: Place | None = None) -> Arguments:
    r"""Return what stands behind `%%parameters`, `%%entrypoint` or `%%mlproject`, or behind the comment of the same meaning.

    `[--entry NAME]...` for parameters; `NAME... [--help TEXT]` for entry points, where TEXT is in quotation marks or goes on to the end of the line;
    nothing for `mlproject`.

    Parameters
    ----------
    kind : str
        Which of them.
    text : str
        The rest of the line.
    place : Place, optional
        Where it stands, for the error.

    Raises
    ------
    EntryPointError
        An option there is none of, a name that is none, a name twice, or no name where one belongs.

    Examples
    --------
    >>> read_arguments("entrypoint", "train eval --help Don't wait for the second one")
    Arguments(names=('train', 'eval'), help="Don't wait for the second one")
    >>> read_arguments("parameters", "--entry train")
    Arguments(names=('train',), help='')
    """
    words, help_text = _words(kind, text, place)
    for word in words:
        option = word.partition("=")[0]
        if word.startswith("-") and (option not in OPTIONS[kind] or kind == "entrypoint"):
            known = option in OPTIONS[kind]
            _refuse(kind, f"{option!r} stands twice" if known else f"unknown option {option!r}.{suggestion(option, OPTIONS[kind])}", place)
    names = words if kind == "entrypoint" else _behind_options(kind, words, place)
    if kind == "entrypoint" and not names:
        _refuse(kind, "names no entry point. Write NAME behind it", place)
    for name in names:
        problem = entry_point_problem(name)
        if problem:
            _refuse(kind, f"entry point {name!r}: a name {problem}", place)
        if names.count(name) > 1:
            _refuse(kind, f"names {name!r} twice", place)
    return Arguments(tuple(names), help_text)


def entry_point_problem(name: str) -> str:
    """Return what is wrong with the name that a notebook gives an entry point, or an empty string.

    Examples
    --------
    >>> entry_point_problem("train"), entry_point_problem("train.py")
    ('', 'may not end like a file (.py)')
    """
    problem = name_problem(name)
    if problem:
        return problem
    if name.startswith("-"):
        return "may not begin with '-'"
    suffix = next((suffix for suffix in FILES if name.endswith(suffix)), None)
    return f"may not end like a file ({suffix})" if suffix else ""


def _words(kind: Declaring, text: str, place: Place | None) -> tuple[list[str], str]:
    """Return the words of a line, and the text behind `--help`."""
    before, found, after = _split_at_help(text) if kind == "entrypoint" else (text, "", "")
    after = after.strip()
    if found and not after:
        _refuse(kind, "'--help' needs a text", place)
    quoted = re.fullmatch(r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')((?:[ \t,].*)?)", after)
    if quoted is not None:
        before, after = f"{before} {quoted[2]}", re.sub(r"\\([\"'\\])", r"\1", quoted[1][1:-1])
    words = [word for word in re.split(r"[ \t,]+", before) if word]
    return [_unquoted(word) for word in words], " ".join(after.split())


def _behind_options(kind: Declaring, words: list[str], place: Place | None) -> list[str]:
    """Return the names behind `--entry`; nothing else may stand there."""
    names: list[str] = []
    waiting = iter(words)
    for word in waiting:
        if not word.startswith("-"):
            _refuse(kind, f"{word!r} is not expected" + (". Write --entry NAME" if kind == "parameters" else ""), place)
        _, equals, value = word.partition("=")
        name = value if equals else next(waiting, "")
        if not name or name.startswith("-"):
            _refuse(kind, "'--entry' needs a name", place)
        names.append(name)
    return names


def _split_at_help(text: str) -> tuple[str, str, str]:
    found = re.search(r"(?:^|[ \t])--help(?:[ \t=]|$)", text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")


def _unquoted(word: str) -> str:
    mark = word[:1]
    return word[1:-1] if mark in {"'", '"'} and len(word) > 1 and word.endswith(mark) else word


def _refuse(kind: Declaring, problem: str, place: Place | None) -> NoReturn:
    msg = f"{kind}: {problem}"
    raise EntryPointError(msg, place=place)
