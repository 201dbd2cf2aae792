r"""What a cell says about itself, by its first lines and its tags: it holds parameters, belongs to an entry point, is project YAML, is skipped.

Four forms mean the same (contract, section 8): a cell magic (`%%parameters`), a line magic (`%parameters`), a comment (`# parameters`), a tag
(`parameters`). The declaration lines are the first lines of a cell that are not empty; several may follow each other, and what they and the tags say
adds up: a cell that is both `parameters` and `entrypoint:train` holds parameters of `train` alone, as `%%parameters --entry train` says in one line.

Two readers share this module, and it imports neither's world. Whoever reads a saved notebook asks for a whole cell::

    mark = read_mark(source, tags, language="python", place=Place("train.ipynb", cell=3))
    mark.kind, mark.names, mark.help, mark.lines

Whoever implements the magics has the magic's name and the rest of its line, and asks for these alone. The same text means the same, and is refused
with the same message::

    arguments = read_arguments("entrypoint", 'train eval --help "Train the model"')
    arguments.names, arguments.help
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, NoReturn, TypeAlias

from nbproj.errors import EntryPointError, suggestion
from nbproj.project.model import Place
from nbproj.project.names import name_problem

__all__ = [
    "DECLARING",
    "ENTRY_POINT_TAG",
    "INJECTED_TAG",
    "PARAMETERS_TAG",
    "SKIP_TAG",
    "UNMARKED",
    "Arguments",
    "Declaring",
    "Form",
    "Kind",
    "Mark",
    "MarkLine",
    "entry_point_problem",
    "read_arguments",
    "read_mark",
    "read_mark_line",
]

Declaring: TypeAlias = Literal["parameters", "entrypoint", "mlproject"]
Kind: TypeAlias = Literal["none", "parameters", "entrypoint", "mlproject", "skip"]
Form: TypeAlias = Literal["cell magic", "line magic", "comment", "tag"]

DECLARING: Final[tuple[Declaring, ...]] = ("parameters", "entrypoint", "mlproject")
"""Names of the magics that declare; `%mlproject`, the line magic, shows the project and declares nothing."""
PARAMETERS_TAG: Final = "parameters"
ENTRY_POINT_TAG: Final = "entrypoint:"
INJECTED_TAG: Final = "injected-parameters"
"""Papermill's tag of the cell it wrote: such a cell declares nothing, whatever else it says."""
SKIP_TAG: Final = "nbproj-skip"
"""The tag of a cell that no run ever executes."""

PYTHON: Final = frozenset({"python", "ipython"})
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


@dataclass(frozen=True, slots=True)
class Mark:
    """What a cell says about itself.

    Parameters
    ----------
    kind : str
        `none`: an ordinary cell, which every entry point runs. `parameters`: declares parameters. `entrypoint`: belongs to `names`.
        `mlproject`: YAML, no code. `skip`: never runs.
    forms : tuple of str
        How it says so, each form once: `cell magic`, `line magic`, `comment`, `tag`.
    names : tuple of str
        The entry points it belongs to; of parameters those they are for, and none means all.
    help : str
        What the entry points do, for people.
    lines : tuple of int
        The declaration lines, counted from 1. Empty when only tags speak.
    """

    kind: Kind = "none"
    forms: tuple[Form, ...] = ()
    names: tuple[str, ...] = ()
    help: str = ""
    lines: tuple[int, ...] = ()

    @property
    def by_magic(self) -> bool:
        """Whether a magic says it: such a parameters cell holds assignments only."""
        return "cell magic" in self.forms or "line magic" in self.forms

    def belongs_to(self, name: str | None) -> bool:
        """Return whether the cell takes part in an entry point; None stands for a notebook without entry points of its own."""
        if self.kind in {"skip", "mlproject"}:
            return False
        return not self.names or name in self.names


UNMARKED: Final = Mark()


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


def read_mark(source: str, tags: Iterable[str] = (), *, language: str = "python", place: Place | None = None) -> Mark:
    r"""Return what a code cell says about itself.

    Parameters
    ----------
    source : str
        The cell.
    tags : iterable of str
        Its tags.
    language : str
        The notebook's language, in lower case.
    place : Place, optional
        The file and the cell, for the error.

    Raises
    ------
    EntryPointError
        A declaration that is not understood, with its line.

    Examples
    --------
    >>> read_mark("%parameters\nalpha = 1", ["entrypoint:train"])
    Mark(kind='parameters', forms=('line magic', 'tag'), names=('train',), help='', lines=(1,))
    >>> read_mark("alpha = 1").kind
    'none'
    """
    tags = tuple(tags)
    if INJECTED_TAG in tags:
        return UNMARKED
    if SKIP_TAG in tags:
        return Mark("skip", ("tag",))
    mark = _of_tags(tags, place)
    first = True
    for number, line in enumerate(source.split("\n"), start=1):
        if not line.strip():
            continue
        found = read_mark_line(line, first=first, language=language)
        if found is None:
            break
        here = replace(place, line=number) if place is not None else None
        mark = _joined(mark, found, read_arguments(found.kind, found.text, here), number)
        first = False
        if found.kind == "mlproject":
            break
    return mark


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


def _of_tags(tags: tuple[str, ...], place: Place | None) -> Mark:
    names: list[str] = []
    for tag in tags:
        if not tag.startswith(ENTRY_POINT_TAG):
            continue
        name = tag.removeprefix(ENTRY_POINT_TAG).strip()
        problem = entry_point_problem(name)
        if problem:
            msg = f"the tag {tag!r}: a name {problem}"
            raise EntryPointError(msg, place=place)
        if name not in names:
            names.append(name)
    if PARAMETERS_TAG in tags:
        return Mark("parameters", ("tag",), tuple(names))
    return Mark("entrypoint", ("tag",), tuple(names)) if names else UNMARKED


def _joined(mark: Mark, line: MarkLine, arguments: Arguments, number: int) -> Mark:
    """Return a mark with what one more line says: YAML is nothing else, parameters of an entry point are parameters."""
    kinds = {mark.kind, line.kind}
    kind: Kind = next(name for name in ("mlproject", "parameters", "entrypoint") if name in kinds)
    lines_of_forms = [form for form in mark.forms if form != "tag"]
    forms = dict.fromkeys([*lines_of_forms, line.form, *(form for form in mark.forms if form == "tag")])
    names = dict.fromkeys([*arguments.names, *mark.names] if not lines_of_forms else [*mark.names, *arguments.names])
    return Mark(kind, tuple(forms), tuple(names), mark.help or arguments.help, (*mark.lines, number))


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
