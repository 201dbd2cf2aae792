"""Run notebooks and MLflow Projects again, anywhere, with other parameters, and see what came out.

Everything here is looked up when it is first used: `import nbproj` costs next to nothing.

Examples
--------
>>> import nbproj
>>> run = nbproj.run("notebooks/diabetes", "train", parameters={"alpha": 0.3})  # doctest: +SKIP
>>> run.status, run.metrics["rmse"], run.notebook  # doctest: +SKIP
>>> list(nbproj.load_project("notebooks/diabetes").entry_points)  # doctest: +SKIP
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from nbproj.version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbproj.errors import NbprojError
    from nbproj.record import Run, RunFailed
    from nbproj.records import RunList, get_run, runs
    from nbproj.runner import load_project, run

__all__ = ["NbprojError", "Run", "RunFailed", "RunList", "__version__", "get_run", "load_project", "run", "runs"]

_ROOMS = {
    "NbprojError": "nbproj.errors",
    "Run": "nbproj.record",
    "RunFailed": "nbproj.record",
    "RunList": "nbproj.records",
    "get_run": "nbproj.records",
    "load_project": "nbproj.runner",
    "run": "nbproj.runner",
    "runs": "nbproj.records",
}


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics to a shell: what `%load_ext nbproj` calls."""
    from nbproj.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics back: what `%unload_ext nbproj` calls."""
    from nbproj.magics import unload

    unload(shell)


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg, name=name, obj=sys.modules[__name__])  # Python suggests the right name from these
    if _ROOMS[name] in {"nbproj.records", "nbproj.runner"}:
        from nbproj.errors import on_this_platform

        on_this_platform()
    value = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
