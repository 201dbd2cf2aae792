"""A notebook that needs nothing of ours: its magics as comments and tags, so that plain papermill and a plain Run All can read it.

What it declares stays the same; who asks for this compares. papermill knows one parameters cell, the first one with its tag, and puts all values
behind that: the tag goes to the cell behind which they all have an effect.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from nbproj.errors import EntryPointError
from nbproj.project.annotations import with_quoted_annotations
from nbproj.project.bindings import Bindings, read_bindings
from nbproj.project.cells import PYTHON, Cell
from nbproj.project.edition import CellChange
from nbproj.project.mark_line import read_mark_line
from nbproj.project.marks import ENTRY_POINT_TAG, PARAMETERS_TAG, Mark, read_mark
from nbproj.project.neutral import body, has_foreign_magic, inert_lines, runs_ours
from nbproj.project.scriptblock import block_of_yaml

__all__ = ["Plain", "plain_form"]

SKIPPED: Final = "skip-execution"
"""The tag by which nbclient, and papermill with it, leaves a cell alone."""


@dataclass(slots=True)
class Plain:
    """What is to be changed, and what its reader should know.

    Parameters
    ----------
    changes : dict of int to CellChange
        By the number of the cell.
    notes : list of str
        What stays as it is, a line each.
    """

    changes: dict[int, CellChange] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Draft:
    """A cell that is being changed."""

    cell: Cell
    mark: Mark
    source: str
    tags: list[str]
    foreign: bool
    bindings: Bindings

    @property
    def declares(self) -> bool:
        return self.mark.kind == "parameters"


def plain_form(cells: Sequence[Cell], language: str, *, file: str) -> Plain:
    r"""Return how the cells of a notebook must change for plain papermill to run it.

    Parameters
    ----------
    cells : sequence of Cell
        All of them.
    language : str
        The notebook's language, in lower case.
    file : str
        What errors and notes call the notebook.

    Raises
    ------
    EntryPointError
        A declaration that is not understood, or that has no other form; with the cell.

    Examples
    --------
    >>> found = plain_form([Cell(1, "code", "%%parameters\nalpha: Path = 'a.csv'")], "python", file="a.ipynb")
    >>> found.changes[1].source, found.changes[1].tags
    ("# parameters\nalpha: 'Path' = 'a.csv'", ('parameters',))
    """
    plain = Plain()
    drafts = [_draft(cell, language, file) for cell in cells if cell.kind == "code"]
    works = next((draft for draft in drafts if language in PYTHON and draft.mark.kind != "skip" and runs_ours(draft.cell.source)), None)
    if works is not None:
        plain.notes.append(f"{works.cell.place(file)}: needs nbproj wherever it runs, so %load_ext nbproj stays")
    has_block = any("# /// script" in draft.cell.source for draft in drafts)
    for draft in drafts:
        if draft.mark.kind == "skip":
            draft.tags += [SKIPPED] if SKIPPED not in draft.tags else []
        elif draft.mark.kind == "mlproject":
            _without_yaml(draft, plain, file, has_block=has_block)
        elif language in PYTHON:
            _without_ours(draft, load=works is not None)
            _without_magics(draft, file)
    _tag_one(drafts, plain, file, language)
    if language in PYTHON:
        _quote(drafts)
    for draft in drafts:
        source = draft.source if draft.source != draft.cell.source else None
        tags = tuple(draft.tags) if tuple(draft.tags) != draft.cell.tags else None
        if source is not None or tags is not None:
            plain.changes[draft.cell.number] = CellChange(source, tags)
    return plain


def _draft(cell: Cell, language: str, file: str) -> _Draft:
    mark = read_mark(cell.source, cell.tags, language=language, place=cell.place(file))
    bare = body(cell.source, mark)
    foreign = language in PYTHON and mark.kind != "mlproject" and has_foreign_magic(bare)
    return _Draft(cell, mark, cell.source, list(cell.tags), foreign, read_bindings(bare))


def _without_yaml(draft: _Draft, plain: Plain, file: str, *, has_block: bool) -> None:
    block, problem = block_of_yaml(body(draft.cell.source, draft.mark), draft.cell.place(file))
    if has_block:
        problem = "the notebook has a '# /// script' block besides: bring both together in that"
    if problem:
        plain.notes.append(f"{draft.cell.place(file)}: %%mlproject stays, and plain papermill stops there: {problem}")
    else:
        draft.source = block


def _without_ours(draft: _Draft, *, load: bool) -> None:
    """Make comments of the lines that load nbproj or show something of it; nothing is lost when they do not run."""
    if draft.foreign:
        return
    lines = draft.source.split("\n")
    for number, text in inert_lines(body(draft.source, draft.mark), load=False):
        if load and re.match(r"\s*%(re|un)?load_ext\b", lines[number]):
            continue
        lines[number] = text.removeprefix("pass  ")
    draft.source = "\n".join(lines)


def _without_magics(draft: _Draft, file: str) -> None:
    """Write the declaration lines of a cell as comments; above another cell magic only tags can say it."""
    lines = draft.source.split("\n")
    if not draft.foreign:
        for number in draft.mark.lines:
            found = read_mark_line(lines[number - 1])
            if found is not None and found.form != "comment":
                word = "# parameters" if found.kind == "parameters" else "# entrypoint:"
                lines[number - 1] = f"{word} {found.text}".rstrip()
        draft.source = "\n".join(lines)
        return
    if not draft.mark.lines:
        return
    if draft.mark.help:
        msg = "the text behind --help has no place above another cell magic: move it to another cell of this entry point"
        raise EntryPointError(msg, place=draft.cell.place(file, draft.mark.lines[0]))
    draft.source = "\n".join(line for number, line in enumerate(lines, start=1) if number not in draft.mark.lines)
    wanted = [PARAMETERS_TAG] if draft.declares else []
    wanted += [f"{ENTRY_POINT_TAG}{name}" for name in draft.mark.names]
    draft.tags += [tag for tag in wanted if tag not in draft.tags]


def _tag_one(drafts: Sequence[_Draft], plain: Plain, file: str, language: str) -> None:
    """Give papermill's tag to the one cell behind which its values have an effect, and to no other."""
    declaring = [draft for draft in drafts if draft.declares]
    if not declaring:
        return
    forced = [draft for draft in declaring if draft.foreign]
    if len(forced) > 1:
        msg = "a second parameters cell that begins with another cell magic: papermill knows one cell with the tag. Put the assignments into one cell"
        raise EntryPointError(msg, place=forced[1].cell.place(file))
    chosen = forced[0] if forced else _chosen(drafts, declaring, language)
    # papermill puts its values behind one cell: what comes later is assigned again, and what reads between has read the other value.
    lost = [draft for draft in declaring if draft is not chosen and not _reaches(drafts, draft, chosen, language)]
    if lost:
        numbers = ", ".join(str(draft.cell.number) for draft in lost)
        where = f"cell {numbers}" if len(lost) == 1 else f"cells {numbers}"
        plain.notes.append(f"{file}: papermill changes the parameters of cell {chosen.cell.number}; those of {where} keep their values there")
    for draft in declaring:
        if draft is chosen:
            draft.tags += [PARAMETERS_TAG] if PARAMETERS_TAG not in draft.tags else []
        elif PARAMETERS_TAG in draft.tags:
            draft.tags.remove(PARAMETERS_TAG)
            if not any(_is_parameters_line(line) for line in draft.source.split("\n")[: len(draft.mark.lines) + 1]):
                draft.source = f"# parameters\n{draft.source}"


