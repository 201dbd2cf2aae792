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

    from nbproj.batches.call import batch
    from nbproj.batches.result import Batch
    from nbproj.errors import NbprojError
    from nbproj.logbook import log_artifact, log_figure, log_metric, log_metrics, log_param, log_params, set_tag, set_tags
    from nbproj.reading import load_project
    from nbproj.record import Run, RunFailed
    from nbproj.records import get_batch, get_run, runs
    from nbproj.runlist import RunList
    from nbproj.runner import run
    from nbproj.widgets.form import form
    from nbproj.widgets.runs import panel

__all__ = [
    "Batch",
    "NbprojError",
    "Run",
    "RunFailed",
    "RunList",
    "__version__",
    "batch",
    "form",
    "get_batch",
    "get_run",
    "load_project",
    "log_artifact",
    "log_figure",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "panel",
    "run",
    "runs",
    "set_tag",
    "set_tags",
]

_ROOMS = {
    "Batch": "nbproj.batches.result",
    "NbprojError": "nbproj.errors",
    "Run": "nbproj.record",
    "RunFailed": "nbproj.record",
    "RunList": "nbproj.runlist",
    "batch": "nbproj.batches.call",
    "form": "nbproj.widgets.form",
    "get_batch": "nbproj.records",
    "get_run": "nbproj.records",
    "load_project": "nbproj.reading",
    "log_artifact": "nbproj.logbook",
    "log_figure": "nbproj.logbook",
    "log_metric": "nbproj.logbook",
    "log_metrics": "nbproj.logbook",
    "log_param": "nbproj.logbook",
    "log_params": "nbproj.logbook",
    "panel": "nbproj.widgets.runs",
    "run": "nbproj.runner",
    "runs": "nbproj.records",
    "set_tag": "nbproj.logbook",
    "set_tags": "nbproj.logbook",
}


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics to a shell: what `%load_ext nbproj` calls."""
    from nbproj.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics back: what `%unload_ext nbproj` calls."""
    from nbproj.magics import unload

    unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Return where the routes of the Jupyter server are: what `jupyter server extension` asks for."""
    return [{"module": "nbproj.server"}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Return where the built panel is: what `jupyter-builder develop` asks for."""
    return [{"src": "labextension", "dest": "nbproj"}]


_EVERYWHERE = {"nbproj.errors", "nbproj.logbook"}
"""What works on Windows, too; all else needs parts of Python that are not there."""


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg, name=name, obj=sys.modules[__name__])  # Python suggests the right name from these
    if _ROOMS[name] not in _EVERYWHERE:
        from nbproj.errors import on_this_platform

        on_this_platform()
    value = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
