"""A project that is only looked at: for `nbproj show` and `nbproj check`. Nothing of it is executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbproj.display.project import project_json, project_text
from nbproj.errors import NbprojError
from nbproj.progress import Progress, silent
from nbproj.project.directory import find_entry_point, load_project, scan
from nbproj.project.model import EntryPoint, Project
from nbproj.sources.registry import fetch

__all__ = ["Inspection", "inspect_project"]


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
    """

    project: Project
    found: Mapping[str, EntryPoint]
    only: str | None = None

    def text(self, *, width: int = 100) -> str:
        """Return it as `--help` would tell it."""
        return project_text(self.project, self.found, only=self.only, width=width)

    def to_dict(self) -> dict[str, Any]:
        """Return the stable form for programs."""
        document = project_json(self.project, self.found)
        if self.only is not None:
            document["entry_points"] = {self.only: document["entry_points"][self.only]}
        return document

    def problems(self) -> list[str]:
        """Return what keeps entry points from being run, a line each."""
        points = [*self.project.entry_points.values(), *self.found.values()]
        return [str(point.problem) for point in points if point.problem is not None]


def inspect_project(
    uri: str, version: str | None = None, *, entry_point: str | None = None, strict: bool = False, progress: Progress = silent
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
    progress : Progress
        Told what is fetched.

    Raises
    ------
    NbprojError
        The project cannot be had or read.
    """
    with fetch(uri, version, progress) as checkout:
        project = load_project(checkout.root, notebook=checkout.notebook, strict=strict)
        found = dict(scan(project))
        if entry_point is not None and entry_point not in project.entry_points:
            try:
                found = {entry_point: find_entry_point(project, entry_point)}
            except NbprojError:
                if entry_point not in found:
                    raise
                found = {entry_point: found[entry_point]}
            project = Project(project.name, project.root, {}, project.environment, project.file, project.notebook, None, project.warnings)
    return Inspection(project, found, entry_point)
