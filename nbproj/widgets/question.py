"""The question before a click starts what its user may not know: what would run, from where, at which commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbproj.widgets.said import line, tell

__all__ = ["Question"]


class Question:
    """A line with a question and two buttons, which take no room while nothing is asked.

    Examples
    --------
    >>> question = Question()
    >>> answers = []
    >>> question.ask("Run 'train'?", "https://example.org/wine.git", lambda: answers.append("yes"))
    >>> question.yes.click(), answers, question.box.layout.display
    (None, ['yes'], 'none')
    """

    def __init__(self) -> None:
        import ipywidgets

        self._text = line()
        self._hint = line()
        self.yes = ipywidgets.Button(description="Yes, run it", button_style="primary")
        self.no = ipywidgets.Button(description="No")
        buttons = ipywidgets.HBox([self.yes, self.no])
        self.box = ipywidgets.VBox([self._text, self._hint, buttons], layout={"display": "none", "margin": "6px 0", "overflow": "visible"})
        self._then: Callable[[], None] | None = None
        self.yes.on_click(lambda _button: self._answer(agreed=True))
        self.no.on_click(lambda _button: self._answer(agreed=False))

    def ask(self, text: str, uri: str, then: Callable[[], None]) -> None:
        """Ask; what follows happens when the answer is yes.

        Parameters
        ----------
        text : str
            The question.
        uri : str
            The project, which can be trusted for good.
        then : callable
            What follows.
        """
        from nbproj.trust import trusted_name

        self._then = then
        tell(self._text, text)
        tell(self._hint, f"nbproj trust {trusted_name(uri)} in a terminal ends the questions for this project.", "quiet")
        self.box.layout.display = ""

    def _answer(self, *, agreed: bool) -> None:
        self.box.layout.display = "none"
        then: Any = self._then
        self._then = None
        if agreed and then is not None:
            then()
