"""What is asked of runs beyond their lines: side by side, their curves, values of many to draw, pictures, notebooks, a file of all."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from nbproj.artifacts import of_run
from nbproj.display.card_json import plain_number
from nbproj.display.facts import cut
from nbproj.errors import RunError, UsageError
from nbproj.overview.lines import cell, own_tags, sound_columns
from nbproj.overview.notebooks import difference, lines_of
from nbproj.record import brief_of
from nbproj.tracking.catalogue.view import ATTRIBUTES, PARENT_TAG, Catalogue, View
from nbproj.tracking.store import RunRecord, Store

__all__ = ["OF_FILES", "SIDE_BY_SIDE", "Answer", "Answers", "runs_of"]

Answer = tuple[dict[str, Any], Sequence[bytes]]

SIDE_BY_SIDE: Final = 20
"""Runs that are compared at once."""
OF_FILES: Final = frozenset({"pictures", "picture", "notebooks"})
"""Questions that are answered from the artifacts of runs."""
_MOST_DRAWN: Final = 2000
_CURVE_POINTS: Final = 600
_VALUES: Final = 400  # parameters, and metrics, of one run
_PICTURES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
_MOST_PICTURES: Final = 24
_PICTURE_BYTES: Final = 5_000_000
_NOTEBOOK_BYTES: Final = 50_000_000
_PAGE: Final = 5000


def runs_of(asked: Mapping[str, Any], most: int) -> list[str]:
    """Return the ids of the runs that a question is about, the first of them.

    Examples
    --------
    >>> runs_of({"ids": ["a", 1, "b"]}, 20), runs_of({"ids": "a"}, 20)
    (['a', 'b'], [])
    """
    ids = asked.get("ids")
    return [one for one in ids if isinstance(one, str)][:most] if isinstance(ids, list) else []


class Answers:
    """Answers the questions that take longer.

    Parameters
    ----------
    catalogue : Catalogue
        The runs.
    open_store : callable
        Opens the store by MLflow's library: artifacts are only had from there.
    """

    def __init__(self, catalogue: Catalogue, open_store: Callable[[], Store]) -> None:
        self._catalogue = catalogue
        self._open_store = open_store
        self._store: Store | None = None

    def __call__(self, kind: str, content: Mapping[str, Any], shown: tuple[View, Sequence[str]]) -> Answer:
        """Return the answer to a question, and what of it is no text.

        Raises
        ------
        NbprojError
            It cannot be answered.
        """
        ids = runs_of(content, _MOST_DRAWN)
        ways: dict[str, Callable[[], Answer]] = {
            "compare": lambda: self._compare(ids[:SIDE_BY_SIDE]),
            "curves": lambda: self._curves(ids[:SIDE_BY_SIDE], str(content.get("key"))),
            "values": lambda: self._drawn(ids, content, shown[0]),
            "pictures": lambda: self._pictures(ids[:SIDE_BY_SIDE]),
            "picture": lambda: self._picture(ids[:1], str(content.get("path"))),
            "notebooks": lambda: self._notebooks(ids[:2]),
            "csv": lambda: ({"text": self.csv(*shown)}, ()),
        }
        if kind not in ways:
            msg = f"there is no answer to {cut(kind, 40)!r}"
            raise UsageError(msg)
        return ways[kind]()

    @property
    def store(self) -> Store:
        """The store, opened when it is first needed."""
        if self._store is None:
            self._store = self._open_store()
        return self._store

    def _compare(self, ids: Sequence[str]) -> Answer:
        records = self._catalogue.records(ids)
        names = self._catalogue.experiments()
        return {"of": [_whole(records[one], names) for one in ids if one in records]}, ()

    def _curves(self, ids: Sequence[str], key: str) -> Answer:
        curves = []
        for one in ids:
            points = self._catalogue.history(one, key, _CURVE_POINTS)
            values = [point.value if math.isfinite(point.value) else None for point in points]
            curves.append({"id": one, "steps": [point.step for point in points], "times": [point.timestamp for point in points], "values": values})
        return {"curves": curves}, ()

    def _drawn(self, ids: Sequence[str], content: Mapping[str, Any], view: View) -> Answer:
        columns = sound_columns(content.get("columns"), ATTRIBUTES)
        batch = content.get("batch")
        total = len(ids)
        if isinstance(batch, str) and batch.isalnum():
            span = self._catalogue.span(View(filter=f"tags.`{PARENT_TAG}` = '{batch}'"), 0, _MOST_DRAWN)
            ids, total = [one.run_id for one in span.lines], span.total
        elif not ids:
            span = self._catalogue.span(View(view.filter, view.text, view.sort, view.descending), 0, _MOST_DRAWN)
            ids, total = [one.run_id for one in span.lines], span.total
        names = self._catalogue.experiments()
        records = self._catalogue.records(ids, columns)
        found = [(records[one], brief_of(records[one])) for one in ids if one in records]
        values = {column: [cell(record, brief, column, names) for record, brief in found] for column in columns}
        labels = [cut(record.name or record.run_id[:8], 80) for record, _brief in found]
        return {"total": total, "ids": [record.run_id for record, _brief in found], "labels": labels, "values": values}, ()

    def _pictures(self, ids: Sequence[str]) -> Answer:
        found = []
        for one in ids:
            paths = [(path, size) for path, size in self.store.list_artifacts(one) if Path(path).suffix.lower() in _PICTURES]
            found.append({"id": one, "paths": [path for path, size in paths if (size or 0) <= _PICTURE_BYTES][:_MOST_PICTURES]})
        return {"of": found}, ()

    def _picture(self, ids: Sequence[str], path: str) -> Answer:
        kind = _PICTURES.get(Path(path).suffix.lower())
        if kind is None or not ids or path not in {one for one, _size in self.store.list_artifacts(ids[0])}:
            msg = f"there is no picture {cut(path, 80)!r} among the artifacts"
            raise RunError(msg)
        with tempfile.TemporaryDirectory(prefix="nbproj-") as folder:
            file = self.store.download_artifact(ids[0], path, Path(folder))
            if file.stat().st_size > _PICTURE_BYTES:
                msg = f"{cut(path, 80)!r} is too large to be shown here"
                raise RunError(msg)
            return {"type": kind}, (file.read_bytes(),)

    def _notebooks(self, ids: Sequence[str]) -> Answer:
        if len(ids) != 2:  # noqa: PLR2004 - a pair
            msg = "two runs are needed to compare their notebooks"
            raise UsageError(msg)
        left, right = (self._notebook(one) for one in ids)
        return {"blocks": difference(left, right), "lines": [len(left), len(right)]}, ()

    def _notebook(self, run_id: str) -> list[str]:
        path = of_run([one for one, size in self.store.list_artifacts(run_id) if (size or 0) <= _NOTEBOOK_BYTES], ".ipynb")
        if path is None:
            msg = f"run {run_id[:8]} has no executed notebook"
            raise RunError(msg)
        with tempfile.TemporaryDirectory(prefix="nbproj-") as folder:
            try:
                return lines_of(self.store.download_artifact(run_id, path, Path(folder)).read_text(encoding="utf-8"))
            except ValueError as error:
                msg = f"the executed notebook of run {run_id[:8]} cannot be read: {error}"
                raise RunError(msg) from error

    def table(self, view: View, columns: Sequence[str]) -> Iterator[list[Any]]:
        """Yield the runs of a view as rows of values, in its order: the id, then the columns; times in milliseconds, durations in seconds."""
        names = self._catalogue.experiments()
        flat, start = View(view.filter, view.text, view.sort, view.descending), 0
        while True:
            span = self._catalogue.span(flat, start, _PAGE)
            records = self._catalogue.records([one.run_id for one in span.lines], columns)
            for one in span.lines:
                if one.run_id in records:
                    record = records[one.run_id]
                    brief = brief_of(record)
                    yield [one.run_id, *(_exact(record, brief, column, names) for column in columns)]
            start += len(span.lines)
            if not span.lines or start >= span.total:
                return

    def csv(self, view: View, columns: Sequence[str]) -> str:
        """Return the runs of a view as CSV, with a line of names."""
        others = [column for column in columns if column != "run_id"]
        written = io.StringIO(newline="")
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(["run_id", *others])
        writer.writerows(self.table(view, others))
        return written.getvalue()


def _exact(record: RunRecord, brief: Mapping[str, Any], column: str, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - a text, a number, None
    """Return a value as it is in the store, whole."""
    kind, _dot, key = column.partition(".")
    if kind == "metrics" and key:
        return record.metrics.get(key)
    if kind in {"params", "tags"} and key:
        return (record.params if kind == "params" else record.tags).get(key)
    return cell(record, brief, column, names)


def _whole(record: RunRecord, names: Mapping[str, str]) -> dict[str, Any]:
    brief = brief_of(record)
    return {
        "id": record.run_id,
        "label": cut(record.name or record.run_id[:8], 200),
        **{name: cell(record, brief, name, names) for name in ATTRIBUTES if name != "run_id"},
        "end": brief["end_time"],
        "reason": cut(record.tags.get("nbproj.reason", ""), 500),
        "params": {cut(key, 200): cut(value, 2000) for key, value in sorted(record.params.items())[:_VALUES]},
        "metrics": {cut(key, 250): plain_number(value) for key, value in sorted(record.metrics.items())[:_VALUES]},
        "tags": {cut(key, 200): cut(record.tags[key], 500) for key in sorted(own_tags(list(record.tags)))[:_VALUES]},
    }
