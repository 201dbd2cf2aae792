"""Environments on top of environments: what a notebook's kernel needs, or the project's own package, without touching what is below.

A layer is a small environment of the same Python whose import path goes on into the one below. Only what is missing there is installed in it, in
versions that fit, so that the packages below are found exactly as they are.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

from nbproj.environments.builder import BuildFailed
from nbproj.environments.cache import Blueprint, EnvironmentCache, Kept, Site
from nbproj.environments.content import content_key, snapshot
from nbproj.environments.health import package_folders
from nbproj.environments.lock import exported, locked
from nbproj.environments.recipe import derived_key
from nbproj.environments.uvcommand import Uv, shown, why
from nbproj.errors import EnvironmentPreparationError
from nbproj.progress import Event, Progress

__all__ = ["KERNEL", "has_kernel", "kernel_layer", "link_below", "package_layer", "with_kernel"]

KERNEL: Final = "ipykernel"
_LINK: Final = "_nbproj_below.pth"


def has_kernel(packages: str) -> bool:
    r"""Return whether a list of packages has a notebook's kernel.

    Examples
    --------
    >>> has_kernel("python==3.12.1\nipykernel==6.29.5\n"), has_kernel("numpy==2.0\n")
    (True, False)
    """
    return re.search(rf"^{KERNEL}(==| @ )", packages, re.MULTILINE) is not None


def kernel_layer(below: Kept) -> Blueprint:
    """Return the layer that puts a notebook's kernel on an environment."""

    def build(site: Site) -> str:
        uv = _on(below, site)
        names = set(locked(below.packages()))
        (site.folder / "below.txt").write_text("".join(f"{name}=={version}\n" for name, version in locked(below.packages()).items() if version))
        (site.folder / "kernel.in").write_text(f"{KERNEL}\n")
        python = site.prefix / "bin" / "python"
        try:
            told = uv("pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python", python, "-c", "below.txt", "kernel.in")
            wanted = [line for line in told.splitlines() if line.strip() and re.split(r"[=@ ;]", line)[0] not in names]
            (site.folder / "requirements.txt").write_text("\n".join(wanted) + "\n")
            uv("pip", "install", "--no-deps", "--python", python, "-r", "requirements.txt")
        except BuildFailed as failure:
            error = why(failure)
            msg = f"the kernel of notebooks does not fit into the environment ({below.title}): {error}"
            raise EnvironmentPreparationError(msg, hint=error.hint or f"Add {KERNEL} to its packages") from None
        return exported(uv, site.prefix, below.packages())

    return Blueprint(derived_key(KERNEL, below.key), "uv", f"{below.title} + {KERNEL}", build, {"below": [below.key, *below.facts.get("below", [])]})


def with_kernel(below: Kept, cache: EnvironmentCache, progress: Progress, *, source: str, run_id: str | None = None, project: str = "") -> Kept:
    """Return the layer that puts a notebook's kernel on an environment, built if need be; the run says so.

    Parameters
    ----------
    below : Kept
        An environment without one.
    cache : EnvironmentCache
        Where it is.
    progress : Progress
        Told what is installed.
    source : str
        Which file asks for that environment, for people.
    run_id, project : str, optional
        Who uses it.

    Raises
    ------
    EnvironmentPreparationError
        It cannot be had.
    """
    layer = cache.obtain(kernel_layer(below), progress, run_id=run_id, project=project)
    progress(Event("note", f"{KERNEL} is not among the packages of {source or 'the environment'}: it is put on top for this notebook"))
    return layer


def package_layer(below: Kept, folder: Path, name: str) -> Blueprint:
    """Return the layer that puts a project's own package on an environment that has what it depends on."""
    content = content_key(folder)

    def build(site: Site) -> str:
        uv = _on(below, site)
        snapshot(folder, site.folder / "source")
        site.tell(f"building {name}")
        try:
            uv("pip", "install", "--no-deps", "--python", site.prefix / "bin" / "python", "./source", SETUPTOOLS_SCM_PRETEND_VERSION="0")
        except BuildFailed as failure:
            error = why(failure)
            msg = f"pyproject.toml: {error}"
            raise EnvironmentPreparationError(msg, hint=error.hint) from None
        finally:
            shutil.rmtree(site.folder / "source", ignore_errors=True)
        return exported(uv, site.prefix, below.packages(), content)

    key = derived_key("package", below.key, content)
    return Blueprint(key, "uv", f"{below.title} + {name}", build, {"below": [below.key, *below.facts.get("below", [])]})


def link_below(prefix: Path, below: Path) -> None:
    """Make the packages of one environment importable in another, behind its own."""
    folders = [str(folder) for folder in package_folders(below)]
    further = [line for folder in package_folders(below) for line in _linked(folder / _LINK)]
    # `addsitedir` after the bare path: what is below may have such files itself. The paths are for those who look without starting a Python.
    lines = [*folders, *further, *(f"import site; site.addsitedir({folder!r})" for folder in folders)]
    (package_folders(prefix)[0] / _LINK).write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)), encoding="utf-8")


def _linked(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("import ")] if file.exists() else []


def _on(below: Kept, site: Site) -> Uv:
    uv = Uv(site.folder, shown(site.tell), site.keep_open, site.started)
    try:
        uv("venv", "--quiet", "--no-project", "--python", below.python, site.prefix)
    except BuildFailed as failure:
        raise why(failure) from None
    link_below(site.prefix, below.prefix)
    return uv
