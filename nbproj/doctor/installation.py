"""The Python that runs here, and what is installed in it."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nbproj.display.doctor import Finding

__all__ = ["NO_PANEL", "has_panel", "jupyterlab", "mlflow", "nbproj", "python"]

NO_PANEL = "Install nbproj from its wheel, or Node.js 20 or newer and then nbproj again"
"""What to do when nbproj was installed from a checkout where its panel could not be built."""

_OLDEST = (3, 11)
_OLDEST_MLFLOW = (3, 5)


def python() -> Finding:
    """Look at the interpreter."""
    fit = sys.version_info >= _OLDEST
    advice = "" if fit else "Python 3.11 or newer is needed"
    return Finding("Python", "ok" if fit else "missing", f"{platform.python_version()}, {sys.executable}", advice, needed=True)


def nbproj() -> Finding:
    """Look at this package."""
    return Finding("nbproj", "ok", f"{version('nbproj')}, {Path(__file__).parent.parent}", needed=True)


def mlflow() -> Finding:
    """Look at the library that keeps the record; it is not imported."""
    for name in ("mlflow-skinny", "mlflow"):
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
        fit = numbers >= _OLDEST_MLFLOW
        return Finding("MLflow", "ok" if fit else "missing", f"{found} ({name})", "" if fit else "MLflow 3.5 or newer is needed", needed=True)
    return Finding("MLflow", "missing", "not installed in this environment", "Install mlflow-skinny", needed=True)


def jupyterlab() -> Finding:
    """Look for JupyterLab, here or in another environment; here, for our panel in it, too."""
    try:
        found = version("jupyterlab")
        if has_panel():
            return Finding("JupyterLab", "ok", f"{found}, with the panel")
        return Finding("JupyterLab", "missing", f"{found}, and nbproj was installed without its panel", NO_PANEL)
    except PackageNotFoundError:
        pass
    elsewhere = shutil.which("jupyter-lab")
    if elsewhere is not None:
        return Finding("JupyterLab", "ok", f"{elsewhere}, in another environment")
    return Finding("JupyterLab", "missing", "not installed", "Install jupyterlab for the panel and for editing notebooks; runs do not need it")


def has_panel() -> bool:
    """Return whether the JupyterLab of this environment finds our panel."""
    from jupyter_core.paths import jupyter_path

    return any(Path(folder, "package.json").is_file() for folder in jupyter_path("labextensions", "nbproj"))
