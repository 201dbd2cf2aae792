"""The downloads of one run or batch: every address once, and kept until it has ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from nbproj.progress import Event, Progress, silent
from nbproj.project.remote import ONE_SLASH, Remote
from nbproj.sources.cachehome import cache_home
from nbproj.sources.remote.artifacts import ArtifactOrigin, Load
from nbproj.sources.remote.origin import Origin

__all__ = ["Downloads", "downloads_folder"]

_NAME: Final = "nbproj-downloads"

_PLACES: Final = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "FSSPEC_S3_ENDPOINT_URL",
    "AZURE_STORAGE_ACCOUNT_NAME",
    "AZURE_STORAGE_CONNECTION_STRING",
)
"""Variables that say which server an address means."""


def downloads_folder(storage: str | None = None, base: Path | None = None) -> Path:
    """Return where downloads are kept.

    Parameters
    ----------
    storage : str, optional
        A folder of the user's choice, in which they get one of their own; by default the platform's cache folder, or NBPROJ_CACHE_DIR.
    base : Path, optional
        Folder that a relative one starts from.
    """
    if storage is not None:
        return Path(os.path.abspath((base or Path()) / os.path.expanduser(storage))) / _NAME  # noqa: PTH100, PTH111 - links stay, and a home need not exist
    return cache_home() / "downloads"


class Downloads:
    """Files from elsewhere that stay until the end of who uses them; a context manager.

    Parameters
    ----------
    folder : callable
        Says where they are kept; asked with the first address, as most runs need no such place.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._paths: dict[str, Path] = {}
        self._holding = ExitStack()

    def bring(self, addresses: Iterable[Remote], load: Load, store: str, progress: Progress = silent) -> dict[str, Path]:
        """Return where the files of addresses are, by address; what is not here, or not the newest, is downloaded.

        Parameters
        ----------
        addresses : iterable of Remote
            Which; each is asked for once.
        load : callable
            Fetches what MLflow knows.
        store : str
            The tracking store, in which `runs:/` and `models:/` have their meaning.
        progress : Progress
            Told of what takes long.

        Raises
        ------
        SourceError
            One could not be had.
        """
        fetched: list[str] = []
        for address in dict.fromkeys(addresses):
            if address not in self._paths:
                self._paths[address], new = self._one(address, load, store, progress)
                fetched += [address.public] if new else []
        if fetched:  # it may have taken long: it is said also where no terminal shows how far it is
            progress(Event("note", f"downloaded {fetched[0]}" if len(fetched) == 1 else f"downloaded from {len(fetched)} addresses"))
        return dict(self._paths)

    def _one(self, address: Remote, load: Load, store: str, progress: Progress) -> tuple[Path, bool]:
        """Return where the files of an address are, and whether they were fetched now."""
        origin = _origin(address, load)
        told: list[Event] = []

        def tell(event: Event) -> None:
            told.append(event)
            progress(event)

        from nbproj.sources.remote.cache import DownloadCache  # most runs need nothing from elsewhere

        progress(Event("fetching", f"looking at {origin.shown}"))
        where = [store] if address.scheme in ONE_SLASH else [os.environ.get(name, "") for name in _PLACES]
        path = DownloadCache(self._folder()).obtain("\n".join([str(address), *where]), origin, self._holding, tell)
        fetched = any(event.text.startswith("downloading ") for event in told)
        text = f"downloaded {origin.shown}" if fetched else f"{origin.shown} is here already, and has not changed"
        progress(Event("fetched", text, data={"kept": not fetched}))
        return path, fetched

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._holding.close()


def _origin(address: Remote, load: Load) -> Origin:
    if address.scheme in ONE_SLASH:
        return ArtifactOrigin(str(address), load)
    if address.scheme in {"http", "https"}:
        from nbproj.sources.remote.web import WebOrigin  # the web's modules cost a local run nothing

        return WebOrigin(str(address))
    from nbproj.sources.remote.objects import ObjectOrigin

    return ObjectOrigin(address)
