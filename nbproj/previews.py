"""What a card shows of a run's artifacts: small pictures, and the first rows of tables. Read from the store when the run has ended."""

from __future__ import annotations

import csv
import itertools
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from nbproj.errors import StoreError
from nbproj.tracking.store import Store

__all__ = ["chosen", "previews_of", "read_preview"]

_PICTURES: Final = {".png": ("image/png", b"\x89PNG\r\n"), ".jpg": ("image/jpeg", b"\xff\xd8\xff"), ".jpeg": ("image/jpeg", b"\xff\xd8\xff")}
_DRAWING: Final = ".svg"
_TABLES: Final = (".csv", ".tsv", ".json", ".parquet")
_MOST_PICTURES: Final = 3
_MOST_TABLES: Final = 2
_PICTURE_BYTES: Final = 60_000
"""What a notebook that is saved with the card has room for."""
_TABLE_BYTES: Final = 1_000_000
_ROWS: Final = 5
_COLUMNS: Final = 8
_MODEL: Final = "MLmodel"


def previews_of(store: Store, run_id: str) -> list[dict[str, Any]]:
    """Return previews of a run's artifacts as plain values; what cannot be read has none.

    Parameters
    ----------
    store : Store
        Where the run is recorded.
    run_id : str
        The run; it has ended.

    Returns
    -------
    list of dict
        `path`, and for a picture `mime` and `data`, for a table `columns`, `rows` and `more`, whether there are more of either.
    """
    found = []
    try:
        paths = chosen(store.list_artifacts(run_id))
        with tempfile.TemporaryDirectory() as folder:
            for path in paths:
                preview = read_preview(store.download_artifact(run_id, path, Path(folder)))
                if preview is not None:
                    found.append({"path": path, **preview})
    except (StoreError, OSError):  # a card without pictures is a card
        pass
    return found


def chosen(artifacts: Iterable[tuple[str, int | None]]) -> list[str]:
    """Return which artifacts are worth a look, of all with their sizes: not nbproj's own, nor the parts of a model.

    Examples
    --------
    >>> chosen([("run/a.png", 9), ("m/MLmodel", 9), ("m/x.json", 9), ("plot.png", 9), ("big.png", 10**6), ("scores.csv", 9)])
    ['plot.png', 'scores.csv']
    """
    listed = sorted(artifacts)
    models = tuple(f"{PurePosixPath(path).parent}/" for path, _ in listed if PurePosixPath(path).name == _MODEL)
    own = [(path, size) for path, size in listed if not path.startswith(("run/", *models)) and size is not None]
    pictures = [path for path, size in own if _suffix(path) in {*_PICTURES, _DRAWING} and size <= _PICTURE_BYTES]
    tables = [path for path, size in own if _suffix(path) in _TABLES and 0 < size <= _TABLE_BYTES]
    return [*pictures[:_MOST_PICTURES], *tables[:_MOST_TABLES]]


def read_preview(file: Path) -> dict[str, Any] | None:
    """Return what is shown of a file, None when it is not what its name says.

    Parameters
    ----------
    file : Path
        A small file on this machine.
    """
    suffix = _suffix(file.name)
    try:
        if suffix in _PICTURES:
            mime, start = _PICTURES[suffix]
            data = file.read_bytes()
            return {"mime": mime, "data": data} if data.startswith(start) else None
        if suffix == _DRAWING:
            data = file.read_bytes()
            return {"mime": "image/svg+xml", "data": data} if b"<svg" in data[:1000] else None
        return _table(file, suffix)
    except (OSError, ValueError, RecursionError, csv.Error):
        return None


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _table(file: Path, suffix: str) -> dict[str, Any] | None:
    if suffix == ".parquet":
        return _of_parquet(file)
    if suffix == ".json":
        return _of_json(json.loads(file.read_bytes()))
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(itertools.islice(csv.reader(stream, delimiter="\t" if suffix == ".tsv" else ","), _ROWS + 2))
    return _shown(rows[0], rows[1:]) if len(rows) > 1 else None


def _of_json(document: object) -> dict[str, Any] | None:
    """Return a table of records, or one of columns; None for what is neither."""
    if isinstance(document, list) and document and all(isinstance(one, Mapping) for one in document):
        columns = list(dict.fromkeys(str(name) for one in document[: _ROWS + 1] for name in one))
        return _shown(columns, [[one.get(name, "") for name in columns] for one in document[: _ROWS + 1]])
    # As mlflow.log_table writes it.
    if isinstance(document, Mapping) and isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        rows = [row for row in document["data"][: _ROWS + 1] if isinstance(row, list)]
        return _shown([str(name) for name in document["columns"]], rows) if rows else None
    return None


def _of_parquet(file: Path) -> dict[str, Any] | None:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        return None
    try:
        with ParquetFile(file) as parquet:
            columns = parquet.schema_arrow.names
            first = next(parquet.iter_batches(batch_size=_ROWS + 1, columns=columns[: _COLUMNS + 1]), None)
    except ArrowException:
        return None
    return _shown(columns, list(_rows(first.to_pylist(), columns))) if first is not None else None


def _rows(records: Sequence[Mapping[str, object]], columns: Sequence[str]) -> Iterator[list[object]]:
    for record in records:
        yield [record.get(name, "") for name in columns[: _COLUMNS + 1]]


def _shown(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, Any]:
    return {
        "columns": [str(name) for name in columns[:_COLUMNS]],
        "rows": [[str(value) for value in row[:_COLUMNS]] for row in rows[:_ROWS]],
        "more": len(columns) > _COLUMNS or len(rows) > _ROWS,
    }
