"""What a user can cause or repair: every error that a front door prints as one line.

The exit codes are those of the command line; each class says which stage of a run it belongs to. Anything that is not a subclass of `NbprojError`
is a defect of nbproj and keeps its traceback.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping

__all__ = [
    "BackendError",
    "EntryPointError",
    "EnvironmentPreparationError",
    "NbprojError",
    "ParameterError",
    "ProjectError",
    "RunError",
    "SourceError",
    "StoreError",
    "StoreUnreachableError",
    "TemplateError",
    "UsageError",
    "on_this_platform",
    "one_line",
    "suggestion",
]


def one_line(text: str) -> str:
    r"""Return a text with every run of white space and control characters as one space.

    Examples
    --------
    >>> one_line("a\n  b\x1b[31m")
    'a b [31m'
    """
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known name, or an empty string.

    Examples
    --------
    >>> suggestion("flaot", ["float", "string"])
    " Did you mean 'float'?"
    >>> suggestion("zebra", ["float", "string"])
    ''
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    if not near:
        lowered = {candidate.lower(): candidate for candidate in known}
        near = [lowered[name.lower()]] if name.lower() in lowered else []
    return f" Did you mean {near[0]!r}?" if near else ""


class NbprojError(Exception):
    r"""Base of all errors a user can cause or repair.

    Parameters
    ----------
    message : str
        What is wrong and what to do about it. White space is folded: `str(error)` is one line.
    place : object, optional
        Where it is wrong, as a `project.model.Place` tells it; its text is put in front of the message.
    hint : str, optional
        A second line with what to do.

    Examples
    --------
    >>> str(NbprojError("no such\n  file"))
    'no such file'
    """

    exit_code = 1

    def __init__(self, message: str, *, place: object | None = None, hint: str = "") -> None:
        self.place = place
        self.hint = one_line(hint)
        self.message = one_line(message)
        where = "".join(character if character.isprintable() else " " for character in str(place))  # spaces stay: it can be copied
        super().__init__(f"{where}: {self.message}" if place is not None else self.message)

    def to_dict(self) -> dict[str, object]:
        """Return the stable form for programs: type, message, hint, exit_code."""
        public = next(kind for kind in type(self).__mro__ if kind.__module__ == __name__)
        return {"type": public.__name__, "message": str(self), "hint": self.hint, "exit_code": self.exit_code}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> NbprojError:
        """Return the error that another process has told as plain values; of a type that is not known here, a `RunError`.

        Examples
        --------
        >>> error = NbprojError.from_dict(ParameterError("alpha is missing").to_dict())
        >>> type(error).__name__, str(error), error.exit_code
        ('ParameterError', 'alpha is missing', 120)
        """
        named = globals().get(str(values.get("type")))
        kind = named if isinstance(named, type) and issubclass(named, NbprojError) else RunError
        error = kind(str(values.get("message") or "failed"), hint=str(values.get("hint") or ""))
        code = values.get("exit_code")
        error.exit_code = code if isinstance(code, int) else kind.exit_code
        return error

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this: one line instead of a traceback, and Run All still stops.
        return [f"{type(self).__name__}: {self}", *([self.hint] if self.hint else [])]


class UsageError(NbprojError):
    """The command line, the magic or the call is not well-formed."""

    exit_code = 2


class ProjectError(NbprojError):
    """The project cannot be read, or asks for something that is refused. No run exists."""

    exit_code = 120


class TemplateError(ProjectError):
    """A command template holds something that cannot be made safe, or is not understood."""


class EntryPointError(ProjectError):
    """There is no such entry point, or it is declared wrongly."""


class ParameterError(ProjectError):
    """Parameters are missing, unknown where that is refused, or of the wrong type."""


class SourceError(NbprojError):
    """A project could not be fetched: no such repository, version, folder or archive."""

    exit_code = 121


class EnvironmentPreparationError(NbprojError):
    """An environment or image could not be had."""

    exit_code = 121


class BackendError(NbprojError):
    """A backend is unknown, not installed, or refuses the request."""

    exit_code = 120


class StoreError(NbprojError):
    """The tracking store refuses: no such experiment or run, a schema from another version."""

    exit_code = 120


class StoreUnreachableError(StoreError):
    """The tracking store does not answer."""

    exit_code = 122


class RunError(NbprojError):
    """A run could not be carried to its end."""


def on_this_platform(platform: str = sys.platform) -> None:
    """Return where nbproj can run; it stands on process groups, signals and locks that Windows itself does not have.

    Raises
    ------
    BackendError
        This is Windows.

    Examples
    --------
    >>> on_this_platform("linux")
    """
    if platform == "win32":
        msg = "nbproj does not run on Windows itself: install it in WSL, the Windows Subsystem for Linux"
        raise BackendError(msg)
