"""The colours and weights that a program gives its output (ANSI "select graphic rendition"), and how they read on light and on dark pages."""

from __future__ import annotations

import functools
from typing import NamedTuple, TypeAlias

from nbproj.display.html import style

__all__ = ["PLAIN", "Colour", "Style", "css", "render", "shades"]

Colour: TypeAlias = int | tuple[int, int, int]
"""A place in the palette of 16, or red, green, blue."""


class Style(NamedTuple):
    """How a character looks.

    Parameters
    ----------
    fg, bg : Colour, optional
        Colour of the character and behind it; None for the page's.
    bold, dim, italic, underline, inverse, strike : bool
        What it is besides.
    """

    fg: Colour | None = None
    bg: Colour | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False
    strike: bool = False


PLAIN = Style()
_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike", 21: "underline"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("inverse",), 29: ("strike",)}
_INDEXED, _DIRECT = 5, 2
_CUBE, _GREYS = 16, 232
_LIMIT = 32  # parameters of one sequence that are looked at

# Red, green, yellow, blue, magenta, cyan at a lightness that has a contrast of more than 4 with white and with JupyterLab's and GitHub's dark pages.
_READABLE = {1: "#d93f4c", 2: "#1a8745", 3: "#9a6e00", 4: "#2f75d6", 5: "#b04fc4", 6: "#0b8383", 8: "#757575"}
_READABLE |= {colour + 8: css for colour, css in list(_READABLE.items()) if colour < 8}  # noqa: PLR2004 - the bright half
_RGB = [(0, 0, 0), (194, 54, 33), (37, 130, 36), (160, 120, 0), (50, 90, 200), (170, 60, 170), (20, 130, 140), (203, 204, 205)]
_RGB += [(117, 117, 117), (240, 80, 80), (60, 190, 80), (230, 200, 50), (90, 140, 250), (220, 110, 230), (60, 200, 210), (255, 255, 255)]
_DARKEST, _LIGHTEST = 0.175, 0.2  # the luminance between which a colour reads on white and on black
_ON_LIGHT, _ON_DARK = (0.13, 0.15), (0.32, 0.36)  # where each has more than 4.5 : 1 on a page of its own


def _indexed(index: int) -> Colour | None:
    if not 0 <= index <= 255:  # noqa: PLR2004 - the palette of 256
        return None
    if index < _CUBE:
        return index
    if index >= _GREYS:
        return ((index - _GREYS) * 10 + 8,) * 3
    steps = [0, 95, 135, 175, 215, 255]
    index -= _CUBE
    return steps[index // 36], steps[index // 6 % 6], steps[index % 6]


def _extended(codes: list[int]) -> Colour | None:
    """Return the colour that the numbers behind a 38 or 48 name, which are taken away."""
    kind = codes.pop(0) if codes else -1
    if kind == _INDEXED:
        return _indexed(codes.pop(0)) if codes else None
    if kind == _DIRECT:
        red, green, blue = (min(max(codes.pop(0), 0), 255) if codes else 0 for _ in range(3))
        return red, green, blue
    return None


@functools.lru_cache(512)
def render(current: Style, parameters: str) -> Style:
    r"""Return the style after the sequence `ESC [ parameters m`; what is not understood changes nothing.

    Examples
    --------
    >>> render(PLAIN, "1;31")
    Style(fg=1, bg=None, bold=True, dim=False, italic=False, underline=False, inverse=False, strike=False)
    >>> render(PLAIN, "38;2;255;0;10").fg, render(PLAIN, "48;5;196").bg, render(render(PLAIN, "4"), "") == PLAIN
    ((255, 0, 10), (255, 0, 0), True)
    """
    # A colon separates the parts of one parameter; the one difference is an empty field (the colour space) in a direct colour.
    text = parameters.replace("2::", "2;").replace(":", ";")
    codes = [int(code[:4]) if code.isascii() and code.isdigit() else 0 if not code else -1 for code in text.split(";")[:_LIMIT]]
    while codes:
        code = codes.pop(0)
        if code == 0:
            current = PLAIN
        elif code in _ON:
            current = current._replace(**{_ON[code]: True})
        elif code in _OFF:
            current = current._replace(**dict.fromkeys(_OFF[code], False))
        elif code in {38, 48}:
            colour = _extended(codes)
            if colour is not None:
                current = current._replace(fg=colour) if code == 38 else current._replace(bg=colour)  # noqa: PLR2004 - the code of a foreground
        elif 30 <= code <= 37 or 90 <= code <= 97:  # noqa: PLR2004 - the codes as the standard numbers them
            current = current._replace(fg=code - 30 if code < 40 else code - 82)  # noqa: PLR2004 - as above
        elif 40 <= code <= 47 or 100 <= code <= 107:  # noqa: PLR2004 - as above
            current = current._replace(bg=code - 40 if code < 50 else code - 92)  # noqa: PLR2004 - as above
        elif code in {39, 49}:
            current = current._replace(fg=None) if code == 39 else current._replace(bg=None)  # noqa: PLR2004 - as above
    return current


def _rgb(colour: Colour) -> tuple[int, int, int]:
    return _RGB[colour] if isinstance(colour, int) else colour


def _luminance(rgb: tuple[float, float, float]) -> float:
    parts = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in rgb]  # noqa: PLR2004 - WCAG 2's definition
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part):02x}" for part in rgb)


