"""One control of a form: widgets that hold a value, and how it is read and set. What kind of control a parameter gets, `controls` decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

__all__ = ["UNGIVEN", "Control", "Ungiven"]


class Ungiven(Enum):
    """The type of `UNGIVEN`."""

    UNGIVEN = "ungiven"


UNGIVEN: Final = Ungiven.UNGIVEN
"""What a control holds whose parameter keeps its default."""


@dataclass(slots=True)
class Control:
    """Widgets for one value.

    Parameters
    ----------
    widgets : sequence of Widget
        In a row; the first carries the label.
    read : callable
        Returns what is given: a text or an object, `UNGIVEN` for the default.
    write : callable
        Shows a value of the parameter's type, or a text.
    traits : sequence of (Widget, str)
        What to observe; every trait `value` of `widgets` by default.
    """

    widgets: Sequence[Any]
    read: Callable[[], object]
    write: Callable[[object], None]
    traits: Sequence[Any] = field(default_factory=tuple)

    def watch(self, callback: Callable[[], None]) -> None:
        """Have something called when the value has changed."""
        for widget in self.traits or self.widgets:
            widget.observe(lambda _change: callback(), names="value")

    def enable(self, *, enabled: bool) -> None:
        """Let the value be changed, or not."""
        for widget in self.widgets:
            widget.disabled = not enabled
