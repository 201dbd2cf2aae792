"""What a program tells of its results while it runs: where it comes in, and what of it can be believed.

A notebook speaks through display messages of a type of our own, which never reach the reader or the saved notebook; every other process of a run
through lines of JSON in a file. Both carry the same entries.
"""

from __future__ import annotations

import functools
import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal, TypeAlias, TypeGuard

from nbproj.execution.connection import Message
from nbproj.execution.prelude import MIME
from nbproj.logbook.values import is_good_name

__all__ = ["Keep", "Result", "ResultMessages", "checked"]

Keep: TypeAlias = Callable[[Sequence[object]], None]
"""Takes entries as they came, from any thread; never waits."""

_MODULES: Final = ("files", "values", "ways")
_OWN_TAGS: Final = ("nbproj.", "mlflow.")
_OPEN_TAGS: Final = frozenset({"mlflow.note.content", "mlflow.runName"})
_MOST_TEXT: Final = 100_000
_MOST_STEP: Final = 2**63 - 1
_LATEST: Final = 2**53
_DOOR: Final = '''\
"""The part of nbproj that every kernel has: what a program writes down about its run."""

from nbproj.logbook import *
from nbproj.logbook import __all__


def __getattr__(name):
    message = f"nbproj.{name} is not here: nbproj is not installed in this kernel's environment. Without it there are {', '.join(__all__)}"
    raise AttributeError(message)
'''


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that a program told.

    Parameters
    ----------
    kind : str
        What it is.
    name : str
        Of the metric, parameter or tag.
    text : str
        Value of a parameter or tag.
    number : float
        Value of a metric.
    step, time : int
        Step and milliseconds since the epoch of a metric.
    """

    kind: Literal["metric", "param", "tag"]
    name: str
    text: str = ""
    number: float = 0.0
    step: int = 0
    time: int = 0


def checked(entry: object) -> Result:
    """Return what an entry tells: it comes from a program that may say anything.

    Raises
    ------
    ValueError
        It cannot be recorded; the message says what and why.

    Examples
    --------
    >>> checked({"metric": "rmse", "value": 0.5, "time": 1700000000000})
    Result(kind='metric', name='rmse', text='', number=0.5, step=0, time=1700000000000)
    >>> checked({"tag": "nbproj.exit_code", "value": "0"})
    Traceback (most recent call last):
    ...
    ValueError: tag 'nbproj.exit_code' is not a program's to set
    """
    told = entry if isinstance(entry, Mapping) else {}
    for kind in ("metric", "param", "tag"):
        if kind in told:
            break
    else:
        msg = f"not understood: {str(entry)[:80]!r}"
        raise ValueError(msg)
    name = told[kind]
    if not isinstance(name, str) or not is_good_name(name):
        msg = f"{kind} {str(name)[:80]!r}: this is no name that a store takes"
        raise ValueError(msg)
    if kind == "tag" and name.startswith(_OWN_TAGS) and name not in _OPEN_TAGS:
        msg = f"tag {name!r} is not a program's to set"
        raise ValueError(msg)
    value = told.get("value")
    if kind != "metric":
        return Result("param" if kind == "param" else "tag", name, value[:_MOST_TEXT] if isinstance(value, str) else str(value)[:_MOST_TEXT])
    number = _number(value)
    if number is None:
        msg = f"metric {name!r}: {str(value)[:80]!r} is no number"
        raise ValueError(msg)
    step = told.get("step", 0)
    if not _is_whole(step) or abs(step) > _MOST_STEP:
        msg = f"metric {name!r}: step {str(step)[:80]!r} is no whole number of 64 bits"
        raise ValueError(msg)
    at = told.get("time")
    return Result("metric", name, "", number, step, at if _is_whole(at) and 0 < at < _LATEST else int(time.time() * 1000))


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    # JSON has no word for NaN and infinities: they come as text, and no other number does.
    return None if isinstance(value, str) and math.isfinite(number) else number


class ResultMessages:
    """The results among the messages of one kernel.

    Parameters
    ----------
    keep : callable, optional
        Takes the entries. Without it nobody listens: the kernel gets the module to import, and the functions in it find their own way.
    """

    def __init__(self, keep: Keep | None = None) -> None:
        self._keep = keep
        self._token = secrets.token_hex(16) if keep is not None else ""

    def prelude(self) -> str:
        """Return what the kernel, one that speaks Python, is to run before the first cell: one expression, which leaves no name."""
        sources = {"nbproj": _DOOR, **_logbook()}
        code = f"{_own('execution', 'prelude.py')}\n\nbegin({self._token!r}, {sources!r})\n"
        return f'__import__("builtins").exec({code!r}, {{"__name__": "_nbproj_prelude"}})'

    def take(self, message: Message) -> bool:
        """Take a message if it is one of results; return whether it was. Whoever does not know the token is not believed, nor shown."""
        if self._keep is None or message.type != "display_data" or not message.mentions(MIME):
            return False
        data = message.content.get("data")
        told = data.get(MIME) if isinstance(data, Mapping) else None
        if not isinstance(told, Mapping):
            return False
        token, entries = told.get("token"), told.get("entries")
        if isinstance(token, str) and secrets.compare_digest(token.encode("utf-8", "replace"), self._token.encode()):
            if isinstance(entries, list):
                self._keep(entries)
            return True
        return len(data) == 1 if isinstance(data, Mapping) else False


def _own(*path: str) -> str:
    return files("nbproj").joinpath(*path).read_text(encoding="utf-8")


@functools.cache
def _logbook() -> dict[str, str]:
    return {"nbproj.logbook": _own("logbook", "__init__.py"), **{f"nbproj.logbook.{name}": _own("logbook", f"{name}.py") for name in _MODULES}}
