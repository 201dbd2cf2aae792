"""Steps that a signal may not cut in two: a store's transaction, a process between its birth and its record.

Python runs the handlers of signals in the main thread, between any two instructions. Whoever installs handlers that raise (`execution.signals`)
says here how they are held back; whoever has a step that must be whole asks for it here, and need not know of signals at all.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

__all__ = ["Shield", "held", "shields"]

Shield = Callable[[], AbstractContextManager[None]]

shields: list[Shield] = []
"""What holds signals back in the main thread; the last one is in force."""


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Hold signals back during a block; one that came meanwhile is raised at its end. Outside the main thread none ever comes.

    Examples
    --------
    >>> with held():
    ...     print("whole")
    whole
    """
    if shields and threading.current_thread() is threading.main_thread():
        with shields[-1]():
            yield
    else:
        yield
