"""A `# /// script` block (PEP 723) in a notebook: the Python and the packages it needs, and under `[tool.nbproj]` what an MLproject file would say.

TOML is read into the nodes of `project.node`, so that it is checked by the same code as YAML, and refused with the same words.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from nbproj.errors import EntryPointError, ProjectError
from nbproj.project.cells import Cell
from nbproj.project.model import EnvironmentSpec, Place
from nbproj.project.node import Node, Pair

__all__ = ["Script", "read_script", "script_environment"]

BLOCK: Final = re.compile(r"^# /// script[ \t\r]*\n(?P<content>(?:#(?:[ \t][^\n]*)?\r?\n)*?)# ///[ \t\r]*$", re.MULTILINE)
OPENING: Final = re.compile(r"^# /// script[ \t\r]*$", re.MULTILINE)
AT: Final = re.compile(r" \(at line (\d+), column (\d+)\)$| \(at end of document\)$")
MAXIMUM_BYTES: Final = 1 << 20
MAXIMUM_DEPTH: Final = 20


@dataclass(frozen=True, slots=True)
class Script:
    """What a block says.

    Parameters
    ----------
    place : Place
        Its first line.
    python : str, optional
        `requires-python`.
    dependencies : tuple of str
        Requirements as they are written.
    fields : mapping of str to Pair
        The keys of `[tool.nbproj]`.
    """

    place: Place
    python: str | None = None
    dependencies: tuple[str, ...] = ()
    fields: Mapping[str, Pair] = field(default_factory=lambda: MappingProxyType({}))


def read_script(cells: Sequence[Cell], file: str) -> Script | None:
    r"""Return what the block in a notebook's code cells says, or None when there is none.

    Parameters
    ----------
    cells : sequence of Cell
        All of them.
    file : str
        What errors call the notebook.

    Raises
    ------
    ProjectError
        There are two blocks, it has no end, or it is not TOML of this kind; with cell and line.

    Examples
    --------
    >>> source = '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["numpy"]\n# ///'
    >>> script = read_script([Cell(1, "code", source)], "train.ipynb")
    >>> (script.python, script.dependencies) if script else None
    ('>=3.11', ('numpy',))
    """
    found: Script | None = None
    for cell in cells:
        if cell.kind != "code" or "# /// script" not in cell.source:
            continue
        for opening in OPENING.finditer(cell.source):
            place = cell.place(file, cell.source.count("\n", 0, opening.start()) + 1)
            if found is not None:
                first = found.place
                where = f"line {first.line}" if first.cell == place.cell else f"cell {first.cell}"
                msg = f"a second '# /// script' block; the first is in {where}. A notebook has one"
                raise EntryPointError(msg, place=place)
            block = BLOCK.match(cell.source, opening.start())
            if block is None:
                msg = "the '# /// script' block has no end. Close it with a line '# ///', every line before it beginning with '# '"
                raise EntryPointError(msg, place=place)
            found = _script(block["content"], place)
    return found


def script_environment(path: Path, file: str) -> EnvironmentSpec | None:
    """Return the environment that a Python script asks for in itself, or None.

    Parameters
    ----------
    path : Path
        The script.
    file : str
        What errors call it.

    Raises
    ------
    EntryPointError
        Its block is wrong; with the line.
    """
    if path.suffix != ".py":
        return None
    try:
        with path.open("rb") as stream:
            data = stream.read(MAXIMUM_BYTES)
    except OSError:  # whoever runs it says so
        return None
    if b"# /// script" not in data:
        return None
    try:
        found = read_script([Cell(1, "code", data.decode("utf-8", "replace").replace("\r\n", "\n"))], file)
    except ProjectError as error:
        line = error.place.line if isinstance(error.place, Place) else None
        raise EntryPointError(error.message, place=Place(file, line)) from None
    if found is None or (found.python is None and not found.dependencies):
        return None
    return EnvironmentSpec("uv", file=file, declared=Place(file, found.place.line), python=found.python, dependencies=found.dependencies)


class _Lines:
    """Where keys stand: TOML's reader does not tell, so a key is looked for below the keys above it."""

    def __init__(self, text: str) -> None:
        self._lines: dict[str, list[int]] = {}
        for number, line in enumerate(text.split("\n"), start=1):
            for word in re.findall(r"[\w-]+", line):
                self._lines.setdefault(word, []).append(number)

    def place(self, block: Place, keys: tuple[str, ...]) -> Place:
        """Return the line of a key in a block; that of the nearest key above it, where it is written in an unusual way."""
        line = 0
        for key in keys:
            known = self._lines.get(key, [])
            index = bisect_left(known, line)
            line = known[index] if index < len(known) else line
        return replace(block, line=(block.line or 0) + line)


def _script(content: str, place: Place) -> Script:
    # One line of TOML for each line of the block: line n of it is line n below the opening one.
    text = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in content.replace("\r\n", "\n").split("\n"))
    if len(text) > MAXIMUM_BYTES:
        msg = "the '# /// script' block is larger than 1 MiB"
        raise EntryPointError(msg, place=place)
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        at = AT.search(str(error))
        line = int(at[1]) if at and at[1] else 0
        msg = f"the '# /// script' block is not TOML: {AT.sub('', str(error))}"
        raise EntryPointError(msg, place=replace(place, line=(place.line or 0) + line)) from None
    lines = _Lines(text)
    tool = document.get("tool")
    ours = tool.get("nbproj") if isinstance(tool, dict) else None
    node = _node(ours if ours is not None else {}, place, lines, ("nbproj",))
    return Script(
        place,
        _python(document.get("requires-python"), lines.place(place, ("requires-python",))),
        _dependencies(document.get("dependencies"), lines.place(place, ("dependencies",))),
        MappingProxyType(node.fields("[tool.nbproj]")),
    )


def _python(value: object, place: Place) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[\w.,<>=!~* \t-]+", value):
        msg = "'requires-python' is no version of Python, such as '>=3.11'"
        raise EntryPointError(msg, place=place)
    return value


def _dependencies(value: object, place: Place) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        msg = "'dependencies' is no list of texts, such as ['numpy', 'pandas>=2']"
        raise EntryPointError(msg, place=place)
    for one in value:
        if not re.match(r"[A-Za-z0-9]", one) or not one.isprintable():
            # A requirement becomes a word of an installer's command line: no option may pass for one.
            msg = f"the dependency {one!r} does not begin with the name of a package"
            raise EntryPointError(msg, place=place)
    return tuple(value)


def _node(value: object, place: Place, lines: _Lines, keys: tuple[str, ...]) -> Node:
    """Return a value of TOML as YAML would have given it."""
    here = lines.place(place, keys) if keys else place
    if len(keys) > MAXIMUM_DEPTH:
        msg = f"is nested more than {MAXIMUM_DEPTH} deep"
        raise ProjectError(msg, place=here)
    if isinstance(value, dict):
        pairs = tuple(
            Pair(Node("scalar", lines.place(place, (*keys, key)), "str", key), _node(item, place, lines, (*keys, key))) for key, item in value.items()
        )
        return Node("mapping", here, "map", pairs=pairs)
    if isinstance(value, list):
        return Node("list", here, "seq", items=tuple(_node(item, place, lines, keys) for item in value))
    if isinstance(value, bool):
        return Node("scalar", here, "bool", "true" if value else "false")
    if isinstance(value, int | float):
        return Node("scalar", here, "int" if isinstance(value, int) else "float", str(value))
    if isinstance(value, dt.date | dt.time):
        return Node("scalar", here, "timestamp", value.isoformat())
    return Node("scalar", here, "str", str(value))
