"""The environments that are kept: listed, looked at, removed."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbproj.display.environments import environment_text, environments_text
from nbproj.environments.cache import EnvironmentCache, Kept
from nbproj.environments.inventory import Holding, collect, holdings, remove_with_dependants
from nbproj.environments.registry import provider
from nbproj.errors import EnvironmentPreparationError, UsageError
from nbproj.preparation import KEY, none_of_its_own, wanted
from nbproj.sources.registry import fetch

__all__ = ["Environments", "environments", "remove_environments", "seconds_of", "tidy_environments"]

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


def _standing(one: Holding) -> set[str]:
    return {one.kept.key, *one.kept.facts.get("below", [])}


def _chosen(cache: EnvironmentCache, named: str, entry_point: str | None = None) -> Kept:
    """Return the environment that a text means: the beginning of a key, or a project, whose environment is there already."""
    if not KEY.fullmatch(named) or Path(named).exists():
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
        project, spec, _notebook = wanted(checkout, entry_point, None)
        key = provider(spec).key(spec, project.root)
        if not key:
            raise none_of_its_own(project.name, spec.kind)
        kept = cache.find(key)
        if kept is None:
            asked = f" -e {entry_point}" if entry_point is not None else ""
            msg = f"the environment of {project.name}{f' ({spec.file})' if spec.file else ''} is not built yet: nbproj env create {uri}{asked}"
            raise EnvironmentPreparationError(msg)
        return kept
