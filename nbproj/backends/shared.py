"""What the runs of one batch have in common: made when the first of them asks for it, ended after the last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

__all__ = ["Shared"]

T = TypeVar("T")


class Shared:
    """Things by name that are made once and used by many threads; a context manager that ends them, the last one first.

    Whoever makes something gets the stack that is closed after the last run, and registers the end of what it made there.

    Examples
    --------
    >>> with Shared() as shared:
    ...     first = shared.once("answer", lambda stack: stack.callback(print, "ended") and 42)
    ...     print(first, shared.once("answer", lambda stack: 43))
    42 42
    ended
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}
        self._made: dict[Hashable, Any] = {}
        self._stack = ExitStack()

    def once(self, name: Hashable, make: Callable[[ExitStack], T]) -> T:
        """Return what has that name, made by the first caller while the others wait. What could not be made is tried again by the next.

        Parameters
        ----------
        name : hashable
            What it is, and what of it may differ: an environment's fingerprint.
        make : callable
            Makes it. Is given the stack on which it registers how it ends; called by one thread at a time for each name.
        """
        with self._lock:
            own = self._making.setdefault(name, threading.Lock())
        with own:
            if name not in self._made:
                stack = ExitStack()
                with stack:  # what fails half-way is ended at once
                    self._made[name] = make(stack)
                    kept = stack.pop_all()
                with self._lock:
                    self._stack.push(kept)
            found: T = self._made[name]
            return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()
