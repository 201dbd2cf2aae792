"""What happens while a run travels: events that the lower floors emit and the front doors show.

Everything that may take long takes a `Progress`; nobody below a front door prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias, get_args

__all__ = ["Event", "Progress", "Step", "silent"]

Step: TypeAlias = Literal[
    "fetching",  # a source is being fetched; text says from where
    "fetched",
    "checked",  # everything that can be checked was checked; no run exists yet
    "creating",  # immediately before the store is asked for a run
    "created",  # the run exists; data: run_id, store, experiment_id, params
    "preparing",  # the environment is being prepared
    "prepared",
    "started",  # the entry point's process runs; data: pid, command
    "output",  # text holds what the program printed
    "cell",  # done of total cells are through; text names the cell that runs
    "metric",
    "batch",  # done of total points are through; data: counts, running, latest, seconds_left
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

    def to_dict(self) -> dict[str, object]:
        """Return the event as values that JSON holds.

        Examples
        --------
        >>> Event.from_dict(Event("cell", "cell 2 of 3", done=1, total=3).to_dict())
        Event(step='cell', text='cell 2 of 3', done=1, total=3, data={})
        """
        return {name: value for name, value in asdict(self).items() if value not in (None, "", {})}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Event:
        """Return the event that plain values tell of.

        Raises
        ------
        ValueError
            They tell of none.
        """
        step: Any = values.get("step")
        data = values.get("data", {})
        numbers = [values.get(name) for name in ("done", "total")]
        if step not in get_args(Step) or not isinstance(data, Mapping) or not all(one is None or isinstance(one, int) for one in numbers):
            msg = f"no event: {values!r}"
            raise ValueError(msg)
        return cls(step, str(values.get("text", "")), numbers[0], numbers[1], dict(data))


Progress: TypeAlias = Callable[[Event], None]


def silent(_event: Event) -> None:
    """Show nothing."""
