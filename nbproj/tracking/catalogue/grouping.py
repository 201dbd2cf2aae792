"""Runs below the batch that they belong to: an order of runs becomes an order of lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from nbproj.tracking.catalogue.view import Line

__all__ = ["grouped"]


def grouped(runs: Sequence[tuple[str, str | None]], opened: Iterable[str], existing: Callable[[Sequence[str]], set[str]]) -> list[Line]:
    """Return lines: batches stand where the first of their runs stands, and the runs of opened batches follow them.

    Parameters
    ----------
    runs : sequence of (str, str or None)
        Ids in their order, each with that of its batch.
    opened : iterable of str
        Batches whose runs are listed.
    existing : callable
        Returns which ids name runs at all: a batch stands above its runs also where only they were looked for.

    Examples
    --------
    >>> [(line.run_id, line.depth, line.children) for line in grouped([("a", "p"), ("x", None), ("b", "p")], {"p"}, set)]
    [('p', 0, 2), ('a', 1, 0), ('b', 1, 0), ('x', 0, 0)]
    """
    open_ones = set(opened)
    own = dict(runs)
    absent = sorted({parent for _run_id, parent in runs if parent and parent not in own})
    known = set(own) | (existing(absent) if absent else set())
    children: dict[str, list[str]] = {}
    top: dict[str, None] = {}
    for run_id, parent in runs:
        if parent and parent in known and parent != run_id:
            children.setdefault(parent, []).append(run_id)
            top.setdefault(_root(parent, own, known))
        else:
            top.setdefault(run_id)
    lines: list[Line] = []

    def put(run_id: str, depth: int, above: frozenset[str]) -> None:
        below = children.get(run_id, [])
        lines.append(Line(run_id, depth, len(below)))
        if run_id in open_ones and run_id not in above:
            for child in below:
                put(child, depth + 1, above | {run_id})

    for run_id in top:
        put(run_id, 0, frozenset())
    return lines


def _root(run_id: str, own: dict[str, str | None], known: set[str]) -> str:
    seen = {run_id}
    while (parent := own.get(run_id)) and parent in known and parent not in seen:
        seen.add(parent)
        run_id = parent
    return run_id
