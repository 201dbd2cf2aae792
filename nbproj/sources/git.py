"""Projects in Git: any branch, tag or commit of a repository, each run with a checkout of its own."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from nbproj.errors import SourceError
from nbproj.progress import Event, Progress
from nbproj.sources import temporary
from nbproj.sources.address import Address, checked_version, file_url, parse, public
from nbproj.sources.gitcheckout import check_out
from nbproj.sources.gitcommand import Access
from nbproj.sources.root import project_root
from nbproj.sources.source import Checkout, Credentials
from nbproj.sources.submodules import add_submodules

__all__ = ["GitSource", "is_bare_repository"]


def is_bare_repository(path: Path) -> bool:
    """Return whether a folder is a bare Git repository, by its looks: nothing in it is read."""
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir() and not (path / ".git").exists()


@dataclass(frozen=True, slots=True)
class GitSource:
    """A Git repository: https, http, ssh, scp-like, git daemon, or local (`git+file://`, a bare repository).

    Parameters
    ----------
    address : Address
        Where it is.
    repository : str, optional
        The address to record, when it is another than the one that is fetched from.

    Examples
    --------
    >>> GitSource.detect("git@example.org:team/x.git").address.public
    'git@example.org:team/x.git'
    >>> GitSource.detect("./folder") is None
    True
    """

    address: Address
    repository: str | None = None

    @classmethod
    def detect(cls, uri: str) -> Self | None:
        """Return the source when an address means a Git repository."""
        address = parse(uri)
        if address.kind == "path":
            bare = is_bare_repository(Path(address.location))
            return cls(address) if address.git or bare else None
        if address.kind == "web" and not address.git and urlsplit(address.location).path.endswith((".zip", ".ipynb")):
            return None
        return cls(address)

    def fetch(self, version: str | None, progress: Progress, credentials: Credentials | None = None) -> Checkout:
        """Return a fresh checkout of one version, with its submodules, in a temporary folder.

        Parameters
        ----------
        version : str, optional
            Branch, tag or (abbreviated) commit; None for the default branch.
        progress : callable
            Gets `fetching`, `fetched` and `note` events.
        credentials : Credentials, optional
            For https. Those in the address go first, then these, then MLFLOW_GIT_USERNAME and MLFLOW_GIT_PASSWORD.

        Returns
        -------
        Checkout
            With commit, branch and repository.

        Raises
        ------
        SourceError
            It could not be had; nothing is left behind.
        """
        version = checked_version(version)
        url, access = _url(self.address), _access(self.address, credentials)
        temporary.sweep()
        made = temporary.make()
        try:
            access = dataclasses.replace(access, record=temporary.record(made))
            folder = made / self.address.name
            revision = check_out(folder, url, version, access, progress)
            add_submodules(folder, self.address, access, progress)
            root, notebook = project_root(folder, self.address.sub, self.address.public.partition("#")[0])
            checkout = Checkout(
                root=root,
                uri=self.address.public,
                notebook=notebook,
                commit=revision.commit,
                branch=revision.branch,
                repository=self.repository or public(url),
                temporary=made,
            )
            data = {"commit": checkout.commit, "branch": checkout.branch, "repository": checkout.repository}
            progress(Event("fetched", f"fetched {checkout.uri} at {revision.commit[:10]}", data=data))
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        return checkout


def _url(address: Address) -> str:
    if address.kind == "path":
        if not Path(address.location).is_dir():
            msg = f"there is no such folder: {address.location}"
            raise SourceError(msg)
        return file_url(Path(address.location))
    if "?" in address.location:
        msg = f"a Git address has no '?': {address.public}"  # it would stand in git's arguments, where others can see a token
        raise SourceError(msg)
    return address.location


def _access(address: Address, credentials: Credentials | None) -> Access:
    if address.kind == "path":
        return Access(("file",))
    # https and ssh also where the user's own `url.*.insteadOf` leads from one to the other. Never http for an address that did not say so.
    schemes = tuple(dict.fromkeys(("https", "ssh", address.scheme)))
    if address.kind != "web":
        return Access(schemes)
    username, password = _credentials(address, credentials)
    for secret in (username, password):
        if secret and re.search(r"[\x00-\x1f\x7f]", secret):
            msg = f"the credentials for {address.public} hold a control character"
            raise SourceError(msg)
    if username and password is None and _is_token(username):
        password = ""
    parts = urlsplit(address.location)
    return Access(schemes, f"{parts.scheme}://{parts.netloc}", username, password)


def _credentials(address: Address, credentials: Credentials | None) -> tuple[str | None, str | None]:
    if address.password is not None:
        return address.username, address.password
    given = credentials or Credentials()
    username = given.username or address.username or os.environ.get("MLFLOW_GIT_USERNAME") or None
    password = given.password or os.environ.get("MLFLOW_GIT_PASSWORD") or None
    if password is not None and username is None:
        username = "git"  # servers that take a token as password do not look at the name, but want one
    return username, password


def _is_token(username: str) -> bool:
    """Return whether a lone user name is an access token; a plain name's password is the business of the user's own credential helper."""
    return re.match(r"(gh[a-z]_|github_pat_|gl[a-z]+-|ATBB|hf_)", username) is not None or re.fullmatch(r"[A-Za-z0-9_-]{30,}", username) is not None
