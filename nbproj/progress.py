"""What happens while a run travels: events that the lower floors emit and the front doors show.

Everything that may take long takes a `Progress`; nobody below a front door prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["Event", "Progress", "Step", "silent"]

Step: TypeAlias = Literal[
    "fetching",  # a source is being fetched; text says from where
    "fetched",
    "checked",  # everything that can be checked was checked; no run exists yet
    "creating",  # immediately before the store is asked for a run
    "created",  # the run exists; data: run_id, store, experiment_id
    "preparing",  # the environment is being prepared
    "prepared",
    "started",  # the entry point's process runs; data: pid, command
    "output",  # text holds what the program printed
    "cell",  # done of total cells are through; text names the cell that runs
    "metric",
    "waiting",  # something slow is waited for; text says what
    "note",  # a warning or remark of one line
    "ending",  # the entry point has ended; artifacts are being collected
    "settled",  # the store holds the final status; data: status, exit_code
]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Parameters
    ----------
    step : str
        Which kind of thing, one of `Step`.
    text : str
        What a reader is shown.
    done, total : int, optional
        How far, in the unit of the step (cells, bytes, objects).
    data : mapping
        Further plain values, by step.
    """

    step: Step
    text: str = ""
    done: int | None = None
    total: int | None = None
    data: Mapping[str, object] = field(default_factory=dict)


Progress: TypeAlias = Callable[[Event], None]


def silent(_event: Event) -> None:
    """Show nothing."""
