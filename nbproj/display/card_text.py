"""The card of a run as plain text: for terminals, and for readers that show nothing else."""

from __future__ import annotations

from nbproj.display import sparkline
from nbproj.display.columns import clip, columns, pad, printable, wrap
from nbproj.display.facts import Facts
from nbproj.display.terminal import spans_text

__all__ = ["card_text"]

_BAR = 24
_LABEL = 11


def card_text(facts: Facts, *, width: int = 100) -> str:
    """Return a run as lines of plain text.

    Parameters
    ----------
    facts : Facts
        What is told.
    width : int
        Columns; ids and addresses are neither cut nor broken, so that they can be copied.

    Examples
    --------
    >>> values = {"status": "FINISHED", "run_id": "0123456789", "entry_point": "train", "start_time": 0, "end_time": 2345}
    >>> print(card_text(Facts.of(values | {"metrics": {"rmse": 58.836}, "curves": {"rmse": [70, 62, 58.836]}, "store": "mlflow.db"})))
    FINISHED  train  2.3 s  run 0123456789
      metrics    rmse  58.84  █▃▁
      store      mlflow.db
    """
    head = [facts.status, facts.title, facts.name, facts.lasted, f"run {facts.run_id}" if facts.run_id else ""]
    lines = wrap("  ".join(part for part in head if part), width, rest="  ", between="  ")
    if facts.saved:
        lines.append(_labelled("as of", facts.saved))
    lines.extend(_progress(facts))
    if facts.reason:
        lines.extend(wrap(facts.reason, width, first=_labelled("reason"), rest=" " * (_LABEL + 2)))
    lines.extend(_failure(facts))
    lines.extend(_block("metrics", [*_metrics(facts, width), *_more(facts, "metrics")]))
    lines.extend(_block("params", [*_params(facts, width), *_more(facts, "params")]))
    lines.extend(_block("artifacts", [*map(printable, facts.artifacts), *_more(facts, "artifacts")]))
    lines.extend(_labelled(label, printable(text)) for label, text in facts.about)
    lines.extend(_block("notes", [*facts.notes, *_more(facts, "notes")]))
    if facts.tail and not (facts.trace or facts.status == "FINISHED"):
        lines.extend(_block("output", spans_text(facts.tail).split("\n")))
    return "\n".join(line.rstrip() for line in lines)


def _labelled(label: str, text: str = "") -> str:
    return f"  {label:<{_LABEL}}{text}"


def _block(label: str, rows: list[str]) -> list[str]:
    return [_labelled(label if index == 0 else "", row) for index, row in enumerate(rows)]


def _more(facts: Facts, field: str) -> list[str]:
    return [f"and {facts.left_out[field]} more"] if field in facts.left_out else []


def _progress(facts: Facts) -> list[str]:
    if facts.cells is None:
        return [_labelled("now", facts.step)] if facts.step else []
    done, total = facts.cells
    filled = _BAR * done // max(total, 1)
    return [_labelled("now", f"[{'#' * filled}{'.' * (_BAR - filled)}] {facts.step or f'{done} of {total} cells done'}")]


def _failure(facts: Facts) -> list[str]:
    lines = []
    if facts.source and not facts.trace:  # a traceback shows the lines around the error
        lines += [_labelled(f"cell {facts.cell}" if facts.cell is not None else "cell"), *(f"    {line}" for line in facts.source)]
        lines += [f"    {line}" for line in _more(facts, "source")]
    if facts.trace:
        above = facts.left_out.get("trace", 0)
        lines += [f"    ... {above} lines above"] if above else []
        lines += [f"    {line}" for line in spans_text(facts.trace).split("\n")]
    return lines


def _metrics(facts: Facts, width: int) -> list[str]:
    names = max((columns(metric.name) for metric in facts.metrics), default=0)
    values = max((len(metric.value) for metric in facts.metrics), default=0)
    names = min(names, width // 3)
    return [
        f"{pad(clip(metric.name, names), names)}  {metric.value:<{values}}  {sparkline.text(metric.points) if metric.count > 1 else ''}"
        for metric in facts.metrics
    ]


def _params(facts: Facts, width: int) -> list[str]:
    names = min(max((columns(name) for name, _value in facts.params), default=0), width // 3)
    room = max(width - names - _LABEL - 4, 10)
    return [f"{pad(clip(name, names), names)}  {clip(value, room)}" for name, value in facts.params]
