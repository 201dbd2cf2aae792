"""Stores of earlier runs: opened at most once per command, with little patience, and never made anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from nbproj.errors import StoreError, StoreUnreachableError
from nbproj.tracking.store import Store

__all__ = ["PATIENCE_SECONDS", "OpenStore", "Stores"]

OpenStore: TypeAlias = Callable[[str], Store]

PATIENCE_SECONDS = 2.0
"""How long a store may take to answer a command that only wanted to tidy up."""


def _reopen(uri: str) -> Store:
    from nbproj.tracking.mlflow_store import open_store

    return open_store(uri, patience=PATIENCE_SECONDS, create=False)


class Stores:
    """The stores that one command meets while it tidies up.

    Parameters
    ----------
    open_store : callable, optional
        Opens a store by its address; by default MLflow's, with two seconds of patience.
    """

    def __init__(self, open_store: OpenStore | None = None) -> None:
        self._open = open_store or _reopen
        self._known: dict[str, Store | StoreError] = {}

    def __getitem__(self, uri: str) -> Store:
        """Return a store, or raise what it said when it was asked first."""
        found = self._known.get(uri)
        if found is None:
            try:
                found = self._open(uri)
            except StoreError as error:
                found = error
            self._known[uri] = found
        if isinstance(found, StoreError):
            raise found
        return found

    def lost(self, uri: str, error: StoreError) -> None:
        """Remember that a store has stopped answering; one that only refused is asked again."""
        if isinstance(error, StoreUnreachableError):
            self._known[uri] = error
