"""The outputs of a cell as HTML: the richest form that needs no script, bounded with a note."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nbproj.display.html import Markup, escape
from nbproj.display.page.markup import sanitise
from nbproj.display.page.patience import Patience, TangledError
from nbproj.display.page.prose import printed_html, prose_html, text_of
from nbproj.display.quantity import size

__all__ = ["Room", "outputs_html", "prose"]

TEXT_CHARACTERS: Final = 200_000
"""How much of one text is shown: its beginning and its end."""
MARKUP_CHARACTERS: Final = 2_000_000
PICTURE_CHARACTERS: Final = 8_000_000
PAGE_CHARACTERS: Final = 40_000_000
_PICTURES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SCRIPTED: Final = ("plotly", "bokeh", "vega", "widget", "javascript")


class Room:
    """What is left of the size that a page may have.

    Parameters
    ----------
    left : int
        Characters.
    patience : Patience, optional
        What is left of the time.
    """

    def __init__(self, left: int = PAGE_CHARACTERS, patience: Patience | None = None) -> None:
        self._left = left
        self.patience = patience or Patience()

    def take(self, wanted: int, limit: int) -> bool:
        """Return whether so much may be shown; it is taken then."""
        if wanted > min(self._left, limit):
            return False
        self._left -= wanted
        return True


def outputs_html(outputs: Iterable[Mapping[str, Any]], room: Room) -> Markup:
    """Return the outputs of a cell.

    Parameters
    ----------
    outputs : iterable of mapping
        As nbformat 4 has them.
    room : Room
        Of the whole page.
    """
    return Markup("".join(_output(one, room) for one in outputs if isinstance(one, Mapping)))


def _output(output: Mapping[str, Any], room: Room) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return _text(text_of(output.get("text")), room, name)
    if kind == "error":
        trace = output.get("traceback") or [f"{output.get('ename', '')}: {output.get('evalue', '')}"]
        return _text("\n".join(map(str, trace)), room, "error")
    data = output.get("data")
    return _bundle(data, room) if isinstance(data, Mapping) else ""


def _text(text: str, room: Room, kind: str) -> str:
    if not text:
        return ""
    gap = len(text) - TEXT_CHARACTERS
    half = TEXT_CHARACTERS // 2
    pieces = [text] if gap <= 0 else [text[:half], text[-half:]]
    if not room.take(sum(map(len, pieces)), TEXT_CHARACTERS):
        return _left_out(len(text))
    shown = [f'<pre class="{kind}" tabindex="0">{printed_html(piece, room.patience)}</pre>' for piece in pieces]
    return f'<p class="note">{size(gap)} of text are left out here; the executed notebook has them.</p>'.join(shown)


def _bundle(data: Mapping[str, Any], room: Room) -> str:
    """Return the richest form that can be shown."""
    html = text_of(data.get("text/html"))
    if html:
        if not room.take(len(html), MARKUP_CHARACTERS):
            return _left_out(len(html)) + _text(text_of(data.get("text/plain")), room, "plain")
        try:
            made = sanitise(html, room.patience)
        except TangledError:
            return _left_out(len(html)) + _text(text_of(data.get("text/plain")), room, "plain")
        if not made.is_empty:
            return f'<div class="html{" paper" if made.is_coloured else ""}" tabindex="0">{made.markup}</div>'
    picture = _picture(data, room)
    if picture:
        return picture
    if data.get("text/markdown"):
        return prose(text_of(data["text/markdown"])[:TEXT_CHARACTERS], room)
    plain = text_of(data.get("text/latex")) or text_of(data.get("text/plain"))
    scripted = next((name for name in _SCRIPTED if any(name in kind for kind in data)), "script" if html else "")
    note = f'<p class="note">This output needs a script ({scripted}), which this page does not have.</p>' if scripted else ""
    if plain.startswith("<IPython.core.display."):  # what a viewer falls back to; it tells a reader nothing
        plain = ""
    if not plain and "application/json" in data:
        plain = json.dumps(data["application/json"], indent=2, ensure_ascii=False)
    return note + _text(plain, room, "plain")


def prose(source: str, room: Room, attachments: Mapping[str, Any] | None = None) -> str:
    """Return Markdown as it is read; what cannot be understood in time as it is written."""
    try:
        return f'<div class="prose">{prose_html(source, attachments, room.patience)}</div>'
    except TangledError:
        return f'<pre class="raw" tabindex="0">{escape(source)}</pre>'


def _picture(data: Mapping[str, Any], room: Room) -> str:
    told = escape(text_of(data.get("text/plain"))[:200] or "output")
    drawing = text_of(data.get("image/svg+xml"))
    found = [(kind, "".join(text_of(data[kind]).split())) for kind in _PICTURES if data.get(kind)]
    if drawing:  # as a picture: what it holds neither runs nor loads anything
        found.insert(0, ("image/svg+xml", base64.b64encode(drawing.encode("utf-8", "replace")).decode()))
    for kind, encoded in found:
        try:
            base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            continue
        if not room.take(len(encoded), PICTURE_CHARACTERS):
            return _left_out(len(encoded) * 3 // 4)
        return f'<img src="data:{kind};base64,{encoded}" alt="{told}">'
    return ""


def _left_out(count: int) -> str:
    return f'<p class="note">An output of {size(count)} is left out; the executed notebook has it.</p>'
