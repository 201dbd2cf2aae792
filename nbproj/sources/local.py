"""Projects on this machine: a folder, run in place, or a single notebook; with a version, a private copy of that version."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from nbproj.errors import SourceError, suggestion
from nbproj.paths import is_inside
from nbproj.progress import Event, Progress
from nbproj.sources.address import Address, checked_version, parse
from nbproj.sources.git import GitSource, is_bare_repository
from nbproj.sources.root import project_root
from nbproj.sources.source import Checkout, Credentials
from nbproj.sources.worktree import WorkTree, inspect, remote_address, resolve, top_level

__all__ = ["LocalSource"]


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A folder or notebook on this machine.

    Parameters
    ----------
    address : Address
        Where it is.

    Examples
    --------
    >>> LocalSource.detect("https://example.org/x.git") is None
    True
    """

    address: Address

    @classmethod
    def detect(cls, uri: str) -> Self | None:
        """Return the source when an address means a path of this machine that is neither an archive nor a bare repository."""
        address = parse(uri)
        path = Path(address.location)
        if address.kind != "path" or address.git or is_bare_repository(path):
            return None
        return None if path.suffix.lower() == ".zip" and not path.is_dir() else cls(address)

    def fetch(self, version: str | None, progress: Progress, credentials: Credentials | None = None) -> Checkout:
        """Return the folder itself, with what Git knows about it; or a private checkout of one version.

        Parameters
        ----------
        version : str, optional
            Branch, tag or commit of the folder's own repository. The user's checkout is neither used nor touched then.
        progress : callable
            Gets `note`, and with a version `fetching` and `fetched` events.
        credentials : Credentials, optional
            Not needed here.

        Returns
        -------
        Checkout
            Without a version `temporary` is None.

        Raises
        ------
        SourceError
            There is no such folder, or a version was asked of a folder that is not in Git.
        """
        version = checked_version(version)
        if version is not None:
            return self._at_version(version, progress, credentials)
        folder, notebook = self._existing()
        tree = _inspected(folder, progress)
        name = notebook or ""
        if tree is None:
            return Checkout(root=folder, uri=str(folder / name) if name else str(folder), notebook=notebook)
        inner = Path(os.path.relpath(folder / name, os.path.realpath(tree.top))).as_posix()
        return Checkout(
            root=folder,
            uri=f"file://{tree.top}" + ("" if inner == "." else f"#{inner}"),
            notebook=notebook,
            commit=tree.commit,
            branch=tree.branch,
            repository=tree.repository,
            dirty=tree.dirty,
            difference=tree.difference,
        )

    def _existing(self) -> tuple[Path, str | None]:
        path = Path(self.address.location)
        if path.is_dir():
            return project_root(Path(os.path.realpath(path)), self.address.sub, self.address.location)
        if path.is_file() and path.suffix == ".ipynb" and not self.address.sub:
            # Its folder is the one the user named, not the one that a symbolic link leads to: that is where its data lies.
            return Path(os.path.realpath(path.parent)), path.name
        if path.exists():
            msg = f"{path} is not a project: expected a folder, a notebook (.ipynb) or an archive (.zip)"
            raise SourceError(msg)
        near = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() and os.access(path.parent, os.R_OK) else []
        msg = f"there is no folder or notebook {path}, and it is not a Git address either.{suggestion(path.name, near)}"
        raise SourceError(msg)

    def _at_version(self, version: str, progress: Progress, credentials: Credentials | None) -> Checkout:
        path = Path(self.address.location)
        if not path.exists():
            self._existing()
        folder = Path(os.path.realpath(path if path.is_dir() else path.parent))
        top = top_level(folder)
        if top is None:
            msg = f"version {version!r} needs a Git project; {self.address.public} is not in a Git repository"
            raise SourceError(msg)
        wanted = folder / (self.address.sub if path.is_dir() else path.name)  # need not exist in the version that lies there now
        if not is_inside(folder, wanted):
            project_root(folder, self.address.sub, self.address.location)
        inner = Path(os.path.relpath(wanted, os.path.realpath(top))).as_posix()
        # All that the repository knows counts, also branches of its remote that have no local twin, as with `git checkout`.
        branches = [resolve(folder, f"refs/{place}/{version}") for place in ("heads", "remotes/origin")]
        commit = next(filter(None, (*branches, resolve(folder, version))), None)
        address = Address("path", "file", str(top), "" if inner == "." else inner, git=True)
        checkout = GitSource(address, repository=remote_address(folder)).fetch(commit or version, progress, credentials)
        checkout.branch = version if any(branches) else None
        return checkout


def _inspected(folder: Path, progress: Progress) -> WorkTree | None:
    try:
        return inspect(folder)
    except SourceError as error:  # a run in place needs no Git
        progress(Event("note", error.message))
        return None
