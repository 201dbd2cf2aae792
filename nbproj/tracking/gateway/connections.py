"""What one connection may cost: whoever shares this machine can open one, and without the token it must not do more than be refused."""

from __future__ import annotations

import asyncio
import contextlib
from typing import ClassVar

import h11  # this module is loaded when a gateway starts
from uvicorn.protocols.http.h11_impl import H11Protocol

from nbproj.tracking.gateway.notes import Notes

__all__ = ["CarefulProtocol", "careful_protocol", "most_connections"]

_MOST = 256


def most_connections() -> int:
    """Return how many connections may be open at once: a part of the files that this process may have open, so that the run keeps the others.

    Examples
    --------
    >>> 1 <= most_connections() <= 256
    True
    """
    with contextlib.suppress(ImportError, OSError):
        import resource

        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY:
            return max(1, min(_MOST, soft // 4))
    return _MOST


class CarefulProtocol(H11Protocol):
    """One connection, spoken to in uvicorn's HTTP, that ends when there are too many of them or no request comes."""

    notes: ClassVar[Notes]
    most: ClassVar[int]
    head_seconds: ClassVar[float]
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn narrows it
        """Take a connection, or end it at once."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            self.notes.add(f"keep more than {self.most} connections at once")
            transport.abort()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on, and wait no longer than is allowed for the rest of a request's head."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._patience is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self.notes.add("wait for a request that did not come")
        self.transport.abort()


def careful_protocol(notes: Notes, *, most: int, head_seconds: float) -> type[CarefulProtocol]:
    """Return the protocol of one gateway.

    Parameters
    ----------
    notes : Notes
        Counts what is refused.
    most : int
        Connections at once.
    head_seconds : float
        Seconds in which the head of a request must have arrived.
    """
    return type("Protocol", (CarefulProtocol,), {"notes": notes, "most": most, "head_seconds": head_seconds})
