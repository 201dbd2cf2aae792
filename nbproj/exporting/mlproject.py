"""An MLproject file that a full `mlflow run` understands: commands as they are, notebooks through papermill."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from nbproj.errors import EntryPointError
from nbproj.exporting.notebook import is_left_alone, kind_of, sent_text
from nbproj.project.conversion import text_of
from nbproj.project.model import REQUIRED, DockerSpec, EntryPoint, Parameter

__all__ = ["EXECUTED", "HEADING", "command_entry", "docker_section", "notebook_entry", "written"]

HEADING: Final = "# Written by nbproj export."
EXECUTED: Final = "executed"
"""The folder that papermill's notebooks go to."""

_OUTPUTS: Final = '[ "$NBPROJ_OUTPUT_DIR" ] || export NBPROJ_OUTPUT_DIR="$PWD/outputs"; mkdir -p "$NBPROJ_OUTPUT_DIR"; '


def notebook_entry(entry_point: EntryPoint, file: str, *, outputs: bool) -> dict[str, Any]:
    """Return the section of an entry point that runs a plain notebook.

    Parameters
    ----------
    entry_point : EntryPoint
        What it stands for.
    file : str
        The plain notebook, relative to the project.
    outputs : bool
        Whether its code writes into the folder whose files nbproj keeps.

    Examples
    --------
    >>> found = notebook_entry(EntryPoint("train", [Parameter("alpha", "float", default=0.5)], notebook="a.ipynb"), "train.ipynb", outputs=False)
    >>> found["parameters"]
    {'alpha': {'type': 'float', 'default': 0.5}}
    >>> found["command"].partition(" && ")[2]
    'papermill --log-output --no-progress-bar train.ipynb "executed/train-$MLFLOW_RUN_ID.ipynb" -r alpha {alpha}'
    """
    parameters = [one for one in entry_point.parameters if not one.secret]
    own = str(entry_point.notebook)
    folder = str(PurePosixPath(file).parent)
    stem = re.sub(r"[^\w.-]", "-", PurePosixPath(file).stem)
    where = f"--cwd {_quoted(folder)} " if folder != "." else ""
    words = "".join(f" -r {one.name} {{{one.name}}}" for one in parameters)
    command = (
        f'mkdir -p {EXECUTED} && papermill --log-output --no-progress-bar {where}{_quoted(file)} "{EXECUTED}/{stem}-$MLFLOW_RUN_ID.ipynb"{words}'
    )
    section: dict[str, Any] = {}
    if parameters:
        section["parameters"] = {one.name: _sent(one, own, folder) for one in parameters}
    return {**section, "command": (_OUTPUTS if outputs else "") + command}


def command_entry(entry_point: EntryPoint) -> dict[str, Any]:
    """Return the section of an entry point that is a command.

    Raises
    ------
    EntryPointError
        It has what no `mlflow run` knows.
    """
    flagged = next((one for one in entry_point.parameters if one.flag is not None), None)
    if flagged is not None:
        msg = f"entry point {entry_point.name!r}: mlflow has no flags: parameter {flagged.name!r} cannot be exported"
        raise EntryPointError(msg, place=flagged.declared)
    section: dict[str, Any] = {}
    parameters = [one for one in entry_point.parameters if not one.secret]
    if parameters:
        section["parameters"] = {one.name: _declared(one) for one in parameters}
    command = str(entry_point.command)
    return {**section, "command": (_OUTPUTS if "NBPROJ_OUTPUT_DIR" in command else "") + command}


def docker_section(spec: DockerSpec) -> dict[str, Any]:
    """Return a `docker_env` as mlflow knows it.

    Examples
    --------
    >>> docker_section(DockerSpec("python:3.12", environment=("HOME", ("A", "1"))))
    {'image': 'python:3.12', 'environment': ['HOME', ['A', '1']]}
    """
    found: dict[str, Any] = {"image": spec.image}
    if spec.volumes:
        found["volumes"] = list(spec.volumes)
    if spec.environment:
        found["environment"] = [one if isinstance(one, str) else list(one) for one in spec.environment]
    return found


def written(document: Mapping[str, Any]) -> str:
    """Return an MLproject file's text."""
    import yaml

    text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=1000)
    return f"{HEADING} mlflow run and papermill run this project; so does nbproj run.\n{text}"


def _quoted(path: str) -> str:
    return shlex.quote(path).replace("{", "{{").replace("}", "}}")


def _sent(parameter: Parameter, notebook: str, folder: str) -> dict[str, Any]:
    """Return the declaration of a parameter that travels to a notebook as a text."""
    text = sent_text(parameter)
    kind = kind_of(parameter).removesuffix("?")
    if parameter.type == "path":
        # mlflow looks for a default in the caller's folder; as a text it reaches the notebook, which knows its own.
        kind = "string" if text is not None or not parameter.exists else "path"
        of_project = parameter.declared is None or parameter.declared.cell is None
        if text is not None and text != "None" and of_project and str(PurePosixPath(notebook).parent) != ".":
            text = os.path.relpath(text, folder) if not PurePosixPath(text).is_absolute() else text
    if parameter.optional or is_left_alone(parameter):
        kind = "string"
    return _section(parameter, kind, text)


def _declared(parameter: Parameter) -> dict[str, Any]:
    item = f"list[{parameter.item}]" if parameter.type == "list" and parameter.item else parameter.type
    text = None
    if parameter.default is not REQUIRED and parameter.default is not None:
        text = parameter.default_text if parameter.default_text is not None else text_of(parameter.default)
    section = _section(parameter, item, text)
    return {**section, **({"choices": list(parameter.choices)} if parameter.choices else {}), **({"exists": False} if not parameter.exists else {})}


def _section(parameter: Parameter, kind: str, text: str | None) -> dict[str, Any]:
    section: dict[str, Any] = {"type": kind}
    if text is not None:
        value = parameter.default
        number = isinstance(value, int | float) and not isinstance(value, bool) and kind in {"int", "float"} and str(value) == text
        section["default"] = value if number else text
    if parameter.help:
        section["help"] = parameter.help
    if kind in {"int", "float"}:
        section |= {key: getattr(parameter, key) for key in ("min", "max", "step") if getattr(parameter, key) is not None}
    return section
