"""The notebook as papermill hands it over: its parameters taken out again, what papermill added to every cell taken back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nbproj.errors import EntryPointError, ParameterError
from nbproj.execution.executed import plain
from nbproj.execution.kernels import Kernel
from nbproj.execution.plan import Plan, prepare, refuse_lost_values
from nbproj.project.marks import INJECTED_TAG, PARAMETERS_TAG
from nbproj.project.model import EntryPoint, Place
from nbproj.project.notebook import read_declarations
from nbproj.project.parameters import Resolved, resolve_all
from nbproj.project.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Choice", "Draft"]

_NAMELESS: Final = "notebook.ipynb"


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a notebook is to run, with which values.

    Parameters
    ----------
    entry_point : EntryPoint
        The declaration.
    resolved : Resolved
        Its values.
    """

    entry_point: EntryPoint
    resolved: Resolved


@dataclass(slots=True)
class Draft:
    """A notebook before it is executed.

    Parameters
    ----------
    document : dict
        As JSON has it, without papermill's new cell of parameters.
    given : mapping
        The parameters of the caller.
    file : str
        What errors call it.
    path : Path, optional
        Where the author's notebook is, if that is a file.
    hidden : bool
        The caller wants a report: code is not shown.
    """

    document: dict[str, Any]
    given: Mapping[str, object]
    file: str
    path: Path | None
    hidden: bool

    @classmethod
    def take(cls, nb: Any, source: Any) -> Draft:
        """Return the draft of a notebook.

        Parameters
        ----------
        nb : NotebookNode
            From papermill; not changed.
        source : str or NotebookNode, optional
            What papermill has read it from.
        """
        import nbformat

        document = json.loads(nbformat.v4.writes(nb))
        cells = document["cells"]
        new = next((index for index, cell in enumerate(cells) if _is_new(cell)), None)
        given: Mapping[str, object] = {}
        hidden = False
        if new is not None:
            given = dict(nb.metadata.papermill.get("parameters") or {})
            hidden = "jupyter" in cells[new]["metadata"]
            declared = next((index for index, cell in enumerate(cells) if PARAMETERS_TAG in cell["metadata"].get("tags", ())), None)
            if new in {0, declared + 1 if declared is not None else 0}:  # else it stands for that of an earlier run, and stays in its place
                del cells[new]
        for cell in cells:
            for name in ("papermill", "tags"):  # papermill gives both to every cell, empty
                if not cell["metadata"].get(name, True):
                    del cell["metadata"][name]
        told = document["metadata"]["papermill"]
        if not isinstance(told.get("input_path"), str):  # a notebook in memory: papermill writes all of it down as where it came from
            told.pop("input_path", None)
        path = _file(source)
        return cls(document, given, path.name if path is not None and path.suffix == ".ipynb" else _NAMELESS, path, hidden)

    def choose(self, folder: Path, name: str | None, *, cwd: Path) -> Choice:
        """Return what is to run.

        Parameters
        ----------
        folder : Path
            A private folder, for a copy to be read.
        name : str, optional
            Of the entry point.
        cwd : Path
            Where relative paths start.

        Raises
        ------
        NbprojError
            There is no such entry point; a value is missing, of the wrong type, or without effect.
        """
        copy = folder / self.file
        copy.write_text(json.dumps(self.document), encoding="utf-8", errors="backslashreplace")
        notebook = read_declarations(folder, self.file)
        entry_point = notebook.entry_point(name)
        if entry_point.notebook != self.file:
            msg = f"entry point {entry_point.name!r} is a command, and papermill executes cells: run it with `nbproj run`"
            raise EntryPointError(msg, place=entry_point.declared or Place(self.file))
        resolved = resolve_all(entry_point, self.given, base=cwd, root=cwd)
        remote = next((one for one in resolved.values.values() if isinstance(one, Remote)), None)
        if remote is not None:
            msg = f"{remote.public!r} is remote, and papermill fetches nothing: run it with `nbproj run`, or download it first"
            raise ParameterError(msg)
        refuse_lost_values(copy, entry_point.cells, list(self.given), file=self.file)
        copy.unlink()
        return Choice(entry_point, resolved)

    def prepare(self, chosen: Choice, kernel: Kernel) -> Plan:
        """Put the values into the notebook, and return what of it runs.

        Raises
        ------
        NbprojError
            A value that cannot be written in the notebook's language.
        """
        resolved, entry_point = chosen.resolved, chosen.entry_point
        values = {**resolved.values, **{name: self.given[name] for name in resolved.extra}}
        secrets = {one.name: one.variable for one in entry_point.parameters if one.secret and one.variable in resolved.secrets}
        plan = prepare(self.document, kernel=kernel, entry_point=entry_point.cells, values=values, secrets=secrets, file=self.file)
        if self.given:
            self.document["metadata"]["papermill"]["parameters"] = {name: plain(value) for name, value in values.items()}
        for step in plan.steps:
            if step.number is None and self.hidden:
                self.document["cells"][step.index]["metadata"]["jupyter"] = {"source_hidden": True}
        self._forget_errors(plan)
        return plan

    def _forget_errors(self, plan: Plan) -> None:
        """Take old errors out of the cells that do not run: papermill would raise them as those of this run."""
        for index, cell in enumerate(self.document["cells"]):
            if index not in plan.selected and cell.get("outputs"):
                cell["outputs"] = [output for output in cell["outputs"] if output.get("output_type") != "error"]


def _is_new(cell: Mapping[str, Any]) -> bool:
    """Return whether papermill has just made a cell: those that it has read, it has given metadata of its own."""
    return INJECTED_TAG in cell["metadata"].get("tags", ()) and "papermill" not in cell["metadata"]


def _file(source: Any) -> Path | None:
    """Return the file that papermill has read, if it is one."""
    if not isinstance(source, str):
        return None
    from nbproj.papermill_engine.output import local_path

    path = local_path(source)
    try:
        return path if path is not None and path.is_file() else None
    except (OSError, ValueError):  # papermill takes the text of a notebook, too
        return None
