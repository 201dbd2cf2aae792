"""Pictures and first rows of tables on a card. A picture is never markup, and loads nothing: not even a drawing that would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nbproj.display.facts import cut
from nbproj.display.html import Markup, element, picture, style

__all__ = ["previews_html"]

_CELL: Final = 40
_LABEL: Final = style(opacity="0.8")
_TABLE: Final = style(border_collapse="collapse", border="none", margin="4px 0", font_size="inherit")
_CELLS: Final = style(
    text_align="left", padding="1px 16px 1px 0", border="none", background="transparent", white_space="nowrap", font_weight="normal"
)
_FRAME: Final = style(overflow="auto", max_width="100%", margin="4px 0")


def previews_html(previews: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Return previews of artifacts, None when there are none.

    Parameters
    ----------
    previews : sequence of mapping
        As `nbproj.previews.previews_of` gives them.

    Examples
    --------
    >>> print(previews_html([{"path": "<b>.png", "mime": "image/png", "data": b"x"}]))  # doctest: +ELLIPSIS
    <div><div ...>&lt;b&gt;.png</div><img alt="&lt;b&gt;.png" src="data:image/png;base64,eA==" style="..."></div>
    """
    shown = [_picture(one) if "data" in one else _table(one) for one in previews]
    return element("div", *shown) if shown else None


def _picture(preview: Mapping[str, Any]) -> Markup:
    path = cut(str(preview["path"]))
    return Markup(element("div", path, style=_LABEL) + picture(str(preview["mime"]), bytes(preview["data"]), path))


def _table(preview: Mapping[str, Any]) -> Markup:
    rows = [[cut(str(value), _CELL) for value in row] for row in preview["rows"]]
    top = element("tr", *(element("th", cut(str(name), _CELL) or "\u00a0", scope="col", style=_CELLS) for name in preview["columns"]))
    body = [element("tr", *(element("td", value, style=_CELLS) for value in row), style=style(background="transparent")) for row in rows]
    table = element("table", element("thead", top), element("tbody", *body), style=_TABLE)
    part = f": the first {len(rows)} rows" if preview.get("more") else ""
    label = element("summary", cut(str(preview["path"])) + part, style=_LABEL)
    return element("details", label, element("div", table, tabindex="0", style=_FRAME), open=True)
