"""What a project needs around it: the environment keys of an MLproject file, and the files that mean one by convention (contract, section 3)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nbproj.errors import ProjectError
from nbproj.paths import inside
from nbproj.project.declaration import Remarks, read_scalar, refuse_unknown
from nbproj.project.model import DockerSpec, EnvironmentKind, EnvironmentSpec
from nbproj.project.node import Node, Pair

__all__ = ["ENVIRONMENT_KEYS", "conventional_environment", "path_in_project", "read_environment"]

ENVIRONMENT_KEYS: Final = ("conda_env", "python_env", "docker_env")
DOCKER_KEYS: Final = ("image", "volumes", "environment", "user", "args")
CONVENTIONS: Final[tuple[tuple[str, EnvironmentKind], ...]] = (
    ("python_env.yaml", "uv"),
    ("conda.yaml", "conda"),
    ("environment.yml", "conda"),
    ("uv.lock", "uv"),
    ("pyproject.toml", "uv"),
    ("requirements.txt", "uv"),
)


def read_environment(fields: Mapping[str, Pair], root: Path, remarks: Remarks) -> EnvironmentSpec | None:
    """Return the environment that the top level of an MLproject file asks for, or None when it names none.

    Parameters
    ----------
    fields : mapping of str to Pair
        The top level.
    root : Path
        The project's folder.
    remarks : Remarks
        Takes what is not understood and does no harm.

    Raises
    ------
    ProjectError
        Two environments, a file that is not there or not in the project, a wrong structure.
    """
    named = [key for key in ENVIRONMENT_KEYS if key in fields]
    if len(named) > 1:
        msg = f"{named[0]!r} and {named[1]!r}: a project has one environment"
        raise ProjectError(msg, place=max((fields[key].key.place for key in named), key=lambda place: place.line or 0))
    if not named or fields[named[0]].value.is_null:
        return None
    pair = fields[named[0]]
    if named[0] == "docker_env":
        return EnvironmentSpec("docker", docker=_docker(pair.value, remarks), declared=pair.key.place)
    file = path_in_project(pair.value, root, named[0])
    return EnvironmentSpec("conda" if named[0] == "conda_env" else "uv", file=file, declared=pair.key.place)


def conventional_environment(root: Path) -> EnvironmentSpec:
    """Return the environment that the files of a folder mean when no MLproject file names one.

    A `pyproject.toml` counts when it describes a project, not when it only configures tools.

    Raises
    ------
    ProjectError
        The file leaves the project by a symbolic link.
    """
    for name, kind in CONVENTIONS:
        if not (root / name).is_file():
            continue
        path = inside(root, name, what="the environment's file")
        if name != "pyproject.toml" or _describes_project(path):
            return EnvironmentSpec(kind, file=name)
    return EnvironmentSpec()


def path_in_project(node: Node, root: Path, what: str) -> str:
    """Return the path of an existing file of the project, relative to its folder.

    Raises
    ------
    ProjectError
        It leaves the project, is not there, or is no file.
    """
    text = read_scalar(node, what)
    try:
        path = inside(root, text, what=what)
    except ProjectError as error:
        raise ProjectError(error.message, place=node.place) from None
    if not path.is_file():
        msg = f"{what} {text!r} is not a file" if path.exists() else f"{what}: there is no file {text!r} in the project"
        raise ProjectError(msg, place=node.place)
    return os.path.relpath(path, os.path.realpath(root)) if Path(text).is_absolute() or ".." in Path(text).parts else os.path.normpath(text)


def _describes_project(path: Path) -> bool:
    import tomllib

    try:
        return "project" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return True  # who prepares the environment says what is wrong with it


def _docker(node: Node, remarks: Remarks) -> DockerSpec:
    what = "docker_env"
    fields = node.fields(what)
    refuse_unknown(fields, DOCKER_KEYS, what, remarks)
    given = {key: pair.value for key, pair in fields.items() if not pair.value.is_null}
    if "image" not in given:
        msg = f"{what} names no image. Add 'image: NAME'"
        raise ProjectError(msg, place=node.place)
    return DockerSpec(
        image=_no_option(given["image"], "the image"),
        volumes=tuple(read_scalar(item, "a volume") for item in _list(given.get("volumes"), f"{what}: 'volumes'", '["/here:/there"]')),
        environment=tuple(_variable(item) for item in _list(given.get("environment"), f"{what}: 'environment'", '[["NAME", "value"], "COPIED"]')),
        user=_no_option(given["user"], "the user") if "user" in given else None,
        args=_arguments(given.get("args")),
    )


def _no_option(node: Node, what: str) -> str:
    text = read_scalar(node, what)
    if text.startswith("-") or re.search(r"\s", text):
        msg = f"{what} {text!r} is none: it begins with '-' or holds a blank"
        raise ProjectError(msg, place=node.place)
    return text


def _list(node: Node | None, what: str, example: str) -> tuple[Node, ...]:
    if node is None:
        return ()
    if node.kind != "list":
        msg = f"{what} is {node.description}, where a list belongs, such as {example}"
        raise ProjectError(msg, place=node.place)
    return node.items


def _variable(node: Node) -> str | tuple[str, str]:
    """Return a variable to copy from the host, or the name and value of a new one (the seeds' "Specifying an Environment")."""
    pair = 2
    parts = node.items if node.kind == "list" else (node,)
    if node.kind == "mapping" or (node.kind == "list" and (len(parts) != pair or parts[1].kind != "scalar")):
        msg = 'a variable is ["NAME", "value"] to set it or "NAME" to copy it from the host'
        raise ProjectError(msg, place=node.place)
    name = read_scalar(parts[0], "the name of a variable")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", name):
        setting = name.partition("=")
        msg = f"{name!r} is not the name of a variable." + (f' To set it, write ["{setting[0]}", "{setting[2]}"]' if setting[1] else "")
        raise ProjectError(msg, place=parts[0].place)
    if node.kind != "list":
        return name
    value = parts[1].text if not parts[1].is_null else ""
    if "\0" in value:
        msg = f"the value of {name} holds a NUL character"
        raise ProjectError(msg, place=parts[1].place)
    return name, value


def _arguments(node: Node | None) -> tuple[str, ...]:
    """Return arguments of `docker run`: a list as it stands; of a mapping, each entry as `mlflow run -A` renders it."""
    if node is None:
        return ()
    if node.kind != "mapping":
        return tuple(read_scalar(item, "an argument") for item in _list(node, "docker_env: 'args'", '["--gpus", "all"]'))
    words: list[str] = []
    for name, pair in node.fields("docker_env: 'args'").items():
        if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
            msg = f"{name!r} is not the name of an option of docker run. Write it without '--'"
            raise ProjectError(msg, place=pair.key.place)
        option = f"--{name}" if len(name) > 1 else f"-{name}"
        for value in pair.value.items if pair.value.kind == "list" else (pair.value,):
            if value.is_null or (value.tag == "bool" and value.plain()):
                words.append(option)
            elif value.tag != "bool":
                words += [option, read_scalar(value, f"the value of {name}")]
    return tuple(words)
