"""Files that MLflow knows: artifacts of runs, models of the registry, and what lies on Databricks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from nbproj.progress import Event, Progress
from nbproj.sources.remote.origin import name_of

__all__ = ["ArtifactOrigin", "Load"]

Load: TypeAlias = Callable[[str, Path], Path]
"""Writes what is at an address of MLflow's into a folder and returns where it is there; raises a `NbprojError`."""


class ArtifactOrigin:
    """A file or folder at a `runs:/`, `models:/` or `dbfs:/` address.

    MLflow tells of no versions: it is fetched each time, and kept once for each content.

    Parameters
    ----------
    address : str
        Where it is.
    load : callable
        MLflow's own way.
    """

    def __init__(self, address: str, load: Load) -> None:
        self.shown = address
        self._load = load

    def fetch(self, known: Sequence[str], folder: Path, progress: Progress) -> None:  # noqa: ARG002 - there are no versions
        """Write it into a folder."""
        progress(Event("fetching", f"downloading {self.shown}"))
        raw = folder.with_name("raw")
        raw.mkdir()
        self._load(self.shown, raw).rename(folder / name_of(self.shown))
