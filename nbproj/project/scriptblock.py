"""A `%%mlproject` cell as a `# /// script` block: the same declarations in comments, which every kernel can run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from nbproj.project.document import parse_document
from nbproj.project.model import Place
from nbproj.project.node import Node, Pair

__all__ = ["block_of_yaml"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_SPOKEN: Final = ("name", "entry_points")
"""The keys that the block has a place for; the packages that an environment file names are not known here."""


def block_of_yaml(text: str, place: Place) -> tuple[str, str]:
    r"""Return the block that says what the YAML of a cell says, or why there is none.

    Parameters
    ----------
    text : str
        The cell, its declaration line left empty.
    place : Place
        The cell, for errors.

    Returns
    -------
    tuple of str
        The block, or an empty string; and what keeps it from being written, or an empty string.

    Raises
    ------
    ProjectError
        It is not YAML.

    Examples
    --------
    >>> print(block_of_yaml("entry_points: {train: {parameters: {alpha: {type: float, min: 0}}}}", Place("a.ipynb", cell=1))[0])
    # /// script
    # [tool.nbproj]
    #
    # [tool.nbproj.entry_points.train.parameters]
    # alpha = {type = "float", min = 0}
    # ///
    >>> block_of_yaml("python_env: python_env.yaml", Place("a.ipynb", cell=1))
    ('', "'python_env' has no other form in a notebook: put it into an MLproject file")
    """
    document = parse_document(text, place)
    fields = document.fields("%%mlproject") if document else {}
    other = next((key for key, pair in fields.items() if key not in _SPOKEN and not pair.value.is_null), None)
    if other is not None:
        return "", f"{other!r} has no other form in a notebook: put it into an MLproject file"
    remarks = [line.strip() for line in text.split("\n") if line.strip().startswith("#")]
    lines = ["[tool.nbproj]", *_pairs({key: pair for key, pair in fields.items() if pair.value.kind == "scalar"})]
    points = fields.get("entry_points")
    for name, pair in points.value.fields("'entry_points'").items() if points is not None and not points.value.is_null else ():
        table = f"tool.nbproj.entry_points.{_key(name)}"
        inner = pair.value.fields(name) if pair.value.kind == "mapping" else {}
        parameters = inner.get("parameters")
        own = {key: one for key, one in inner.items() if key != "parameters"}
        if own or parameters is None:
            lines += ["", f"[{table}]", *_pairs(own)]
        if parameters is not None and parameters.value.kind == "mapping":
            lines += ["", f"[{table}.parameters]", *_pairs(parameters.value.fields("'parameters'"))]
    block = [f"# {line}".rstrip() for line in (*remarks, *lines)]
    return "\n".join(["# /// script", *block, "# ///"]), ""


def _pairs(fields: Mapping[str, Pair]) -> list[str]:
    return [f"{_key(key)} = {_value(pair.value)}" for key, pair in fields.items() if not pair.value.is_null]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(node: Node) -> str:
    if node.kind == "list":
        return f"[{', '.join(_value(item) for item in node.items)}]"
    if node.kind == "mapping":
        return "{" + ", ".join(_pairs(node.fields("a mapping"))) + "}"
    plain = node.plain()
    if isinstance(plain, bool):
        return "true" if plain else "false"
    # A number that TOML would write otherwise, such as 0.10, stays the text that it is.
    return node.text if isinstance(plain, int | float) and str(plain) == node.text and node.tag in {"int", "float"} else _text(node.text)
