"""A folder as an archive that is the same wherever it is made, so that its name says what is in it: a project, and this nbproj itself."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from nbproj.environments.docker.files import ProjectFile, archive, project_files

__all__ = ["SUFFIX", "packed_nbproj", "packed_project", "requirements"]

SUFFIX: Final = ".tar.gz"
_PACKAGE: Final = Path(__file__).parents[2]
_NOT_CARRIED: Final = {"__pycache__", "labextension", "server", "widgets"}
_CARRIED: Final = {".py", ".json", ".yaml", ".css", ".js", ".html", ".txt", ".typed"}
_CREDENTIALS: Final = re.compile(r"\.env(\..*)?")
_SHOWN_ONLY: Final = {"anywidget", "docker", "ipywidgets", "ruamel.yaml"}
"""What of nbproj's own requirements only a machine with a person before it needs, or one with a Docker engine."""
_SAME: Final = "mlflow-skinny"
"""The one requirement that a cluster gets in this machine's version: both write to one store."""


def packed_project(root: Path) -> bytes:
    """Return a project's files as an archive: what would go into an image of it, without `.env` files and virtual environments.

    Parameters
    ----------
    root : Path
        The project's folder; its `.dockerignore` is honoured.

    Raises
    ------
    EnvironmentPreparationError
        A file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "train.py").write_text("print(1)")
    ...     packed_project(Path(folder)) == packed_project(Path(folder))
    True
    """
    files = project_files(root)
    homes = {str(Path(one.name).parent) for one in files if Path(one.name).name == "pyvenv.cfg"} - {"."}
    kept = [
        one
        for one in files
        if not _CREDENTIALS.fullmatch(Path(one.name).name) and not any(one.name == home or one.name.startswith(f"{home}/") for home in homes)
    ]
    return _packed(kept, "project")


def packed_nbproj() -> bytes:
    """Return this very nbproj as an archive, without what only shows."""
    files = []
    for path in sorted(_PACKAGE.rglob("*")):
        inside = path.relative_to(_PACKAGE)
        if path.is_file() and not _NOT_CARRIED & set(inside.parts) and path.suffix in _CARRIED:
            status = path.stat()
            files.append(ProjectFile(f"nbproj/{inside}", path, status.st_mode, status.st_size))
    return _packed(files, "package")


def requirements() -> list[str]:
    """Return what a cluster has to have installed to carry an entry point, as pip takes it.

    Examples
    --------
    >>> any(one.startswith("papermill>=") for one in requirements()), any(one.startswith("mlflow-skinny==") for one in requirements())
    (True, True)
    """
    try:
        declared = requires("nbproj") or []
    except PackageNotFoundError:
        declared = []
    found = {match[1]: line.partition(";")[0].strip() for line in declared if ";" not in line and (match := re.match(r"([A-Za-z0-9_.-]+)", line))}
    return [f"{_SAME}=={version(_SAME)}" if name == _SAME else line for name, line in found.items() if name not in _SHOWN_ONLY]


def _packed(files: list[ProjectFile], prefix: str) -> bytes:
    into = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=into, mode="wb", filename="", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        archive(files, tar, prefix)
    return into.getvalue()
