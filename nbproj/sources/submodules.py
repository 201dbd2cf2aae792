"""Submodules of a checkout, fetched without `git submodule`: names are never paths, nothing of `.gitmodules` is executed.

Each submodule is a checkout of its own inside its folder, so that a hostile name has no `.git/modules/<name>` to point out of.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path

from nbproj.errors import SourceError
from nbproj.paths import is_inside
from nbproj.progress import Event, Progress
from nbproj.sources.address import Address, file_url, parse, public
from nbproj.sources.gitcheckout import check_out
from nbproj.sources.gitcommand import Access, GitError, git

__all__ = ["add_submodules"]

_DEEPEST = 8
_MOST = 200
_GITLINK = "160000"


@dataclass(frozen=True, slots=True)
class _Submodule:
    path: str
    commit: str
    url: str


def add_submodules(folder: Path, parent: Address, access: Access, progress: Progress, *, depth: int = 0) -> None:
    """Fetch the submodules of a checkout, and theirs, at the commits that it records.

    Parameters
    ----------
    folder : Path
        The checkout.
    parent : Address
        Where it came from: relative addresses start there, and only a local parent may have local submodules.
    access : Access
        Credentials; used only for submodules on the same server.
    progress : callable
        Gets `fetching` events and notes.
    depth : int
        How many checkouts this one lies in.

    Raises
    ------
    SourceError
        A submodule could not be had, or asks for something that is refused.
    """
    wanted = _declared(folder, progress)
    if wanted and depth >= _DEEPEST:
        msg = f"the submodules of {parent.public} are nested more than {_DEEPEST} deep"
        raise SourceError(msg)
    if len(wanted) > _MOST:
        msg = f"{parent.public} has {len(wanted)} submodules; more than {_MOST} are refused"
        raise SourceError(msg)
    for submodule in wanted:
        try:
            address = _address(submodule.url, parent)
            target = _target(folder, submodule.path)
            url = file_url(Path(address.location)) if address.kind == "path" else address.location
            reach = _access(address, parent, access)
            check_out(target, url, submodule.commit, reach, progress)
        except SourceError as error:
            msg = f"submodule {submodule.path!r}: {error}"
            raise SourceError(msg) from None
        add_submodules(target, address, reach, progress, depth=depth + 1)


def _declared(folder: Path, progress: Progress) -> list[_Submodule]:
    """Return the submodules that a checkout both records and declares. Read from the commit: on disk `.gitmodules` may be a symbolic link."""
    repository = f"--git-dir={folder / '.git'}"
    try:
        tree = git(repository, "ls-tree", "-r", "-z", "--full-tree", "HEAD").decode(errors="surrogateescape")
    except GitError as error:
        msg = f"the files of the checkout cannot be listed: {error.reason}"
        raise SourceError(msg) from None
    entries = [entry.partition("\t") for entry in tree.split("\0") if entry.startswith(_GITLINK)]
    links = {path: meta.split()[2] for meta, _, path in entries}
    if not links:
        return []
    settings: dict[str, dict[str, str]] = {}
    try:
        told = git(repository, "config", "--blob", "HEAD:.gitmodules", "--no-includes", "--null", "--list").decode(errors="surrogateescape")
    except GitError:
        told = ""
    for record in told.split("\0"):
        key, _, value = record.partition("\n")
        match = re.fullmatch(r"submodule\.(.+)\.(path|url|update)", key, re.DOTALL)
        if match is not None:
            settings.setdefault(match[1], {})[match[2]] = value
    by_path = {entry["path"]: entry for entry in settings.values() if "path" in entry and "url" in entry}
    for path in links.keys() - by_path.keys():
        progress(Event("note", f"submodule {path!r} is recorded but .gitmodules does not say where it is; its folder stays empty"))
    return [
        _Submodule(path, commit, by_path[path]["url"]) for path, commit in links.items() if path in by_path and by_path[path].get("update") != "none"
    ]


def _address(url: str, parent: Address) -> Address:
    resolved = _joined(parent, url) if url.startswith(("./", "../")) else url
    address = parse(resolved)
    if address.kind == "path" and parent.kind != "path":
        msg = f"address {public(url)!r} is refused: a project from a server cannot have a submodule on this machine"
        raise SourceError(msg)
    if address.sub or address.username or address.password:
        msg = f"address {address.public!r} is refused: an address in .gitmodules has no '#' and no credentials"
        raise SourceError(msg)
    return address


def _joined(parent: Address, url: str) -> str:
    base = parent.location.rstrip("/")
    if parent.kind == "path":
        return posixpath.normpath(f"{base}/{url}")
    head, mark, path = base.partition(":") if parent.kind == "scp" else re.split(r"(?<=[^:/])(/)", base, maxsplit=1)
    joined = posixpath.normpath(f"{path}/{url}")
    if joined == ".." or joined.startswith(("../", "/..")):
        msg = f"address {url!r} leaves the server of {parent.public}"
        raise SourceError(msg)
    return f"{head}{mark}{joined}"


def _access(address: Address, parent: Address, access: Access) -> Access:
    schemes = ("file",) if address.kind == "path" else tuple(dict.fromkeys(("https", "ssh", address.scheme)))
    same = address.kind == "web" and parent.kind == "web" and address.location.startswith(f"{access.base}/")
    return replace(access, schemes=schemes) if same else Access(schemes, record=access.record)


def _target(folder: Path, path: str) -> Path:
    target = folder / path
    # The tree cannot hold `..` or `.git`, but on some file systems a symbolic link could answer to the same name.
    if target.is_symlink() or not is_inside(folder, target) or (target.exists() and any(target.iterdir())):
        msg = "its path is not an empty folder of the checkout"
        raise SourceError(msg)
    return target
