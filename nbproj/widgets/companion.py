"""What the widgets of a form lack in the page: names of their sliders for a screen reader, and that the static table is covered while they live."""

from __future__ import annotations

import functools
from typing import Any, Final

__all__ = ["companion"]

# The arrow of ipywidgets' drop-down lists is black on dark pages, too; the browser's own is not.
_DARK: Final = (
    'body[data-jp-theme-light="false"] .nbproj-form .widget-dropdown > select { appearance: auto; background-image: none; color-scheme: dark; }'
)


def companion() -> Any:  # noqa: ANN401 - a widget, whose library is imported late
    """Return a widget without a face, to be put into the form that it is a companion of."""
    return _kind()()


@functools.cache
def _kind() -> Any:  # noqa: ANN401 - its class
    import anywidget

    from nbproj.widgets.bundle import javascript

    return type("FormCompanion", (anywidget.AnyWidget,), {"_esm": javascript("companion.js"), "_css": _DARK, "__module__": __name__})
