"""An environment as it is planned, while it is built, and when it is kept."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbproj.progress import Event, Progress, silent

__all__ = ["Blueprint", "Kept", "Site"]


@dataclass(frozen=True, slots=True)
class Site:
    """Where an environment is being built.

    Parameters
    ----------
    folder : Path
        A private folder for it, empty: files beside the environment go there.
    prefix : Path
        The environment's own folder in it; not there yet.
    progress : Progress
        Told what is downloaded and installed.
    keep_open : sequence of int
        File descriptors of the lock, for every program that builds.
    started : callable
        To be called with the process group of such a program.
    """

    folder: Path
    prefix: Path
    progress: Progress = silent
    keep_open: Sequence[int] = ()
    started: Callable[[int], None] = lambda _group: None

    def tell(self, line: str) -> None:
        """Show a line of what happens."""
        self.progress(Event("preparing", line))


@dataclass(frozen=True, slots=True)
class Blueprint:
    """How an environment is built, and what identifies it.

    Parameters
    ----------
    key : str
        Hexadecimal; equal for equal environments.
    kind : str
        `uv`, `conda`.
    title : str
        What it is, for people: `requirements.txt, Python 3.12.1`.
    build : callable
        Makes it at a `Site`; returns the exported list of packages.
    facts : mapping
        Plain values that are kept with it.
    """

    key: str
    kind: str
    title: str
    build: Callable[[Site], str]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """An environment of the cache.

    Parameters
    ----------
    key : str
        Its name there.
    folder : Path
        All that belongs to it.
    facts : mapping
        What its marker says; empty for one that is not whole.
    """

    key: str
    folder: Path
    facts: dict[str, Any]

    @property
    def prefix(self) -> Path:
        """The environment's own folder."""
        return self.folder / "env"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.prefix / "bin" / "python"

    @property
    def whole(self) -> bool:
        """Whether it was built to its end."""
        return bool(self.facts)

    @property
    def title(self) -> str:
        """What it is, for people."""
        return str(self.facts.get("title") or "not complete")

    def packages(self) -> str:
        """Return the exported list of its packages."""
        with contextlib.suppress(OSError):
            return (self.folder / "packages.txt").read_text(encoding="utf-8")
        return ""
