"""Containers that could not be removed at the end of their run, because the engine did not answer: noted, and removed before the next one starts."""

from __future__ import annotations

import contextlib
from pathlib import Path

from nbproj.containers import reference, remove_containers
from nbproj.environments.places import environments_folder
from nbproj.progress import Event, Progress

__all__ = ["remove_at_the_end", "remove_leftovers"]


def remove_at_the_end(recorded: str, progress: Progress) -> None:
    """Remove a run's containers; note what cannot be removed.

    Parameters
    ----------
    recorded : str
        What names them, as `containers.reference` writes it.
    progress : Progress
        Told of what may be left.
    """
    if remove_containers(recorded):
        return
    address, _, name = recorded.rpartition("#")
    progress(Event("note", f"container {name} may be left: the Docker engine does not answer. The next run in a container removes it"))
    with contextlib.suppress(OSError):
        _folder().mkdir(parents=True, exist_ok=True)
        (_folder() / name).write_text(address, encoding="utf-8")


def remove_leftovers(address: str) -> None:
    """Remove what earlier runs have left on an engine."""
    with contextlib.suppress(OSError):
        for note in _folder().iterdir():
            if note.read_text(encoding="utf-8") == address and remove_containers(reference(address, note.name)):
                note.unlink(missing_ok=True)


def _folder() -> Path:
    return environments_folder() / ".images" / "left"
