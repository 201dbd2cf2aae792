"""A first MLproject file for a folder: what its notebooks and scripts offer, read and never executed."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from nbproj.errors import NbprojError
from nbproj.project.directory import scan
from nbproj.project.model import EntryPoint, Project
from nbproj.project.python_source import parse_python

__all__ = ["mlproject_text"]

MAXIMUM_BYTES: Final = 1 << 20
_TYPES: Final = {"bool": "bool", "float": "float", "int": "int", "str": "string", "Path": "path"}
_OF_TOOLS: Final = re.compile(r"(?:test_.*|.*_test|conftest|setup|noxfile|__init__)\.py")
_PROGRAMS: Final = {".sh": "bash", ".R": "Rscript", ".py": "python"}


def mlproject_text(project: Project) -> str:
    """Return the text of an MLproject file for a folder that has none; empty when there is nothing to run.

    Parameters
    ----------
    project : Project
        The folder, as `directory.load_project` gives it.

    Examples
    --------
    >>> import tempfile
    >>> from nbproj.project.directory import load_project
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "clean.sh").write_text("echo")
    ...     print(mlproject_text(load_project(Path(folder))).partition("entry_points:")[2])
    <BLANKLINE>
      main:
        command: bash clean.sh
    <BLANKLINE>
    """
    sections: dict[str, list[str]] = {}
    for name, point in scan(project).items():
        if point.problem is not None:
            continue
        lines = _of_notebook(name, point) if point.notebook is not None else _of_script(project.root, str(point.script))
        if lines:
            sections[_free(_short(name), sections)] = lines
    if not sections:
        return ""
    if len(sections) == 1:
        sections = {"main": next(iter(sections.values()))}
    entries = "\n\n".join("\n".join([f"  {_scalar(name)}:", *(f"    {line}" for line in lines)]) for name, lines in sections.items())
    packages = f"# Packages: {project.environment.file}\n" if project.environment.file else ""
    return f"name: {_scalar(project.name)}\n{packages}\nentry_points:\n{entries}\n"


def _short(name: str) -> str:
    file, _, cells = name.rpartition(":")
    return cells if file else PurePosixPath(name).stem


def _free(name: str, taken: dict[str, list[str]]) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "run"
    return next(one for one in (plain, *(f"{plain}_{count}" for count in range(2, len(taken) + 3))) if one not in taken)


def _of_notebook(name: str, point: EntryPoint) -> list[str]:
    lines = [f"notebook: {_scalar(str(point.notebook))}"]
    return [*lines, f"cells: {_scalar(point.cells)}"] if point.cells is not None and _short(name) != point.cells else lines


def _of_script(root: Path, file: str) -> list[str]:
    """Return what runs a script, with the options that its argparse takes; nothing for a module that others import."""
    suffix = PurePosixPath(file).suffix
    command = f"{_PROGRAMS[suffix]} {shlex.quote(file).replace('{', '{{').replace('}', '}}')}"
    if suffix != ".py":
        return [f"command: {_scalar(command)}"]
    if _OF_TOOLS.fullmatch(PurePosixPath(file).name):
        return []
    try:
        with (root / file).open("rb") as stream:
            text = stream.read(MAXIMUM_BYTES).decode("utf-8-sig", "replace")
        tree = parse_python(text)
    except (OSError, SyntaxError, NbprojError):
        return []
    arguments = dict(_arguments(tree))
    if not arguments and "__main__" not in text:
        return []
    parameters = [f"  {name}: {_flow(section)}" for name, (section, _) in arguments.items()]
    words = [word for _, word in arguments.values()]
    return [*(["parameters:", *parameters] if parameters else []), f"command: {_scalar(' '.join([command, *words]))}"]


def _arguments(tree: ast.Module) -> Iterator[tuple[str, tuple[dict[str, Any], str]]]:
    """Give the name, declaration and words of every `add_argument` that is written out."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "add_argument":
            continue
        options = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        option = next((one for one in options if one.startswith("--")), options[0] if options else "")
        name = option.lstrip("-").replace("-", "_")
        if not name.isidentifier() or (option.startswith("-") and not option.startswith("--")):
            continue
        given = {one.arg: one.value for one in node.keywords if one.arg is not None}
        section = _section(given, positional=not option.startswith("--"))
        if section is None:
            continue
        is_flag = section.get("type") == "bool" and "action" in given
        word = f"{{{name}}}" if not option.startswith("--") or is_flag else f"{option} {{{name}}}"
        yield name, ({**section, "flag": option} if is_flag else section, word)


def _section(given: dict[str, ast.expr], *, positional: bool) -> dict[str, Any] | None:
    action = _literal(given.get("action"))
    if action is not None and action != "store_true":
        return None
    kind = given.get("type")
    named = kind.id if isinstance(kind, ast.Name) else kind.attr if isinstance(kind, ast.Attribute) else "str"
    default = _literal(given.get("default"))
    if action == "store_true":
        section: dict[str, Any] = {"type": "bool", "default": False}
    else:
        section = {"type": _TYPES.get(named, "string")}
        if "type" not in given and isinstance(default, bool | int | float):
            section["type"] = {bool: "bool", int: "int", float: "float"}[type(default)]
        if default is not None:
            section["default"] = default if isinstance(default, bool | int | float) else str(default)
        elif not positional and _literal(given.get("required")) is not True:
            return None  # it may be left out, which a command of a project cannot; `-P` still appends it
    text = _literal(given.get("help"))
    return {**section, **({"help": " ".join(text.split())} if isinstance(text, str) else {})}


def _literal(node: ast.expr | None) -> object:
    try:
        return ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _flow(section: dict[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(section, default_flow_style=True, sort_keys=False, allow_unicode=True, width=100_000)).strip()


def _scalar(text: str) -> str:
    import yaml

    return str(yaml.safe_dump(text, allow_unicode=True, width=100_000, default_flow_style=True)).removesuffix("...\n").strip()
