"""What starts a form's runs: its buttons, the question that may stand before a run, and the line that says what is going on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nbproj.widgets.question import Question
from nbproj.widgets.said import Tone, line, tell

__all__ = ["Actions"]


class Actions:
    """The part of a form below its parameters.

    Parameters
    ----------
    pressed : callable
        Called when one of the two buttons was pressed.

    Examples
    --------
    >>> asked = []
    >>> actions = Actions(lambda: asked.append("a run"))
    >>> actions.offer(several=True)
    >>> actions.run.disabled, actions.batch.disabled
    (True, False)
    >>> actions.batch.click(), asked
    (None, ['a run'])
    """

    def __init__(self, pressed: Callable[[], None]) -> None:
        import ipywidgets

        self.run = ipywidgets.Button(description="Run", button_style="primary", tooltip="start a run with these values")
        self.batch = ipywidgets.Button(description="Run as batch", tooltip="start a run for every combination of the lists", disabled=True)
        self.question = Question()
        self.status = line()
        for button in (self.run, self.batch):
            button.on_click(lambda _button: pressed())

    def boxes(self, *others: Any) -> Sequence[Any]:  # noqa: ANN401 - widgets, whose library is imported late
        """Return all of it, one below the other; other widgets stand beside the buttons."""
        import ipywidgets

        wrap = {"flex_flow": "row wrap", "align_items": "center", "overflow": "visible"}
        return (ipywidgets.HBox([self.run, self.batch, *others], layout=wrap), self.question.box, self.status)

    def offer(self, *, several: bool) -> None:
        """Offer a batch where a parameter has several values, a run where none has."""
        self.run.disabled = several
        self.batch.disabled = not several

    def say(self, text: str, tone: Tone = "problem") -> None:
        """Say what is going on, or wrong; an empty text when nothing is."""
        tell(self.status, text, tone)
