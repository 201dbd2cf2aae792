"""A file that describes a conda environment: channels, packages, a section for pip, variables. Nothing in it becomes an option."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nbproj.environments.blame import at, blamed_in
from nbproj.environments.condachannels import Channel, read_channel
from nbproj.environments.requirements import Requirements, read_lines
from nbproj.errors import EnvironmentPreparationError, suggestion
from nbproj.project.document import read_document
from nbproj.project.model import Place
from nbproj.project.node import Node, Pair

__all__ = ["CondaFile", "CondaPackage", "read_conda_file", "read_package"]

_KEYS: Final = ("name", "channels", "dependencies", "variables", "prefix")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PACKAGE: Final = re.compile(
    r"(?:(?P<channel>[\w][\w.:/+-]*)::)?"
    r"(?P<name>[A-Za-z0-9_][\w.-]*)"
    r"(?P<version>(?:\s*[=<>!~]|\s+[\w*^(])[\w.*=<>!~,|()+\-\s]*|)"
    r"(?P<brackets>\[[^\[\]]*\])?"
)
_BRACKETED: Final = re.compile(r"""\[[\w.*=<>!~,|()+\-\s'"/:]*\]""")


@dataclass(frozen=True, slots=True)
class CondaPackage:
    """A package that conda is asked for.

    Parameters
    ----------
    name : str
        In small letters.
    version : str
        What is said about its version and build, without blanks around operators; empty for any.
    text : str
        As conda reads it.
    key : str
        The same for what means the same.
    place : Place
        Where it stands.
    """

    name: str
    version: str
    text: str
    key: str
    place: Place


@dataclass(frozen=True, slots=True)
class CondaFile:
    """What such a file says.

    Parameters
    ----------
    file : str
        Its path in the project; empty for the environment of a project that has none.
    channels : tuple of Channel
        Where packages come from, the first before the others.
    packages : tuple of CondaPackage
        What conda installs.
    pip : Requirements
        What is installed then from a package index.
    variables : mapping of str to str
        Set when it is activated.
    """

    file: str = ""
    channels: tuple[Channel, ...] = ()
    packages: tuple[CondaPackage, ...] = ()
    pip: Requirements = field(default_factory=Requirements)
    variables: Mapping[str, str] = field(default_factory=dict)


def read_conda_file(name: str, root: Path, path: Path) -> CondaFile:
    """Return what a `conda.yaml` or `environment.yml` says. Its name and prefix are ignored: the environment is kept elsewhere.

    Parameters
    ----------
    name : str
        Its path in the project.
    root : Path
        The project's folder; the paths of the pip section start from the file's folder, as conda has it.
    path : Path
        The file.

    Raises
    ------
    EnvironmentPreparationError
        It is wrong, with the place.
    """
    with blamed_in(name):
        document = read_document(path)
        fields = document.fields(name) if document is not None else {}
        given = _given(fields, name)
        folder = Path(name).parent
        channels = tuple(
            read_channel(item.text, at(name, item), root, str(folder)) for item in _scalars(given.get("channels"), "channels", "a channel", name)
        )
        packages, pip = _dependencies(given.get("dependencies"), name)
        variables = _variables(given.get("variables"), name)
    return CondaFile(name, channels, packages, read_lines(pip, root, folder=str(folder)), variables)


def read_package(text: str, place: Place) -> CondaPackage:
    """Return a package as conda's files name it: a name, and what is asked of its version.

    Parameters
    ----------
    text : str
        Such as `python=3.12`, `numpy >=2,<3`, `conda-forge::scipy`.
    place : Place
        Where it stands.

    Raises
    ------
    EnvironmentPreparationError
        It is none.

    Examples
    --------
    >>> read_package("NumPy >= 2, <3", Place("conda.yaml", 4)).key
    'numpy>=2,<3'
    >>> read_package("python; touch x", Place("conda.yaml", 4))
    Traceback (most recent call last):
    nbproj.errors.EnvironmentPreparationError: conda.yaml:4: 'python; touch x' is no package as conda names them, such as python=3.12
    """
    bare = text.partition(" #")[0].strip()
    found = _PACKAGE.fullmatch(bare) if bare.isprintable() else None
    if found is None or (found["brackets"] and not _BRACKETED.fullmatch(found["brackets"])):
        archive = re.match(r"[a-z+]+://|\.{0,2}/", bare) or bare.endswith((".conda", ".tar.bz2"))
        what = "is an archive: name its channel and the package" if archive else "is no package as conda names them, such as python=3.12"
        msg = f"{text!r} {what}"
        raise EnvironmentPreparationError(msg, place=place)
    version = re.sub(r"\s*([=<>!~,|()]+)\s*", r"\1", found["version"].strip())
    channel = f"{found['channel']}::" if found["channel"] else ""
    name = found["name"].lower()
    brackets = found["brackets"] or ""
    blank = " " if version and not re.match(r"[=<>!~]", version) else ""
    return CondaPackage(name, version + brackets, bare, f"{channel}{name}{blank}{' '.join(version.split())}{brackets}", place)


def _given(fields: Mapping[str, Pair], name: str) -> dict[str, Node]:
    for key, pair in fields.items():
        meant = suggestion(key, _KEYS)
        if key not in _KEYS and meant:
            msg = f"{key!r} is no key of a conda environment.{meant} Known: {', '.join(_KEYS)}"
            raise EnvironmentPreparationError(msg, place=at(name, pair.key))
    return {key: pair.value for key, pair in fields.items() if not pair.value.is_null}


def _dependencies(node: Node | None, name: str) -> tuple[tuple[CondaPackage, ...], list[tuple[str, Place]]]:
    packages: list[CondaPackage] = []
    pip: list[tuple[str, Place]] = []
    for item in _items(node, "dependencies", name):
        if item.kind == "scalar" and not item.is_null:
            packages.append(read_package(item.text, at(name, item)))
            continue
        if item.kind != "mapping":
            msg = f"an element of 'dependencies' is {item.description}, where a package belongs, such as python=3.12"
            raise EnvironmentPreparationError(msg, place=at(name, item))
        for key, pair in item.fields("an element of 'dependencies'").items():
            if key != "pip":
                msg = f"{key!r} with a colon is no package. Write {key}=VERSION; only 'pip:' has a list of its own"
                raise EnvironmentPreparationError(msg, place=at(name, pair.key))
            if not pair.value.is_null:
                pip += [(line.text, at(name, line)) for line in _scalars(pair.value, "pip", "a requirement", name)]
    return tuple(packages), pip


def _variables(node: Node | None, name: str) -> dict[str, str]:
    found = {}
    for key, pair in node.fields("'variables'").items() if node is not None else ():
        if not _VARIABLE.fullmatch(key):
            msg = f"{key!r} is not the name of a variable"
            raise EnvironmentPreparationError(msg, place=at(name, pair.key))
        if pair.value.kind != "scalar" or pair.value.is_null or "\0" in pair.value.text:
            msg = f"the variable {key} is {pair.value.description}, where a text belongs"
            raise EnvironmentPreparationError(msg, place=at(name, pair.value))
        found[key] = pair.value.text
    return found


def _items(node: Node | None, key: str, name: str) -> tuple[Node, ...]:
    if node is None:
        return ()
    if node.kind != "list":
        msg = f"{key!r} is {node.description}, where a list belongs"
        raise EnvironmentPreparationError(msg, place=at(name, node))
    return node.items


def _scalars(node: Node | None, key: str, what: str, name: str) -> tuple[Node, ...]:
    items = _items(node, key, name)
    for item in items:
        if item.kind != "scalar" or item.is_null:
            msg = f"an element of {key!r} is {item.description}, where {what} belongs"
            raise EnvironmentPreparationError(msg, place=at(name, item))
    return items
