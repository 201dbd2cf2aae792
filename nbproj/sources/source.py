"""The contract of a source: a place that projects come from."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from nbproj.progress import Progress

__all__ = ["Checkout", "Credentials", "Source"]


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a Git server may ask for. Never printed, tracked or stored.

    Parameters
    ----------
    username, password : str, optional
        From `--git-username`, `--git-password` or MLFLOW_GIT_USERNAME, MLFLOW_GIT_PASSWORD.
    """

    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return "Credentials(...)"


@dataclass(slots=True)
class Checkout:
    """The files of one project at one version; a context manager that removes what was made for it.

    Parameters
    ----------
    root : Path
        The project's folder (after `#sub/dir`), absolute, symbolic links resolved.
    uri : str
        The address as it may be shown and tracked: without credentials.
    notebook : str, optional
        When the address names one notebook: its file name in `root`.
    commit : str, optional
        Full id of the commit that is checked out.
    branch : str, optional
        The branch that was asked for or is checked out.
    repository : str, optional
        Address of the Git repository, without credentials; what `mlflow.source.git.repoURL` gets.
    dirty : bool
        The folder differs from its commit.
    difference : bytes
        The uncommitted changes as a patch, capped; empty when clean.
    temporary : Path, optional
        Folder to remove when the run is over; None for a local folder that is run in place.
    """

    root: Path
    uri: str
    notebook: str | None = None
    commit: str | None = None
    branch: str | None = None
    repository: str | None = None
    dirty: bool = False
    difference: bytes = b""
    temporary: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary folder, if there is one. May be called twice."""
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)
            self.temporary = None

    @contextlib.contextmanager
    def kept(self) -> Iterator[Self]:
        """Close only when the block fails: whoever takes the checkout over owns its end."""
        try:
            yield self
        except BaseException:
            self.close()
            raise


class Source(Protocol):
    """A place that projects come from.

    `detect` looks at the address only (no network, no disk beyond a stat) and returns None when the address is not its kind.
    `fetch` may take long, reports progress, and either returns a complete `Checkout` or raises `SourceError` and leaves nothing behind.
    """

    @classmethod
    def detect(cls, uri: str) -> Self | None:
        """Return the source that an address means, or None."""

    def fetch(self, version: str | None, progress: Progress, credentials: Credentials | None = None) -> Checkout:
        """Return the files of one version.

        Raises
        ------
        SourceError
            They could not be had; the message says what to do.
        """
