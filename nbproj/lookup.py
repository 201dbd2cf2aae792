"""A run found by its id, or by the beginning of it: one that this user's processes carry, or have carried lately, or one of a store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from nbproj.errors import RunError
from nbproj.tracking import recent
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.reopening import Stores
from nbproj.tracking.store import RunNotFoundError, RunRecord, Store

__all__ = ["checked", "find_run"]

_FULL = 32  # characters of an id


def find_run(run_id: str, open_store: Callable[[], Store], where: str, *, elsewhere: bool = True) -> tuple[Store, RunRecord]:
    """Return a run and the store that it is in.

    Parameters
    ----------
    run_id : str
        The id, or its first characters where they name one run only.
    open_store : callable
        Opens the store to look in; may raise `RunNotFoundError` where there is none.
    where : str
        What messages call that store.
    elsewhere : bool
        Look among the runs, too, that processes of this user have carried on this host, whatever their store.

    Raises
    ------
    RunError
        There is no such run, or several whose ids begin so.
    StoreError
        The store does not answer.
    """
    beginning = checked(run_id)
    places = _places(beginning) if elsewhere else {}
    found = _remembered(places)
    if beginning not in {record.run_id for _store, record in found}:
        with contextlib.suppress(RunNotFoundError):  # no store here: nothing in it
            store = open_store()
            found += [(store, record) for record in _of_store(store, beginning) if record.run_id not in places]
    if not found:
        msg = f"there is no run {run_id!r} in {where}: nbproj runs lists them, --tracking-uri names another store"
        raise RunError(msg)
    if len({record.run_id for _store, record in found}) > 1:
        named = ", ".join(_told(record) for _store, record in found[:4])
        msg = f"{run_id!r} is the beginning of several ids: {named}{', ...' if len(found) > 4 else ''}. Give more of it"  # noqa: PLR2004
        raise RunError(msg)
    return found[0]


def checked(run_id: str) -> str:
    """Return what an id begins with.

    Raises
    ------
    RunError
        It can be none.
    """
    beginning = run_id.strip().lower()
    if not beginning or not beginning.isalnum():
        msg = f"{run_id!r} is no id of a run: it is made of letters and digits. nbproj runs lists them"
        raise RunError(msg)
    return beginning


def _told(record: RunRecord) -> str:
    return f"{record.run_id[:12]} ({record.tags.get('mlflow.project.entryPoint') or record.name})"


def _places(beginning: str) -> dict[str, str]:
    carried = {entry.owner.run_id: entry.owner.store for entry in Ledger.open() if entry.owner.run_id is not None}
    return {**recent.find(beginning), **{run_id: store for run_id, store in carried.items() if run_id.startswith(beginning)}}


def _remembered(places: Mapping[str, str]) -> list[tuple[Store, RunRecord]]:
    stores, found = Stores(), []
    for run_id, uri in places.items():
        try:
            found.append((stores[uri], stores[uri].get_run(run_id)))
        except RunNotFoundError:  # it was deleted, or its store removed
            continue
    return found


def _of_store(store: Store, beginning: str) -> list[RunRecord]:
    if len(beginning) >= _FULL:
        try:
            return [store.get_run(beginning)]
        except RunNotFoundError:
            return []
    return [one for one in store.search_runs(filter_string=f"attributes.run_id LIKE '{beginning}%'", limit=5) if one.run_id.startswith(beginning)]
