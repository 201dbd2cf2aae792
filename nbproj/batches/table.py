"""The rows of a space: a file of parameters, or a table from Python; every row knows where it stands."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from nbproj.errors import ParameterError, ProjectError, suggestion
from nbproj.order import plain
from nbproj.project.conversion import shown
from nbproj.project.document import read_document
from nbproj.project.names import name_problem

__all__ = ["Table", "read_table", "table_of"]

_MOST_BYTES: Final = 100 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with values of several parameters.

    Parameters
    ----------
    name : str
        What messages call it: the file's name.
    columns : tuple of str
        The parameters.
    rows : tuple of mapping
        The values of each row, by parameter.
    places : tuple of str
        Where each row stands.
    base : Path
        Folder that relative paths in it start from.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, object], ...]
    places: tuple[str, ...]
    base: Path

    def to_document(self, secret: Collection[str]) -> dict[str, object]:
        """Return the rows as values that JSON holds, without those of secret parameters."""
        rows = [{name: plain(value) for name, value in row.items() if name not in secret} for row in self.rows]
        return {"name": self.name, "base": str(self.base), "places": list(self.places), "rows": rows}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return what `to_document` has written."""
        rows = tuple(dict(row) for row in document["rows"])
        return cls(str(document["name"]), _columns(rows), rows, tuple(map(str, document["places"])), Path(document["base"]))


def read_table(path: Path) -> Table:
    """Return the rows of a file.

    Parameters
    ----------
    path : Path
        csv or tsv with a line of names; json or yaml with a list of mappings; parquet.

    Raises
    ------
    ParameterError
        It cannot be read; with the line where one is wrong.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        near = suggestion(path.suffix.lower(), _READERS)
        msg = f"{path} is no file of parameters.{near} Known: {', '.join(_READERS)}"
        raise ParameterError(msg)
    try:
        if path.stat().st_size > _MOST_BYTES:
            msg = f"{path} is refused: more than {_MOST_BYTES >> 20} MB of parameters"
            raise ParameterError(msg)
        rows = reader(path)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise ParameterError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path} cannot be read: it is not UTF-8"
        raise ParameterError(msg) from error
    return _table(path.name, rows, path.absolute().parent)


def table_of(given: Any, base: Path) -> Table:  # noqa: ANN401 - a data frame of any library
    """Return the rows of a data frame, or of a list of mappings.

    Raises
    ------
    ParameterError
        It is neither.

    Examples
    --------
    >>> table_of([{"alpha": 0.1, "seed": 1}, {"alpha": 0.2, "seed": 2}], Path()).columns
    ('alpha', 'seed')
    """
    if hasattr(given, "to_dicts"):  # polars
        given = given.to_dicts()
    elif hasattr(given, "to_dict") and hasattr(given, "columns"):  # pandas
        given = given.to_dict("records")
    if isinstance(given, Mapping | str) or not isinstance(given, Iterable):
        msg = f"rows are the name of a file, a data frame or a list of mappings, not a {type(given).__name__}"
        raise ParameterError(msg)
    return _table("rows", _numbered(list(given), "rows"), base)


def _table(name: str, placed: Sequence[tuple[str, Mapping[str, object]]], base: Path) -> Table:
    rows = tuple(row for _place, row in placed)
    for place, row in placed:
        for column in row:
            problem = name_problem(column)
            if problem:
                msg = f"{place}: column {shown(column)}: a name {problem}"
                raise ParameterError(msg)
    return Table(name, _columns(rows), rows, tuple(place for place, _row in placed), base)


def _columns(rows: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in row))


def _numbered(rows: object, name: str, places: Sequence[str] | None = None) -> list[tuple[str, Mapping[str, object]]]:
    """Return rows with their places; refuse what is no list of mappings."""
    if not isinstance(rows, list):
        msg = f"{name}: a list of rows is expected, each with names and values"
        raise ParameterError(msg)
    found: list[tuple[str, Mapping[str, object]]] = []
    for number, row in enumerate(rows, start=1):
        place = places[number - 1] if places is not None else f"{name}, row {number}"
        if not isinstance(row, Mapping):
            msg = f"{place}: {shown(row)} is no mapping of names to values"
            raise ParameterError(msg)
        found.append((place, {str(key): value for key, value in row.items()}))
    return found


def _read_csv(path: Path) -> list[tuple[str, Mapping[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        first = stream.readline()
        stream.seek(0)
        # What spreadsheets write where the comma stands in numbers is known by its first line.
        mark = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)
        lines = csv.reader(stream, delimiter=mark, strict=True)
        try:
            header = [name.strip() for name in next(lines, [])]
            twice = next((name for name in header if header.count(name) > 1), None)
            if not header or twice is not None:
                msg = f"{path.name}:1: column {twice!r} stands twice" if header else f"{path.name} is empty: its first line names the parameters"
                raise ParameterError(msg)
            found: list[tuple[str, Mapping[str, object]]] = []
            for cells in lines:
                if not any(cell.strip() for cell in cells):
                    continue
                place = f"{path.name}, row {len(found) + 1} (line {lines.line_num})"
                if len(cells) != len(header):
                    msg = f"{place}: {len(cells)} values for {len(header)} columns ({', '.join(header)})"
                    raise ParameterError(msg)
                found.append((place, dict(zip(header, cells, strict=True))))
        except csv.Error as error:
            msg = f"{path.name}, line {lines.line_num}: {error}"
            raise ParameterError(msg) from error
    return found


def _read_json(path: Path) -> list[tuple[str, Mapping[str, object]]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        msg = f"{path.name}:{error.lineno}:{error.colno}: {error.msg}"
        raise ParameterError(msg) from error
    except RecursionError as error:
        msg = f"{path.name}: nested too deeply"
        raise ParameterError(msg) from error
    return _numbered(document, path.name)


def _read_yaml(path: Path) -> list[tuple[str, Mapping[str, object]]]:
    try:
        node = read_document(path)
        rows = node.plain() if node is not None else []
    except ProjectError as error:
        raise ParameterError(error.message, place=error.place) from error
    places = [f"{path.name}, row {number} (line {item.place.line})" for number, item in enumerate(node.items if node else (), start=1)]
    return _numbered(rows, path.name, places)


def _read_parquet(path: Path) -> list[tuple[str, Mapping[str, object]]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        msg = f"{path.name}: parquet files need pyarrow, which is not installed: pip install pyarrow, or save the rows as csv"
        raise ParameterError(msg) from error
    try:
        rows = parquet.read_table(path).to_pylist()
    except ArrowException as error:
        msg = f"{path.name} cannot be read as parquet: {error}"
        raise ParameterError(msg) from error
    return _numbered(rows, path.name)


_READERS: Final[dict[str, Callable[[Path], list[tuple[str, Mapping[str, object]]]]]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".json": _read_json,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".parquet": _read_parquet,
}
