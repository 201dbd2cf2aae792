"""What a card tells of a run: cleaned, cut to a bound, the same for every rendering."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbproj.display.columns import printable
from nbproj.display.html import clean
from nbproj.display.line import Span
from nbproj.display.quantity import duration, elapsed, number
from nbproj.display.sparkline import plain_float
from nbproj.display.terminal import tail_of
from nbproj.errors import one_line

__all__ = ["Facts", "MetricFact", "between", "cut", "moment"]

_MANY = 24
_FEW = 12
_VALUE = 200
_SOURCE = 30
_TRACE = 40
_TAIL = 12
_LAST = 12 * 4000  # characters of an output from which the tail is taken
_ENDED = frozenset({"FINISHED", "FAILED", "KILLED", "REFUSED"})


def cut(text: str, limit: int = _VALUE) -> str:
    r"""Return a text as one clean line of at most so many characters.

    Examples
    --------
    >>> cut("a\nb"), cut("abcdef", 4)
    ('a b', 'abc…')
    """
    line = one_line(text[: 4 * limit + 4])
    return line if len(line) <= limit else line[: limit - 1] + "\u2026"


def moment(milliseconds: float | None, zone: dt.tzinfo = dt.UTC) -> str:
    """Return a point in time to the second, with its zone; an empty text for what is no time.

    Examples
    --------
    >>> moment(1_700_000_000_000), moment(None), moment(float("nan"))
    ('2023-11-14 22:13:20 UTC', '', '')
    """
    try:
        when = dt.datetime.fromtimestamp((milliseconds if milliseconds is not None else float("nan")) / 1000, zone)
    except (OverflowError, ValueError, OSError):
        return ""
    return f"{when:%Y-%m-%d %H:%M:%S} {when.tzname() or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class MetricFact:
    """A metric: its name, its latest value, that as text, its course, how many values there were."""

    name: str
    latest: float
    value: str
    points: Sequence[float]
    count: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card tells; every text is one clean line, `source`, `trace` and `tail` are lines.

    The numbers in `left_out` say how much more there is, by field.
    """

    status: str
    ended: bool
    run_id: str
    title: str
    name: str
    lasted: str
    saved: str
    started: str
    step: str
    cells: tuple[int, int] | None
    reason: str
    cell: int | None
    source: Sequence[str]
    trace: Sequence[Sequence[Span]]
    tail: Sequence[Sequence[Span]]
    metrics: Sequence[MetricFact]
    params: Sequence[tuple[str, str]]
    artifacts: Sequence[str]
    notes: Sequence[str]
    about: Sequence[tuple[str, str]]
    left_out: Mapping[str, int]
    previews: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any], zone: dt.tzinfo = dt.UTC) -> Facts:
        """Take them from the values that `Run` or `CardState` collect; any of these may be missing.

        Parameters
        ----------
        values : mapping
            `status`, `run_id`, `entry_point`, `name`, `params`, `metrics`, `artifacts`, `notebook`, `page`, `start_time`, `end_time`, `store`, `job`,
            `reason`, `cell`, `source`, `traceback`; while it runs `now`, `step`, `cells`; besides `curves`, `counts`, `previews`, `notes`, `tail` or
            `output`.
        zone : tzinfo
            In which times are told.
        """
        status = cut(str(values.get("status") or "STARTING"), 20)
        ended = status in _ENDED
        params, metrics = dict(values.get("params") or {}), dict(values.get("metrics") or {})
        artifacts = [str(path) for path in values.get("artifacts") or () if not str(path).startswith("run/")]
        notes = list(values.get("notes") or ())
        code, told = str(values.get("source") or ""), str(values.get("traceback") or "")
        source, trace = _lines(code), _trace(told)
        left = {
            "source": len(source) - _SOURCE + code.count("\n", _LAST),
            "trace": len(trace) - _TRACE + told.count("\n", 0, max(len(told) - _LAST, 0)),
        }
        left |= {"params": len(params) - _MANY, "metrics": len(metrics) - _MANY, "artifacts": len(artifacts) - _FEW, "notes": len(notes) - _FEW}
        cells = values.get("cells")
        return cls(
            status=status,
            ended=ended,
            run_id=cut(str(values.get("run_id") or ""), 80),
            title=cut(str(values.get("entry_point") or ""), 80),
            name=cut(str(values.get("name") or ""), 80),
            lasted=_lasted(values, ended=ended),
            saved="" if ended else moment(values.get("now"), zone),
            started=moment(values.get("start_time"), zone),
            step="" if ended else cut(str(values.get("step") or "")),
            cells=_cells(cells) if cells and not ended else None,
            reason=cut(str(values.get("reason") or ""), 500),
            cell=values.get("cell") if isinstance(values.get("cell"), int) else None,
            source=source[:_SOURCE],
            trace=trace[-_TRACE:],
            tail=_tail(values),
            metrics=[_metric(name, value, values) for name, value in list(metrics.items())[:_MANY]],
            params=[(cut(str(name), 80), cut(str(value))) for name, value in list(params.items())[:_MANY]],
            artifacts=[_address(path) for path in artifacts[:_FEW]],
            notes=[cut(str(note), 300) for note in notes[:_FEW]],
            about=_about(values),
            left_out={name: count for name, count in left.items() if count > 0},
            previews=tuple(values.get("previews") or ()),
        )


def _about(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    texts = {label: _address(str(values.get(label) or ""), 1000) for label in ("notebook", "page", "store", "look", "job")}
    return [(label, text) for label, text in texts.items() if text]


def _address(text: str, limit: int = _VALUE) -> str:
    """Return a path or a command as it can be copied: with every space, and escapes for what cannot be shown."""
    shown = printable(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "\u2026"


def _cells(cells: Iterable[int]) -> tuple[int, int]:
    done, total = cells
    total = max(int(total), 0)
    return min(max(int(done), 0), total), total


def between(start: float | None, end: float | None) -> float | None:
    """Return the seconds between two points in time in milliseconds, at least 0; None where one is unknown.

    Examples
    --------
    >>> between(1000, 3500), between(3500, 1000), between(None, 1000), between(float("-inf"), 0)
    (2.5, 0.0, None, None)
    """
    seconds = (plain_float(end) - plain_float(start)) / 1000
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _lasted(values: Mapping[str, Any], *, ended: bool) -> str:
    seconds = between(values.get("start_time"), values.get("end_time") if ended else values.get("now"))
    if seconds is None:
        return ""
    return duration(seconds) if ended else elapsed(seconds)


def _lines(text: str) -> list[str]:
    lines = [clean(line.expandtabs(4)) for line in text[:_LAST].rstrip().split("\n")]
    return [line if len(line) <= _VALUE else line[: _VALUE - 1] + "\u2026" for line in lines] if text.strip() else []


def _metric(name: object, value: object, values: Mapping[str, Any]) -> MetricFact:
    points = [plain_float(point) for point in (values.get("curves") or {}).get(name, ())]
    count = (values.get("counts") or {}).get(name, len(points))
    latest = plain_float(value)
    return MetricFact(cut(str(name), 80), latest, number(latest), points, int(count))


def _trace(text: str) -> list[list[Span]]:
    # IPython opens with a rule as wide as its own idea of the terminal.
    lines = tail_of(text[-_LAST:], lines=1000, width=_VALUE)
    return [line for line in lines if set("".join(span.text for span in line)) != {"-"}]


def _tail(values: Mapping[str, Any]) -> list[list[Span]]:
    tail = values.get("tail")
    if tail is None:
        return tail_of(str(values.get("output") or ""), _TAIL)
    return [list(line) for line in tail][-_TAIL:]
