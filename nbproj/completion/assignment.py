"""`-P NAME=VALUE`: the names that are not given yet, and what the value of one may be."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from nbproj.completion.candidate import Candidate, put_behind
from nbproj.completion.paths import paths
from nbproj.project.conversion import text_of
from nbproj.project.model import REQUIRED, EntryPoint, Parameter

__all__ = ["assignments"]

_LOCATED = ("path", "uri")


def assignments(entry_point: EntryPoint | None, typed: str, *, given: Collection[str] = (), root: Path | None = None) -> list[Candidate]:
    """Return what the text of a `-P` could become.

    Parameters
    ----------
    entry_point : EntryPoint, optional
        Whose parameters they are; without one only paths are offered as values.
    typed : str
        What is there of the text.
    given : collection of str
        Names that the command line gives already. Secrets are not offered either: they come by their variable, because a command line is
        seen by others.
    root : Path, optional
        The project's folder, from which a default's path starts.

    Examples
    --------
    >>> entry_point = EntryPoint("main", [Parameter("mode", "choice", default="fast", choices=("fast", "exact")), Parameter("alpha", "float")])
    >>> [one.text for one in assignments(entry_point, "")]
    ['alpha=', 'mode=']
    >>> [one.text for one in assignments(entry_point, "mode=")]
    ['mode=fast', 'mode=exact']
    """
    name, equals, value = typed.partition("=")
    parameters = entry_point.parameters if entry_point is not None else ()
    if equals:
        parameter = next((one for one in parameters if one.name == name), None)
        folder = _folder_of_default(entry_point, parameter, root)
        return put_behind(f"{name}=", _values(parameter, value, folder))
    free = [one for one in parameters if one.name not in given and not one.secret]
    free.sort(key=lambda one: not one.required)
    return [Candidate(f"{one.name}=", _described(one), unfinished=True) for one in free]


def _values(parameter: Parameter | None, typed: str, folder: Path | None) -> Iterator[Candidate]:
    """Give what the value of a parameter could become; of one that is not declared only a path that is being typed."""
    if parameter is None:
        if typed.startswith((".", "/", "~")):
            yield from paths(typed)
        return
    if parameter.secret:
        return
    default = _default(parameter)
    if parameter.choices:
        yield from (Candidate(text, "default" if text == default else "") for text in map(text_of, parameter.choices))
    elif parameter.type == "bool":
        yield from (Candidate(text, "default" if text == default else "") for text in ("true", "false"))
    elif parameter.type in _LOCATED:
        yield from _located(default, typed, folder)
    elif default:
        yield Candidate(default, "default")


def _located(default: str | None, typed: str, folder: Path | None) -> Iterator[Candidate]:
    """Give paths. The default comes first, as seen from here: the project wrote it as seen from its own folder."""
    if default and folder is not None and not default.startswith("~") and "://" not in default:
        # As long a path as it takes: what is typed decides whether it is offered.
        seen = os.path.join(folder, default) if typed.startswith("/") else os.path.relpath(os.path.join(folder, default))  # noqa: PTH118 - a text
        if os.path.exists(seen):  # noqa: PTH110 - Path.exists raises for a name too long
            seen = f"./{seen}" if typed.startswith("./") else seen
            yield Candidate(seen, "default")
    yield from paths(typed)


def _folder_of_default(entry_point: EntryPoint | None, parameter: Parameter | None, root: Path | None) -> Path | None:
    """Return where a default's path starts: the project's folder; the notebook's where a cell declares it."""
    if root is None or entry_point is None or entry_point.notebook is None or parameter is None or parameter.declared is None:
        return root
    return (root / entry_point.notebook).parent if parameter.declared.cell is not None else root


def _default(parameter: Parameter) -> str | None:
    if parameter.default_text is not None and parameter.default is not REQUIRED:
        return parameter.default_text if parameter.type != "bool" else text_of(parameter.default)
    return None if parameter.default is REQUIRED or parameter.default is None else text_of(parameter.default)


def _described(parameter: Parameter) -> str:
    default = _default(parameter)
    kind = parameter.type if parameter.required else f"{parameter.type}, {default}" if default else parameter.type
    word = "required " if parameter.required else ""
    return f"{parameter.help} ({word}{kind})" if parameter.help else f"{word}{kind}"
