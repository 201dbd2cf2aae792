"""The project that a command line is about, when it lies on this machine: nothing is fetched for a press of a key."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from nbproj.project.directory import find_entry_point, load_project
from nbproj.project.model import EntryPoint, Project

__all__ = ["Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """What the address of a project means here.

    Parameters
    ----------
    folder : Path
        The project's folder.
    notebook : str, optional
        The notebook in it that is the project.

    Examples
    --------
    >>> Target.at("https://example.org/x.git") is None
    True
    """

    folder: Path
    notebook: str | None = None

    @classmethod
    def at(cls, uri: str) -> Target | None:
        """Return what an address means, None when that is not on this machine.

        Raises
        ------
        SourceError
            The address is malformed, or the folder or notebook is not there.
        """
        from nbproj.sources.address import parse
        from nbproj.sources.root import project_root

        address = parse(uri)
        if address.kind != "path" or address.git:
            return None
        path = Path(address.location)
        if path.is_dir():
            return cls(*project_root(Path(os.path.realpath(path)), address.sub, address.location))
        if path.suffix == ".ipynb" and path.is_file() and not address.sub:
            return cls(Path(os.path.realpath(path.parent)), path.name)
        return None

    def project(self) -> Project:
        """Return the project, read and not executed.

        Raises
        ------
        ProjectError
            It cannot be read.
        """
        return load_project(self.folder, notebook=self.notebook)

    def entry_point(self, name: str | None) -> EntryPoint:
        """Return the entry point of a name, `main` by default.

        Raises
        ------
        ProjectError
            There is none, or its declaration is wrong.
        """
        return find_entry_point(self.project(), name)
