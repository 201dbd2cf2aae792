"""What a caller asks for: an order of many runs, which unlike a plan can be wrong; and its form as plain values, for another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from nbproj.batches.space import Space
from nbproj.configuration.settings import Settings
from nbproj.errors import NbprojError, UsageError, suggestion
from nbproj.execution.forkserver import KERNEL_STARTS, KernelStart
from nbproj.order import Order

__all__ = ["LARGE", "BatchOrder", "Direction", "OnError"]

OnError: TypeAlias = Literal["continue", "stop"]
Direction: TypeAlias = Literal["minimize", "maximize"]

LARGE: Final = 100
"""More runs than these are asked about where somebody can be asked."""

_MOST_NAME: Final = 100
_WORDS: Final = {"on_error": get_args(OnError), "direction": get_args(Direction), "kernel_start": KERNEL_STARTS}


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """What a caller asks for, in the words of `nbproj.batch`, which documents them.

    Parameters
    ----------
    order : Order
        What each run has in common; its parameters are those of no point.
    space : Space
        The points.
    workers : int, optional
        How many runs at once; one for each core by default.
    retries : int
        How often a point that fails is tried again.
    on_error : str
        `continue`, or `stop`: no more runs start after the first point that fails.
    max_failures : int, optional
        No more runs start after so many points have failed.
    name : str, optional
        Name of the batch.
    kernel_start : str
        How kernels come into being: `fork`, `spawn`, or `auto`.
    metric, direction : str
        What the runs are ordered by where they are shown, and whether the lowest or the highest value is the best.
    fresh, keep : bool
        Where there is such a batch already: begin a new one; go on with it although its files have changed.
    """

    order: Order
    space: Space
    workers: int | None = None
    retries: int = 0
    on_error: OnError = "continue"
    max_failures: int | None = None
    name: str | None = None
    kernel_start: KernelStart = "auto"
    metric: str | None = None
    direction: Direction = "minimize"
    fresh: bool = False
    keep: bool = False

    @property
    def synchronous(self) -> bool:
        """Whether the caller waits for the end."""
        return self.order.synchronous

    @property
    def most_failures(self) -> int | None:
        """After how many failed points nothing starts any more; None for never."""
        return 1 if self.on_error == "stop" else self.max_failures

    def check(self) -> None:
        """Refuse what is wrong whatever the project holds.

        Raises
        ------
        UsageError
            One line.
        """
        self.order.check()
        for name, words in _WORDS.items():
            given = getattr(self, name)
            if given not in words:
                msg = f"{name} must be {' or '.join(words)}, not {given!r}.{suggestion(str(given), words)}"
                raise UsageError(msg)
        for name, least in (("workers", 1), ("retries", 0), ("max_failures", 1)):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
                msg = f"{name} must be a whole number, at least {least}, not {value!r}"
                raise UsageError(msg)
        if self.on_error == "stop" and self.max_failures is not None:
            msg = "on_error stop and max_failures contradict each other: leave one of them out"
            raise UsageError(msg)
        if self.fresh and self.keep:
            msg = "fresh begins a new batch, keep goes on with the old one: choose one of them"
            raise UsageError(msg)
        if self.name is not None and not (0 < len(self.name) <= _MOST_NAME and self.name.isprintable()):
            msg = f"name must be a text of 1 to {_MOST_NAME} printable characters"
            raise UsageError(msg)

    def configured(self, chosen: Settings) -> BatchOrder:
        """Return the order with the user's own defaults where the caller asked for nothing."""
        start = chosen.kernel_start if self.kernel_start == "auto" and chosen.kernel_start is not None else self.kernel_start
        return replace(self, order=self.order.configured(chosen), kernel_start=start)

    def to_document(self) -> dict[str, object]:
        """Return the order as values that JSON holds, secrets included: for the driver of a detached batch, over a private pipe."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in {"order", "space"}}
        return {"order": self.order.to_document(), "space": self.space.to_document(()), "batch": own}

    @classmethod
    def from_document(cls, values: Mapping[str, Any]) -> BatchOrder:
        """Return the order that plain values mean.

        Raises
        ------
        ValueError
            They mean none.
        """
        try:
            return cls(Order.from_document(values["order"]), Space.from_document(values["space"]), **values["batch"])
        except (KeyError, TypeError, NbprojError) as error:
            msg = f"no order of a batch: {error}"
            raise ValueError(msg) from error
