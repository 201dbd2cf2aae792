"""All checks at once, each in a thread of its own: one that hangs is told as such and holds up nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from nbproj.display.doctor import Finding
from nbproj.doctor import cluster, configuration, installation, kernels, state, store, tools

__all__ = ["Check", "examine"]

Check: TypeAlias = Callable[[], Finding]

SECONDS: Final = 4.0
"""After which a check is not waited for any longer; each of them gives up by itself before."""

NEEDED_SECONDS: Final = 20.0
"""The same for what runs need: that it is missing is said of what is not there, not of what a busy machine is slow to look up."""

CHECKS: Final[Sequence[tuple[str, Check, bool]]] = (
    ("Python", installation.python, True),
    ("nbproj", installation.nbproj, True),
    ("MLflow", installation.mlflow, True),
    ("configuration", configuration.configuration, True),
    ("store", store.store, True),
    ("kernels", kernels.kernels, True),
    ("state", state.state, False),
    ("cache", state.cache, False),
    ("runs", state.runs, False),
    ("git", tools.git, False),
    ("uv", tools.uv, False),
    ("conda", tools.conda, False),
    ("docker", tools.docker, False),
    ("kubernetes", cluster.cluster, False),
    ("JupyterLab", installation.jupyterlab, False),
    ("R", tools.r, False),
)
"""Name, check, and whether runs on this machine need it."""


def examine(checks: Sequence[tuple[str, Check, bool]] = CHECKS, *, seconds: float | None = None) -> list[Finding]:
    """Look at everything, at once.

    Nothing is started, and nothing is asked over the network but the tracking server that runs here would be recorded with.

    Parameters
    ----------
    checks : sequence
        Name, check, and whether runs on this machine need it.
    seconds : float, optional
        After which a check is not waited for any longer; by default longer for what runs need than for the others.

    Returns
    -------
    list of Finding
        One for each check, in their order. Nothing is raised: a check that fails is a finding, too.

    Examples
    --------
    >>> [one.state for one in examine([("answer", lambda: Finding("answer", "ok", "42"), False)])]
    ['ok']
    """
    found: dict[str, Finding] = {}

    def look(name: str, check: Check, *, needed: bool) -> None:
        try:
            found[name] = check()
        except Exception as error:  # noqa: BLE001 - what cannot be looked at is told like everything else
            found[name] = Finding(name, "missing" if needed else "warning", f"{type(error).__name__}: {error}", needed=needed)

    def patience(*, needed: bool) -> float:
        return seconds if seconds is not None else NEEDED_SECONDS if needed else SECONDS

    threads = [threading.Thread(target=look, args=(name, check), kwargs={"needed": needed}, daemon=True) for name, check, needed in checks]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread, (_, _, needed) in zip(threads, checks, strict=True):
        thread.join(max(begun + patience(needed=needed) - time.monotonic(), 0))
    return [found.get(name) or _unanswered(name, patience(needed=needed), needed=needed) for name, _, needed in checks]


def _unanswered(name: str, seconds: float, *, needed: bool) -> Finding:
    return Finding(name, "missing" if needed else "warning", f"no answer within {seconds:g} s", needed=needed)
