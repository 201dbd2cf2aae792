"""One entry point as YAML or TOML declares it: the keys that an MLproject file, a `%%mlproject` cell and a `# /// script` block share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from nbproj.errors import ProjectError
from nbproj.project.command import Template
from nbproj.project.declaration import Remarks, read_parameter, read_scalar, refuse_unknown
from nbproj.project.model import EntryPoint, Parameter
from nbproj.project.node import Node, Pair

__all__ = ["read_entry", "with_command"]

KEYS: Final = ("parameters", "command", "notebook", "cells", "help")


def read_entry(name: str, pair: Pair, remarks: Remarks) -> tuple[EntryPoint, Mapping[str, Pair]]:
    """Return an entry point without what it runs, and the keys that are given: who knows the project adds the command or the notebook.

    Parameters
    ----------
    name : str
        Its name.
    pair : Pair
        The name and the mapping behind it.
    remarks : Remarks
        Takes what is not understood and does no harm.

    Raises
    ------
    ProjectError
        With the place.
    """
    what = f"entry point {name!r}"
    fields = pair.value.fields(what)
    refuse_unknown(fields, KEYS, what, remarks)
    given = {key: found for key, found in fields.items() if not found.value.is_null}
    if "command" in given and "notebook" in given:
        msg = f"{what} has both a 'command' and a 'notebook'"
        raise ProjectError(msg, place=given["notebook"].key.place)
    if "cells" in given and "command" in given:
        msg = f"{what}: 'cells' belongs to a 'notebook'"
        raise ProjectError(msg, place=given["cells"].key.place)
    entry_point = EntryPoint(
        name,
        _parameters(fields, what, remarks),
        cells=read_scalar(given["cells"].value, f"{what}: 'cells'") if "cells" in given else None,
        help=_help(given, what),
        declared=pair.key.place,
    )
    return entry_point, given


def with_command(entry_point: EntryPoint, node: Node) -> EntryPoint:
    """Return an entry point that runs a command.

    Raises
    ------
    ProjectError
        The command is none, or its template is refused.
    """
    what = f"entry point {entry_point.name!r}"
    if node.kind != "scalar":
        msg = f"{what}: 'command' is {node.description}, where a text belongs"
        raise ProjectError(msg, place=node.place)
    if not node.text.strip():
        msg = f"{what}: 'command' is empty"
        raise ProjectError(msg, place=node.place)
    Template.parse(node.text, entry_point.parameters, place=node.place)
    return replace(entry_point, command=node.text)


def _help(given: Mapping[str, Pair], what: str) -> str:
    if "help" not in given:
        return ""
    node = given["help"].value
    if node.kind != "scalar":
        msg = f"{what}: 'help' is {node.description}, where a text belongs"
        raise ProjectError(msg, place=node.place)
    return " ".join(node.text.split())


def _parameters(fields: Mapping[str, Pair], what: str, remarks: Remarks) -> Sequence[Parameter]:
    if "parameters" not in fields:
        return ()
    parameters = [read_parameter(pair, remarks) for pair in fields["parameters"].value.fields(f"{what}: 'parameters'").values()]
    variables: dict[str, str] = {}
    for parameter in parameters:
        if parameter.secret and variables.setdefault(parameter.variable, parameter.name) != parameter.name:
            msg = (
                f"parameters {variables[parameter.variable]!r} and {parameter.name!r} both want the variable {parameter.variable}. Write 'env: NAME'"
            )
            raise ProjectError(msg, place=parameter.declared)
    return parameters
