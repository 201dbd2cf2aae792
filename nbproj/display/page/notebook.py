"""The page of an executed notebook: how it ended, an index of its cells, the cells."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from nbproj.display.html import Markup, escape
from nbproj.display.page.outputs import Room, outputs_html, prose
from nbproj.display.page.prose import code_html, text_of
from nbproj.display.quantity import duration

__all__ = ["has_failed", "notebook_page"]

_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Whatever the page holds, a browser loads nothing and runs nothing for it."""
_INJECTED: Final = "injected-parameters"
_SOURCE_CHARACTERS: Final = 200_000
_LABEL: Final = 60
_FIRST: Final = 4000  # characters among which the first line is looked for
_PARAMETERS: Final = "parameters"


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell with what is known of its fate.

    Parameters
    ----------
    content : mapping
        As nbformat 4 has it.
    anchor : str
        Where links lead.
    name : str
        What a reader calls it.
    state : str
        `failed`, `completed`, `running`, `not run`, `not selected`; empty where nothing is known.
    """

    content: Mapping[str, Any]
    anchor: str
    name: str
    state: str

    @property
    def own(self) -> Mapping[str, Any]:
        """Its metadata."""
        return _mapping(self.content.get("metadata"))

    @property
    def is_chapter(self) -> bool:
        """Whether something begins with it."""
        return self.content.get("cell_type") == "markdown" and text_of(self.content.get("source"))[:_FIRST].lstrip().startswith("#")

    @property
    def is_code(self) -> bool:
        """Whether it is to run."""
        return self.content.get("cell_type") == "code"

    @property
    def label(self) -> str:
        """Its first line that says something."""
        if self.name == _PARAMETERS:
            return "values of this run"
        lines = (line.strip().lstrip("#").strip() for line in text_of(self.content.get("source"))[:_FIRST].splitlines())
        first = next((line for line in lines if line), "")
        return first if len(first) <= _LABEL else first[: _LABEL - 1] + "…"

    @property
    def seconds(self) -> str:
        """How long it took."""
        taken = _mapping(self.own.get("papermill")).get("duration")
        return duration(float(taken)) if self.is_code and isinstance(taken, int | float) and self.state in {"completed", "failed"} else ""


def has_failed(document: Mapping[str, Any]) -> bool:
    """Return whether an executed notebook says that it failed."""
    metadata = _mapping(document.get("metadata"))
    return _mapping(metadata.get("nbproj")).get("status") == "failed" or bool(_mapping(metadata.get("papermill")).get("exception"))


def notebook_page(document: Mapping[str, Any], *, name: str, facts: Mapping[str, str] | None = None) -> str:
    """Return an executed notebook as a page of HTML.

    It stands alone: no script, no address that is loaded, both colour schemes.

    Parameters
    ----------
    document : mapping
        The notebook, in format 4, as nbproj or papermill saved it.
    name : str
        Its file name.
    facts : mapping of str to str, optional
        Further facts for the head of the page.

    Examples
    --------
    >>> page = notebook_page({"cells": [{"cell_type": "markdown", "source": "# Wine"}], "metadata": {}}, name="wine.ipynb")
    >>> "<h1>Wine</h1>" in page and "<script" not in page
    True
    """
    metadata = _mapping(document.get("metadata"))
    cells = _cells(document, metadata)
    language = str(_mapping(metadata.get("language_info")).get("name") or _mapping(metadata.get("kernelspec")).get("language") or "python").lower()
    room = Room()
    shown = "\n".join(_cell(one, language, room) for one in cells)
    title = f"{name}: failed" if has_failed(document) else name
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{escape(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n'
        f"{_head(metadata, cells, name, facts or {})}\n{_index(cells)}\n<main>\n{shown}\n</main>\n</body>\n</html>\n"
    )


def _cells(document: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[_Cell]:
    """Return the cells, numbered as in the author's notebook: a cell that holds the run's parameters has no number there."""
    contents = [one for one in document.get("cells", ()) if isinstance(one, Mapping)]
    about = _mapping(metadata.get("nbproj"))
    author = about.get("cells")
    added = not isinstance(author, int) or len(contents) > author
    ran = "nbproj" in metadata or "papermill" in metadata
    found: list[_Cell] = []
    number = 0
    for place, content in enumerate(contents):
        own = _mapping(content.get("metadata"))
        if added and _INJECTED in (own.get("tags") or ()) and "papermill" in own:
            anchor, name = f"parameters-{place}", _PARAMETERS
        else:
            number += 1
            anchor, name = f"cell-{number}", f"cell {number}"
        found.append(_Cell(content, anchor, name, _state(content, own, ran=ran, selected=number not in (about.get("not_selected") or ()))))
    return found


def _state(content: Mapping[str, Any], own: Mapping[str, Any], *, ran: bool, selected: bool) -> str:
    if not ran or content.get("cell_type") != "code":
        return ""
    if not selected or "papermill" not in own:
        return "not selected"
    if _mapping(own.get("nbproj")).get("status") == "not run":
        return "not run"
    record = _mapping(own.get("papermill"))
    if record.get("exception") or record.get("status") == "failed":
        return "failed"
    return {"completed": "completed", "pending": "not run", "running": "running"}.get(str(record.get("status")), "")


def _head(metadata: Mapping[str, Any], cells: Sequence[_Cell], name: str, facts: Mapping[str, str]) -> str:
    about, mill = _mapping(metadata.get("nbproj")), _mapping(metadata.get("papermill"))
    told: dict[str, str] = {}
    if about.get("entry_point"):
        told["entry point"] = str(about["entry_point"])
    if about.get("kernel") or metadata.get("kernelspec"):
        told["kernel"] = str(about.get("kernel") or _mapping(metadata.get("kernelspec")).get("name", ""))
    if mill.get("start_time"):
        told["started"] = str(mill["start_time"])[:19].replace("T", " ") + " UTC"
    if isinstance(mill.get("duration"), int | float):
        told["took"] = duration(float(mill["duration"]))
    if about.get("exit_code"):
        told["exit code"] = str(about["exit_code"])
    told.update(facts)
    listed = "".join(f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in told.items())
    return f'<header>\n<h1>{escape(name)}</h1>\n{_verdict(metadata, cells)}<dl class="facts">{listed}</dl>\n</header>'


def _verdict(metadata: Mapping[str, Any], cells: Sequence[_Cell]) -> str:
    about = _mapping(metadata.get("nbproj"))
    if not has_failed({"metadata": metadata}):
        finished = about.get("status") == "completed"
        return '<p class="verdict completed">Completed</p>\n' if finished else ""
    failed = next((one for one in cells if one.state == "failed"), None)
    reason = str(about.get("reason") or "")
    if failed is None:
        return f'<p class="verdict failed">Failed{": " + escape(reason) if reason else ""}</p>\n'
    reason = reason.removeprefix("the parameter cell: ").removeprefix(f"{failed.name}: ") or _error(failed)
    where = f'<a href="#{failed.anchor}">{escape(failed.name)}</a>'
    return f'<p class="verdict failed">Failed in {where}{": " + escape(reason) if reason else ""}</p>\n'


def _error(cell: _Cell) -> str:
    errors = [one for one in cell.content.get("outputs", ()) if isinstance(one, Mapping) and one.get("output_type") == "error"]
    return f"{errors[-1].get('ename', '')}: {errors[-1].get('evalue', '')}" if errors else ""


def _index(cells: Sequence[_Cell]) -> str:
    rows = []
    for one in cells:
        looks = [one.state.replace(" ", "-")] if one.state else []
        looks += ["chapter"] if one.is_chapter else []
        kind = f' class="{" ".join(looks)}"' if looks else ""
        state = "" if one.state in {"", "completed"} else f' <span class="state">{escape(one.state)}</span>'
        time = f' <span class="time">{escape(one.seconds)}</span>' if one.seconds else ""
        number = one.name.removeprefix("cell ") if one.name != _PARAMETERS else "P"
        label = f'<span class="number">{escape(number)}</span> <span class="label">{escape(one.label or "(empty)")}</span>'
        rows.append(f'<li{kind}><a href="#{one.anchor}">{label}{state}{time}</a></li>')
    return f'<nav aria-label="Cells"><details open><summary>{_count(cells)}</summary><ol>\n{"".join(rows)}\n</ol></details></nav>'


def _count(cells: Sequence[_Cell]) -> str:
    """Return how many cells the author's notebook has, and how many of them came to nothing."""
    number = sum(one.name != _PARAMETERS for one in cells)
    told = [f"{number} cell{'s' if number != 1 else ''}"]
    told += [f"{count} {state}" for state in ("failed", "not run") if (count := sum(one.state == state for one in cells))]
    return ", ".join(told)


