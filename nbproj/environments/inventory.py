"""What the cache of environments holds: sizes, uses, who stands on whom; and what nobody needs any more."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from nbproj.environments.cache import EnvironmentCache, Kept
from nbproj.environments.health import examine

__all__ = ["Holding", "collect", "holdings", "remove_with_dependants", "size_of"]


@dataclass(frozen=True, slots=True)
class Holding:
    """An environment of the cache, with what is known about it.

    Parameters
    ----------
    kept : Kept
        The environment.
    size : int
        Bytes of its files; those that it shares with uv's own cache count too.
    created, used : float
        When it was built and last used, in seconds since the epoch; 0 for never.
    runs : tuple of str
        Ids of the runs that used it, the newest first, as far as they are remembered.
    in_use : bool
        A process that lives has used it.
    problem : str
        What is wrong with it; empty for one that is what was built.
    kernels : tuple of str
        Kernelspecs that start it.
    """

    kept: Kept
    size: int
    created: float
    used: float
    runs: tuple[str, ...]
    in_use: bool
    problem: str
    kernels: tuple[str, ...]


def holdings(cache: EnvironmentCache) -> list[Holding]:
    """Return everything that a cache holds, the last used first."""
    return sorted((_holding(cache, kept) for kept in cache.all()), key=lambda one: (one.used, one.created), reverse=True)


def _holding(cache: EnvironmentCache, kept: Kept) -> Holding:
    uses = cache.uses(kept.key)
    entries = uses.read()
    runs = dict.fromkeys(str(entry["run_id"]) for entry in reversed(entries) if entry.get("run_id"))
    problem = examine(kept.prefix, kept.facts.get("observed")).reason if kept.whole else "not built to its end"
    return Holding(
        kept,
        size_of(kept.folder),
        float(kept.facts.get("created") or 0),
        max((float(entry.get("time") or 0) for entry in entries), default=0.0),
        tuple(runs),
        uses.living(),
        problem,
        tuple(kernels_of(kept)),
    )


def size_of(folder: Path) -> int:
    """Return how many bytes the files below a folder have."""
    total, waiting = 0, [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    with contextlib.suppress(OSError):
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def kernels_of(kept: Kept) -> list[str]:
    """Return the folders of the kernelspecs that start an environment, those that were removed left out."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for folder in json.loads((kept.folder / "kernels.json").read_bytes()):
            with contextlib.suppress(OSError, ValueError):
                if json.loads((Path(folder) / "kernel.json").read_bytes())["argv"][0] == str(kept.python):
                    found.append(folder)
    return found


def remove_with_dependants(cache: EnvironmentCache, key: str, *, in_use: bool = False) -> tuple[list[str], list[str]]:
    """Remove an environment and those that stand on it; return the keys that are gone and those that stay because they are used now."""
    order = [kept.key for kept in cache.all() if key in kept.facts.get("below", [])] + [key]
    gone: list[str] = []
    for index, one in enumerate(order):
        if not cache.remove(one, in_use=in_use):
            return gone, order[index:]
        gone.append(one)
    return gone, []


def collect(cache: EnvironmentCache, older_than: float) -> tuple[list[Holding], list[Holding]]:
    """Remove what was not used for a time, and whatever is broken or was cut off; return what is gone, and what stays although it is old.

    Parameters
    ----------
    cache : EnvironmentCache
        The cache.
    older_than : float
        Seconds.

    Notes
    -----
    What a living process uses stays, and what a kernelspec starts; so does all that these stand on.
    """
    all_of_them = holdings(cache)
    cache.sweep()
    limit = time.time() - older_than
    old = [one for one in all_of_them if one.problem or max(one.used, one.created) <= limit]
    held = {one.kept.key for one in all_of_them if one.in_use or one.kernels}
    held |= {key for one in all_of_them if one.kept.key in held or one not in old for key in one.kept.facts.get("below", [])}
    gone: list[Holding] = []
    stay: list[Holding] = []
    for one in old:
        there = one.kept.folder.exists()
        (gone if not there or (one.kept.key not in held and cache.remove(one.kept.key)) else stay).append(one)
    return gone, stay
