"""Environments by themselves: made before there is a run, looked at, locked, offered to Jupyter, removed."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbproj.display.environments import environment_text, environments_text
from nbproj.environments.cache import EnvironmentCache, Kept
from nbproj.environments.condalock import explicit
from nbproj.environments.environment import Environment
from nbproj.environments.inventory import Holding, collect, holdings, remove_with_dependants
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

__all__ = [
    "Environments",
    "environments",
    "install_kernel",
    "lock_environment",
    "prepare_environment",
    "remove_environments",
    "seconds_of",
    "tidy_environments",
]

_KEY = re.compile(r"[0-9a-f]{4,32}")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class Environments:
    """Environments of the cache, as they were at one moment.

    Parameters
    ----------
    found : sequence of Holding
        The last used first.
    """

    found: Sequence[Holding]

    def text(self, *, width: int = 100) -> str:
        """Return them as a table."""
        return environments_text(self.to_list(), now=time.time(), width=width)

    def details(self) -> str:
        """Return all that is known about each."""
        return "\n\n".join(environment_text(plain(one), one.kept.packages(), now=time.time()) for one in self.found)

    def to_dict(self) -> dict[str, Any]:
        """Return the first as plain values for programs, with those that stand on it as `layers`."""
        first, *others = self.to_list()
        return {**first, "packages": self.found[0].kept.packages().splitlines(), "layers": others}

    def to_list(self) -> list[dict[str, Any]]:
        """Return plain values for programs."""
        return [plain(one) for one in self.found]


def plain(one: Holding) -> dict[str, Any]:
    """Return what is known about an environment as values that JSON holds."""
    return {
        "key": one.kept.key,
        "title": one.kept.title,
        "kind": one.kept.facts.get("kind"),
        "folder": str(one.kept.folder),
        "size": one.size,
        "created": one.created,
        "used": one.used,
        "runs": list(one.runs),
        "in_use": one.in_use,
        "problem": one.problem,
        "kernels": list(one.kernels),
    }


def environments(named: str | None = None, entry_point: str | None = None) -> Environments:
    """Return what the cache holds.

    Parameters
    ----------
    named : str, optional
        The beginning of one's key, or a project: that one only, and those that stand on it.
    entry_point : str, optional
        Of the project: the one whose environment is meant.

    Raises
    ------
    NbprojError
        There is none of that key, or several; the project has none, or it is not built yet.
    """
    cache = EnvironmentCache()
    found = holdings(cache)
    if named is None:
        return Environments(found)
    chosen = _chosen(cache, named, entry_point)
    return Environments(sorted((one for one in found if chosen.key in _standing(one)), key=lambda one: one.kept.key != chosen.key))


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
        project, spec, notebook = _wanted(checkout, entry_point, env_manager)
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
        raise _none_of_its_own(project.name, environment.kind)
    return install_kernelspec(kept, name or kernel_name(project.name), title or f"{project.name} (nbproj)")


def remove_environments(keys: Sequence[str], *, force: bool = False) -> list[str]:
    """Remove environments, with those that stand on them; return the keys of all that is gone.

    Parameters
    ----------
    keys : sequence of str
        Each the beginning of one's key, or a project.
    force : bool
        Also those that a living process uses.

    Raises
    ------
    NbprojError
        There is none of that key, or several; one is in use.
    """
    cache = EnvironmentCache()
    gone: list[str] = []
    for kept in [_chosen(cache, key) for key in keys]:
        if kept.key in gone:
            continue
        removed, stay = remove_with_dependants(cache, kept.key, in_use=force)
        gone += removed
        if stay:
            msg = f"environment {stay[0][:12]} is in use and stays: end its runs first, or remove it with --force"
            raise EnvironmentPreparationError(msg)
    return gone


def tidy_environments(older_than: str = "30d") -> tuple[Environments, Environments]:
    """Remove what was not used for a time and what is broken; return what is gone, and what is old and stays because it is used.

    Parameters
    ----------
    older_than : str
        `12h`, `30d`, `2w`.

    Raises
    ------
    UsageError
        That is no time.
    """
    gone, stay = collect(EnvironmentCache(), seconds_of(older_than))
    return Environments(gone), Environments(stay)


def seconds_of(text: str) -> float:
    """Return the seconds that a text means.

    Raises
    ------
    UsageError
        It means none.

    Examples
    --------
    >>> seconds_of("12h"), seconds_of("30d"), seconds_of("0")
    (43200.0, 2592000.0, 0.0)
    """
    found = re.fullmatch(r"(\d{1,6})([smhdw]?)", text.strip())
    if not found or (not found[2] and found[1].strip("0")):
        msg = f"{text!r} is no time, such as 12h, 30d or 2w"
        raise UsageError(msg)
    return float(found[1]) * _UNITS.get(found[2], 1)


def _known(cache: EnvironmentCache, text: str) -> Kept | None:
    """Return the environment whose key begins with a text, if it can be one and there is one."""
    if not _KEY.fullmatch(text) or Path(text).exists():
        return None
    found = [kept for kept in cache.all() if kept.key.startswith(text)]
    return found[0] if len(found) == 1 else None


def _standing(one: Holding) -> set[str]:
    return {one.kept.key, *one.kept.facts.get("below", [])}


def _chosen(cache: EnvironmentCache, named: str, entry_point: str | None = None) -> Kept:
    """Return the environment that a text means: the beginning of a key, or a project, whose environment is there already."""
    if not _KEY.fullmatch(named) or Path(named).exists():
        return _of_project(cache, named, entry_point)
    found = [kept for kept in cache.all() if kept.key.startswith(named)]
    if len(found) > 1:
        msg = f"there are {len(found)} environments {named!r}: give more of the key"
        raise UsageError(msg)
    if not found:
        msg = f"there is no environment {named!r}. See nbproj env list"
        raise UsageError(msg)
    return found[0]


def _of_project(cache: EnvironmentCache, uri: str, entry_point: str | None) -> Kept:
    if not Path(uri.partition("#")[0]).exists() and not re.search(r"[/:.]", uri):
        msg = f"there is no environment and no project {uri!r}. See nbproj env list"
        raise UsageError(msg)
    with fetch(uri) as checkout:
        project, spec, _notebook = _wanted(checkout, entry_point, None)
        key = provider(spec).key(spec, project.root)
        if not key:
            raise _none_of_its_own(project.name, spec.kind)
        kept = cache.find(key)
        if kept is None:
            asked = f" -e {entry_point}" if entry_point is not None else ""
            msg = f"the environment of {project.name}{f' ({spec.file})' if spec.file else ''} is not built yet: nbproj env create {uri}{asked}"
            raise EnvironmentPreparationError(msg)
        return kept


def _wanted(checkout: Checkout, entry_point: str | None, env_manager: str | None) -> tuple[Project, EnvironmentSpec, bool]:
    """Return a project, what its entry point - or it by itself - runs in, and whether that is a notebook."""
    project = load_project(checkout.root, notebook=checkout.notebook)
    own = entry_point is None and project.notebook is None
    chosen = EntryPoint("") if own else find_entry_point(project, entry_point)
    return project, environment_of(project, chosen, env_manager), chosen.notebook is not None


def _none_of_its_own(project: str, kind: str) -> EnvironmentPreparationError:
    msg = f"{project} runs in the {kind} environment, which is none of its own: nothing is built or kept"
    return EnvironmentPreparationError(msg, hint="A requirements.txt, pyproject.toml or python_env.yaml gives it one")
