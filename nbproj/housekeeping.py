"""What every command does first: settle what dead drivers left on this host."""

from __future__ import annotations

import contextlib

from nbproj.configuration.settings import ConfigurationError, carry, settings
from nbproj.progress import Progress, silent
from nbproj.sources import temporary
from nbproj.tracking.ownership import Ledger
from nbproj.tracking.settlement import settle
from nbproj.tracking.spool import Spool

__all__ = ["tidy"]


def tidy(progress: Progress = silent) -> None:
    """Settle what dead drivers left on this host, and send final statuses that a store refused.

    Cheap when there is nothing to do. Whatever goes wrong is remarked, never raised: it is not the caller's run.
    """
    with contextlib.suppress(ConfigurationError):  # whoever starts something is told
        carry(settings())
    with contextlib.suppress(OSError):
        settle(Ledger.open(progress=progress), progress=progress)
        Spool.open(progress=progress).replay(progress=progress)
        temporary.sweep()
