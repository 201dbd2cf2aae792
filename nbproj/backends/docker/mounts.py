"""What a container sees of this machine: the run's own folders, and the files that its parameters name, at places that are always the same."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from nbproj.environments.docker.wishes import bind
from nbproj.project.conversion import text_of
from nbproj.project.model import EntryPoint, Parameter
from nbproj.project.parameters import Resolved

__all__ = ["HOME", "INPUTS", "OUTPUTS", "OUTPUT_FOLDER", "RESULTS_FILE", "Mount", "Mounts"]

_OURS: Final = PurePosixPath("/mlflow/nbproj")
OUTPUT_FOLDER: Final = _OURS / "out"
RESULTS_FILE: Final = _OURS / "results.jsonl"
HOME: Final = _OURS / "home"
INPUTS: Final = _OURS / "inputs"
OUTPUTS: Final = _OURS / "outputs"


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of this machine in a container.

    Parameters
    ----------
    source : Path
        Here; it exists.
    target : PurePosixPath
        There.
    writable : bool
        Whether the program may change it.
    """

    source: Path
    target: PurePosixPath
    writable: bool = False

    def words(self) -> list[str]:
        """Return it as arguments of `docker run`."""
        return bind(str(self.source), str(self.target), writable=self.writable)


@dataclass(slots=True)
class Mounts:
    """All of a container's mounts.

    Parameters
    ----------
    given : list of Mount
        In their order; a place is taken once.
    """

    given: list[Mount] = field(default_factory=list)

    def add(self, source: Path, target: PurePosixPath, *, writable: bool = False) -> PurePosixPath:
        """Add one; return its place in the container."""
        if all(one.target != target for one in self.given):
            self.given.append(Mount(source, target, writable))
        return target

    def words(self) -> list[str]:
        """Return all as arguments of `docker run`."""
        return [word for one in self.given for word in one.words()]

    def place(self, entry_point: EntryPoint, resolved: Resolved) -> Resolved:
        """Mount what the parameters of type `path` name; return the values as the program in the container has to know them.

        An input is mounted read-only. Of an output, which need not exist yet, it is the folder around it, writable.

        Parameters
        ----------
        entry_point : EntryPoint
            The declaration.
        resolved : Resolved
            The values on this machine; they stay as they are.
        """
        values, words = dict(resolved.values), dict(resolved.words)
        for parameter in entry_point.parameters:
            value = values.get(parameter.name)
            if value is None:
                continue
            if parameter.type == "path":
                values[parameter.name] = self._placed(parameter, value, parameter.name)
            elif parameter.type == "list" and parameter.item == "path" and isinstance(value, list):
                values[parameter.name] = [self._placed(parameter, one, f"{parameter.name}/{number}") for number, one in enumerate(value)]
            else:
                continue
            if words.get(parameter.name) is not None and parameter.flag is None:
                words[parameter.name] = text_of(values[parameter.name])
        return dataclasses.replace(resolved, values=values, words=words)

    def _placed(self, parameter: Parameter, value: object, name: str) -> Path:
        here = Path(str(value))
        if parameter.exists:
            return Path(self.add(here, INPUTS / name / (here.name or "root")))
        folder = here if here.is_dir() else here.parent
        there = self.add(folder, OUTPUTS / name, writable=True)
        return Path(there / here.relative_to(folder))
