"""The nodes of a YAML document: scalars as they were written, lists, mappings, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from nbproj.errors import ProjectError
from nbproj.project.model import Place

__all__ = ["Node", "Pair"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A key of a mapping and its value."""

    key: Node
    value: Node


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A scalar, list or mapping of a document.

    Parameters
    ----------
    kind : str
        `scalar`, `list` or `mapping`.
    place : Place
        Where it begins.
    tag : str
        What YAML takes it for: `str`, `int`, `float`, `bool`, `null`, `timestamp`, `seq`, `map`.
    text : str
        The text of a scalar, quotes removed, nothing else changed.
    items : tuple of Node
        The elements of a list.
    pairs : tuple of Pair
        The entries of a mapping as they are written.
    size, depth : int
        How many nodes this is, and how deep it is nested, when every alias is followed.
    """

    kind: Literal["scalar", "list", "mapping"]
    place: Place
    tag: str
    text: str = ""
    items: tuple[Node, ...] = ()
    pairs: tuple[Pair, ...] = ()
    size: int = 1
    depth: int = 1

    @property
    def is_null(self) -> bool:
        """Whether nothing, `~` or `null` is written there."""
        return self.kind == "scalar" and self.tag == "null"

    @property
    def description(self) -> str:
        """What it is, for an error."""
        names = {
            "null": "nothing",
            "bool": "a truth value",
            "int": "a number",
            "float": "a number",
            "timestamp": "a date",
            "seq": "a list",
            "map": "a mapping",
        }
        return names.get(self.tag, "a text")

    def fields(self, what: str) -> dict[str, Pair]:
        """Return the entries by the text of their keys, merge keys (`<<`) followed; nothing at all counts as an empty mapping.

        Parameters
        ----------
        what : str
            What the mapping is, for the error.

        Raises
        ------
        ProjectError
            It is no mapping, a key stands twice, or a key is not a scalar.
        """
        if self.is_null:
            return {}
        if self.kind != "mapping":
            msg = f"{what} is {self.description}, where a mapping ('key: value') belongs"
            raise ProjectError(msg, place=self.place)
        found: dict[str, Pair] = {}
        for pair in self.pairs:
            key = pair.key
            if key.tag == "merge":
                continue
            if key.kind != "scalar":
                msg = f"a key of {what} is {key.description}, where a name belongs"
                raise ProjectError(msg, place=key.place)
            if key.text in found:
                msg = f"{key.text!r} stands twice in {what}; the first is in line {found[key.text].key.place.line}"
                raise ProjectError(msg, place=key.place)
            found[key.text] = pair
        merged: dict[str, Pair] = {}
        for pair in self.pairs:
            if pair.key.tag == "merge":
                for source in pair.value.items if pair.value.kind == "list" else (pair.value,):
                    merged = {**source.fields(f"what {what} merges"), **merged}
        return {**merged, **found} if merged else found

    def plain(self) -> object:
        """Return the value as Python and JSON know it: None, bool, int, float, str, list, dict. A date stays a text."""
        if self.kind == "list":
            return [item.plain() for item in self.items]
        if self.kind == "mapping":
            return {name: pair.value.plain() for name, pair in self.fields("a mapping").items()}
        return self._scalar()

    def _scalar(self) -> object:
        text = self.text.replace("_", "")
        try:
            if self.tag == "int":
                return int(text)
            if self.tag == "float":
                return float(re.sub(r"\.(inf|nan)$", r"\1", text, flags=re.IGNORECASE))
        except ValueError:  # a spelling of YAML's own, such as 0x1F or 1:30
            return self.text
        if self.tag == "bool":
            return text.lower() in {"true", "yes", "on"}
        return None if self.tag == "null" else self.text
