"""The card of a run as JSON for the renderer in JupyterLab: plain values, always less than 10 kB."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from nbproj.display.facts import Facts, MetricFact, cut
from nbproj.display.run import JSON_VERSION
from nbproj.display.sparkline import thinned
from nbproj.display.terminal import spans_text

__all__ = ["LEVELS", "LIMIT", "MIME", "Level", "card_json", "fitting", "plain_number", "whole"]

MIME = "application/vnd.nbproj.run.v1+json"
LIMIT = 10_000
"""Bytes, however a notebook writes it: indented, with characters beyond ASCII escaped."""


class Level(NamedTuple):
    """How much of everything is told: entries of a list, characters of a text, lines, points of a curve."""

    entries: int
    characters: int
    lines: int
    points: int


LEVELS = [
    Level(24, 200, 12, 48),
    Level(24, 120, 12, 24),
    Level(16, 80, 8, 16),
    Level(12, 60, 6, 8),
    Level(8, 40, 4, 0),
    Level(3, 24, 1, 0),
    Level(0, 12, 0, 0),
]
"""From all that is shown to what fits whatever the values are."""


def fitting(make: Callable[[Level], dict[str, Any]]) -> dict[str, Any]:
    """Return the first document that is small enough, of those that are made with less and less of everything.

    Examples
    --------
    >>> fitting(lambda level: {"text": "x" * 100 * level.characters})["text"].count("x")
    8000
    """
    document: dict[str, Any] = {}
    for level in LEVELS:
        document = make(level)
        if len(json.dumps(document, indent=1)) < LIMIT:
            break
    return document


def plain_number(value: float) -> float | str:
    """Return a number that JSON holds, a text for the others."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"


def whole(value: object) -> int | None:
    """Return a whole number that fits into 64 bits, None for anything else."""
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def card_json(values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return a run as plain values for a renderer.

    Parameters
    ----------
    values : mapping
        What `Run` or `CardState` collect, for numbers and addresses as they are.
    facts : Facts
        The same as the card tells it.

    Returns
    -------
    dict
        `version`, `run_id`, `status`, `exit_code`, `stage`, `experiment_id`, `entry_point`, `name`, `start_time` and `end_time` (milliseconds since
        the epoch), `saved` (the same, while it runs), `step`, `cells`, `reason`, `cell`, `source`, `traceback`, `params`, `metrics` (by name a value
        and its course), `artifacts`, `notebook`, `store`, `notes`, `output` (lines), and in `left_out` how many entries of a field there are beyond.
    """

    def text(key: str, limit: int) -> str:
        return cut(str(values.get(key) or ""), limit)

    def make(level: Level) -> dict[str, Any]:
        left = dict(facts.left_out)

        def limited(field: str, entries: Sequence[Any], limit: int, *, last: bool = False) -> Sequence[Any]:
            kept = entries[max(len(entries) - limit, 0) :] if last else entries[:limit]
            leave(field, len(entries) - len(kept))
            return kept

        def leave(field: str, count: int) -> None:
            if count:
                left[field] = left.get(field, 0) + count

        def lines(field: str, every: Sequence[str], limit: int, *, last: bool = True) -> list[str]:
            return [cut_line(line, level.characters) for line in limited(field, every, limit, last=last)]

        def named(field: str, entries: Sequence[tuple[str, Any]]) -> dict[str, Any]:
            kept = limited(field, entries, level.entries)
            result = {cut(name, level.characters): value for name, value in kept}
            leave(field, len(kept) - len(result))  # names that are the same once they are cut
            return result

        document = {
            "version": JSON_VERSION,
            "run_id": cut(facts.run_id, 64),
            "status": facts.status,
            "exit_code": whole(values.get("exit_code")),
            "stage": "ended" if facts.ended else "running",
            "experiment_id": text("experiment_id", 40),
            "entry_point": text("entry_point", level.characters),
            "name": text("name", level.characters),
            "start_time": whole(values.get("start_time")),
            "end_time": whole(values.get("end_time")),
            "saved": None if facts.ended else whole(values.get("now")),
            "step": cut(facts.step, level.characters) if facts.step else "",
            "cells": {"done": facts.cells[0], "total": facts.cells[1]} if facts.cells and whole(facts.cells[1]) is not None else None,
            "reason": cut(facts.reason, 2 * level.characters),
            "cell": whole(facts.cell),
            "source": lines("source", facts.source, level.lines, last=False),
            "traceback": lines("traceback", [spans_text([line]) for line in facts.trace], 2 * level.lines),
            "params": named("params", [(name, cut(value, level.characters)) for name, value in facts.params]),
            "metrics": named("metrics", [(fact.name, metric(fact, level.points)) for fact in facts.metrics]),
            "artifacts": [cut(path, level.characters) for path in limited("artifacts", facts.artifacts, level.entries)],
            "notebook": text("notebook", 2 * level.characters),
            "store": text("store", 2 * level.characters),
            "notes": [cut(note, level.characters) for note in limited("notes", facts.notes, level.entries)],
            "output": lines("output", spans_text(facts.tail).split("\n") if facts.tail else [], level.lines),
        }
        return {**document, "left_out": left}

    def metric(fact: MetricFact, points: int) -> dict[str, Any]:
        course = [plain_number(float(f"{point:.4g}")) for point in thinned(fact.points, points)] if points and fact.count > 1 else []
        return {"value": plain_number(fact.latest), "course": course}

    return fitting(make)


def cut_line(line: str, limit: int) -> str:
    """Return a line with its spaces, cut to a number of characters."""
    return line if len(line) <= limit else line[: limit - 1] + "\u2026"