def _foreground(colour: Colour) -> str | None:
    """Return the nearest colour that reads on any page; None where black or white was asked for, which is the page's own."""
    if isinstance(colour, int):
        return _READABLE.get(colour)
    red = colour[0]
    if max(colour) - min(colour) < 16 and not 60 < red < 200:  # noqa: PLR2004 - nearly black or nearly white
        return None
    return _hex(_between(colour, _DARKEST, _LIGHTEST))


def _between(colour: tuple[int, int, int], darkest: float, lightest: float) -> tuple[float, float, float]:
    """Return the nearest colour with such a luminance: mixed with black or white."""
    red, green, blue = colour
    low, high = (-1.0, 0.0) if _luminance(colour) > lightest else (0.0, 1.0)
    mixed = (float(red), float(green), float(blue))
    while not darkest <= _luminance(mixed) <= lightest and high - low > 1 / 512:
        middle = (low + high) / 2
        towards, share = (255, middle) if middle > 0 else (0, -middle)
        mixed = (red + (towards - red) * share, green + (towards - green) * share, blue + (towards - blue) * share)
        low, high = (middle, high) if _luminance(mixed) < darkest else (low, middle)
    return mixed


@functools.lru_cache(512)
def shades(colour: str) -> tuple[str, str]:
    """Return a colour as it reads well on a light page, and as it reads well on a dark one, where a page can tell the two apart.

    Parameters
    ----------
    colour : str
        `#rrggbb`.

    Examples
    --------
    >>> shades("#2f75d6")
    ('#2966bb', '#70a0e3')
    """
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    light, dark = (_hex(_between((red, green, blue), *band)) for band in (_ON_LIGHT, _ON_DARK))
    return light, dark


def _contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@functools.lru_cache(512)
def css(look: Style) -> str:
    """Return a style as inline CSS that reads on light and dark pages; a background brings a foreground with it.

    Examples
    --------
    >>> css(Style(fg=1, bold=True)), css(Style(bg=(255, 255, 0)))
    ('color:#d93f4c;font-weight:bold', 'color:#000000;background:#ffff00')
    """
    fg, bg = look.fg, look.bg
    if look.inverse:
        fg, bg = bg, fg if fg is not None else 8
    if bg is None:
        text, behind = None if fg is None else _foreground(fg), None
    else:
        ground = _rgb(bg)
        ink = _rgb(fg) if fg is not None else ground
        if _contrast(ink, ground) < 3:  # noqa: PLR2004 - WCAG 2's bound for what is not small print
            ink = max((0, 0, 0), (255, 255, 255), key=lambda rgb: _contrast(rgb, ground))
        text, behind = _hex(ink), _hex(ground)
    lines = " ".join(name for name, drawn in (("underline", look.underline), ("line-through", look.strike)) if drawn)
    return style(
        color=text,
        background=behind,
        font_weight="bold" if look.bold else None,
        opacity="0.75" if look.dim else None,
        font_style="italic" if look.italic else None,
        text_decoration=lines or None,
    )
