"""A notebook as cells: its file is read under limits, and never executed. A script or Markdown file is the notebook that jupytext sees in it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nbproj.errors import EntryPointError
from nbproj.project.model import Place

__all__ = ["PYTHON", "Cell", "cells_of", "code_cells", "document_of", "language", "read_bytes", "read_cells", "read_document"]

PYTHON: Final = frozenset({"python", "ipython"})
"""What notebooks call the language whose cells can be understood here."""

MAXIMUM_BYTES: Final = 100 << 20
MAXIMUM_TEXT: Final = 5 << 20
FORMAT: Final = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a notebook.

    Parameters
    ----------
    number : int
        Counted from 1 over all cells.
    kind : str
        `code`, `markdown` or `raw`.
    source : str
        Its text.
    tags : tuple of str
        From its metadata.
    id : str, optional
        Its id, where it has one (nbformat 4.5).
    """

    number: int
    kind: str
    source: str
    tags: tuple[str, ...] = ()
    id: str | None = None

    def place(self, file: str, line: int | None = None) -> Place:
        """Return where the cell, or a line in it, is."""
        return Place(file, line, cell=self.number, cell_id=self.id)


def code_cells(path: Path) -> list[tuple[int, str]]:
    """Return the number (counted from 1 over all cells) and source of every code cell of a notebook.

    Raises
    ------
    EntryPointError
        It is not a notebook of format 4.
    """
    return [(cell.number, cell.source) for cell in read_cells(path) if cell.kind == "code"]


def read_cells(path: Path) -> list[Cell]:
    """Return the cells of a notebook.

    Parameters
    ----------
    path : Path
        The notebook; of another suffix than `.ipynb`, a text that jupytext reads.

    Raises
    ------
    EntryPointError
        It is not a notebook of format 4.
    """
    place = Place(path.name)
    return cells_of(read_document(path, place), place)


def read_document(path: Path, place: Place) -> dict[str, object]:
    """Return a notebook's document, as its JSON has it.

    Parameters
    ----------
    path : Path
        The notebook, or a text that jupytext reads.
    place : Place
        What errors call it.

    Raises
    ------
    EntryPointError
        It is not a notebook of format 4, or larger than 100 MiB.
    """
    return document_of(read_bytes(path, place), path.suffix, place)


def document_of(data: bytes, suffix: str, place: Place) -> dict[str, object]:
    """Return the document that the content of a file is.

    Parameters
    ----------
    data : bytes
        The content.
    suffix : str
        `.ipynb`, or that of a text that jupytext reads.
    place : Place
        What errors call it.

    Raises
    ------
    EntryPointError
        It is not a notebook of format 4.

    Examples
    --------
    >>> document_of(b'{"nbformat": 4, "cells": []}', ".ipynb", Place("a.ipynb"))
    {'nbformat': 4, 'cells': []}
    """
    return _document_of(data, place) if suffix == ".ipynb" else _document_of_text(data, suffix, place)


def language(document: Mapping[str, object]) -> str:
    """Return the language of a notebook's document, in lower case; `python` when it does not say."""
    metadata = _mapping(document.get("metadata"))
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        found = _mapping(metadata.get(key)).get(name)
        if isinstance(found, str):
            return found.lower()
    return "python"


def read_bytes(path: Path, place: Place) -> bytes:
    """Return the content of a notebook's file.

    Raises
    ------
    EntryPointError
        It cannot be read, or is larger than 100 MiB.
    """
    try:
        if not path.is_file():
            msg = "is not a file" if path.exists() else "there is no such notebook"
            raise EntryPointError(msg, place=place)
        with path.open("rb") as stream:
            data = stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        msg = f"cannot be read: {error.strerror}"
        raise EntryPointError(msg, place=place) from None
    if len(data) > MAXIMUM_BYTES:
        msg = f"is larger than {MAXIMUM_BYTES >> 20} MiB. Clear its outputs"
        raise EntryPointError(msg, place=place)
    return data


def _document_of(data: bytes, place: Place) -> dict[str, object]:
    if not data.strip():
        msg = "is empty, not a notebook"
        raise EntryPointError(msg, place=place)
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        msg = "is not a notebook: not UTF-8"
        raise EntryPointError(msg, place=place) from None
    except json.JSONDecodeError as error:
        conflict = "conflict markers of Git" if b"\n<<<<<<< " in data else error.msg
        msg = f"is not a notebook: not JSON ({conflict})"
        raise EntryPointError(msg, place=Place(place.file, error.lineno, error.colno)) from None
    except (ValueError, RecursionError) as error:
        msg = f"is not a notebook: {error}"
        raise EntryPointError(msg, place=place) from None
    if not isinstance(document, dict) or not isinstance(document.get("nbformat"), int):
        msg = "is JSON, but not a notebook: it has no 'nbformat'"
        raise EntryPointError(msg, place=place)
    if document["nbformat"] != FORMAT:
        msg = f"is in notebook format {document['nbformat']}, and format {FORMAT} is read. Open and save it in Jupyter"
        raise EntryPointError(msg, place=place)
    return document


def _document_of_text(data: bytes, suffix: str, place: Place) -> dict[str, object]:
    try:
        import jupytext
    except ImportError:  # pragma: no cover - a dependency; somebody may have removed it
        msg = "is read as a notebook by jupytext, which is not installed. Install it: pip install jupytext"
        raise EntryPointError(msg, place=place) from None
    if len(data) > MAXIMUM_TEXT:
        msg = f"is larger than {MAXIMUM_TEXT >> 20} MiB, too large to be read as a notebook"
        raise EntryPointError(msg, place=place)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a reader of notebooks thinks of this one is nothing its user asked for
            document = jupytext.reads(data.decode("utf-8-sig"), fmt=suffix.removeprefix("."))
    except UnicodeDecodeError:
        msg = "is not UTF-8"
        raise EntryPointError(msg, place=place) from None
    except Exception as error:  # noqa: BLE001 - whatever jupytext and its readers of YAML and Markdown raise: the text is no notebook to them
        msg = f"cannot be read as a notebook: {type(error).__name__} {error}"
        raise EntryPointError(msg, place=place) from None
    plain: dict[str, object] = json.loads(json.dumps(document, default=str))
    spoken = _mapping(_mapping(plain.get("metadata")).get("jupytext")).get("main_language")
    if isinstance(spoken, str):
        plain["metadata"] = {"language_info": {"name": spoken}, **_mapping(plain.get("metadata"))}
    return plain


def cells_of(document: Mapping[str, object], place: Place) -> list[Cell]:
    """Return the cells of a document.

    Raises
    ------
    EntryPointError
        It has none, or one of them is no cell.
    """
    cells = document.get("cells")
    if not isinstance(cells, list):
        msg = "is not a notebook: it has no list of cells"
        raise EntryPointError(msg, place=place)
    return list(_each(cells, place.file))


def _each(cells: list[object], file: str) -> Iterator[Cell]:
    for number, cell in enumerate(cells, start=1):
        fields = _mapping(cell)
        kind, source = fields.get("cell_type"), fields.get("source", "")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(kind, str) or not isinstance(source, str):
            msg = "is not a cell: it has no type or no source"
            raise EntryPointError(msg, place=Place(file, cell=number))
        tags, identity = _mapping(fields.get("metadata")).get("tags"), fields.get("id")
        known = tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
        yield Cell(number, kind, source, known, identity if isinstance(identity, str) else None)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
