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

from nbproj.environments.environment import Environment
from nbproj.progress import Progress
from nbproj.project.model import EnvironmentKind, EnvironmentSpec

__all__ = ["SystemEnvironments"]

_OF_THE_CALLER = ("JPY_PARENT_PID", "JPY_SESSION_NAME", "JPY_API_TOKEN", "PYDEVD_USE_FRAME_EVAL", "PYTHONSTARTUP")
"""Variables that belong to the process we run in - a kernel, often - and would mislead another."""


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

    def prepare(self, spec: EnvironmentSpec, root: Path, progress: Progress) -> Environment:  # noqa: ARG002 - the contract of all kinds
        """Return the environment of this process, its Python first on PATH.

        Parameters
        ----------
        spec : EnvironmentSpec
            Of kind `system`.
        root : Path
            The project's folder; not used.
        progress : Progress
            Not used: nothing takes long.
        """
        programs = os.environ.get("PATH") or os.defpath  # an empty one would mean the working folder
        variables = {name: value for name, value in os.environ.items() if name not in _OF_THE_CALLER}
        if variables.get("MPLBACKEND", "").startswith("module://"):
            del variables["MPLBACKEND"]  # a kernel's inline backend, which a script has not
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
