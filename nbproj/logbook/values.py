"""Metrics, parameters and tags: checked where they are said, so that it is the cell with the mistake that fails."""

from __future__ import annotations

import math
import posixpath
import re
import time
from typing import TYPE_CHECKING, Any

from nbproj.logbook.ways import send

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_good_name", "log_metric", "log_metrics", "log_param", "log_params", "set_tag", "set_tags"]

_NAME = re.compile(r"[/\w.\- :]{1,250}\Z")


def log_metric(key: str, value: float, step: int | None = None) -> None:
    """Record a value of a metric with the run that this program is part of.

    Parameters
    ----------
    key : str
        Its name: letters, digits, spaces and `_ - . : /`.
    value : float
        A number, or what `float` makes one of: a NumPy scalar, a tensor of one element. NaN and infinities are kept.
    step : int, optional
        Step of the training; 0 by default.

    Raises
    ------
    ValueError, TypeError
        The name or the value cannot be recorded.

    Examples
    --------
    >>> import nbproj
    >>> for step, loss in enumerate([0.9, 0.4]):  # doctest: +SKIP
    ...     nbproj.log_metric("loss", loss, step)
    """
    log_metrics({key: value}, step)


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Record values of several metrics at once.

    Parameters
    ----------
    metrics : mapping of str to float
        Values by name, as `log_metric` takes them.
    step : int, optional
        Step of the training; 0 by default.

    Raises
    ------
    ValueError, TypeError
        A name or a value cannot be recorded; nothing of it is.
    """
    now = int(time.time() * 1000)
    at = 0 if step is None else int(step)
    send([{"metric": _named("metric", key), "value": _number(key, value), "step": at, "time": now} for key, value in metrics.items()])


def log_param(key: str, value: object) -> None:
    """Record a parameter: what the program itself has chosen. The run's own parameters are recorded anyway.

    Parameters
    ----------
    key : str
        Its name. A parameter keeps its first value; another one is refused with a note.
    value : object
        Recorded as text.

    Raises
    ------
    ValueError, TypeError
        The name cannot be recorded.
    """
    log_params({key: value})


def log_params(params: Mapping[str, object]) -> None:
    """Record several parameters at once, as `log_param` does."""
    send([{"param": _named("parameter", key), "value": str(value)} for key, value in params.items()])


def set_tag(key: str, value: object) -> None:
    """Set a tag of the run, or replace it.

    Parameters
    ----------
    key : str
        Its name. Those that begin with `nbproj.` are not a program's to set; of MLflow's own only `mlflow.note.content` and `mlflow.runName` are.
    value : object
        Recorded as text.

    Raises
    ------
    ValueError, TypeError
        The name cannot be recorded.
    """
    set_tags({key: value})


def set_tags(tags: Mapping[str, object]) -> None:
    """Set several tags at once, as `set_tag` does."""
    send([{"tag": _named("tag", key), "value": str(value)} for key, value in tags.items()])


def is_good_name(name: str) -> bool:
    """Return whether a metric, parameter or tag may have this name: MLflow's rule.

    Examples
    --------
    >>> is_good_name("val/loss"), is_good_name("../loss"), is_good_name("a,b")
    (True, False, False)
    """
    return bool(_NAME.match(name)) and posixpath.normpath(name) == name and not name.startswith(("/", "..")) and name != "."


def _named(kind: str, name: object) -> str:
    if not isinstance(name, str):
        message = f"the name of a {kind} must be a text, not {type(name).__name__}"
        raise TypeError(message)
    if not is_good_name(name):
        message = f"{kind} {name[:60]!r}: a name may hold letters, digits, spaces and '_', '-', '.', ':', '/', 250 of them at most, and no '..'"
        raise ValueError(message)
    return name


def _number(key: str, value: Any) -> float | str:  # noqa: ANN401 - checked here
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        value, number = str(value), math.nan
    if isinstance(value, (str, bytes)):
        message = f"metric {key!r}: a number is expected, not {value[:60]!r}"
        raise TypeError(message)
    return number if math.isfinite(number) else str(number)  # JSON has no word for the others
