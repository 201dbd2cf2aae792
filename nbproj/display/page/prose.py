"""Cells of prose and of code, and printed text, as HTML."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from nbproj.display.colour import shades
from nbproj.display.html import Markup, clean, escape
from nbproj.display.page.markup import sanitise
from nbproj.display.page.patience import Patience
from nbproj.display.terminal import Screen, spans_html

__all__ = ["code_html", "printed_html", "prose_html", "text_of"]

_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SEQUENCE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_PIECE: Final = 60_000
_HIGHLIGHTED: Final = 30_000
_COLOUR: Final = re.compile(r'style="color:(#[0-9a-f]{6})(?![^"]*background)')
_ROWS: Final = 5000
_COLUMNS: Final = 20_000
_ATTACHMENT: Final = re.compile(r"attachment:([^)\s\"'>]+)")
_LANGUAGES: Final = {"python": "python", "ipython": "python", "r": "r", "ir": "r", "julia": "julia", "bash": "bash", "sql": "sql"}
"""Those whose lexers take no more than a moment for any text of that length; of others it may be a minute."""


def text_of(value: object) -> str:
    """Return a text of a notebook's file, where it may stand as lines."""
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")


def printed_html(text: str, patience: Patience | None = None) -> Markup:
    r"""Return what a program printed as the content of a `pre`, as a terminal shows it; without its colours when there is no patience left.

    Examples
    --------
    >>> printed_html("10 %\r\x1b[1mdone\x1b[0m <b>")
    '<span style="font-weight:bold">done</span> &lt;b&gt;'
    >>> printed_html("\x1b[34mblue")
    '<span style="color:light-dark(#2966bb, #70a0e3)">blue</span>'
    """
    if not _CONTROLS.search(text):
        return escape(text)
    if patience is not None and patience.is_over:
        return escape(_SEQUENCE.sub("", text).replace("\r", "\n"))
    screen = Screen(_ROWS, _COLUMNS)
    for start in range(0, len(text), _PIECE):
        screen.feed(text[start : start + _PIECE])
    # A background brings a colour for itself; without one the page's is what is written on.
    return Markup(_COLOUR.sub(lambda found: f'style="color:light-dark({", ".join(shades(found[1]))})', spans_html(screen.tail(_ROWS, _COLUMNS))))


def code_html(source: str, language: str, patience: Patience | None = None) -> Markup:
    """Return code as the content of a `pre`, its words marked by classes; none are marked in what is too long to be written by hand."""
    if language not in _LANGUAGES or len(source) > _HIGHLIGHTED or (patience is not None and patience.is_over):
        return escape(source)
    return Markup(_highlight(language)(clean(source)))


@functools.lru_cache(16)
def _highlight(language: str) -> Callable[[str], str]:
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(_LANGUAGES[language], stripnl=False, ensurenl=False)
    formatter: Any = HtmlFormatter(nowrap=True)
    return lambda source: str(highlight(source, lexer, formatter))


def prose_html(source: str, attachments: Mapping[str, Mapping[str, object]] | None = None, patience: Patience | None = None) -> Markup:
    r"""Return Markdown as HTML that is harmless; formulas stay as they are written.

    Parameters
    ----------
    source : str
        The Markdown.
    attachments : mapping, optional
        Pictures that the cell brings along: bundles by name.
    patience : Patience, optional
        Of the whole page.

    Raises
    ------
    TangledError
        It takes too long.

    Examples
    --------
    >>> prose_html("# A *title*")
    '<h1>A <em>title</em></h1>\n'
    """
    held = attachments or {}

    def picture(found: re.Match[str]) -> str:
        bundle = held.get(unquote(found[1]), held.get(found[1], {}))
        return next((f"data:{kind};base64,{''.join(text_of(data).split())}" for kind, data in bundle.items() if kind.startswith("image/")), found[0])

    time_left = patience or Patience()
    return sanitise(_markdown(_ATTACHMENT.sub(picture, source), time_left), time_left).markup


def _markdown(source: str, patience: Patience) -> str:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = bool  # type: ignore[method-assign,assignment]  # judged afterwards, with everything else

    def look_at_the_clock(*_state: object) -> bool:
        patience.check()
        return False  # no syntax of its own

    parser.inline.ruler.before("text", "patience", look_at_the_clock)
    parser.block.ruler.before("table", "patience", look_at_the_clock)
    return str(parser.render(source))
