"""The course of a metric in a square centimetre: inline SVG for pages, block characters for terminals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from nbproj.display.html import Markup, element, style
from nbproj.display.quantity import number

__all__ = ["Curve", "plain_float", "svg", "text", "thinned"]

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


def _extremes(values: Sequence[float]) -> list[float]:
    """Return the lowest and the highest value in the order in which they came; of more than one value always two, so that the pace stays even."""
    finite = [index for index, value in enumerate(values) if math.isfinite(value)]
    if len(values) < 2 or not finite:  # noqa: PLR2004 - a pair
        return list(values[:2])
    low, high = min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)
    return [values[index] for index in sorted((low, high))]


def thinned(points: Sequence[float], limit: int) -> list[float]:
    """Return at most `limit` values with the same course: the first, the last, and the extremes between stay.

    Examples
    --------
    >>> thinned([1, 9, 2, 3, 4, 0, 5, 6], 6)
    [1, 9, 2, 0, 5, 6]
    """
    if len(points) <= limit:
        return list(points)
    inner = points[1:-1]
    buckets = max((limit - 2) // 2, 1)
    edges = [round(index * len(inner) / buckets) for index in range(buckets + 1)]
    middle = [value for start, end in itertools.pairwise(edges) for value in _extremes(inner[start:end])]
    return [points[0], *middle, points[-1]]


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

    def add(self, value: float) -> None:
        """Take the next value."""
        self.count += 1
        value = plain_float(value)
        if self._room == 0:
            self._kept.extend(_extremes(self._open) if self._stride > 1 else self._open)
            self._open, self._room = [], 2 * self._stride if self._stride > 1 else 1
            if len(self._kept) >= self._limit:
                self._kept = thinned(self._kept, self._limit // 2)
                self._stride *= 2
                self._room = 2 * self._stride
        self._open.append(value)
        self._room -= 1
        if len(self._open) > 3:  # noqa: PLR2004 - lowest, highest and the newest are enough
            self._open = [*_extremes(self._open[:-1]), self._open[-1]]

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
