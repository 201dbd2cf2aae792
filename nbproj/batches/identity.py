"""What identifies a batch in its store, and a point in its batch: values, however they were written, and never a secret one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from nbproj.batches.space import Point, Space
from nbproj.order import plain
from nbproj.project.model import EntryPoint
from nbproj.project.remote import is_address

__all__ = ["batch_key", "digest_of", "point_digest", "point_tag"]


def batch_key(uri: str, entry_point: EntryPoint, space: Space, name: str | None, secret: Collection[str]) -> str:
    """Return what identifies a batch.

    With a name it is the name: the same one with other points adds to them. Without, it is the points.

    Parameters
    ----------
    uri : str
        Where the project is.
    entry_point : EntryPoint
        What runs.
    space : Space
        The points.
    name : str, optional
        The batch's name.
    secret : collection of str
        Names of parameters whose values are not part of it.

    Examples
    --------
    >>> train = EntryPoint("train")
    >>> small, large = Space.of([("seed", "range(2)")]), Space.of([("seed", [0, 1, 2])])
    >>> batch_key("p", train, small, None, ()) == batch_key("p", train, Space.of([("seed", ["0", "1"])]), None, ())
    True
    >>> batch_key("p", train, small, None, ()) == batch_key("p", train, large, None, ())
    False
    >>> batch_key("p", train, small, "name", ()) == batch_key("p", train, large, "name", ())
    True
    """
    if name is not None:
        return _digest([uri, entry_point.name, name])[:32]
    folders = _folders(entry_point, space)
    axes = sorted((axis.name, [_told(value, folders.get(axis.name)) for value in axis]) for axis in space.axes if axis.name not in secret)
    rows = [] if space.table is None else [_row(row, folders, secret) for row in space.table.rows]
    return _digest([uri, entry_point.name, axes, rows])[:32]


def point_digest(point: Point, entry_point: EntryPoint, space: Space, secret: Collection[str]) -> str:
    """Return what identifies a point in its batch.

    Examples
    --------
    >>> space, train = Space.of([("alpha", [0.5]), ("token", "x")]), EntryPoint("train")
    >>> given = point_digest(space.point(0), train, space, {"token"})
    >>> given == point_digest(Point(7, {"alpha": "0.5", "token": "y"}), train, space, {"token"})
    True
    >>> given == point_digest(Point(0, {"alpha": 0.6}), train, space, {"token"})
    False
    >>> here, there = (Space.of([("data", ["s3://bucket/x"])], base=Path(folder)) for folder in ("/here", "/there"))
    >>> from nbproj.project.model import Parameter
    >>> read = EntryPoint("read", [Parameter("data", "path")])
    >>> point_digest(here.point(0), read, here, ()) == point_digest(there.point(0), read, there, ())
    True
    """
    return _digest(_row(point.parameters, _folders(entry_point, space), secret))[:16]


def point_tag(index: int, digest: str) -> str:
    """Return what a run's tag says of its point: its number, by which points are ordered, and what identifies it."""
    return f"{index}-{digest}"


def digest_of(tag: str) -> str:
    """Return what identifies a point, from the tag of its run.

    Examples
    --------
    >>> point_tag(3, "8dbce1ed4a8d3d32"), digest_of("3-8dbce1ed4a8d3d32")
    ('3-8dbce1ed4a8d3d32', '8dbce1ed4a8d3d32')
    """
    return tag.partition("-")[2]


def _folders(entry_point: EntryPoint, space: Space) -> dict[str, Path]:
    """Return where relative values of paths start: the same text elsewhere is another file, unless it is an address."""
    paths = [one.name for one in entry_point.parameters if {one.type, one.item} & {"path", "uri"}]
    return {name: space.bases.get(name, space.base) for name in paths}


def _row(values: Mapping[str, object], folders: Mapping[str, Path], secret: Collection[str]) -> list[tuple[str, str]]:
    return sorted((name, _told(value, folders.get(name))) for name, value in values.items() if name not in secret)


def _told(value: object, folder: Path | None) -> str:
    text = value if isinstance(value, str) else json.dumps(plain(value))
    return text if folder is None or is_address(text) else os.path.normpath(folder / text)


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
