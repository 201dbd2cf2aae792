"""A project, read without running anything of it: what `nbproj.load_project` is."""

from __future__ import annotations

import os

from nbproj.project.directory import load_project as load
from nbproj.project.model import Project
from nbproj.sources.registry import fetch

__all__ = ["load_project"]


def load_project(uri: str | os.PathLike[str] = ".", *, strict: bool = False) -> Project:
    """Read a local project; nothing of it is executed.

    Parameters
    ----------
    uri : str or path
        A folder or a notebook.
    strict : bool
        Refuse unknown keys and types instead of warning.

    Returns
    -------
    Project
        Its entry points, parameters and environment.

    Raises
    ------
    NbprojError
        There is no such folder, or the project is wrong: the message says where.

    Examples
    --------
    >>> list(load_project("notebooks/diabetes").entry_points)
    ['train', 'train_script', 'report']
    """
    with fetch(os.fspath(uri)) as checkout:
        return load(checkout.root, notebook=checkout.notebook, strict=strict)
