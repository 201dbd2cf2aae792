"""A notebook, read without executing it: the parameters that the cell with papermill's tag declares (contract, section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nbproj.paths import inside
from nbproj.project.assignments import declared_parameters
from nbproj.project.cells import Cell, _cells, _document, code_cells, is_executed, language, read_cells
from nbproj.project.model import EntryPoint, Parameter, Place

__all__ = ["Cell", "code_cells", "is_executed", "language", "read_cells", "read_notebook"]

TAG: Final = "parameters"


def read_notebook(root: Path, relative: str) -> EntryPoint:
    """Return a notebook of a project as an entry point, with the parameters that it declares.

    Parameters
    ----------
    root : Path
        The project's folder.
    relative : str
        The notebook's path in it.

    Returns
    -------
    EntryPoint
        Named by the path. Without a cell tagged `parameters` it declares none.

    Raises
    ------
    ProjectError
        The file leaves the project.
    EntryPointError
        It is not a notebook of format 4, or its parameters cannot be read; with the place.
    """
    place = Place(relative)
    document = _document(inside(root, relative, what="notebook"), place)
    cells = _cells(document, place)
    return EntryPoint(relative, _parameters(document, cells, relative), notebook=relative, declared=place)


def _parameters(document: Mapping[str, object], cells: list[Cell], relative: str) -> tuple[Parameter, ...]:
    if language(document) not in {"python", "ipython"}:
        return ()
    # Papermill writes `injected-parameters`, which declares nothing.
    tagged = next((cell for cell in cells if cell.kind == "code" and TAG in cell.tags), None)
    return () if tagged is None else declared_parameters(tagged.source, Place(relative, cell=tagged.number))
