"""Objects of Git projects, kept between runs: one bare repository for each address, one writer at a time.

The repository is worthless without its marker, which is written when it is complete; whatever a killed process left is removed or rebuilt by the
next one. Fetched commits are kept by references, so that what is there is known to be there as a whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nbproj.paths import write_atomically
from nbproj.sources.gitcommand import Access, GitError, git
from nbproj.sources.gitstock import MARKER, borrow, cache_folder, return_borrowed

__all__ = ["ObjectCache"]

_EVERYTHING = "2147483647"  # git's own number for "infinite depth"; works whether or not the repository is shallow


class ObjectCache:
    """The objects of one repository.

    Parameters
    ----------
    url : str
        Address of the repository without credentials.
    access : Access
        How its server is spoken to.
    """

    def __init__(self, url: str, access: Access) -> None:
        self.url = url
        self.access = access
        key = hashlib.sha256(url.encode()).hexdigest()[:32]
        self.repository = cache_folder() / key
        self._lock = cache_folder() / f"{key}.lock"
        self._held: tuple[int, ...] = ()

    @contextlib.contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the repository against other processes; it is complete and usable inside the block.

        The lock is the kernel's and ends with the processes that hold it: this one and the git commands that it started.

        Parameters
        ----------
        waiting : callable
            Called once when another process has to be waited for.
        """
        cache_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._acquire(descriptor, waiting)
            self._held = (descriptor,)
            self._prepare()
            yield
        finally:
            self._held = ()
            # Said aloud: a helper of git that stays (the credential cache) may have inherited the descriptor.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _acquire(self, descriptor: int, waiting: Callable[[], None]) -> None:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        waiting()
        while True:  # not one blocking call: an interruption is seen between two tries
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.05)

    def _prepare(self) -> None:
        if self._is_usable():
            # Nobody else is here: every lock file and half-written pack belongs to a process that was killed.
            for left in (*self.repository.glob("*.lock"), *self.repository.glob("refs/**/*.lock"), *self.repository.glob("objects/**/tmp_*")):
                shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
            return_borrowed(self.repository)
            os.utime(self.repository / MARKER)  # this is its last use
        else:
            self.rebuild()

    def _is_usable(self) -> bool:
        if not (self.repository / MARKER).is_file():
            return False
        try:
            return self.run("rev-parse", "--is-bare-repository").strip() == b"true"
        except GitError:
            return False

    def rebuild(self) -> None:
        """Throw the repository away and make an empty one. The lock must be held."""
        if self.repository.is_dir() and not self.repository.is_symlink():
            shutil.rmtree(self.repository)
        else:
            self.repository.unlink(missing_ok=True)
        git("init", "--quiet", "--bare", "--template=", "--", str(self.repository), keep_open=self._held)
        self.repository.chmod(0o700)
        write_atomically(self.repository / MARKER, f"{self.url}\n", mode=0o600)

    def run(self, *arguments: str, heard: Callable[[str], None] | None = None, network: bool = False) -> bytes:
        """Run a git command on the repository."""
        access = self.access if network else None
        return git(f"--git-dir={self.repository}", *arguments, access=access, heard=heard, keep_open=self._held)

    def has(self, commit: str) -> bool:
        """Return whether a commit is there, with all its files."""
        try:
            self.run("cat-file", "-e", f"{commit}^{{tree}}")
        except GitError:
            return False
        return True

    def fetch(self, reference: str, heard: Callable[[str], None]) -> str:
        """Fetch one commit without its history, and return its full id.

        Parameters
        ----------
        reference : str
            Full name of a reference, or full id of a commit.
        heard : callable
            Gets git's progress.
        """
        incoming = "refs/nbproj/incoming"
        self._fetch("--depth=1", f"+{reference}:{incoming}", heard=heard)
        commit = self.run("rev-parse", "--verify", "--quiet", f"{incoming}^{{commit}}").decode().strip()
        self.keep(commit)
        return commit

    def fetch_all(self, heard: Callable[[str], None]) -> None:
        """Fetch all branches and tags with their history: for servers that give no single commit, and for abbreviated ids."""
        refspecs = ("+HEAD:refs/nbproj/incoming", "+refs/heads/*:refs/nbproj/heads/*", "+refs/tags/*:refs/nbproj/tags/*")
        depth = [f"--depth={_EVERYTHING}"] if (self.repository / "shallow").exists() else []
        try:
            self._fetch(*depth, "--prune", *refspecs, heard=heard)
        except GitError as error:
            if "HEAD" not in error.stderr:
                raise
            self._fetch(*depth, "--prune", *refspecs[1:], heard=heard)  # HEAD names a branch that does not exist

    def _fetch(self, *options: str, heard: Callable[[str], None]) -> None:
        flags = [option for option in options if option.startswith("--")]
        refspecs = [option for option in options if not option.startswith("--")]
        fixed = ("--progress", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance", "--force")
        self.run("fetch", *fixed, *flags, "--end-of-options", self.url, *refspecs, heard=heard, network=True)

    def lend(self, checkout: Path) -> Path:
        """Return the folder of the objects to a checkout that borrows them: they stay as long as it does. The lock must be held."""
        borrow(self.repository, checkout)
        return self.repository / "objects"

    def keep(self, commit: str) -> None:
        """Keep a commit for good, under its own id."""
        self.run("update-ref", f"refs/nbproj/commits/{commit}", commit)

    def resolve(self, abbreviated: str) -> list[str]:
        """Return the full ids of the commits that an abbreviated id may mean."""
        try:
            told = self.run("rev-parse", f"--disambiguate={abbreviated}").decode().split()
        except GitError:
            return []
        return [commit for commit in told if self.run("cat-file", "-t", commit).strip() == b"commit"]
