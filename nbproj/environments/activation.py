"""The variables of a process in an environment, made from the caller's without what the caller had activated."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["activated", "deactivated", "inherited"]

_OF_THE_CALLER = ("JPY_PARENT_PID", "JPY_SESSION_NAME", "JPY_API_TOKEN", "PYDEVD_USE_FRAME_EVAL", "PYTHONSTARTUP")
"""Variables that belong to the process we run in - a kernel, often - and would mislead another."""

_OF_ANOTHER_PYTHON: tuple[str, ...] = ("PYTHONPATH", "PYTHONHOME", "PYTHONEXECUTABLE", "PYTHONPLATLIBDIR", "PYTHONUSERBASE", "__PYVENV_LAUNCHER__")
_OF_ANOTHER_PYTHON += ("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PYENV_VERSION", "PYENV_VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON")
_OF_CONDA = ("CONDA_", "_CE_", "MAMBA_", "_CONDA_")
_CONDA_SETTINGS = ("CONDA_EXE", "CONDARC", "CONDA_PKGS_DIRS", "CONDA_ENVS_DIRS", "CONDA_ENVS_PATH", "CONDA_OVERRIDE_")
"""Where conda is and how it is set up: not what is activated."""


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that any run takes over from its caller.

    Examples
    --------
    >>> inherited({"HOME": "/home/ana", "JPY_PARENT_PID": "7", "MPLBACKEND": "module://matplotlib_inline.backend_inline"})
    {'HOME': '/home/ana'}
    """
    variables = {name: value for name, value in environ.items() if name not in _OF_THE_CALLER}
    if variables.get("MPLBACKEND", "").startswith("module://"):
        del variables["MPLBACKEND"]  # a kernel's inline backend, which a script has not
    return variables


def deactivated(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's variables without the environment that the caller had activated.

    Examples
    --------
    >>> deactivated({"PATH": "/old/bin:/usr/bin", "VIRTUAL_ENV": "/old", "CONDA_EXE": "/c/bin/conda"})
    {'PATH': '/usr/bin', 'CONDA_EXE': '/c/bin/conda'}
    """
    variables = inherited(environ)
    # An empty PATH would mean the working folder.
    left = [folder for folder in (environ.get("PATH") or os.defpath).split(os.pathsep) if folder]
    others = {str(Path(environ[name]) / "bin") for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(name)}
    for name in list(variables):
        if name in _OF_ANOTHER_PYTHON or (name.startswith(_OF_CONDA) and not name.startswith(_CONDA_SETTINGS)):
            del variables[name]
    variables["PATH"] = os.pathsep.join(folder for folder in left if folder.rstrip("/") not in others)
    return variables


def activated(environ: Mapping[str, str], prefixes: Sequence[Path]) -> dict[str, str]:
    """Return the variables of a process in a Python environment.

    Parameters
    ----------
    environ : mapping of str to str
        The caller's.
    prefixes : sequence of Path
        The environment's folder, and below it those that it stands on.

    Examples
    --------
    >>> caller = {"PATH": "/old/bin:/usr/bin", "VIRTUAL_ENV": "/old", "PYTHONPATH": "/x", "CONDA_PREFIX": "/c", "CONDA_EXE": "/c/bin/conda"}
    >>> activated(caller, [Path("/new")])
    {'PATH': '/new/bin:/usr/bin', 'CONDA_EXE': '/c/bin/conda', 'VIRTUAL_ENV': '/new'}
    """
    variables = deactivated(environ)
    own = [str(prefix / "bin") for prefix in prefixes]
    variables["PATH"] = os.pathsep.join([*own, *(folder for folder in variables["PATH"].split(os.pathsep) if folder.rstrip("/") not in own)])
    variables["VIRTUAL_ENV"] = str(prefixes[0])
    return variables
