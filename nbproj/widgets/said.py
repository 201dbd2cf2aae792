"""What a widget says to its reader: one line of data, escaped, in a colour that follows the front end's theme."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from nbproj.display.card import IGNORED
from nbproj.display.html import element, style
from nbproj.errors import one_line

__all__ = ["Tone", "line", "said", "tell"]

Tone: TypeAlias = Literal["plain", "quiet", "problem"]

_LONGEST = 2000
# Jupyter's own colours of text, which read on its light and its dark pages; the mark before a problem says what the colour cannot.
_LOOKS = {
    "plain": style(overflow_wrap="anywhere", line_height="1.4"),
    "quiet": style(overflow_wrap="anywhere", line_height="1.4", opacity="0.8"),
    "problem": style(overflow_wrap="anywhere", line_height="1.4", border_left="3px solid #d93f4c", padding="0 0 0 8px"),
}


def said(text: str, tone: Tone = "plain") -> str:
    """Return a line as HTML that shows just this text.

    Examples
    --------
    >>> "&lt;b&gt;" in said("<b>"), said("")
    (True, '')
    """
    if not text:
        return ""
    role = "alert" if tone == "problem" else None
    return str(element("div", one_line(text[:_LONGEST]), role=role, class_=IGNORED, style=_LOOKS[tone]))


def line(text: str = "", tone: Tone = "plain", *, indent: str = "0") -> Any:  # noqa: ANN401 - a widget, whose library is imported late
    """Return a widget that says something."""
    import ipywidgets

    return ipywidgets.HTML(value=said(text, tone), layout={"margin": f"0 0 0 {indent}", "display": "" if text else "none"})


def tell(widget: Any, text: str, tone: Tone = "plain") -> None:  # noqa: ANN401 - as above
    """Have a line say something else; one without a text takes no room."""
    value = said(text, tone)
    if widget.value != value:
        widget.value = value
        widget.layout.display = "" if text else "none"
