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
        The whole environment of a process in it, before the run's own variables: activated, and free of what the caller had activated.
    python : str, optional
        Path of its interpreter, which is also its kernel's: no kernelspec is needed. None when it has none.
    fingerprint : str
        Identifies what was resolved; equal fingerprints mean equal packages.
    description : str
        What it is, for the run's record: `python==VERSION`, then a package a line, as `lock.locked` reads it.
    key : str
        Identifies the specification in the cache; empty for an environment that is not kept there.
    folder : Path, optional
        Where it is kept.
    image : str
        Id of the image, of a container.
    """

    kind: str
    variables: Mapping[str, str] = field(repr=False)
    python: str | None = None
    fingerprint: str = ""
    description: str = ""
    key: str = ""
    folder: Path | None = None
    image: str = ""


class EnvironmentProvider(Protocol):
    """Makes environments of one kind.

    `detect` says whether a specification is of this kind. `check` reads the specification and its files, and starts nothing. `key` says under which
    name the environment is kept. `prepare` may take long, reports progress, and either returns a whole `Environment` or raises
    `EnvironmentPreparationError` and leaves nothing half-made.
    """

    kind: EnvironmentKind

    def detect(self, spec: EnvironmentSpec) -> bool:
        """Return whether the specification is of this kind."""

    def check(self, spec: EnvironmentSpec, root: Path) -> None:
        """Refuse a specification that is wrong whatever the network says."""

    def key(self, spec: EnvironmentSpec, root: Path) -> str:
        """Return the key under which the cache keeps it, built or not; empty where nothing is kept. Raises as `check`."""

    def prepare(self, spec: EnvironmentSpec, root: Path, progress: Progress, *, kernel: bool = False, run_id: str | None = None) -> Environment:
        """Return an environment that is ready to run in.

        Parameters
        ----------
        spec : EnvironmentSpec
            What is asked for.
        root : Path
            The project's folder; nothing is written there.
        progress : Progress
            Told what is downloaded and installed.
        kernel : bool
            A notebook will run in it: what its kernel needs is put on top where it is missing.
        run_id : str, optional
            The run that uses it, for whoever collects what nobody uses.
        """
