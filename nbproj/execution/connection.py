"""How a kernel is spoken to: its addresses, its key, and the messages of Jupyter's protocol (version 5.3), signed and checked.

Nothing of a client library is needed for it but zmq, which loads in the time in which a kernel starts its own imports.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import socket
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from nbproj.errors import RunError

__all__ = ["CHANNELS", "Connection", "Message", "Wire"]

CHANNELS: Final = ("shell", "iopub", "stdin", "control", "hb")
_DELIMITER: Final = b"<IDS|MSG>"
_SOCKET_PATH: Final = 90
"""Characters of a folder in which a Unix socket still has a name; Linux holds 108, macOS 104."""
_VERSION: Final = "5.3"


@dataclass(frozen=True, slots=True)
class Connection:
    """The addresses of one kernel.

    Parameters
    ----------
    transport : str
        `ipc`: sockets in a private folder, so that two kernels that start at once never want the same port. `tcp`: ports of the loopback address.
    ip : str
        Beginning of the sockets' paths, or the address.
    ports : mapping of str to int
        By channel.
    key : str
        Signs the messages.
    file : Path
        Where the kernel reads all this.
    """

    transport: Literal["ipc", "tcp"]
    ip: str
    ports: Mapping[str, int]
    file: Path
    key: str = field(repr=False)

    @classmethod
    def make(cls, folder: Path, *, sockets: bool) -> Connection:
        """Return a new connection whose file is written; how the kernel is spoken to is settled here, before it starts.

        Parameters
        ----------
        folder : Path
            A private folder, made here.
        sockets : bool
            Whether the kernel is known to take `ipc` addresses. They are used where the folder's path is short enough for them.

        Raises
        ------
        RunError
            The file cannot be written, or there is no free port.
        """
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            if sockets and len(str(folder)) <= _SOCKET_PATH:
                made = cls("ipc", str(folder / "k"), dict(zip(CHANNELS, range(1, 6), strict=True)), folder / "kernel.json", secrets.token_hex(32))
            else:
                made = cls("tcp", "127.0.0.1", _free_ports(), folder / "kernel.json", secrets.token_hex(32))
            content: dict[str, object] = {f"{name}_port": port for name, port in made.ports.items()}
            content |= {"transport": made.transport, "ip": made.ip, "key": made.key, "signature_scheme": "hmac-sha256"}
            with os.fdopen(os.open(made.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
                json.dump(content, stream)
        except OSError as error:
            msg = f"the kernel's connection cannot be made: {error.strerror or error}"
            raise RunError(msg) from error
        return made

    def address(self, channel: str) -> str:
        """Return the address of a channel."""
        return f"{self.transport}://{self.ip}{'-' if self.transport == 'ipc' else ':'}{self.ports[channel]}"


def _free_ports() -> dict[str, int]:
    """Return five free ports. They are held until all are known, so that they differ."""
    held = []
    try:
        for _ in CHANNELS:
            one = socket.socket()
            held.append(one)
            one.bind(("127.0.0.1", 0))
        return {name: int(one.getsockname()[1]) for name, one in zip(CHANNELS, held, strict=True)}
    finally:
        for one in held:
            one.close()


@dataclass(slots=True)
class Message:
    """A message of a kernel; its content is understood when it is asked for.

    Parameters
    ----------
    type : str
        Such as `stream` or `execute_reply`.
    parent : str
        Id of the request that it belongs to; empty when there is none.
    size : int
        Bytes of its content.
    """

    type: str
    parent: str
    size: int
    _content: bytes

    @property
    def content(self) -> dict[str, Any]:
        """What it says."""
        # A file's name may hold bytes that are no UTF-8; Python's kernel sends them as they are.
        content = json.loads(self._content.decode("utf-8", "replace"))
        return content if isinstance(content, dict) else {}

    def mentions(self, word: str) -> bool:
        """Return whether a word of ASCII stands in its content, without understanding it."""
        return word.encode() in self._content


class Wire:
    """Signs requests and checks what comes back.

    Parameters
    ----------
    key : str
        The connection's key.

    Examples
    --------
    >>> wire = Wire("key")
    >>> number, frames = wire.request("execute_request", {"code": "1"})
    >>> wire.message(frames).content
    {'code': '1'}
    >>> Wire("another").message(frames) is None
    True
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._session = uuid.uuid4().hex
        self._count = 0

    def _signature(self, parts: Sequence[bytes]) -> bytes:
        return hmac.new(self._key, b"".join(parts), hashlib.sha256).hexdigest().encode()

    def request(self, kind: str, content: Mapping[str, object]) -> tuple[str, list[bytes]]:
        """Return the id of a new request and its frames."""
        self._count += 1
        number = f"{self._session}_{self._count}"
        header = {
            "msg_id": number,
            "msg_type": kind,
            "session": self._session,
            "username": "nbproj",
            "date": datetime.now(UTC).isoformat(),
            "version": _VERSION,
        }
        parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
        return number, [_DELIMITER, self._signature(parts), *parts]

    def message(self, frames: Sequence[bytes]) -> Message | None:
        """Return the message that frames hold; None when they are none, or not signed by who holds the key."""
        try:
            start = frames.index(_DELIMITER)
            signature, header, parent, metadata, content = frames[start + 1 : start + 6]
            if not hmac.compare_digest(signature, self._signature((header, parent, metadata, content))):
                return None
            return Message(str(json.loads(header)["msg_type"]), str(json.loads(parent).get("msg_id") or ""), len(content), content)
        except (ValueError, KeyError, AttributeError):
            return None
