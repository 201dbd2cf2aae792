"""What was fetched and is kept, so that it need not be fetched again: listed, removed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nbproj.configuration.settings import settings
from nbproj.display.fetched import fetched_text
from nbproj.environments.inventory import size_of
from nbproj.errors import SourceError
from nbproj.sources.cachehome import cache_home
from nbproj.sources.gitstock import KeptRepository, collect_repositories, kept_repositories
from nbproj.sources.remote.cache import DownloadCache
from nbproj.sources.remote.downloads import downloads_folder
from nbproj.sources.remote.entry import Entry
from nbproj.stock import seconds_of

__all__ = ["Kept", "fetched", "tidy_fetched"]


@dataclass(frozen=True, slots=True)
class Kept:
    """Downloads and the objects of Git repositories, as they were at one moment.

    Parameters
    ----------
    found : sequence of mapping
        Plain values of each, the last used first.
    """

    found: Sequence[dict[str, Any]]

    def text(self, *, width: int = 100) -> str:
        """Return them as a table."""
        return fetched_text(self.found, now=time.time(), width=width)

    def to_list(self) -> list[dict[str, Any]]:
        """Return plain values for programs."""
        return list(self.found)


def _download(entry: Entry, used: float) -> dict[str, Any]:
    return {"kind": "data", "address": str(entry.facts["address"]), "size": int(entry.facts["size"]), "used": used, "folder": str(entry.folder)}


def _repository(kept: KeptRepository, size: int) -> dict[str, Any]:
    return {"kind": "git", "address": kept.address, "size": size, "used": kept.used, "folder": str(kept.folder)}


def _listed(found: list[dict[str, Any]]) -> Kept:
    return Kept(sorted(found, key=lambda one: float(one["used"]), reverse=True))


def _cache(storage: str | None) -> DownloadCache:
    return DownloadCache(downloads_folder(storage if storage is not None else settings().storage_dir))


def fetched(storage: str | None = None) -> Kept:
    """Return what is kept: what was downloaded for `path` parameters (kind `data`), and the objects of Git projects (kind `git`).

    Parameters
    ----------
    storage : str, optional
        The folder that runs were given as `storage_dir`; by default the configuration's, else the user's cache.
    """
    data = [_download(entry, entry.used) for entry in _cache(storage).all()]
    return _listed([*data, *(_repository(one, size_of(one.folder)) for one in kept_repositories())])


def tidy_fetched(older_than: str = "30d", storage: str | None = None) -> tuple[Kept, Kept]:
    """Remove what was fetched and not used for a time; return what is gone, and what is as old and stays because a run uses it.

    Parameters
    ----------
    older_than : str
        `12h`, `30d`, `2w`; `0` for all.
    storage : str, optional
        As for `fetched`.

    Raises
    ------
    UsageError
        That is no time.
    SourceError
        Something cannot be removed.
    """
    seconds = seconds_of(older_than)
    cache = _cache(storage)
    used = {entry.folder: entry.used for entry in cache.all()}
    limit = time.time() - seconds
    sizes = {one.folder: size_of(one.folder) for one in kept_repositories() if one.used <= limit}  # of the others nothing is told
    try:
        downloads = cache.collect(seconds)
        repositories = collect_repositories(seconds)
    except OSError as error:
        msg = f"{error.filename or cache_home()} cannot be tidied: {error.strerror or error}"
        raise SourceError(msg) from error
    gone, stay = (
        _listed([*(_download(one, used.get(one.folder, 0.0)) for one in data), *(_repository(one, sizes.get(one.folder, 0)) for one in kept)])
        for data, kept in zip(downloads, repositories, strict=True)
    )
    return gone, stay
