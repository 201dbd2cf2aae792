"""The declarations of a notebook: its entry points and their typed parameters, read without executing it (contract, section 8).

Several forms may speak of one parameter; the first that does decides, and the next fill in what it leaves open: an MLproject file, `%%mlproject`,
`[tool.nbproj]` in a `# /// script` block, the annotation, Colab's `#@param`, the literal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from nbproj.errors import EntryPointError, NbprojError
from nbproj.paths import inside
from nbproj.project.assignments import declared_parameters
from nbproj.project.cells import PYTHON, Cell, code_cells, language, read_cells
from nbproj.project.content import Content, content, is_executed
from nbproj.project.declaration import Remarks
from nbproj.project.declared import Notebook
from nbproj.project.manifest import of_script, read_manifest, without_cells
from nbproj.project.marks import read_mark
from nbproj.project.model import REQUIRED, EntryPoint, Parameter, Place
from nbproj.project.neutral import body
from nbproj.project.overlay import overlaid
from nbproj.project.script import read_script
from nbproj.project.selection import MAIN

__all__ = [
    "Cell",
    "code_cells",
    "declarations_in",
    "is_executed",
    "language",
    "listed_declarations",
    "read_cells",
    "read_declarations",
    "read_notebook",
]

MAXIMUM_UNDERSTOOD = 1_000


def read_notebook(root: Path, relative: str, name: str | None = None) -> EntryPoint:
    """Return an entry point of a notebook, with the parameters that it declares.

    Parameters
    ----------
    root : Path
        The project's folder.
    relative : str
        The notebook's path in it.
    name : str, optional
        One of those that it names; without it `main`, or the only one.

    Returns
    -------
    EntryPoint
        Named by the path, and `path:name` where the notebook names entry points of its own.

    Raises
    ------
    ProjectError
        The file leaves the project, or a declaration for the whole notebook is wrong; with the place.
    EntryPointError
        It is not a notebook of format 4, there is no such entry point, or its parameters cannot be read; with the place.
    """
    notebook = read_declarations(root, relative)
    found = notebook.entry_point(name)
    return replace(found, name=f"{relative}:{found.name}" if notebook.is_marked else relative)


def read_declarations(root: Path, relative: str) -> Notebook:
    """Return what a notebook of a project declares. Nothing is executed.

    Parameters
    ----------
    root : Path
        The project's folder.
    relative : str
        The notebook's path in it; a script or Markdown file is read as the notebook that jupytext sees in it.

    Raises
    ------
    ProjectError
        The file leaves the project, is not a notebook, or says something wrong that concerns all of it; with file, cell and line. What is wrong
        with one entry point is its `problem`.
    """
    return listed_declarations(root, relative, inside(root, relative, what="notebook"))


def listed_declarations(root: Path, relative: str, path: Path) -> Notebook:
    """Return what a notebook declares whose path is known to lie in the project, as `listing.runnable_files` gives it.

    Raises
    ------
    ProjectError
        As `read_declarations`.
    """
    found = content(path, Place(relative))
    if found.cells is None:
        return Notebook(relative, MappingProxyType({MAIN: EntryPoint(MAIN, notebook=relative, declared=Place(relative))}))
    key = (str(root), relative)
    known = _understood.get(key)
    if known is not None and known[0] is found:
        return known[1]
    reading = _Reading(root, relative, found.cells, found.language)
    notebook = reading.notebook()
    if not reading.reads_files:
        while len(_understood) >= MAXIMUM_UNDERSTOOD:
            _understood.pop(next(iter(_understood)), None)
        _understood[key] = (found, notebook)
    return notebook


def declarations_in(cells: Sequence[Cell], spoken: str, *, file: str, root: Path) -> Notebook:
    """Return what cells declare that are not, or not yet, those of the file.

    Parameters
    ----------
    cells : sequence of Cell
        All of them.
    spoken : str
        The notebook's language, in lower case.
    file : str
        What errors call the notebook.
    root : Path
        The project's folder.

    Raises
    ------
    ProjectError
        As `read_declarations`.

    Examples
    --------
    >>> list(declarations_in([Cell(1, "code", "# entrypoint: train")], "python", file="a.ipynb", root=Path()).entry_points)
    ['train']
    """
    return _Reading(root, file, cells, spoken).notebook()


_understood: dict[tuple[str, str], tuple[Content, Notebook]] = {}
"""Declarations of this process's earlier looks, each with the very content that it was read from: another content, another reading."""


