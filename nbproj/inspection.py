"""A project that is only looked at: for `nbproj show` and `nbproj check`. Nothing of it is executed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbproj.display.project import JSON_VERSION, project_json, project_text
from nbproj.errors import NbprojError, ProjectError
from nbproj.progress import Progress, silent
from nbproj.project.content import remembering
from nbproj.project.directory import find_entry_point, load_project, scan
from nbproj.project.model import EntryPoint, Project
from nbproj.project.remarks import remarks_on
from nbproj.sources.registry import fetch
from nbproj.sources.source import Checkout
from nbproj.tracking.folders import cache_folder

__all__ = ["Inspection", "Verdict", "check_project", "inspect_project"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found.

    Parameters
    ----------
    project : Project
        The project; its folder may be gone already.
    found : mapping of str to EntryPoint
        Scripts and notebooks that can be run by their path.
    only : str, optional
        The entry point that was asked for.
    remarks : tuple of str
        What should be known about the entry points, where that was asked for.
    """

    project: Project
    found: Mapping[str, EntryPoint]
    only: str | None = None
    remarks: tuple[str, ...] = ()

    def text(self, *, width: int = 100) -> str:
        """Return it as `--help` would tell it."""
        return project_text(self.project, self.found, only=self.only, width=width)

    def to_dict(self) -> dict[str, Any]:
        """Return the stable form for programs."""
        document = project_json(self.project, self.found)
        if self.only is not None:
            document["entry_points"] = {self.only: document["entry_points"][self.only]}
        return document


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a project can be read and its entry points run.

    Parameters
    ----------
    summary : str
        What was found, in half a line.
    problems : tuple of str
        What keeps it, or some of it, from being run; a line each.
    warnings : tuple of str
        What is read, and may be meant otherwise.
    """

    summary: str = ""
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    @property
    def exit_code(self) -> int:
        """For the command line: 0, or that of a project that is refused."""
        return 0 if self.ok else ProjectError.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Return the stable form for programs: ok, problems, warnings."""
        return {"version": JSON_VERSION, "ok": self.ok, "problems": list(self.problems), "warnings": list(self.warnings)}


def inspect_project(
    uri: str,
    version: str | None = None,
    *,
    entry_point: str | None = None,
    strict: bool = False,
    remark: bool = False,
    progress: Progress = silent,
) -> Inspection:
    """Read a project.

    Parameters
    ----------
    uri, version : str
        As `nbproj.run` takes them.
    entry_point : str, optional
        Look at this one only; it must be there.
    strict : bool
        Refuse unknown keys and types.
    remark : bool
        Look into the cells of notebooks, too.
    progress : Progress
        Told what is fetched.

    Raises
    ------
    NbprojError
        The project cannot be had or read.
    """
    with fetch(uri, version, progress) as checkout, _memory(checkout):
        project = load_project(checkout.root, notebook=checkout.notebook, strict=strict)
        found = dict(scan(project))
        if entry_point is not None and entry_point not in project.entry_points:
            try:
                found = {entry_point: find_entry_point(project, entry_point)}
            except NbprojError:
                if entry_point not in found:
                    raise
                found = {entry_point: found[entry_point]}
            project = dataclasses.replace(project, entry_points={})
        points = [*project.entry_points.values(), *found.values()]
        remarks = [text for point in points if point.problem is None for text in remarks_on(checkout.root, point)] if remark else []
    return Inspection(project, found, entry_point, tuple(dict.fromkeys(remarks)))


def _memory(checkout: Checkout) -> contextlib.AbstractContextManager[None]:
    """Return a block that knows what earlier commands read; a checkout that is removed afterwards is nothing to remember."""
    return remembering(cache_folder()) if checkout.temporary is None else contextlib.nullcontext()


def check_project(uri: str, version: str | None = None, *, strict: bool = False, progress: Progress = silent) -> Verdict:
    """Read a project and say what is wrong with it.

    Parameters
    ----------
    uri, version : str
        As `nbproj.run` takes them.
    strict : bool
        Count unknown keys and types as problems.
    progress : Progress
        Told what is fetched.

    Returns
    -------
    Verdict
        Also of a project that cannot be read at all.

    Raises
    ------
    SourceError
        The project cannot be had.
    """
    try:
        inspection = inspect_project(uri, version, strict=strict, remark=True, progress=progress)
    except ProjectError as error:
        return Verdict(problems=(f"{error}. {error.hint}" if error.hint else str(error),))
    project = inspection.project
    by_path = [name for name in inspection.found if name not in project.entry_points]
    points = [*project.entry_points.values(), *(inspection.found[name] for name in by_path)]
    problems = tuple(str(point.problem) for point in points if point.problem is not None)
    if not points:
        problems = ("there is nothing to run: no MLproject with entry points, no script and no notebook",)
    count = len(project.entry_points)
    told = [f"{count} entry point{'' if count == 1 else 's'}"] if count else []
    told += [f"{len(by_path)} by path"] if by_path else []
    return Verdict(f"{project.name}: {' and '.join(told)}", problems, (*project.warnings, *inspection.remarks))
