"""Which cells of a notebook run, in which order, and what the kernel gets of each - which is not always what the author wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Plan", "Step", "cell_source", "cell_tags", "plan_of"]

SKIPPED: Final = frozenset({"nbproj-skip", "skip-execution"})
"""Tags of cells that never run: ours, and nbclient's."""


def cell_source(cell: dict[str, Any]) -> str:
    """Return the text of a cell, which a file holds as one string or as lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def cell_tags(cell: dict[str, Any]) -> list[str]:
    """Return the tags of a cell."""
    tags = cell.get("metadata", {}).get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


@dataclass(frozen=True, slots=True)
class Step:
    """One cell that runs.

    Parameters
    ----------
    index : int
        Its position in the executed notebook, counted from 0.
    number : int, optional
        Its number in the author's notebook, counted from 1 over all cells; None for the cell that holds the run's parameters.
    source : str
        What the kernel gets: declarations are left out, line numbers stay.
    may_fail : bool
        An exception in it does not end the run (tag `raises-exception`).
    """

    index: int
    number: int | None
    source: str
    may_fail: bool = False

    @property
    def name(self) -> str:
        """What a reader is told."""
        return f"cell {self.number}" if self.number is not None else "the parameter cell"


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a notebook runs.

    Parameters
    ----------
    steps : tuple of Step
        In document order.
    selected : frozenset of int
        Positions of the cells that take part, those without code included; the others stay as they are.
    total : int
        How many cells the author's notebook has.
    """

    steps: tuple[Step, ...]
    selected: frozenset[int]
    total: int


def plan_of(document: dict[str, Any], injected: Mapping[int, int]) -> Plan:
    """Return the plan of a whole notebook.

    Parameters
    ----------
    document : dict
        The notebook, parameters injected.
    injected : mapping of int to int
        Positions of the injected cells; each with the number of cells of the author's that stand before it.
    """
    steps = []
    number = 0
    for index, cell in enumerate(document["cells"]):
        own = index in injected
        number += not own
        tags = cell_tags(cell)
        source = cell_source(cell)
        if cell.get("cell_type") == "code" and source.strip() and not SKIPPED.intersection(tags):
            steps.append(Step(index, None if own else number, source, "raises-exception" in tags))
    return Plan(tuple(steps), frozenset(range(len(document["cells"]))), number)
