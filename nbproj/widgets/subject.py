"""What a form is about: a project as it was read, its entry points, and what is said of it before it is run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbproj import trust
from nbproj.errors import EntryPointError
from nbproj.progress import Progress, silent
from nbproj.project.directory import find_entry_point, load_project
from nbproj.project.model import EntryPoint, EnvironmentSpec, Project
from nbproj.sources.address import parse, public
from nbproj.sources.registry import fetch
from nbproj.tracking.folders import working_folder

__all__ = ["Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A project that may be run.

    Parameters
    ----------
    uri : str
        As it was asked for.
    points : mapping of str to EntryPoint
        What can be chosen, by the name that it is asked for with.
    first : str
        The one that is shown first.
    base : Path
        Where paths that are typed start.
    environment : EnvironmentSpec
        The project's.
    root : Path, optional
        The project's folder; None for one that is fetched for each run.
    version : str, optional
        What is run of a Git project: the very commit that was read, where that was fetched.
    is_remote : bool
        It comes from another machine: a click asks before it runs, unless the project is trusted.
    is_here : bool
        It is the open notebook itself.
    """

    uri: str
    points: Mapping[str, EntryPoint]
    first: str
    base: Path
    environment: EnvironmentSpec
    root: Path | None = None
    version: str | None = None
    is_remote: bool = False
    is_here: bool = False

    @classmethod
    def of(
        cls,
        uri: str,
        entry_point: str | None = None,
        version: str | None = None,
        *,
        base: Path | None = None,
        is_here: bool = False,
        progress: Progress = silent,
    ) -> Subject:
        """Read a project; nothing of it is executed.

        Parameters
        ----------
        uri, entry_point, version
            As `nbproj.run` takes them; without an entry point all that are declared can be chosen.
        base : Path, optional
            Where paths that are typed start; the working folder by default.
        is_here : bool
            It is the open notebook itself.
        progress : Progress
            Told what is fetched.

        Raises
        ------
        NbprojError
            It cannot be had or read, or there is no such entry point.
        """
        with fetch(uri, version, progress) as checkout:
            project = load_project(checkout.root, notebook=checkout.notebook)
            points, first = _points(project, entry_point)
            fetched = checkout.temporary is not None
            return cls(
                uri,
                points,
                first,
                base or working_folder(),
                project.environment,
                root=None if fetched else checkout.root,
                version=(checkout.commit or version) if fetched else version,
                is_remote=parse(uri).kind != "path",
                is_here=is_here,
            )

    @property
    def title(self) -> str:
        """Where it comes from, as it may be shown, with its version."""
        shown = public(self.uri) if self.is_remote else os.path.basename(os.path.realpath(self.uri.partition("#")[0]))  # noqa: PTH119 - a text
        return f"{shown} at {self.version[:10]}" if self.version else shown

    @property
    def asks(self) -> bool:
        """Whether a click asks before it runs."""
        return self.is_remote and not trust.is_trusted(self.uri)


def _points(project: Project, name: str | None) -> tuple[dict[str, EntryPoint], str]:
    if name is not None:
        return {name: find_entry_point(project, name)}, name
    declared = {one.name: one for one in project.entry_points.values() if one.problem is None}
    try:
        point = find_entry_point(project)
    except EntryPointError:
        if not declared:
            raise
        return declared, next(iter(declared))
    return {**declared, point.name: point}, point.name
