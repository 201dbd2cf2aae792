"""What a table of declarations holds: plain texts, as they are typed, and where each came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbproj.errors import ProjectError
from nbproj.paths import replace_unchanged

__all__ = ["EntryRow", "ParameterRow", "Revision"]


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One parameter.

    Parameters
    ----------
    name, type, default, help : str
        As they are written; an empty default is none.
    was : str, optional
        The name under which the file declares it; None for a new one.
    """

    name: str = ""
    type: str = ""
    default: str = ""
    help: str = ""
    was: str | None = None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry point of an MLproject file, or one cell of a notebook.

    Parameters
    ----------
    name : str
        Its name; of a cell the names that mark it, between spaces.
    runs : str
        The command, or the notebook; of a cell its first line, of a new cell its code.
    parameters : tuple of ParameterRow
        In their order.
    was : str, optional
        The name under which the file declares it; of a cell its number; None for a new one.
    """

    name: str = ""
    runs: str = ""
    parameters: Sequence[ParameterRow] = field(default=())
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """A file as it is, and as it would be.

    Parameters
    ----------
    path : Path
        The file.
    before : bytes, optional
        Its content when it was read; None for one that is not there yet.
    after : bytes
        What would be written.
    difference : str
        What changes, line by line; empty when nothing does.
    """

    path: Path
    before: bytes | None
    after: bytes
    difference: str

    def write(self) -> None:
        """Write it at once, and only if nobody has changed the file since it was read.

        Raises
        ------
        ProjectError
            It has changed, or cannot be written.
        """
        if self.before is not None:
            replace_unchanged(self.path, self.before, self.after)
            return
        try:
            with self.path.open("xb") as stream:
                stream.write(self.after)
        except FileExistsError as error:
            msg = f"{self.path} has come into being meanwhile: nothing was written. Begin again"
            raise ProjectError(msg) from error
        except OSError as error:
            msg = f"{self.path} cannot be written: {error.strerror or error}"
            raise ProjectError(msg) from error
