"""The address of a project: read, checked against what could be smuggled in it, and shown without its secrets."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import quote, unquote

from nbproj.errors import SourceError

__all__ = ["Address", "Kind", "checked_version", "file_url", "parse", "public"]

Kind: TypeAlias = Literal["path", "web", "ssh", "scp", "git"]

# Scheme -> kind, and whether it can only mean Git.
_SCHEMES: dict[str, tuple[Kind, bool]] = {
    "https": ("web", False),
    "http": ("web", False),
    "ssh": ("ssh", True),
    "git": ("git", True),
    "file": ("path", False),
    "git+https": ("web", True),
    "git+http": ("web", True),
    "git+ssh": ("ssh", True),
    "git+file": ("path", True),
}

_URL = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)$", re.DOTALL)
_HELPER = re.compile(r"^[A-Za-z0-9+.-]+::")  # git's "remote helper" syntax: ext::sh -c ... runs a command
_SCP = re.compile(r"^(?:(?P<user>[^@/:\[\]]+)@)?(?P<host>[^@/:\[\]]+|\[[0-9A-Fa-f:.%]+\]):(?P<path>.+)$")
_SCP_SECRET = re.compile(r"^[^/@]*:[^/]*@(?=[^/@]+[:/])")
_HOST = re.compile(r"^(?:\[[0-9A-Fa-f:.%]+\]|\w[\w.-]*)(?::\d*)?$")
_UNDERSTOOD = "a folder, a notebook, a .zip file, or a Git address (https://, ssh://, git://, git+file://, user@host:path)"


@dataclass(frozen=True, slots=True)
class Address:
    """One parsed address.

    Parameters
    ----------
    kind : str
        How it is reached: a local path, http(s), ssh, scp-like ssh, or the git daemon's protocol.
    scheme : str
        `file`, `https`, `http`, `ssh` or `git`, without a `git+` in front.
    location : str
        What Git or a download is given: an absolute path, or a URL without credentials.
    sub : str
        What stood after `#`: a folder or notebook inside the project; empty for none.
    git : bool
        The address says itself that it means Git.
    username, password : str, optional
        Credentials that stood in an http(s) address. Not in the `repr`.

    Examples
    --------
    >>> parse("https://me:secret@example.org/x.git#sub").location
    'https://example.org/x.git'
    """

    kind: Kind
    scheme: str
    location: str
    sub: str = ""
    git: bool = False
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def public(self) -> str:
        """The address as it may be shown and tracked."""
        shown = public(self.location)
        return f"{shown}#{self.sub}" if self.sub else shown

    @property
    def name(self) -> str:
        """A folder name for what is fetched: the last part of the address, without `.git` or `.zip`."""
        last = re.split(r"[/:]", self.location.split("?")[0].rstrip("/"))[-1]
        stem = re.sub(r"\.(git|zip)$", "", unquote(last))
        return re.sub(r"[^\w.-]", "_", stem).lstrip(".-") or "project"


def public(uri: str) -> str:
    """Return an address without user name, password, token or query string; never fails.

    Parameters
    ----------
    uri : str
        Any text that may be an address. The user name of an ssh address is part of it and stays.

    Returns
    -------
    str
        What may be printed, tracked and stored.

    Examples
    --------
    >>> public("https://user:token@example.org/x.git#sub")
    'https://example.org/x.git#sub'
    >>> public("git@example.org:team/x.git")
    'git@example.org:team/x.git'
    >>> public("ssh://git:password@example.org/x.git")
    'ssh://git@example.org/x.git'
    """
    text = uri.strip().strip("'\"")
    match = _URL.match(text)
    if match is None:
        return text if Path(text).is_absolute() else _SCP_SECRET.sub("", text)
    scheme, rest = match["scheme"], match["rest"]
    if scheme.lower() in {"file", "git+file"}:
        return text
    end = _userinfo_end(rest)
    if end is not None:
        user = rest[:end].partition(":")[0]
        rest = (f"{user}@" if scheme.lower() in {"ssh", "git+ssh"} else "") + rest[end + 1 :]
    address, mark, sub = rest.partition("#")
    return f"{scheme}://{address.partition('?')[0]}{mark}{sub}"


def _userinfo_end(rest: str) -> int | None:
    """Return where the `@` behind the credentials stands, also when a password holds an unescaped `/`, `#`, `?` or `@`."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        return authority.rindex("@")
    # No host and port: a user name and the beginning of a password.
    return rest.rindex("@") if "@" in rest and not re.fullmatch(r"(\[[^\]]*\]|[^:]*)(:\d*)?", authority) else None


