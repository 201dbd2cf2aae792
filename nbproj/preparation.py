"""Environments by themselves: made before there is a run, locked, offered to Jupyter."""

from __future__ import annotations

import re
from pathlib import Path

from nbproj.environments.cache import EnvironmentCache, Kept
from nbproj.environments.condalock import explicit
from nbproj.environments.environment import Environment
from nbproj.environments.kernelspec import install_kernelspec, kernel_name
from nbproj.environments.registry import provider
from nbproj.errors import EnvironmentPreparationError, UsageError
from nbproj.order import ENV_MANAGERS
from nbproj.progress import Progress, silent
from nbproj.project.directory import find_entry_point, load_project
from nbproj.project.model import EntryPoint, EnvironmentSpec, Project
from nbproj.request import environment_of
from nbproj.sources.registry import fetch
from nbproj.sources.source import Checkout

__all__ = ["KEY", "install_kernel", "lock_environment", "none_of_its_own", "prepare_environment", "wanted"]

KEY = re.compile(r"[0-9a-f]{4,32}")


def prepare_environment(
    uri: str = ".",
    entry_point: str | None = None,
    version: str | None = None,
    *,
    env_manager: str | None = None,
    kernel: bool | None = None,
    progress: Progress = silent,
) -> Environment:
    """Make the environment of a project's entry point, and return it.

    Parameters
    ----------
    uri, entry_point, version : str
        As `nbproj.run` takes them; without an entry point the project's own environment.
    env_manager : str, optional
        `uv`, `virtualenv` or `conda`; what the project asks for by default.
    kernel : bool, optional
        With a notebook's kernel; by default where the entry point is a notebook.
    progress : Progress
        Told what is downloaded and installed.

    Raises
    ------
    NbprojError
        It cannot be had, or there is no such project or entry point.
    """
    if env_manager is not None and env_manager not in ENV_MANAGERS:
        msg = f"there is no environment manager {env_manager!r}. Known: {', '.join(ENV_MANAGERS)}"
        raise UsageError(msg)
    with fetch(uri, version, progress) as checkout:
        project, spec, notebook = wanted(checkout, entry_point, env_manager)
        return provider(spec).prepare(spec, project.root, progress, kernel=notebook if kernel is None else kernel)


def lock_environment(uri: str = ".", entry_point: str | None = None, version: str | None = None, *, progress: Progress = silent) -> str:
    """Return the exact packages of a project's environment, as a file of requirements or conda's explicit list; it is made if need be.

    Raises
    ------
    NbprojError
        As `prepare_environment`.
    """
    cache = EnvironmentCache()
    kept = _known(cache, uri)
    text = kept.packages() if kept is not None else prepare_environment(uri, entry_point, version, kernel=False, progress=progress).description
    return explicit(text) or re.sub(r"^python==", "# python ", text, count=1)


def install_kernel(
    uri: str = ".", entry_point: str | None = None, *, name: str | None = None, title: str | None = None, progress: Progress = silent
) -> Path:
    """Offer a project's environment as a kernel in Jupyter; return the folder of the kernelspec.

    Parameters
    ----------
    uri, entry_point : str
        As `nbproj.run` takes them.
    name, title : str, optional
        What the kernel is called, and what JupyterLab shows; made from the project's name by default.
    progress : Progress
        Told what is downloaded and installed.

    Raises
    ------
    NbprojError
        As `prepare_environment`; or the project has no environment of its own, or the name cannot be had.
    """
    with fetch(uri) as checkout:
        project = load_project(checkout.root, notebook=checkout.notebook)
    environment = prepare_environment(uri, entry_point, kernel=True, progress=progress)
    kept = EnvironmentCache().find(environment.key) if environment.key else None
    if kept is None:
        raise none_of_its_own(project.name, environment.kind)
    return install_kernelspec(kept, name or kernel_name(project.name), title or f"{project.name} (nbproj)")


def _known(cache: EnvironmentCache, text: str) -> Kept | None:
    """Return the environment whose key begins with a text, if it can be one and there is one."""
    if not KEY.fullmatch(text) or Path(text).exists():
        return None
    found = [kept for kept in cache.all() if kept.key.startswith(text)]
    return found[0] if len(found) == 1 else None


def wanted(checkout: Checkout, entry_point: str | None, env_manager: str | None) -> tuple[Project, EnvironmentSpec, bool]:
    """Return a project, what its entry point - or it by itself - runs in, and whether that is a notebook."""
    project = load_project(checkout.root, notebook=checkout.notebook)
    own = entry_point is None and project.notebook is None
    chosen = EntryPoint("") if own else find_entry_point(project, entry_point)
    return project, environment_of(project, chosen, env_manager), chosen.notebook is not None


def none_of_its_own(project: str, kind: str) -> EnvironmentPreparationError:
    """Return the error for a project without an environment of its own."""
    msg = f"{project} runs in the {kind} environment, which is none of its own: nothing is built or kept"
    return EnvironmentPreparationError(msg, hint="A requirements.txt, pyproject.toml or python_env.yaml gives it one")
