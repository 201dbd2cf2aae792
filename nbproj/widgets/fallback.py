"""A widget with what stands for it where no kernel runs: in a saved notebook, in exported HTML, on GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nbproj.display.card import FRAME, IGNORED
from nbproj.display.html import Markup, element

__all__ = ["covered", "show_live", "show_static"]

_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_CLASS: Final = "nbproj-fallback"


def covered(static: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is static, marked so that the widget behind it covers it as long as it lives.

    Examples
    --------
    >>> covered({"text/plain": "1 run", "text/html": "<b>1 run</b>"})["text/html"]
    '<div class="nbproj-fallback"><b>1 run</b></div>'
    """
    return {**static, "text/html": str(element("div", Markup(static["text/html"]), class_=_CLASS))}


def show_static(static: Mapping[str, Any], *, is_fallback: bool) -> Any:  # noqa: ANN401 - IPython's, which is imported late
    """Show what is static below the cell that is executed, and return what brings it up to date, as IPython's `display` does.

    Parameters
    ----------
    static : mapping
        By MIME type; plain text and HTML are among them.
    is_fallback : bool
        A widget follows, which covers it as long as it lives. They are two outputs: of one that holds a widget JupyterLab shows nothing else, and
        says that there is none where no kernel runs.
    """
    from IPython.display import display

    return display(covered(static) if is_fallback else dict(static), raw=True, display_id=True)


def show_live(widget: Any, absent: str) -> None:  # noqa: ANN401 - a widget, whose library is imported late
    """Show a widget below the cell that is executed.

    Parameters
    ----------
    widget : Widget
        Of ipywidgets or anywidget.
    absent : str
        What stands there where widgets are not shown.
    """
    from IPython.display import display

    told = str(element("div", absent, class_=IGNORED, style=FRAME))
    made = widget._repr_mimebundle_()
    live, metadata = made if isinstance(made, tuple) else (made, {})
    display({_WIDGET: live[_WIDGET], "text/plain": absent, "text/html": told}, metadata=metadata, raw=True)
