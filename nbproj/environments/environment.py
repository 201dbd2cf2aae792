"""The contract of an environment: where an entry point runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from nbproj.progress import Progress
from nbproj.project.model import EnvironmentKind, EnvironmentSpec

__all__ = ["Environment", "EnvironmentProvider"]


@dataclass(frozen=True, slots=True)
class Environment:
    """A prepared environment.

    Parameters
    ----------
    kind : str
        `system`, `uv`, `conda`, `docker`.
    variables : mapping of str to str
        The whole environment of a process in it, before the run's own variables.
    python : str, optional
        Path of its interpreter; None when it has none.
    fingerprint : str
        Identifies what was resolved; equal fingerprints mean equal packages.
    description : str
        What it is, for the run's record (a list of packages, a lock).
    """

    kind: str
    variables: Mapping[str, str] = field(repr=False)
    python: str | None = None
    fingerprint: str = ""
    description: str = ""


class EnvironmentProvider(Protocol):
    """Makes environments of one kind.

    `detect` reads the specification only and says whether it is of this kind. `prepare` may take long, reports progress, and either returns a whole
    `Environment` or raises `EnvironmentPreparationError` and leaves nothing half-made.
    """

    kind: EnvironmentKind

    def detect(self, spec: EnvironmentSpec) -> bool:
        """Return whether the specification is of this kind."""

    def prepare(self, spec: EnvironmentSpec, root: Path, progress: Progress) -> Environment:
        """Return an environment that is ready to run in."""
