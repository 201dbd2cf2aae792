"""The course of a metric in a square centimetre: inline SVG for pages, block characters for terminals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from nbproj.display.html import Markup, element, style
from nbproj.display.quantity import number

__all__ = ["Curve", "places", "plain_float", "svg", "text", "thinned"]

_BLOCKS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_WIDTH, _HEIGHT, _EDGE = 96, 20, 2
_BUCKETS = 32


def plain_float(value: object) -> float:
    """Return a number as a float: one that is too large is infinite, what is no number is NaN.

    Examples
    --------
    >>> plain_float("0.5"), plain_float(-(10**400)), plain_float(None)
    (0.5, -inf, nan)
    """
    try:
        return float(value)  # type: ignore[arg-type]  # whatever it is, the answer is a float
    except OverflowError:
        return math.inf if str(value)[:1] != "-" else -math.inf
    except (TypeError, ValueError):
        return math.nan


def _extremes(values: Sequence[float], start: int, end: int) -> list[int]:
    """Return where the lowest and the highest value lie, in the order in which they came; always two, to keep the pace even."""
    finite = [index for index in range(start, end) if math.isfinite(values[index])]
    if end - start < 2 or not finite:  # noqa: PLR2004 - a pair
        return list(range(start, min(start + 2, end)))
    return sorted((min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)))


def places(values: Sequence[float], limit: int) -> list[int]:
    """Return where at most `limit` values lie, two at least, that have the same course as all: the first, the last, and the extremes between.

    Examples
    --------
    >>> places([1, 9, 2, 3, 4, 0, 5, 6], 6)
    [0, 1, 2, 5, 6, 7]
    """
    if len(values) <= limit:
        return list(range(len(values)))
    if limit < 4:  # noqa: PLR2004 - the ends, and one pair of extremes
        return [0, len(values) - 1]
    inner = len(values) - 2
    buckets = (limit - 2) // 2
    edges = [1 + round(index * inner / buckets) for index in range(buckets + 1)]
    return [0, *(place for start, end in itertools.pairwise(edges) for place in _extremes(values, start, end)), len(values) - 1]


def thinned(points: Sequence[float], limit: int) -> list[float]:
    """Return at most `limit` values, two at least, with the same course: the first, the last, and the extremes between stay.

    Examples
    --------
    >>> thinned([1, 9, 2, 3, 4, 0, 5, 6], 6)
    [1, 9, 2, 0, 5, 6]
    """
    return [points[place] for place in places(points, limit)]


def _pair(values: Sequence[float]) -> list[float]:
    return [values[place] for place in _extremes(values, 0, len(values))]


class Curve:
    """The course of one metric in bounded memory: however many values come, extremes and ends stay.

    Parameters
    ----------
    limit : int
        How many values are kept at most.

    Examples
    --------
    >>> curve = Curve(limit=8)
    >>> for value in range(1000):
    ...     curve.add(value)
    >>> curve.points[0], curve.points[-1], len(curve.points) <= 10, curve.count
    (0.0, 999.0, True, 1000)
    """

    def __init__(self, limit: int = 256) -> None:
        self.count = 0
        self._limit = limit
        self._kept: list[float] = []
        self._open: list[float] = []
        self._stride = 1  # values that one entry of `_kept` stands for
        self._room = 1

    def add(self, value: float, count: int = 1) -> None:
        """Take the next value; `count` says how many there were, where it stands for others that were left out."""
        self.count += count
        value = plain_float(value)
        if self._room == 0:
            self._kept.extend(_pair(self._open) if self._stride > 1 else self._open)
            self._open, self._room = [], 2 * self._stride if self._stride > 1 else 1
            if len(self._kept) >= self._limit:
                self._kept = thinned(self._kept, self._limit // 2)
                self._stride *= 2
                self._room = 2 * self._stride
        self._open.append(value)
        self._room -= 1
        if len(self._open) > 3:  # noqa: PLR2004 - lowest, highest and the newest are enough
            self._open = [*_pair(self._open[:-1]), self._open[-1]]

    @property
    def points(self) -> list[float]:
        """The values that stand for the course."""
        return [*self._kept, *self._open]


def _levels(points: Sequence[float]) -> list[float | None]:
    """Return each value as a share of the range, 0 to 1; None for what is not finite."""
    finite = [value for value in points if math.isfinite(value)]
    # Halves, because the range of two floats may be no float.
    low, span = min(finite) / 2, max(finite) / 2 - min(finite) / 2
    return [None if not math.isfinite(value) else (value / 2 - low) / span if span > 0 else 0.5 for value in points]


def _title(points: Sequence[float], finite: Sequence[float], count: int) -> str:
    missing = len(points) - len(finite)
    texts = [f"{count} values" if count != 1 else "1 value"]
    if finite:
        texts[0] += f" from {number(finite[0])} to {number(finite[-1])}" if count > 1 else f": {number(finite[0])}"
        if count > 2:  # noqa: PLR2004 - two values are their own extremes
            texts.append(f"lowest {number(min(finite))}, highest {number(max(finite))}")
    if missing:
        texts.append("some are not finite" if finite else "none is finite")
    return "; ".join(texts)


def svg(points: Iterable[float], *, count: int | None = None) -> Markup:
    """Return a curve as inline SVG in the colour of the text around it; nothing for no points.

    Parameters
    ----------
    points : iterable of float
        Values in their order. What is not finite leaves a gap.
    count : int, optional
        How many values there were, where `points` are a selection.

    Examples
    --------
    >>> "3 values from 3 to 1; lowest 1, highest 3" in svg([3, 2, 1])
    True
    """
    values = [plain_float(point) for point in points]
    if not values:
        return Markup("")
    finite = [value for value in values if math.isfinite(value)]
    title = element("title", _title(values, finite, count if count is not None else len(values)))
    shown = _levels(thinned(values, 2 * _BUCKETS)) if finite else []
    step = (_WIDTH - 2 * _EDGE) / max(len(shown) - 1, 1)
    path, pen, last = [], "M", None
    for index, level in enumerate(shown):
        if level is None:
            pen = "M"
            continue
        x, y = _EDGE + index * step, _EDGE + (1 - level) * (_HEIGHT - 2 * _EDGE)
        path.append(f"{pen}{x:.4g} {y:.3g}" + ("h.1" if pen == "M" else ""))  # one value between two gaps is a dot
        pen, last = "L", (f"{x:.4g}", f"{y:.3g}")
    drawn = [element("path", d="".join(path), stroke="currentColor", stroke_width="1.5", fill="none")] if len(path) > 1 else []
    if last:
        drawn.append(element("circle", cx=last[0], cy=last[1], r="2", fill="currentColor"))
    look = style(vertical_align="middle", width="96px", height="20px")  # a page's own rules for pictures change neither
    return element("svg", title, *drawn, role="img", width=_WIDTH, height=_HEIGHT, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", style=look)


def text(points: Iterable[float], width: int = 20) -> str:
    """Return a curve as block characters, a space for what is not finite.

    Examples
    --------
    >>> text([1, 2, 3, 4]), text([5, 5]), text([float("nan")]), text([])
    ('▁▃▆█', '▅▅', '', '')
    """
    values = [plain_float(point) for point in points]
    if len(values) > width:
        edges = [round(index * len(values) / width) for index in range(width + 1)]
        values = [values[end - 1] for end in edges[1:]]
    if not any(map(math.isfinite, values)):
        return ""
    return "".join(" " if level is None else _BLOCKS[min(int(level * len(_BLOCKS)), len(_BLOCKS) - 1)] for level in _levels(values))
