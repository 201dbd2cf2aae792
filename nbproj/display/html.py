"""The only way in which display makes HTML: data is escaped, and tags and attributes are those of a short list."""

from __future__ import annotations

import base64
import html
import re
from typing import Any

__all__ = ["ATTRIBUTES", "STYLES", "TAGS", "Markup", "clean", "element", "escape", "picture", "style"]

TAGS = frozenset(
    {"b", "circle", "code", "details", "div", "path", "pre", "span", "summary", "svg", "table", "tbody", "td", "th", "thead", "title", "tr", "u"}
)
"""All tags that a card may hold: none of them loads, links or runs anything."""

ATTRIBUTES = frozenset(
    {"aria-label", "aria-valuemax", "aria-valuemin", "aria-valuenow", "class", "colspan", "cx", "cy", "d", "fill", "height", "open", "r", "role"}
    | {"scope", "stroke", "stroke-width", "style", "tabindex", "title", "viewBox", "width"}
)
"""All attributes: no id, so that many cards can stand on one page; no address."""

STYLES = frozenset(
    {"background", "border", "border-collapse", "border-left", "border-radius", "color", "display", "font-family", "font-size", "font-style"}
    | {"font-weight", "height", "line-height", "margin", "max-height", "max-width", "opacity", "overflow", "overflow-wrap", "padding"}
    | {"text-align", "text-decoration", "text-overflow", "user-select", "vertical-align", "white-space", "width"}
)
"""All properties of a style."""

# What is no character, what a browser would drop or obey: controls but tab and newline, halves of surrogate pairs, marks that turn the direction
# of writing round, invisible ones.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
_PICTURES = frozenset({"image/jpeg", "image/png", "image/svg+xml"})
_STYLE_VALUE = re.compile(r"[\w #%.,()-]*")


class Markup(str):
    """HTML that `element` or `escape` has made."""

    __slots__ = ()


def clean(text: str) -> str:
    r"""Return a text of the same length in which everything can be shown and encoded; newlines and tabs stay.

    Examples
    --------
    >>> clean("a\x1b[31m\ud800\u202e\n")
    'a�[31m��\n'
    """
    return _UNSHOWABLE.sub("\ufffd", text)


def escape(text: str) -> Markup:
    """Return data as HTML that shows just this data, in content and in attributes.

    Examples
    --------
    >>> escape("<b title='x'>&")
    '&lt;b title=&#x27;x&#x27;&gt;&amp;'
    """
    return Markup(html.escape(clean(text), quote=True))


def style(**properties: str | None) -> str:
    """Return the text of a style attribute; what is None is left out.

    Examples
    --------
    >>> style(color="#757575", font_weight="bold", display=None)
    'color:#757575;font-weight:bold'

    Raises
    ------
    ValueError
        A property is not in `STYLES`, or its value could end the property or hold an address.
    """
    parts = []
    for name, value in properties.items():
        name = name.replace("_", "-")  # noqa: PLW2901 - the same name, as CSS spells it
        if value is None:
            continue
        if name not in STYLES or not _STYLE_VALUE.fullmatch(value) or "url" in value:
            msg = f"no style of a card: {name}: {value!r}"
            raise ValueError(msg)
        parts.append(f"{name}:{value}")
    return ";".join(parts)


def element(tag: str, *children: str | None, **attributes: Any) -> Markup:  # noqa: ANN401 - text, a number, True, None
    """Return an element. Children that are not `Markup` are data and are escaped, and so is every attribute.

    Parameters
    ----------
    tag : str
        One of `TAGS`.
    *children : str or None
        What it holds; None and empty texts are left out.
    **attributes
        By name, `_` for `-`, a last `_` is dropped; None and False are left out, True has no value.

    Raises
    ------
    ValueError
        The tag or an attribute is not allowed.

    Examples
    --------
    >>> element("div", element("b", "1 < 2"), " & more", class_="x", title='"')
    '<div class="x" title="&quot;"><b>1 &lt; 2</b> &amp; more</div>'
    """
    parts = [tag]
    for key, value in attributes.items():
        name = key.rstrip("_").replace("_", "-")
        if name not in ATTRIBUTES:
            msg = f"no attribute of a card: {name}"
            raise ValueError(msg)
        if value is True:
            parts.append(name)
        elif value is not None and value is not False and value != "":
            parts.append(f'{name}="{escape(str(value))}"')
    if tag not in TAGS:
        msg = f"no tag of a card: {tag}"
        raise ValueError(msg)
    inside = "".join(child if isinstance(child, Markup) else escape(child) for child in children if child)
    if tag == "pre" and inside.startswith("\n"):
        inside = "\n" + inside  # a parser drops the first newline
    return Markup(f"<{' '.join(parts)}>{inside}</{tag}>")


def picture(mime: str, data: bytes, alt: str) -> Markup:
    """Return a picture that is part of the page: shown as an image, whose scripts, if it is a drawing, no browser runs.

    Parameters
    ----------
    mime : str
        `image/png`, `image/jpeg` or `image/svg+xml`.
    data : bytes
        The picture.
    alt : str
        What stands for it where it is not seen.

    Examples
    --------
    >>> print(picture("image/png", b"x", '"'))  # doctest: +ELLIPSIS
    <img alt="&quot;" src="data:image/png;base64,eA==" style="...">

    Raises
    ------
    ValueError
        It is of another kind.
    """
    if mime not in _PICTURES:
        msg = f"no picture of a card: {mime}"
        raise ValueError(msg)
    look = style(max_width="480px", max_height="320px", background="#ffffff", margin="4px 0", display="block")
    return Markup(f'<img alt="{escape(alt)}" src="data:{mime};base64,{base64.b64encode(data).decode()}" style="{look}">')
