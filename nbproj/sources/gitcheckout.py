"""A fresh checkout of one version of one repository, made from the cached objects."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from nbproj.errors import SourceError
from nbproj.progress import Event, Progress
from nbproj.sources.address import public
from nbproj.sources.gitcache import ObjectCache
from nbproj.sources.gitcommand import Access, GitError, git
from nbproj.sources.gitremote import Revision, explained, is_full_id, look_up, no_such_version

__all__ = ["check_out"]

_SHORTEST_ID = 4  # as git

_DAMAGED = re.compile(
    r"corrupt|loose object|object file|bad object|packfile|pack index|bad pack|unable to read|missing (?:blob|tree|commit)|bad index"
)


def check_out(folder: Path, url: str, version: str | None, access: Access, progress: Progress) -> Revision:
    """Put one version of a repository into an empty folder, as a checkout of its own that borrows its objects from the cache.

    Parameters
    ----------
    folder : Path
        An empty or missing folder; what is in it after a failure is for the caller to remove.
    url : str
        Address of the repository, without credentials.
    version : str, optional
        Branch, tag or commit; None for the default branch. Already checked to be harmless.
    access : Access
        How the server is spoken to.
    progress : callable
        Gets `fetching` events.

    Returns
    -------
    Revision
        What was checked out.

    Raises
    ------
    SourceError
        It could not be had.
    """
    shown = f"{public(url)} ({version})" if version else public(url)
    progress(Event("fetching", f"fetching {shown}"))
    cache = ObjectCache(url, access)
    heard = _narrator(shown, progress)
    try:
        by_id = version if version is not None and is_full_id(version) else None
        found, known = (Revision(by_id), []) if by_id else look_up(url, version, access)
        with cache.locked(lambda: progress(Event("fetching", f"waiting: another process is fetching {public(url)}"))):
            try:
                revision = _obtain(cache, found, version, known, heard)
                _populate(folder, cache, revision, access)
            except GitError as error:
                if not isinstance(error, _CacheError) and not _DAMAGED.search(error.stderr):
                    raise
                # Written by a failing disk, or half-removed by a cleaner: fetch all of it again, once.
                shutil.rmtree(folder, ignore_errors=True)
                cache.rebuild()
                revision = _obtain(cache, found, version, known, heard)
                _populate(folder, cache, revision, access)
    except _CacheError as error:
        msg = f"{shown} could not be checked out: {error.reason}"
        raise SourceError(msg) from None
    except GitError as error:
        raise explained(error, url) from None
    return revision


class _CacheError(GitError):
    """The files could not be written from what the cache holds."""


def _narrator(shown: str, progress: Progress) -> Callable[[str], None]:
    handler: Callable[[str], None] | None = None

    def heard(line: str) -> None:
        nonlocal handler
        if handler is None:
            # Imported while git is already at work.
            from git.util import CallableRemoteProgress

            def update(_code: int, done: object, total: object = None, message: str = "") -> None:
                if total:
                    text = f"fetching {shown}" + (f": {message}" if message else "")
                    progress(Event("fetching", text, done=int(float(str(done))), total=int(float(str(total)))))

            handler = CallableRemoteProgress(update).new_message_handler()
        handler(line)

    return heard


def _obtain(cache: ObjectCache, found: Revision | None, version: str | None, known: list[str], heard: Callable[[str], None]) -> Revision:
    if found is not None:
        if cache.has(found.commit):
            return found
        try:
            commit = cache.fetch(found.reference or found.commit, heard)
        except GitError as error:
            if _is_final(error):
                raise
            # No shallow fetches over "dumb" http, and servers may refuse commits that no reference names.
            cache.fetch_all(heard)
            if not cache.has(found.commit):
                raise no_such_version(version or found.commit, cache.url, known) from None
            cache.keep(found.commit)
            return found
        return Revision(commit, found.reference, found.branch, found.tag)  # the reference may have moved since it was looked up
    candidates: list[str] = []
    if version is not None and len(version) >= _SHORTEST_ID and set(version) <= set("0123456789abcdef"):
        # What is cached may be a part only, and another commit may start alike: all of it has to be known.
        cache.fetch_all(heard)
        candidates = cache.resolve(version)
    if len(candidates) > 1:
        msg = f"commit {version!r} of {public(cache.url)} is ambiguous: {', '.join(candidates[:3])}; write more of it"
        raise SourceError(msg)
    if not candidates:
        raise no_such_version(version or "", cache.url, known)
    cache.keep(candidates[0])
    return Revision(candidates[0])


def _is_final(error: GitError) -> bool:
    """Return whether asking for more would fail for the same reason: only a server that answers can refuse a shallow fetch or a commit."""
    told = error.stderr.lower()
    refusals = ("shallow", "not our ref", "unadvertised", "no such remote ref", "couldn't find remote ref", "not allow request", "expected")
    return error.silent or not any(refusal in told for refusal in refusals)


def _populate(folder: Path, cache: ObjectCache, revision: Revision, access: Access) -> None:
    repository = folder / ".git"
    try:
        git("init", "--quiet", "--template=", "--initial-branch=main", "--", str(folder))
        # The objects are borrowed, not copied: a run's checkout costs its files only, and the cache removes nothing that is borrowed.
        (repository / "objects/info").mkdir(exist_ok=True)
        (repository / "objects/info/alternates").write_text(f"{cache.lend(folder)}\n")
        if (cache.repository / "shallow").exists():
            shutil.copy(cache.repository / "shallow", repository / "shallow")

        def run(*arguments: str) -> None:
            # A filter of the user's own configuration, such as LFS, may speak to the server.
            git(f"--git-dir={repository}", f"--work-tree={folder}", *arguments, cwd=folder, access=access)

        run("config", "remote.origin.url", public(cache.url))
        if revision.tag:
            run("update-ref", f"refs/tags/{revision.tag}", revision.commit)
        if revision.branch:
            run("update-ref", f"refs/heads/{revision.branch}", revision.commit)
            run("symbolic-ref", "HEAD", f"refs/heads/{revision.branch}")
        else:
            run("update-ref", "--no-deref", "HEAD", revision.commit)
        run("reset", "--hard", "--quiet")
    except GitError as error:
        raise _CacheError(error.code, error.stderr) from None
