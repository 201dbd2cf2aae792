"""Artifacts that go into a folder of this host: copied beside, then renamed. MLflow does the same, and looks at each part of each path four times."""

from __future__ import annotations

import re
import shutil
import uuid
from pathlib import Path
from typing import Any, Final

from nbproj.paths import is_inside

__all__ = ["copy_artifact"]

_PLAIN: Final = re.compile(r"\w[\w.\-]*(/\w[\w.\-]*)*", re.ASCII)


def copy_artifact(repository: Any, path: str, file: Path) -> bool:  # noqa: ANN401  (MLflow's repositories are not typed)
    """Copy a file to where a repository of artifacts has it; return whether that was done. False where the library has to, or to say why not.

    Parameters
    ----------
    repository : ArtifactRepository
        MLflow's; only plain folders are written to.
    path : str
        Its path among the run's artifacts.
    file : Path
        The file.
    """
    folder = getattr(repository, "artifact_dir", None)
    if type(repository).__name__ != "LocalArtifactRepository" or not isinstance(folder, str) or not _PLAIN.fullmatch(path):
        return False
    to = Path(folder, path)
    beside = to.with_name(f".mlflow-{uuid.uuid4().hex}.tmp")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        if not is_inside(Path(folder), to.parent):
            return False
        shutil.copy2(file, beside)
        beside.replace(to)
    except OSError:
        beside.unlink(missing_ok=True)
        return False
    return True
