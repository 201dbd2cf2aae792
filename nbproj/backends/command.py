"""The shell command of an entry point, its values filled in."""

from __future__ import annotations

from nbproj.project.command import Template
from nbproj.project.model import EntryPoint
from nbproj.project.parameters import Resolved

__all__ = ["command_of"]


def command_of(entry_point: EntryPoint, resolved: Resolved) -> str | None:
    """Return what a shell is given to run an entry point; None for a notebook.

    Examples
    --------
    >>> from nbproj.project.model import Parameter
    >>> entry_point = EntryPoint("main", [Parameter("data", "path")], command="python train.py {data}")
    >>> command_of(entry_point, Resolved(words={"data": "/my data"}, extra={"seed": "7"}))
    "python train.py '/my data' --seed 7"
    """
    if entry_point.notebook is not None:
        return None
    if entry_point.script is not None:
        from nbproj.execution.script import command_for_script

        literal = command_for_script(entry_point.script).replace("{", "{{").replace("}", "}}")
        return Template.parse(literal, ()).fill({}, resolved.extra)
    return Template.parse(str(entry_point.command), entry_point.parameters, place=entry_point.declared).fill(resolved.words, resolved.extra)
