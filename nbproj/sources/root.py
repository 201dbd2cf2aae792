"""The project's folder inside what was fetched: `#sub/dir`, or `#sub/notebook.ipynb`."""

from __future__ import annotations

import os
from pathlib import Path

from nbproj.errors import SourceError, suggestion
from nbproj.paths import is_inside

__all__ = ["project_root"]


def project_root(folder: Path, sub: str, shown: str) -> tuple[Path, str | None]:
    """Return the project's folder, and the notebook's name when `sub` names a notebook.

    Parameters
    ----------
    folder : Path
        What was fetched.
    sub : str
        What stood after `#`; empty for the folder itself.
    shown : str
        The address, for the error.

    Returns
    -------
    Path
        The folder, symbolic links resolved.
    str or None
        File name of the notebook in it.

    Raises
    ------
    SourceError
        There is no such folder or notebook, or it lies outside.
    """
    if "\0" in sub or os.path.isabs(sub) or not is_inside(folder, folder / sub):  # noqa: PTH117 - a text, not yet a path
        msg = f"{sub!r} leaves the project {shown}; after '#' stands a folder or notebook inside it"
        raise SourceError(msg)
    path = Path(os.path.realpath(folder / sub))
    if path.is_dir():
        return path, None
    if path.is_file() and path.suffix == ".ipynb":
        return path.parent, path.name
    if path.exists():
        msg = f"{sub!r} of {shown} is a file; after '#' stands a folder or a notebook (.ipynb)"
        raise SourceError(msg)
    near = sorted(entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")) if path.parent.is_dir() else []
    msg = f"{shown} has no folder or notebook {sub!r}.{suggestion(path.name, near)}"
    raise SourceError(msg)
