"""What every command does first: settle what dead drivers left on this host."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass

from nbproj import detached
from nbproj.configuration.settings import ConfigurationError, carry, settings
from nbproj.errors import NbprojError
from nbproj.progress import Progress, silent
from nbproj.sources import temporary
from nbproj.tracking.ledger import Entry, Ledger
from nbproj.tracking.settlement import settle
from nbproj.tracking.spool import Spool

__all__ = ["tidy"]


def tidy(progress: Progress = silent, *, jobs: bool = True, spare: str | None = None) -> None:
    """Settle what dead drivers left on this host, and send final statuses that a store refused.

    Cheap when there is nothing to do. Whatever goes wrong is remarked, never raised: it is not the caller's run.

    Parameters
    ----------
    progress : Progress
        Told what was settled.
    jobs : bool
        Runs whose Jobs go on elsewhere are taken up; False where a later step of the same command does that.
    spare : str, optional
        A run that the caller takes up itself.
    """
    with contextlib.suppress(ConfigurationError):  # whoever starts something is told
        carry(settings())
    with contextlib.suppress(OSError):
        settle(Ledger.open(progress=progress), rejoin=_taken_up if jobs else None, spare=spare, progress=progress)
        Spool.open(progress=progress).replay(progress=progress)
        temporary.sweep()


@dataclass(frozen=True, slots=True)
class _Left:
    """What a driver that takes up a run is told: the entry of the one that died."""

    entry: Entry

    def to_document(self) -> dict[str, object]:
        """Return it as values that JSON holds."""
        return {"rejoin": {**asdict(self.entry.owner), "folder": str(self.entry.folder)}}


def _taken_up(entry: Entry) -> bool:
    """Start a driver that takes up a run whose job goes on elsewhere; return whether it has. The caller holds the entry meanwhile."""
    try:
        run_id = detached.start(_Left(entry))
    except NbprojError:
        return False
    asked = entry.is_asked_to_stop()  # the driver before was killed over it
    entry.close()
    new = Ledger.open().of_run(run_id) if asked else None
    if new is not None:
        with contextlib.suppress(OSError):
            new.ask_to_stop()
    return True
