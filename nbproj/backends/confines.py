"""Places that have the project, and nothing else of this machine: what a `path` parameter may name there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbproj.errors import ParameterError
from nbproj.project.model import EntryPoint
from nbproj.project.remote import Remote

__all__ = ["Confines"]


@dataclass(frozen=True, slots=True)
class Confines:
    """Where a backend runs programs, as far as paths are concerned; the `confines` of a backend that has any.

    Parameters
    ----------
    who : str
        Who sees only the project, for people.
    instead : str
        Where files can be that are not in the project.
    """

    who: str
    instead: str

    def inside(self, name: str, value: object, root: Path) -> Path:
        """Return where a path is in the project.

        Parameters
        ----------
        name : str
            The parameter.
        value : Path or Remote
            Its value.
        root : Path
            The project's folder.

        Raises
        ------
        ParameterError
            It is not in the project, or an address: what is downloaded is not in the project either.

        Examples
        --------
        >>> pod = Confines("a pod", "Put it into the project")
        >>> pod.inside("data", Path("/work/data/x.csv"), Path("/work"))
        PosixPath('data/x.csv')
        >>> pod.inside("data", Remote("s3://bucket/x.csv"), Path("/work"))
        Traceback (most recent call last):
        ...
        nbproj.errors.ParameterError: parameter data: s3://bucket/x.csv would be downloaded to this machine, of which a pod sees only the project
        """
        if isinstance(value, Remote):
            msg = f"parameter {name}: {value.public} would be downloaded to this machine, of which {self.who} sees only the project"
            raise ParameterError(msg, hint="Declare the parameter as a uri: the program gets the address, and reads it itself")
        here = Path(str(value))
        if not here.is_relative_to(root):
            msg = f"parameter {name}: {here} is not in the project, and {self.who} sees nothing else of this machine"
            raise ParameterError(msg, hint=self.instead)
        return here.relative_to(root)

    def check(self, entry_point: EntryPoint, values: Mapping[str, object], root: Path) -> None:
        """Refuse values that mean nothing there.

        Parameters
        ----------
        entry_point : EntryPoint
            What declares them.
        values : mapping of str to object
            The values, by name; those of other types than `path` are not looked at.
        root : Path
            The project's folder.

        Raises
        ------
        ParameterError
            One is not in the project.
        """
        for parameter in entry_point.parameters:
            value = values.get(parameter.name)
            if value is None or "path" not in {parameter.type, parameter.item}:
                continue
            for one in value if isinstance(value, list) else [value]:
                self.inside(parameter.name, one, root)
