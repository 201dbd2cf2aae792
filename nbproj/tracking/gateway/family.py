"""Which runs a gateway serves: one, and those below it."""

from __future__ import annotations

import re
import threading

from nbproj.tracking.gateway.refused import not_found
from nbproj.tracking.store import RunNotFoundError, Store

__all__ = ["PARENT_TAG", "Family"]

PARENT_TAG = "mlflow.parentRunId"
"""MLflow's name for the run above."""

_DEEPEST = 16
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}\Z")  # it stands in a filter, between quotes


class Family:
    """A run and its children, those that the gateway has made and those that others made below it.

    Parameters
    ----------
    store : Store
        Where they are.
    run_id : str
        The run at the top.
    experiment_id : str
        Its experiment.
    """

    def __init__(self, store: Store, run_id: str, experiment_id: str) -> None:
        self.run_id = run_id
        self._store = store
        self._experiment_id = experiment_id
        self._known = {run_id}
        self._lock = threading.Lock()

    def add(self, run_id: str) -> None:
        """Take in a run that was made below one of the family."""
        with self._lock:
            self._known.add(run_id)

    def holds(self, run_id: str) -> bool:
        """Return whether a run belongs to the family, by the chain of runs above it."""
        chain: list[str] = []
        while run_id not in self._known:
            if not _NAME.match(run_id) or run_id in chain or len(chain) == _DEEPEST:
                return False
            chain.append(run_id)
            try:
                run_id = self._store.get_run(run_id).tags.get(PARENT_TAG, "")
            except RunNotFoundError:
                return False
        with self._lock:
            self._known.update(chain)
        return True

    def require(self, run_id: str) -> str:
        """Return the id of a run of the family.

        Raises
        ------
        Refused
            It is not: in words that do not tell whether there is such a run.
        """
        if not self.holds(run_id):
            msg = f"Run with id={run_id[:64]} not found"
            raise not_found(msg, note="speak of runs other than this one and its children")
        return run_id

    def members(self) -> list[str]:
        """Return the ids of the run and of all that are known below it, those that others made directly below it among them."""
        below = self._store.search_runs([self._experiment_id], filter_string=f"tags.`{PARENT_TAG}` = '{self.run_id}'", limit=10_000)
        with self._lock:
            self._known.update(run.run_id for run in below)
            return sorted(self._known)
