"""A YAML document as nodes that know their place, so that every error can point at a line and a column.

PyYAML's parser finds the structure; the nodes are built here, without recursion, under limits: an alias bomb, a cycle, a file nested a thousand deep
or a tag that asks for code is refused while it is read. A scalar keeps its text as it was written: `1_000`, `0.10` and `yes` are not lost to YAML's
idea of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Final, Literal

from nbproj.errors import ProjectError
from nbproj.project.model import Place
from nbproj.project.node import Node, Pair

if TYPE_CHECKING:
    import yaml

__all__ = ["parse_document", "read_document"]

MAXIMUM_BYTES: Final = 1 << 20
MAXIMUM_NODES: Final = 100_000
MAXIMUM_DEPTH: Final = 100
PREFIX: Final = "tag:yaml.org,2002:"
SCALARS: Final = frozenset({"str", "null", "bool", "int", "float", "timestamp", "merge", "value"})
# What YAML 1.1 allows in a stream; the parsers report the rest without a line.
UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    kind: Literal["list", "mapping"]
    place: Place
    anchor: str | None
    nodes: list[Node] = field(default_factory=list)
    size: int = 1
    depth: int = 1

    def add(self, node: Node, place: Place) -> None:
        """Take one more node, unless that is too much once its aliases are followed."""
        self.nodes.append(node)
        self.size += node.size
        self.depth = max(self.depth, node.depth + 1)
        _refuse_depth(self.depth, place)
        if self.size > MAXIMUM_NODES:
            msg = f"holds more than {MAXIMUM_NODES} values once its aliases are followed"
            raise ProjectError(msg, place=place)


def read_document(path: Path) -> Node | None:
    """Return the top node of a YAML file, or None when it is empty.

    Parameters
    ----------
    path : Path
        A file of at most 1 MiB in UTF-8; a byte order mark is tolerated.

    Raises
    ------
    ProjectError
        With the place: it cannot be read, is too large, not UTF-8, not YAML, or refused (alias bombs, cycles, tags).
    """
    try:
        # A FIFO or device is not waited for.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            if not S_ISREG(os.fstat(stream.fileno()).st_mode):
                msg = "is not a file"
                raise ProjectError(msg, place=Place(path.name))
            data = stream.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        msg = f"cannot be read: {error.strerror}"
        raise ProjectError(msg, place=Place(path.name)) from None
    if len(data) > MAXIMUM_BYTES:
        msg = "is larger than 1 MiB"
        raise ProjectError(msg, place=Place(path.name))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        msg = "is not UTF-8. Save it as UTF-8"
        raise ProjectError(msg, place=_place_after(Place(path.name), before)) from None
    return parse_document(text, path.name)


def parse_document(text: str, file: str | Place) -> Node | None:
    """Return the top node of a YAML text, or None when it is empty.

    Parameters
    ----------
    text : str
        One document.
    file : str or Place
        What places name: a file, or a cell of a notebook.

    Raises
    ------
    ProjectError
        With the place: it is not YAML, or refused.

    Examples
    --------
    >>> parse_document("a: [0.10, x]", "MLproject").fields("it")["a"].value.items[0].text
    '0.10'
    """
    import yaml

    at = Place(file) if isinstance(file, str) else file
    unprintable = UNPRINTABLE.search(text)
    if unprintable:
        msg = f"holds the character U+{ord(unprintable[0]):04X}, which YAML does not allow"
        raise ProjectError(msg, place=_place_after(at, text[: unprintable.start()]))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _compose(yaml.parse(text, Loader=loader), at)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(at.file, mark.line + 1, mark.column + 1, at.cell, at.cell_id) if mark else at
        if mark and mark.line > text.count("\n"):  # the C parser finds the end of a text one line below it
            place = _place_after(at, text)
        problem = error.problem or error.context
        if mark and text.splitlines()[mark.line : mark.line + 1] and text.splitlines()[mark.line][mark.column :].startswith("\t"):
            problem = "a tab indents this line. Indent with spaces"
        msg = f"is not YAML: {problem}"
        raise ProjectError(msg, place=place) from None
    except yaml.YAMLError as error:
        msg = f"is not YAML: {error}"
        raise ProjectError(msg, place=at) from None


def _place_after(at: Place, before: str) -> Place:
    lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", before)
    return replace(at, line=len(lines), column=len(lines[-1]) + 1)


def _compose(events: Iterator[yaml.Event], at: Place) -> Node | None:
    """Build the nodes of a stream of events."""
    import yaml

    top: Node | None = None
    documents = 0
    opened: list[_Open] = []
    anchors: dict[str, Node | None] = {}  # None: a collection that is still open
    for event in events:
        mark = event.start_mark
        place = Place(at.file, mark.line + 1, mark.column + 1, at.cell, at.cell_id) if mark else at
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                msg = "a second document begins here ('---'), where one is expected"
                raise ProjectError(msg, place=place)
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append(_begun(event, place, anchors))
            _refuse_depth(len(opened), place)
        elif isinstance(event, yaml.CollectionEndEvent | yaml.NodeEvent):
            node = _closed(opened.pop(), anchors) if isinstance(event, yaml.CollectionEndEvent) else _leaf(event, place, anchors)
            if opened:
                opened[-1].add(node, place)
            else:
                top = node
    return None if top is None or top.is_null else top


def _begun(event: yaml.CollectionStartEvent, place: Place, anchors: dict[str, Node | None]) -> _Open:
    import yaml

    _refuse_tag(event, place)
    anchor: str | None = event.anchor
    if anchor is not None:
        anchors[anchor] = None
    return _Open("mapping" if isinstance(event, yaml.MappingStartEvent) else "list", place, anchor)


def _leaf(event: yaml.NodeEvent, place: Place, anchors: dict[str, Node | None]) -> Node:
    """Return a scalar, or what an alias names."""
    import yaml

    anchor: str | None = event.anchor
    if not isinstance(event, yaml.ScalarEvent):
        return _aliased(anchors, str(anchor), place)
    node = Node("scalar", place, _tag(event, place), event.value)
    if anchor is not None:
        anchors[anchor] = node
    return node


def _refuse_depth(depth: int, place: Place) -> None:
    if depth > MAXIMUM_DEPTH:
        msg = f"is nested more than {MAXIMUM_DEPTH} deep"
        raise ProjectError(msg, place=place)


def _closed(collection: _Open, anchors: dict[str, Node | None]) -> Node:
    nodes = collection.nodes
    if collection.kind == "list":
        node = Node("list", collection.place, "seq", items=tuple(nodes), size=collection.size, depth=collection.depth)
    else:
        pairs = tuple(Pair(key, value) for key, value in zip(nodes[::2], nodes[1::2], strict=True))
        node = Node("mapping", collection.place, "map", pairs=pairs, size=collection.size, depth=collection.depth)
    if collection.anchor is not None:
        anchors[collection.anchor] = node
    return node


def _aliased(anchors: Mapping[str, Node | None], name: str, place: Place) -> Node:
    if name not in anchors:
        msg = f"there is no anchor '&{name}' before '*{name}'"
        raise ProjectError(msg, place=place)
    node = anchors[name]
    if node is None:
        msg = f"'*{name}' stands inside what it names"
        raise ProjectError(msg, place=place)
    return node


@cache
def _resolver() -> yaml.resolver.Resolver:
    from yaml.resolver import Resolver

    return Resolver()


def _resolve(event: yaml.ScalarEvent) -> str:
    import yaml

    return str(_resolver().resolve(yaml.ScalarNode, event.value, event.implicit))  # type: ignore[no-untyped-call]  # the stubs leave it out


def _tag(event: yaml.ScalarEvent, place: Place) -> str:
    # "!" says no more than no tag does, as PyYAML's own composer has it.
    tag = event.tag if event.tag not in {None, "!"} else _resolve(event)
    short = str(tag).removeprefix(PREFIX)
    if short not in SCALARS:
        _refuse_tag(event, place)
    return short


def _refuse_tag(event: yaml.NodeEvent, place: Place) -> None:
    tag = getattr(event, "tag", None)
    if tag in {None, "!", f"{PREFIX}seq", f"{PREFIX}map"}:
        return
    msg = f"the tag {str(tag).replace(PREFIX, '!!')!r} is not understood"
    raise ProjectError(msg, place=place)
