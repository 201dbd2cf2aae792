"""One entry point of a notebook as a plain notebook: its cells alone, and one parameters cell that papermill can use."""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
import keyword
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nbproj.errors import EntryPointError
from nbproj.execution.plan import places
from nbproj.exporting.typed import typed
from nbproj.paths import inside
from nbproj.project.annotations import with_quoted_annotations
from nbproj.project.assignments import declared_parameters
from nbproj.project.bindings import read_bindings
from nbproj.project.cells import PYTHON, cells_of, language, read_document
from nbproj.project.conversion import text_of
from nbproj.project.edition import new_cell
from nbproj.project.marks import ENTRY_POINT_TAG, INJECTED_TAG, PARAMETERS_TAG
from nbproj.project.model import REQUIRED, EntryPoint, Parameter, Place
from nbproj.project.neutral import body, inert_lines, runs_ours
from nbproj.project.selection import CellPlan, plan

__all__ = ["PlainNotebook", "is_left_alone", "kind_of", "plain_notebook", "sent_text"]

_SAME: Final = ("type", "default", "default_text", "optional", "item", "secret")
_TYPED: Final = "_nbproj_typed"
_GIVEN: Final = "_nbproj_given"
_RECORDS: Final = frozenset({"papermill", "widgets", "nbproj", "signature"})


@dataclass(frozen=True, slots=True)
class PlainNotebook:
    """What is written.

    Parameters
    ----------
    document : mapping
        As its JSON has it.
    notes : tuple of str
        What is otherwise than in a run of nbproj, a line each.
    text : str
        All its code.
    """

    document: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    text: str = field(default="", repr=False)


def is_left_alone(parameter: Parameter) -> bool:
    """Return whether the notebook makes the value itself, unless one is given."""
    return parameter.default is REQUIRED and parameter.default_text is not None


def kind_of(parameter: Parameter) -> str:
    """Return the type of a parameter as `typed` takes it.

    Examples
    --------
    >>> kind_of(Parameter("rates", "list", item="float", optional=True))
    'list[float]?'
    """
    known = {"choice": "string", "uri": "string"}.get(parameter.type, parameter.type)
    kind = f"list[{parameter.item}]" if parameter.type == "list" and parameter.item else known
    return f"{kind}?" if parameter.optional and not is_left_alone(parameter) else kind


def sent_text(parameter: Parameter) -> str | None:
    """Return the default as a text that `typed` understands; None when a value must be given."""
    if parameter.required:
        return None
    if is_left_alone(parameter):
        return parameter.default_text
    if parameter.default is REQUIRED or parameter.default is None:
        return "None"
    if parameter.type in {"list", "dict"}:
        return text_of(parameter.default)
    return parameter.default_text if parameter.default_text is not None else text_of(parameter.default)


def plain_notebook(root: Path, entry_point: EntryPoint) -> PlainNotebook:
    """Return the plain notebook of an entry point. Nothing is executed.

    Parameters
    ----------
    root : Path
        The project's folder.
    entry_point : EntryPoint
        One of a notebook.

    Raises
    ------
    ProjectError
        It cannot be read, or what it declares cannot be said in a plain notebook.
    """
    file = str(entry_point.notebook)
    place = Place(file)
    document = copy.deepcopy(read_document(inside(root, file, what="notebook"), place))
    spoken = language(document)
    cells = cells_of(document, place)
    plans = plan(cells, spoken, entry_point.cells, file=file)
    maker = _Maker(entry_point, document, plans, spoken)
    made = maker.cells([set(cell.tags) for cell in cells])
    metadata = document.get("metadata")
    known = metadata if isinstance(metadata, dict) else {}
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    own = {key: value for key, value in known.items() if key not in _RECORDS}
    new = {**document, "cells": made, "metadata": {**own, "kernelspec": own.get("kernelspec") or spec} if spoken in PYTHON else own}
    return PlainNotebook(new, tuple(maker.notes), "\n".join(_source(cell) for cell in made if cell.get("cell_type") == "code"))