def _is_parameters_line(line: str) -> bool:
    found = read_mark_line(line)
    return found is not None and found.kind == "parameters"


def _chosen(drafts: Sequence[_Draft], declaring: Sequence[_Draft], language: str) -> _Draft:
    """Return the cell that takes the tag: the last, if all values may come there, else the one that has it, else the first that is for all."""
    last = declaring[-1]
    if all(_reaches(drafts, draft, last, language) for draft in declaring[:-1]):
        return last
    tagged = next((draft for draft in declaring if PARAMETERS_TAG in draft.tags), None)
    return tagged or next((draft for draft in declaring if not draft.mark.names), declaring[0])


def _reaches(drafts: Sequence[_Draft], early: _Draft, late: _Draft, language: str) -> bool:
    """Return whether values put behind a later cell do what they would do behind an earlier one."""
    if language not in PYTHON or early.cell.number > late.cell.number:
        return False
    names = early.bindings.assigned
    between = [
        draft for draft in drafts if early.cell.number < draft.cell.number <= late.cell.number and draft.mark.kind not in {"skip", "mlproject"}
    ]
    return not any(draft.bindings.opaque or names & draft.bindings.reads.keys() or names & draft.bindings.deferred for draft in between)


def _quote(drafts: Sequence[_Draft]) -> None:
    """Make texts of annotations that plain Python could not evaluate."""
    bound = set(dir(builtins))
    for draft in drafts:
        if draft.mark.kind in {"skip", "mlproject"}:
            continue
        if draft.declares:
            draft.source = with_quoted_annotations(draft.source, bound)
        bound |= draft.bindings.binds
