"""A run as plain text: what the command line shows at its end, and a notebook where nothing but text is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nbproj.display import sparkline
from nbproj.display.columns import clip, columns, pad, wrap
from nbproj.display.facts import Facts
from nbproj.display.terminal import spans_text

__all__ = ["card_text"]

_BAR = 24
_LABEL = 11
_PAIR = 60  # columns of a name and its value
_REASON_LINES = 4
_TELLING = 4  # characters from which on a line of source is recognised in a traceback


def card_text(facts: Facts, *, width: int = 100) -> str:
    """Return a run as lines of plain text: why it failed, how it ended, what it left, where to look.

    Only the line that says how it ended begins at the margin. A traceback stands above it: who reads a terminal begins at its end.

    Parameters
    ----------
    facts : Facts
        What is told.
    width : int
        Columns; ids and addresses are neither cut nor broken, so that they can be copied.

    Examples
    --------
    >>> values = {"status": "FINISHED", "run_id": "0123456789", "entry_point": "train", "start_time": 0, "end_time": 2345}
    >>> values |= {"metrics": {"rmse": 58.836}, "params": {"alpha": "0.3", "seed": "1"}, "store": "mlflow.db"}
    >>> print(card_text(Facts.of(values)))
    FINISHED  train  2.3 s  run 0123456789
      metrics    rmse=58.84
      params     alpha=0.3  seed=1
      store      mlflow.db
    >>> print(card_text(Facts.of({**values, "curves": {"rmse": [70, 62, 58.836]}, "params": {}})))
    FINISHED  train  2.3 s  run 0123456789
      metrics    rmse  58.84  █▃▁
      store      mlflow.db
    """
    lines = [*_failure(facts), *_head(facts, width)]
    if facts.saved:
        lines.append(_label("as of") + facts.saved)
    lines.extend(_progress(facts))
    if facts.reason:
        lines.extend(_told("reason", clip(facts.reason, _REASON_LINES * width), width))
    lines.extend(_metrics(facts, width))
    lines.extend(_pairs(facts, "params", facts.params, width))
    lines.extend(_listed(facts, "artifacts", facts.artifacts, width))
    lines.extend(_label(label) + text for label, text in facts.about)
    lines.extend(_block("notes", [*facts.notes, *_more(facts, "notes")]))
    if facts.tail and not (facts.trace or facts.status == "FINISHED"):
        lines.extend(_block("output", spans_text(facts.tail).split("\n")))
    return "\n".join(line.rstrip() for line in lines)


def _label(label: str) -> str:
    return f"  {label:<{_LABEL}}"


def _block(label: str, rows: Sequence[str]) -> list[str]:
    return [_label(label if index == 0 else "") + row for index, row in enumerate(rows)]


def _told(label: str, text: str, width: int, *, between: str = " ") -> list[str]:
    return wrap(text, width, first=_label(label), rest=_label(""), between=between)


def _more(facts: Facts, field: str) -> list[str]:
    return [f"and {facts.left_out[field]} more"] if field in facts.left_out else []


def _listed(facts: Facts, field: str, texts: Iterable[str], width: int) -> list[str]:
    texts = [*texts, *_more(facts, field)]
    return _told(field, "  ".join(texts), width, between="  ") if texts else []


def _pairs(facts: Facts, field: str, pairs: Iterable[tuple[str, str]], width: int) -> list[str]:
    return _listed(facts, field, [clip(f"{name}={value}", min(_PAIR, max(width - _LABEL - 2, 20))) for name, value in pairs], width)


def _head(facts: Facts, width: int) -> list[str]:
    title = "  ".join(part for part in (facts.status, facts.title, facts.name, facts.lasted) if part)
    if not facts.run_id:
        return [title]
    beside = f"{title}  run {facts.run_id}"
    return [beside] if columns(beside) <= width else [*wrap(title, width, rest="  ", between="  "), _label("run") + facts.run_id]


def _progress(facts: Facts) -> list[str]:
    if facts.cells is None:
        return [_label("now") + facts.step] if facts.step else []
    done, total = facts.cells
    filled = _BAR * done // max(total, 1)
    return [_label("now") + f"[{'#' * filled}{'.' * (_BAR - filled)}] {facts.step or f'{done} of {total} cells done'}"]


def _failure(facts: Facts) -> list[str]:
    lines = []
    trace = spans_text(facts.trace)
    if not any(len(line.strip()) >= _TELLING and line.strip() in trace for line in facts.source):  # most tracebacks show the cell themselves
        lines += [f"  cell {facts.cell}" if facts.cell is not None else "  the failing cell"] if facts.source else []
        lines += [f"    {line}" for line in [*facts.source, *_more(facts, "source")]] if facts.source else []
    if facts.trace:
        above = facts.left_out.get("trace", 0)
        lines += [f"    ... {above} lines above"] if above else []
        lines += [f"    {line}" for line in trace.split("\n")]
    return lines


def _metrics(facts: Facts, width: int) -> list[str]:
    if not any(metric.count > 1 for metric in facts.metrics):
        return _pairs(facts, "metrics", [(metric.name, metric.value) for metric in facts.metrics], width)
    names = min(max(columns(metric.name) for metric in facts.metrics), width // 3)
    values = max(len(metric.value) for metric in facts.metrics)
    rows = [
        f"{pad(clip(metric.name, names), names)}  {metric.value:<{values}}  {sparkline.text(metric.points) if metric.count > 1 else ''}"
        for metric in facts.metrics
    ]
    return _block("metrics", [*rows, *_more(facts, "metrics")])