def _cell(cell: _Cell, language: str, room: Room) -> str:
    source = text_of(cell.content.get("source"))
    kind = cell.content.get("cell_type")
    if not room.take(min(len(source), _SOURCE_CHARACTERS), _SOURCE_CHARACTERS):
        inside = '<p class="note">The page is full; the executed notebook has this cell.</p>'
    elif kind == "markdown":
        inside = prose(source[:_SOURCE_CHARACTERS], room, _mapping(cell.content.get("attachments")))
    elif kind == "code":
        inside = f'<pre class="source" tabindex="0">{code_html(source[:_SOURCE_CHARACTERS], language, room.patience)}</pre>'
    else:
        inside = f'<pre class="raw" tabindex="0">{escape(source[:_SOURCE_CHARACTERS])}</pre>'
    if len(source) > _SOURCE_CHARACTERS:
        inside += '<p class="note">The rest of this cell is left out; the executed notebook has it.</p>'
    outputs = outputs_html(cell.content.get("outputs") or (), room) if cell.is_code else Markup()
    shown = f'<div class="outputs">{outputs}</div>' if outputs else ""
    classes = " ".join(["cell", str(kind) if kind in {"code", "markdown"} else "raw", *([cell.state.replace(" ", "-")] if cell.state else [])])
    told = {"failed": "failed", "running": "running", "not run": "not run", "not selected": "not part of this run"}.get(cell.state, "")
    count = cell.content.get("execution_count")
    parts = [f'<a href="#{cell.anchor}">{escape(cell.name)}</a>']
    parts += [f"<span>[{count}]</span>"] if cell.is_code and isinstance(count, int) else []
    parts += [f'<strong class="state">{told}</strong>'] if told else []
    parts += [f"<span>{escape(cell.seconds)}</span>"] if cell.seconds else []
    head = f'<div class="head">{" ".join(parts)}</div>' if kind != "markdown" else ""
    label = f"{cell.name}, {told}" if told else cell.name
    return f'<section id="{cell.anchor}" class="{classes}" aria-label="{escape(label)}">{head}{inside}{shown}</section>'


@functools.cache
def _style() -> str:
    return files("nbproj.display.page").joinpath("page.css").read_text(encoding="utf-8")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
