"""Addresses as values of `path` parameters: what lies there is elsewhere, and stays there until a run needs it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

__all__ = ["SCHEMES", "Remote", "flattened", "is_address", "remote_of"]

SCHEMES: Final = ("s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss", "hdfs", "http", "https", "dbfs", "runs", "models")
"""Where the files of a `path` parameter may be fetched from."""

ONE_SLASH: Final = frozenset({"dbfs", "models", "runs"})
# `data:x` may be a file, `data://x` is an address.
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_MASKED: Final = "***"


class Remote(str):
    """The address of a file or folder that has to be fetched; otherwise a text like any other.

    Examples
    --------
    >>> Remote("s3://bucket/data.csv").scheme, Remote("https://me:secret@example.org/x.csv?token=1").public
    ('s3', 'https://example.org/x.csv')
    """

    __slots__ = ()

    @property
    def scheme(self) -> str:
        """What stands in front of the colon, in small letters."""
        return self.partition(":")[0].lower()

    @property
    def public(self) -> str:
        """The address as it may be shown: without user name, password and query."""
        return re.sub(r"(?<=://)[^/]*@", "", self).partition("?")[0]


def remote_of(text: str) -> Remote | None:
    """Return the address that a text is, with its scheme in small letters, as all libraries know it; None for a path of this machine.

    Parameters
    ----------
    text : str
        The value of a `path` parameter.

    Raises
    ------
    ValueError
        It is an address, and nothing can be fetched from it; the message begins with it.

    Examples
    --------
    >>> remote_of("runs:/0123/model"), remote_of("S3://Bucket/X"), remote_of("data:x"), remote_of("file:///data/x.csv")
    ('runs:/0123/model', 's3://Bucket/X', None, None)
    """
    scheme = _SCHEME.match(text)
    if scheme is None or scheme[1].lower() == "file":
        return None
    rest = text[scheme.end() :]
    if not rest.startswith("//") and not (scheme[1].lower() in ONE_SLASH and rest.startswith("/")):
        return None
    remote = Remote(f"{scheme[1].lower()}:{rest}")
    problem = _problem(remote, rest)
    if problem:
        msg = f"{remote.public!r} {problem}"
        raise ValueError(msg)
    return remote


def is_address(text: str) -> bool:
    """Return whether a text names a place elsewhere, also one from which nothing is fetched.

    Examples
    --------
    >>> is_address("runs:/0123/model"), is_address("ftp://example.org/x"), is_address("data:x")
    (True, True, False)
    """
    try:
        return remote_of(text) is not None
    except ValueError:
        return True


def flattened(text: str) -> Remote | None:
    """Return the address that lost one of its two slashes, as `pathlib` and `os.path.normpath` take it away; None for any other text.

    Examples
    --------
    >>> flattened("s3:/bucket/x"), flattened("data/x")
    ('s3://bucket/x', None)
    """
    scheme, _, rest = text.partition(":/")
    return Remote(f"{scheme}://{rest}") if scheme.lower() in SCHEMES and scheme.lower() not in ONE_SLASH and rest.strip("/") else None


def _problem(remote: Remote, rest: str) -> str:
    """Return what is wrong with an address, as far as it can be seen from here."""
    if remote.scheme not in SCHEMES:
        return f"is remote, and nothing is fetched by {remote.scheme}://: known are {', '.join(SCHEMES)}. Download it first"
    if not remote.isprintable():
        return "holds a control character"
    if _MASKED in remote:
        return "holds *** where a password or token was masked in a record: give the whole address again"
    if not rest.strip("/"):
        return "names nothing"
    return "" if remote.scheme in {*ONE_SLASH, "hdfs"} else _problem_of_place(remote)


def _problem_of_place(remote: Remote) -> str:
    try:
        parts = urlsplit(remote)
        _ = parts.port
    except ValueError as error:
        return f"is not an address: {error}"
    return "" if parts.netloc else f"names no {'server' if remote.scheme.startswith('http') else 'bucket'}"
