"""What a notebook declares, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nbproj.errors import EntryPointError, suggestion
from nbproj.project.model import EntryPoint, EnvironmentSpec, Place
from nbproj.project.selection import MAIN

__all__ = ["Notebook"]


@dataclass(frozen=True, slots=True)
class Notebook:
    """What a notebook declares.

    Parameters
    ----------
    file : str
        Its path in the project.
    entry_points : mapping of str to EntryPoint
        By name, in the order of the cells; `main` alone when nothing in it names one.
    is_marked : bool
        Whether it names entry points of its own.
    name : str, optional
        What the project is called that it alone would be.
    environment : EnvironmentSpec, optional
        What a `%%mlproject` cell asks for.
    warnings : tuple of str
        Remarks of one line each.
    """

    file: str
    entry_points: Mapping[str, EntryPoint]
    is_marked: bool = False
    name: str | None = None
    environment: EnvironmentSpec | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def default(self) -> EntryPoint | None:
        """The entry point that is meant when none is named: `main`, or the only one."""
        if MAIN in self.entry_points:
            return self.entry_points[MAIN]
        return next(iter(self.entry_points.values())) if len(self.entry_points) == 1 else None

    def entry_point(self, name: str | None = None) -> EntryPoint:
        """Return an entry point that can be run.

        Parameters
        ----------
        name : str, optional
            Which; the default one when it is not given.

        Raises
        ------
        EntryPointError
            There is none of that name, none is the default, or its declaration is wrong.
        """
        found = self.entry_points.get(name) if name is not None else self.default
        if found is None:
            names = ", ".join(self.entry_points)
            if name is None:
                first = next(iter(self.entry_points))
                msg = f"has several entry points: {names}. Name one, such as {self.file}:{first}"
            else:
                msg = f"there is no entry point {name!r}.{suggestion(name, self.entry_points)} Entry points: {names}"
            raise EntryPointError(msg, place=Place(self.file))
        if found.problem is not None:
            raise found.problem
        return found
