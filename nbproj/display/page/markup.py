"""Foreign HTML, of outputs and of prose, made harmless: what could run, load, hide or reach out of its place is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Final

from nbproj.display.html import Markup, escape
from nbproj.display.page.patience import Patience

__all__ = ["Sanitised", "sanitise"]

_VOID: Final = frozenset({"br", "col", "hr", "img", "wbr"})
_DRAWING: Final = frozenset({"circle", "ellipse", "g", "line", "path", "polygon", "polyline", "rect", "svg", "text", "tspan"})
_TAGS: Final = (
    frozenset(
        {"a", "abbr", "b", "blockquote", "caption", "center", "cite", "code", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em"}
    )
    | frozenset({"figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp"})
    | frozenset({"small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var"})
    | _VOID
    | _DRAWING
)
_SILENT: Final = frozenset(
    {"applet", "audio", "canvas", "embed", "frameset", "head", "iframe", "math", "noscript", "object", "script", "select", "style", "template"}
    | {"textarea", "title", "video", "xmp"}
)
"""Elements of which nothing is shown, what they hold included."""
_ATTRIBUTES: Final = frozenset(
    {"align", "alt", "colspan", "cx", "cy", "d", "dir", "dx", "dy", "fill", "fill-opacity", "font-size", "height", "lang", "open", "points", "r"}
    | {"reversed", "rowspan", "rx", "ry", "scope", "span", "start", "stroke", "stroke-width", "stroke-opacity", "text-anchor", "title", "transform"}
    | {"type", "valign", "value", "viewbox", "width", "x", "x1", "x2", "y", "y1", "y2"}
)
_STYLES: Final = frozenset(
    {"background", "background-color", "border", "border-bottom", "border-left", "border-right", "border-top", "color", "font-family", "font-size"}
    | {"font-style", "font-weight", "height", "max-width", "min-width", "padding", "text-align", "text-decoration", "vertical-align", "white-space"}
    | {"width"}
)
_STYLE_VALUE: Final = re.compile(r"[\w #%.,()'\"+-]{1,200}")
_ADDRESS: Final = re.compile(r"(https?:|mailto:)", re.IGNORECASE)
_PICTURE: Final = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]+")
_COLOURED: Final = re.compile(r"(?:^|;)\s*(?:color|background(?:-color)?)\s*:")
_DEEPEST: Final = 200


class Sanitised(HTMLParser):
    """HTML that is read piece by piece; what is allowed is written down again, balanced.

    Parameters
    ----------
    html : str
        Whatever it is.
    patience : Patience, optional
        Of the whole page.

    Raises
    ------
    TangledError
        It takes too long.
    """

    def __init__(self, html: str, patience: Patience | None = None) -> None:
        super().__init__(convert_charrefs=True)
        self._patience = patience or Patience()
        self._parts: list[str] = []
        self._open: list[str] = []
        self._silent: list[str] = []
        self.is_empty = True
        self.is_coloured = False
        self.feed(html)
        self.close()
        self._parts += [f"</{tag}>" for tag in reversed(self._open)]

    @property
    def markup(self) -> Markup:
        """What is left."""
        return Markup("".join(self._parts))

    def updatepos(self, i: int, j: int) -> int:
        """Go on in the text; the parser does this with each of its steps, and of some it takes as many as there are characters."""
        self._patience.check()
        return super().updatepos(i, j)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write a tag down, if it is allowed."""
        if tag in _SILENT:
            self._silent.append(tag)
        if self._silent or tag not in _TAGS or len(self._open) > _DEEPEST:
            return
        if tag == "img":
            self._picture(dict(attrs))
            return
        self._parts.append(f"<{tag}{self._attributes(tag, attrs)}>")
        if tag not in _VOID:
            self._open.append(tag)
        if tag in _DRAWING:
            self.is_empty = False

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write an element without content down; only in drawings is it one."""
        if tag in _SILENT:
            return
        self.handle_starttag(tag, attrs)
        if tag in _DRAWING:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close what is open, and nothing around it."""
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
            return
        if tag in self._open:
            while True:
                last = self._open.pop()
                self._parts.append(f"</{last}>")
                if last == tag:
                    return

    def handle_data(self, data: str) -> None:
        """Write a text down."""
        if not self._silent:
            self._parts.append(escape(data))
            self.is_empty = self.is_empty and not data.strip()

    def _picture(self, attributes: dict[str, str | None]) -> None:
        source = (attributes.get("src") or "").strip()
        told = attributes.get("alt") or ""
        self.is_empty = False
        if _PICTURE.fullmatch(source):
            size = [(name, attributes[name]) for name in ("width", "height") if attributes.get(name)]
            self._parts.append(f'<img src="{"".join(source.split())}" alt="{escape(told)}"{self._attributes("img", size)}>')
        else:  # it lies elsewhere, and nothing is loaded
            where = "" if source.startswith("data:") else source[:200]
            self._parts.append(f'<span class="absent">[picture: {escape(told or where or "not shown")}]</span>')

    def _attributes(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> str:
        parts = []
        for name, value in attrs:
            text = value or ""
            if name == "style":
                text = _style(text)
                self.is_coloured = self.is_coloured or bool(_COLOURED.search(text))
                if not text:
                    continue
            elif name == "href" and tag == "a":
                if not (_ADDRESS.match(text.strip()) or text.startswith("#cell-")):
                    continue
                parts.append(' rel="noreferrer"')
            elif name not in _ATTRIBUTES or "url(" in text.lower():
                continue
            parts.append(f' {name}="{escape(text)}"')
        return "".join(parts)


def _style(text: str) -> str:
    kept = []
    for one in text.split(";"):
        name, colon, value = (part.strip() for part in one.partition(":"))
        if colon and name.lower() in _STYLES and _STYLE_VALUE.fullmatch(value) and "url" not in value.lower():
            kept.append(f"{name.lower()}:{value}")
    return ";".join(kept)


def sanitise(html: str, patience: Patience | None = None) -> Sanitised:
    """Return foreign HTML made harmless.

    Raises
    ------
    TangledError
        It takes too long to be read.

    Examples
    --------
    >>> sanitise("<b onclick='x()'>1</b><script>alert(1)</script></div>").markup
    '<b>1</b>'
    >>> sanitise("<img src='https://example.org/x.png' alt='a chart'>").markup
    '<span class="absent">[picture: a chart]</span>'
    """
    return Sanitised(html, patience)
