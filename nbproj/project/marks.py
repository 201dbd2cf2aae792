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

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from nbproj.errors import EntryPointError
from nbproj.project.mark_line import DECLARING, Arguments, Declaring, Form, MarkLine, entry_point_problem, read_arguments, read_mark_line
from nbproj.project.model import Place

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

Kind: TypeAlias = Literal["none", "parameters", "entrypoint", "mlproject", "skip"]

PARAMETERS_TAG: Final = "parameters"
ENTRY_POINT_TAG: Final = "entrypoint:"
INJECTED_TAG: Final = "injected-parameters"
"""Papermill's tag of the cell it wrote: such a cell declares nothing, whatever else it says."""
SKIP_TAG: Final = "nbproj-skip"
"""The tag of a cell that no run ever executes."""


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