def checked_version(version: str | None) -> str | None:
    """Return a version that can be given to Git, or refuse it.

    Raises
    ------
    SourceError
        It is empty, could be read as an option, or holds what no branch, tag or commit can hold.

    Examples
    --------
    >>> checked_version("v1.2")
    'v1.2'
    """
    if version is None:
        return None
    if not version or version.startswith("-") or re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{", version):
        msg = f"version {version!r} is refused: a version is the name of a branch or tag, or a commit id"
        raise SourceError(msg)
    return version


def parse(uri: str) -> Address:
    """Return what an address means. Looks at the address, and at the disk only to see whether a path exists.

    Parameters
    ----------
    uri : str
        What the user wrote; quotes around it are taken off, `#sub/dir` is split off.

    Returns
    -------
    Address
        The parsed address; a local path need not exist.

    Raises
    ------
    SourceError
        The address is malformed, of a scheme that is not understood, or could be read as an option or a command.

    Examples
    --------
    >>> parse("git@example.org:team/x.git#models").sub
    'models'
    """
    text = uri.strip().strip("'\"")
    if not text:
        msg = f"the address of the project is empty; expected {_UNDERSTOOD}"
        raise SourceError(msg)
    if re.search(r"[\x00-\x1f\x7f]", text):
        _refuse(text, "it holds a control character")
    if text.startswith("-"):
        _refuse(text, "it starts with '-'; write ./ in front of a folder's name")
    if _HELPER.match(text):
        _refuse(text, "addresses with '::' can run commands")
    match = _URL.match(text)
    return _parse_path(text) if match is None else _parse_url(text, match["scheme"].lower(), match["rest"])


def _refuse(text: str, why: str) -> None:
    msg = f"address {public(text)!r} is refused: {why}"
    raise SourceError(msg)


def _parse_path(text: str) -> Address:
    path, _, sub = text.partition("#")
    if sub and not os.path.lexists(_expanded(path)) and os.path.lexists(_expanded(text)):
        path, sub = text, ""  # the folder's own name holds a '#'
    if not os.path.lexists(_expanded(path)):
        if _SCP_SECRET.match(path):
            _refuse(text, "a password cannot stand in an ssh address; use a key")
        match = _SCP.match(path)
        if match is not None:
            _check_host(text, match["host"], match["user"])
            if match["path"].startswith("-"):
                _refuse(text, "its path starts with '-'")
            return Address("scp", "ssh", path, sub, git=True)
    return Address("path", "file", os.path.abspath(_expanded(path or ".")), sub)  # noqa: PTH100 - keeps symbolic links as written


def _expanded(path: str) -> str:
    return os.path.expanduser(path) if path.startswith("~") else path  # noqa: PTH111 - also for a path that is not one


def _parse_url(text: str, scheme: str, rest: str) -> Address:
    if scheme not in _SCHEMES:
        _refuse(text, f"the scheme {scheme!r} is not understood; expected {_UNDERSTOOD}")
    kind, git = _SCHEMES[scheme]
    plain = scheme.removeprefix("git+")
    if kind == "path":
        return _parse_file(text, rest, git=git)
    end = _userinfo_end(rest)
    if end is not None and re.search(r"[/?#]", rest[:end]):
        _refuse(text, "its password holds '/', '?' or '#', which must be percent-encoded")
    userinfo, behind = ("", rest) if end is None else (rest[:end], rest[end + 1 :])
    behind, _, sub = behind.partition("#")
    username, colon, password = userinfo.partition(":")
    host, slash, path = behind.partition("/")
    _check_host(text, host, username)
    if kind != "web" and unquote(path).startswith("-"):
        _refuse(text, "its path starts with '-'")
    if kind == "web":
        location = f"{plain}://{behind}"
        secrets = (unquote(username) or None, unquote(password) if colon else None)
        if any(re.search(r"[\x00-\x1f\x7f]", secret) for secret in secrets if secret):
            _refuse(text, "its credentials hold a control character")
        return Address(kind, plain, location, sub, git, *secrets)
    keep = f"{username}@" if username and kind == "ssh" else ""
    return Address(kind, plain, f"{plain}://{keep}{host}{slash}{path}", sub, git)


def _parse_file(text: str, rest: str, *, git: bool) -> Address:
    rest, _, sub = rest.partition("#")
    host, slash, path = rest.partition("/")
    if host not in {"", "localhost"} or not slash:
        _refuse(text, "a file:// address names an absolute path: file:///folder")
    decoded = unquote(f"/{path}")
    if "\0" in decoded or "\n" in decoded:
        _refuse(text, "it holds a control character")
    literal = os.path.abspath(f"/{path}")  # noqa: PTH100 - as above
    return Address("path", "file", literal if os.path.lexists(literal) else os.path.abspath(decoded), sub, git)  # noqa: PTH100 - as above


def _check_host(text: str, host: str, user: str | None) -> None:
    for part in (host, user or ""):
        # Git decodes before it calls ssh, so the decoded form counts as well.
        if part.startswith("-") or unquote(part).startswith("-"):
            _refuse(text, "its host or user name starts with '-'")
    if not _HOST.match(unquote(host)):
        _refuse(text, "it has no valid host name")


def file_url(path: Path) -> str:
    """Return the `file://` address of a path, as Git reads it.

    Examples
    --------
    >>> file_url(Path("/a b"))
    'file:///a%20b'
    """
    return "file://" + quote(str(path))
