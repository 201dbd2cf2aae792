"""The answer of a kernel to a request: what it shows meanwhile, and when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from nbproj.execution.connection import Message

__all__ = ["Awaited", "Listener", "Reply"]

_LOST_SECONDS: Final = 5.0
"""Silence after a reply that tells that the kernel's last word was lost."""

Listener = Callable[[Message], None]
"""Takes what a request shows."""


@dataclass(frozen=True, slots=True)
class Reply:
    """How a request ended.

    Parameters
    ----------
    content : dict
        The reply's content; `status` is `ok`, `error` or `aborted`.
    """

    content: dict[str, Any] = field(default_factory=dict)


class Awaited:
    """A cell whose end is waited for: it is over when the kernel has replied and has said that it is idle again."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._idle = False
        self.number = ""
        self.reply: Reply | None = None
        self.heard = time.monotonic()

    def hear(self, message: Message) -> None:
        """Take what the cell shows."""
        if message.type == "status":
            self._idle = self._idle or message.content.get("execution_state") == "idle"
        else:
            self._listener(message)

    def hear_reply(self, message: Message) -> None:
        """Take a reply, perhaps to another request."""
        if message.parent == self.number and message.type == "execute_reply":
            self.reply = Reply(message.content)

    @property
    def over(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self.reply is not None and (self._idle or time.monotonic() - self.heard > _LOST_SECONDS)
