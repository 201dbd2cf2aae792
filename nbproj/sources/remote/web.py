"""Files at web addresses, as values of `path` parameters."""

from __future__ import annotations

import base64
import binascii
import http.client
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from pathlib import Path
from typing import Final

from nbproj.errors import SourceError
from nbproj.progress import Event, Progress
from nbproj.sources.address import parse
from nbproj.sources.download import PassingError, answered
from nbproj.sources.remote.origin import Writer, name_of

__all__ = ["WebOrigin", "told_checksums"]

_ATTEMPTS: Final = 3
_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 20.0
_NAMES: Final[Mapping[str, str]] = {"md5": "md5", "sha": "sha1", "sha-256": "sha256", "sha-512": "sha512"}
"""Algorithms as headers name them, and as hashlib does."""


class WebOrigin:
    """A file at an http or https address.

    A version is what the server says of it, its `ETag` or `Last-Modified`, and the server is asked whether that still holds.

    Parameters
    ----------
    address : str
        With the credentials that its server wants.

    Raises
    ------
    SourceError
        It is no such address.
    """

    def __init__(self, address: str) -> None:
        self._address = parse(address)
        self.shown = self._address.public
        if self._address.kind != "web" or self._address.git:
            msg = f"{self.shown} is not a web address"
            raise SourceError(msg)

    def fetch(self, known: Sequence[str], folder: Path, progress: Progress) -> str | None:
        """Write the file into a folder, unless the server says that it is as it was; what breaks off is tried again."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._fetch(known, folder, progress)
            except PassingError as error:
                for left in folder.iterdir():
                    left.unlink()
                if attempt == _ATTEMPTS:
                    raise
                progress(Event("waiting", f"{error.message.removesuffix('; try again')}: it is tried again"))
                time.sleep(min(_PAUSE_SECONDS * attempt**2, _LONGEST_PAUSE_SECONDS))
        return None

    def _fetch(self, known: Sequence[str], folder: Path, progress: Progress) -> str | None:
        with answered(self._address, _conditions(known)) as answer:
            if answer is None:
                return known[0]
            version = _version(answer.headers)
            if version in known and not str(version).startswith("modified"):
                return version  # a server that knows no conditions
            length = _length(answer)
            writer = Writer(self.shown, progress, length)
            writer.room(folder)
            writer.write(answer.read, folder / name_of(self._address.location), length, told_checksums(answer.headers))
            return version


def _conditions(known: Sequence[str]) -> dict[str, str]:
    """Return the headers that ask for the file only if it is not the newest that is known."""
    if not known:
        return {}
    kind, _, value = known[0].partition(" ")
    return {"If-None-Match" if kind == "etag" else "If-Modified-Since": value} if kind in {"etag", "modified"} else {}


def _version(headers: Message) -> str | None:
    etag, modified = headers.get("ETag"), headers.get("Last-Modified")
    if etag and etag.isprintable():
        return f"etag {etag}"
    return f"modified {modified}" if modified and modified.isprintable() else None


def _length(answer: http.client.HTTPResponse) -> int | None:
    told = answer.headers.get("Content-Length")
    return int(told) if told and told.isdigit() else None


def told_checksums(headers: Message) -> dict[str, bytes]:
    """Return the digests that a server tells of what it sends, by the names that hashlib has.

    Understood are `Content-MD5`, `Digest` (RFC 3230), `Content-Digest` and `Repr-Digest` (RFC 9530), and Google's `x-goog-hash`.

    Parameters
    ----------
    headers : Message
        The headers of an answer.

    Examples
    --------
    >>> message = Message()
    >>> message["Repr-Digest"] = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"
    >>> {name: digest.hex()[:8] for name, digest in told_checksums(message).items()}
    {'sha256': '2cf24dba'}
    """
    found: dict[str, bytes] = {}
    for algorithm, text in _told(headers):
        name = _NAMES.get(algorithm.lower())
        try:
            digest = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if name is not None and digest:
            found[name] = digest
    return found


def _told(headers: Message) -> Iterator[tuple[str, str]]:
    yield from (("md5", text.strip()) for text in headers.get_all("Content-MD5") or ())
    for text in (*(headers.get_all("Content-Digest") or ()), *(headers.get_all("Repr-Digest") or ())):
        yield from re.findall(r"([A-Za-z0-9-]+)=:([A-Za-z0-9+/=]*):", text)
    for text in headers.get_all("Digest") or ():
        yield from re.findall(r"([A-Za-z0-9-]+)=([A-Za-z0-9+/]+=*)", text)
    if headers.get("x-goog-stored-content-encoding", "identity") == "identity":  # else it is that of what is stored, not of what is sent
        for text in headers.get_all("x-goog-hash") or ():
            yield from re.findall(r"([A-Za-z0-9-]+)=([A-Za-z0-9+/]+=*)", text)
