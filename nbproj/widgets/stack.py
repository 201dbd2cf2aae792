"""The cards of a form's runs, in one display below it: the newest open, earlier ones folded."""

from __future__ import annotations

import re
import threading
from typing import Any, Final

from nbproj.display.card import FRAME
from nbproj.display.html import Markup, element

__all__ = ["Slot", "Stack"]

_MOST: Final = 5
_ID: Final = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24}\b")
_EMPTY: Final = {"text/plain": "", "text/html": ""}


class Stack:
    """One display that holds several cards.

    A form's button is pressed outside of any cell: what is displayed then goes nowhere, and what was displayed before can be brought up to date.

    Examples
    --------
    >>> stack = Stack()
    >>> place = stack.new()
    >>> place.update({"text/plain": "RUNNING", "text/html": "<b>RUNNING</b>"}, raw=True)
    >>> stack.bundle["text/plain"]
    'RUNNING'
    """

    def __init__(self) -> None:
        self._bundles: list[dict[str, Any]] = []
        self._handle: Any = None
        self._lock = threading.RLock()

    def show(self) -> None:
        """Show it below the cell that is executed; may be done again."""
        from IPython.display import display

        with self._lock:
            self._handle = display(self.bundle, raw=True, display_id=True)

    def new(self) -> Slot:
        """Return a place for one more card, above the others."""
        with self._lock:
            self._bundles.insert(0, {})
            del self._bundles[_MOST:]
            return Slot(self, self._bundles[0])

    @property
    def bundle(self) -> dict[str, Any]:
        """All cards as one, by MIME type."""
        with self._lock:
            shown = [one for one in self._bundles if one]
            if not shown:
                return dict(_EMPTY)
            newest, earlier = shown[0], shown[1:]
            folded = [_folded(one) for one in earlier]
            html = str(element("div", Markup(newest["text/html"]), *folded)) if folded else newest["text/html"]
            text = "\n".join([newest["text/plain"], *(_title(one) for one in earlier)])
            return {**newest, "text/plain": text, "text/html": html}

    def redraw(self) -> None:
        """Bring the display up to date."""
        with self._lock:
            if self._handle is not None:
                self._handle.update(self.bundle, raw=True)


class Slot:
    """The place of one card in a stack, as `Stack.new` hands it out."""

    def __init__(self, stack: Stack, bundle: dict[str, Any]) -> None:
        self._stack = stack
        self._bundle = bundle

    def update(self, obj: dict[str, Any], *, raw: bool) -> None:  # noqa: ARG002 - as IPython calls it
        """Show a card there."""
        self._bundle.update(obj)
        self._stack.redraw()


def _title(bundle: dict[str, Any]) -> str:
    line = next((line for line in str(bundle["text/plain"]).split("\n") if line and not line.startswith(" ")), "")
    return _ID.sub(r"\1", line)


def _folded(bundle: dict[str, Any]) -> Markup:
    return element("details", element("summary", _title(bundle)), Markup(bundle["text/html"]), style=FRAME)
