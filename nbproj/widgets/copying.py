"""What a form is set to, as text that can be copied: as a magic, a command line, or Python."""

from __future__ import annotations

from typing import Any, Final

from nbproj.widgets.wording import Wish

__all__ = ["Copying"]

_WAYS: Final = ("", "%mlrun", "command line", "Python")


class Copying:
    """A choice of the way, and a field with the text.

    Examples
    --------
    >>> copying = Copying()
    >>> copying.show(Wish("wine", "train"))
    >>> copying.way.value = "command line"
    >>> copying.text.value
    'nbproj run wine -e train'
    """

    def __init__(self) -> None:
        import ipywidgets

        wide = {"width": "auto", "flex": "1 1 300px", "display": "none"}
        self.way = ipywidgets.Dropdown(description="copy as", options=_WAYS, value="", layout={"width": "220px"}, style={"description_width": "60px"})
        self.text = ipywidgets.Text(description="text", layout=wide, style={"description_width": "40px"})
        self.widgets: tuple[Any, Any] = (self.way, self.text)
        self._wish: Wish | None = None
        self.way.observe(lambda _change: self._write(), names="value")

    def show(self, wish: Wish) -> None:
        """Show what something is set to now."""
        self._wish = wish
        self._write()

    def _write(self) -> None:
        texts = {"%mlrun": self._wish.magic, "command line": self._wish.command, "Python": self._wish.python} if self._wish is not None else {}
        chosen = texts.get(self.way.value)
        self.text.value = chosen() if chosen is not None else ""
        self.text.layout.display = "" if chosen is not None else "none"