class _Reading:
    """A notebook that is being read."""

    def __init__(self, root: Path, file: str, cells: Sequence[Cell], language: str) -> None:
        self.file = file
        self.is_python = language in PYTHON
        code = [cell for cell in cells if cell.kind == "code"]
        self.cells = [(cell, read_mark(cell.source, cell.tags, language=language, place=cell.place(file))) for cell in code]
        self.remarks = Remarks()
        self.yaml = read_manifest(self.cells, file, root, self.remarks)
        self.toml = of_script(read_script(code, file) if self.is_python else None, file, root, self.remarks)
        self.reads_files = self.yaml.environment is not None  # the files that it names may come and go
        self.parameters: dict[int, tuple[Parameter, ...]] = {}
        self.marked = list(dict.fromkeys(name for _, mark in self.cells if mark.kind == "entrypoint" for name in mark.names))

    def notebook(self) -> Notebook:
        """Return what it declares."""
        manifests = (self.yaml, self.toml)
        names = dict.fromkeys(self.marked or [MAIN])
        for manifest in manifests:
            names.update(dict.fromkeys(manifest.entry_points))
        for _, mark in self.cells:
            if mark.kind == "parameters":
                names.update(dict.fromkeys(mark.names))
        points = {name: self._entry_point(name) for name in names}
        return Notebook(
            self.file,
            MappingProxyType(points),
            is_marked=list(points) != [MAIN] or bool(self.marked),
            name=self.yaml.name or self.toml.name,
            environment=self.yaml.environment,
            warnings=tuple(self.remarks.texts),
        )

    def _entry_point(self, name: str) -> EntryPoint:
        declared = [manifest.entry_points[name] for manifest in (self.yaml, self.toml) if name in manifest.entry_points]
        place = self._place(name) or (declared[0].declared if declared else None) or Place(self.file)
        try:
            return self._read(name, declared, place)
        except NbprojError as problem:
            return EntryPoint(name, notebook=self.file, declared=place, problem=problem)

    def _place(self, name: str) -> Place | None:
        """Return the first cell that names an entry point."""
        for kind in ("entrypoint", "parameters"):
            for cell, mark in self.cells:
                if mark.kind == kind and name in mark.names:
                    return cell.place(self.file, mark.lines[0] if mark.lines else None)
        return None

    def _read(self, name: str, declared: Sequence[EntryPoint], place: Place) -> EntryPoint:
        for one in declared:
            if one.problem is not None:
                raise one.problem
        command = next((one for one in declared if one.command is not None), None)
        if command is not None:
            if name in self.marked or any(one is not command for one in declared):
                msg = f"entry point {name!r} is declared as a command and as cells"
                raise EntryPointError(msg, place=command.declared)
            return command
        cells = next((one.cells for one in declared if one.cells is not None), name)
        if cells not in (self.marked or [MAIN]):
            raise EntryPointError(without_cells(cells, self.marked), place=place)
        parameters: tuple[Parameter, ...] = self._parameters(cells)
        for one in reversed(declared):
            parameters = overlaid(one.parameters, parameters)
        texts = [one.help for one in declared] + [mark.help for _, mark in self.cells if mark.kind == "entrypoint" and cells in mark.names]
        warnings = [
            f"{one.declared}: parameter {one.name!r}: everyone who reads this notebook reads the default of a secret"
            for one in parameters
            if one.secret and one.default is not REQUIRED and one.default is not None
        ]
        environment = self.yaml.environment or self.toml.environment
        return EntryPoint(
            name,
            parameters,
            notebook=self.file,
            cells=cells if self.marked else None,
            help=next((text for text in texts if text), ""),
            declared=place,
            environment=environment,
            warnings=tuple(warnings),
        )

    def _parameters(self, name: str) -> tuple[Parameter, ...]:
        """Return the parameters that the cells of an entry point declare.

        Raises
        ------
        EntryPointError
            One is declared in two cells.
        """
        found: dict[str, Parameter] = {}
        for cell, mark in self.cells if self.is_python else ():
            if mark.kind != "parameters" or not mark.belongs_to(name):
                continue
            if cell.number not in self.parameters:
                self.parameters[cell.number] = declared_parameters(body(cell.source, mark), cell.place(self.file), only=mark.by_magic)
            for parameter in self.parameters[cell.number]:
                before = found.setdefault(parameter.name, parameter)
                if before is not parameter and before.declared is not None:
                    msg = f"parameter {parameter.name!r} of {name!r} is declared twice; the first time in cell {before.declared.cell}"
                    raise EntryPointError(msg, place=parameter.declared)
        return tuple(found.values())
