"""The system environment: what is there already.

All dependencies were installed before. Its Python is the one of the environment that the user has activated, else the one that runs nbproj - never
merely the first `python` on PATH, which for a program started by its path is a stranger's.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbproj.environments.activation import inherited
from nbproj.environments.environment import Environment
from nbproj.progress import Progress
from nbproj.project.model import EnvironmentKind, EnvironmentSpec

__all__ = ["SystemEnvironments", "python_folder"]


def _activated(environ: Mapping[str, str]) -> Path | None:
    """Return the folder of programs of an activated environment, if it is really in use."""
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environ.get(name)
        if prefix:
            folder = Path(prefix) / "bin"
            if str(folder) in folders and (folder / "python").exists():
                return folder
    return None


def python_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the Python that programs are given here: the activated environment's, else this process's own."""
    return _activated(environ) or Path(sys.executable).parent


def _installed(paths: Iterable[str]) -> list[str]:
    """Return `name==version` of what is installed below import paths, by the names of its folders: no metadata is parsed."""
    found = set()
    for path in paths:
        try:
            names = os.listdir(path)
        except OSError:
            continue
        for name in names:
            stem, _, suffix = name.rpartition(".")
            if suffix in {"dist-info", "egg-info"} and "-" in stem:
                found.add("==".join(stem.split("-")[:2]).replace("_", "-"))
    return sorted(found, key=str.lower)


class SystemEnvironments:
    """Provides the environment that nbproj itself runs in."""

    kind: EnvironmentKind = "system"

    def detect(self, spec: EnvironmentSpec) -> bool:
        """Return whether the specification is of this kind."""
        return spec.kind == self.kind

    def check(self, spec: EnvironmentSpec, root: Path) -> None:
        """Refuse nothing: what is there is there."""

    def key(self, spec: EnvironmentSpec, root: Path) -> str:  # noqa: ARG002 - the contract of all kinds
        """Return nothing: it is not kept."""
        return ""

    def prepare(  # the contract of all kinds
        self,
        spec: EnvironmentSpec,  # noqa: ARG002 - as above
        root: Path,  # noqa: ARG002 - as above
        progress: Progress,  # noqa: ARG002 - as above
        *,
        kernel: bool = False,  # noqa: ARG002 - as above
        run_id: str | None = None,  # noqa: ARG002 - as above
    ) -> Environment:
        """Return the environment of this process, its Python first on PATH.

        Parameters
        ----------
        spec : EnvironmentSpec
            Of kind `system`.
        root : Path
            The project's folder; not used.
        progress : Progress
            Not used: nothing takes long.
        kernel : bool
            Not used: a notebook has a kernel of its own here.
        run_id : str, optional
            Not used: nothing is kept.
        """
        programs = os.environ.get("PATH") or os.defpath  # an empty one would mean the working folder
        variables = inherited(os.environ)
        activated = _activated(os.environ)
        own = Path(sys.executable).parent
        if activated is None:
            variables["PATH"] = os.pathsep.join([str(own), programs])
        ours = activated is None or activated == own
        python = sys.executable if ours else str((activated or own) / "python")
        if ours:
            lines = [f"python=={'.'.join(map(str, sys.version_info[:3]))}", *_installed(sys.path)]
        else:
            lines = _installed(str(path) for path in (activated or own).parent.glob("lib/python*/site-packages"))
        description = "\n".join(lines) + "\n"
        return Environment(
            kind=self.kind,
            variables=variables,
            python=python,
            fingerprint=hashlib.sha256(description.encode()).hexdigest()[:16],
            description=description,
        )