class _Maker:
    """A plain notebook that is being made."""

    def __init__(self, entry_point: EntryPoint, document: Mapping[str, Any], plans: Sequence[CellPlan], spoken: str) -> None:
        self.notes: list[str] = []
        self._point = entry_point
        self._document = document
        self._plans = plans
        self._python = spoken in PYTHON
        self._secrets = [one for one in entry_point.parameters if one.secret]
        self._parameters = [one for one in entry_point.parameters if not one.secret]
        names = {one.name for one in entry_point.parameters}
        odd = next((name for name in names if not name.isidentifier() or keyword.iskeyword(name)), None)
        if odd is not None:
            msg = f"parameter {odd!r} cannot be given to a notebook: it is no name of a variable"
            raise EntryPointError(msg, place=Place(str(entry_point.notebook)))
        self._behind = places(plans, names, "python" if self._python else spoken)
        declaring = [one for one in plans if one.is_declaring]
        self._sole = declaring[0] if len(declaring) == 1 and (not self._python or self._says_all(declaring[0])) else None
        if not self._python and len(declaring) > 1 and names:
            msg = f"has {len(declaring)} parameters cells, and papermill knows one. Put the assignments into one cell"
            raise EntryPointError(msg, place=Place(str(entry_point.notebook)))

    def _says_all(self, one: CellPlan) -> bool:
        """Return whether a cell alone says what the parameters are, as papermill would understand it."""
        if self._secrets or any(is_left_alone(parameter) for parameter in self._parameters):
            return False
        own = {known.name: known for known in declared_parameters(body(one.original, one.mark), Place(str(self._point.notebook), cell=one.number))}
        return own.keys() == {parameter.name for parameter in self._parameters} and all(
            getattr(own[parameter.name], key) == getattr(parameter, key) for parameter in self._parameters for key in _SAME
        )

    def cells(self, tags: Sequence[set[str]]) -> list[dict[str, Any]]:
        """Return the cells of the plain notebook."""
        made: list[dict[str, Any]] = []
        begun = self._sole is not None or not self._python or not self._point.parameters
        bound = set(dir(builtins))
        for one, cell, marks in zip(self._plans, self._document["cells"], tags, strict=True):
            if cell.get("cell_type") != "code":
                made.append(cell)
                continue
            if not one.runs or INJECTED_TAG in marks:
                continue
            if not begun:
                begun = True
                made += self._beginning()
            made.append(self._cell(cell, one, marks, bound))
            bound |= read_bindings(body(one.original, one.mark)).binds
            made += self._behind_cell(one)
        if not begun:
            made += self._beginning()
        working = next((one for one in self._plans if one.runs and self._python and runs_ours(one.original)), None)
        if working is not None:
            self.notes.append(f"{self._point.notebook}, cell {working.number}: needs nbproj wherever it runs")
        return made

    def _cell(self, cell: Mapping[str, Any], one: CellPlan, marks: set[str], bound: set[str]) -> dict[str, Any]:
        is_sole = self._sole is one
        lines = one.source.split("\n")
        if self._python and is_sole:
            # The annotations stay for its readers, as texts where they would need an import.
            lines = with_quoted_annotations(one.original, bound).split("\n")
            for number, text in inert_lines(body(one.original, one.mark), load=False):
                lines[number] = text
        kept = [line for number, line in enumerate(lines, start=1) if number not in one.mark.lines]
        known = [tag for tag in sorted(marks) if tag != PARAMETERS_TAG and not tag.startswith(ENTRY_POINT_TAG)]
        known += [PARAMETERS_TAG] if is_sole else []
        metadata = {key: value for key, value in dict(cell.get("metadata") or {}).items() if key not in {*_RECORDS, "tags"}}
        metadata |= {"tags": known} if known else {}
        return {**cell, "execution_count": None, "metadata": metadata, "outputs": [], "source": "\n".join(kept).lstrip("\n")}

    def _beginning(self) -> list[dict[str, Any]]:
        """Return the parameters cell that stands for all that the notebook, its block and the MLproject file declare."""
        lines = ["# Parameters: papermill and mlflow put other values behind this cell."]
        given = []
        for one in self._parameters:
            text = sent_text(one)
            lines.append(f"{one.name} = {_literal(one)}" + (f"  # {one.help}" if one.help else ""))
            call = f"{_TYPED}({one.name}, {kind_of(one)!r})"
            if is_left_alone(one):
                given.append(f"**({{}} if {one.name} == {text!r} else {{{one.name!r}: {call}}})")
            else:
                given.append(f"{one.name!r}: {call}")
        needed = [one.name for one in self._parameters if one.required]
        check = [f"for _name, _value in {{{', '.join(f'{name!r}: {name}' for name in needed)}}}.items():"] if needed else []
        check += ["    if _value is None:", '        raise ValueError(f"parameter {_name!r} must be given")'] if needed else []
        second = [_function(), "", "", *check, f"{_GIVEN} = {{{', '.join(given)}}}"]
        made = [self._new("\n".join(lines), [PARAMETERS_TAG], "nbproj-declared"), self._new("\n".join(second), [], "nbproj-given")]
        return made + self._assigned(self._behind.get(0, frozenset()), 0)

    def _behind_cell(self, one: CellPlan) -> list[dict[str, Any]]:
        if not self._python or one.number not in self._behind:
            return []
        if self._sole is None:
            return self._assigned(self._behind[one.number], one.number)
        lines = [f"{parameter.name} = {_TYPED}({parameter.name}, {kind_of(parameter)!r})" for parameter in self._parameters]
        return [self._new("\n".join([_function(), "", "", *lines]), [], "nbproj-given")] if lines else []

    def _assigned(self, names: frozenset[str], number: int) -> list[dict[str, Any]]:
        lines = []
        for one in self._point.parameters:
            if one.name not in names:
                continue
            if one.secret:
                lines.append(f'{one.name} = __import__("os").environ["{one.variable}"]')
            elif is_left_alone(one):
                lines += [f"if {one.name!r} in {_GIVEN}:", f"    {one.name} = {_GIVEN}[{one.name!r}]"]
            else:
                lines.append(f"{one.name} = {_GIVEN}[{one.name!r}]")
        return [self._new("\n".join(lines), [], f"nbproj-values-{number}")] if lines else []

    def _new(self, source: str, tags: Sequence[str], identity: str) -> dict[str, Any]:
        has_ids = (self._document.get("nbformat", 4), self._document.get("nbformat_minor", 0)) >= (4, 5)
        return dict(new_cell(source, tags, identity=identity if has_ids else None))


def _literal(parameter: Parameter) -> str:
    """Return the default as Python: itself, where a literal can say it, else its text."""
    value = parameter.default
    plain = isinstance(value, bool | int | list | dict) or (isinstance(value, float) and math.isfinite(value))
    return repr(value) if plain and _evaluated(repr(value)) == value else repr(sent_text(parameter))


def _evaluated(text: str) -> object:
    """Return what a literal means; an object that is equal to nothing where it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return object()


def _function() -> str:
    """Return the source of `typed` by the name that it has in notebooks."""
    code = inspect.getsource(typed).split('    """')[2].strip("\n")
    code = re.sub(r"  # noqa.*", "", code)
    named = re.sub(r"\btyped\(", f"{_TYPED}(", code)
    return f"# What papermill and mlflow hand over as a text becomes what the cells below expect.\ndef {_TYPED}(value, kind):\n{named}"


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)
