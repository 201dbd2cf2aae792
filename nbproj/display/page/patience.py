"""How long the making of a page may take, whatever the notebook holds: texts that are tangled on purpose cost parsers the square of their length."""

from __future__ import annotations

import time
from typing import Final

__all__ = ["Patience", "TangledError"]

SECONDS: Final = 10.0
"""For one page, of this thread's own work: a busy machine makes no page poorer. Notebooks that are written for readers take a tenth of it."""


class TangledError(ValueError):
    """A text takes too long to be understood; what it says is shown as it is written."""


class Patience:
    """The time that is left for a page.

    Parameters
    ----------
    seconds : float
        Of work, from now on.

    Examples
    --------
    >>> Patience(0).is_over
    True
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._end = time.thread_time() + seconds

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be understood."""
        return time.thread_time() >= self._end

    def check(self) -> None:
        """Go on, or not.

        Raises
        ------
        TangledError
            The time is over.
        """
        if self.is_over:
            msg = "it takes too long to be understood"
            raise TangledError(msg)
