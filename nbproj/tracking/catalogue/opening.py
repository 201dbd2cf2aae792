"""Which catalogue reads a store: its file itself where it is one of SQLite, otherwise MLflow's library."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nbproj.errors import StoreError, suggestion
from nbproj.tracking import location
from nbproj.tracking.catalogue.database import DatabaseCatalogue
from nbproj.tracking.catalogue.view import Catalogue
from nbproj.tracking.store import RunNotFoundError, Store

__all__ = ["open_catalogue"]


def open_catalogue(uri: str, experiment: str | None, open_store: Callable[[], Store]) -> Catalogue:
    """Return the runs of a store, or of one experiment of it.

    Parameters
    ----------
    uri : str
        A tracking URI as `location.locate` returns it.
    experiment : str, optional
        Name or id.
    open_store : callable
        Opens the store by MLflow's library, where that is needed.

    Raises
    ------
    RunNotFoundError
        There is no such store yet.
    StoreError
        The store does not answer, or has no such experiment.
    """
    path = location.database_path(uri)
    if path is not None and not path.exists():
        msg = f"there are no runs yet: the tracking store {location.label(uri)} does not exist"
        raise RunNotFoundError(msg)
    if path is not None:
        try:
            found = DatabaseCatalogue(path).experiments()
            chosen = _chosen(found, experiment, uri)
        except StoreError:
            pass  # another schema, or no such experiment: the library knows what to say
        else:
            return DatabaseCatalogue(
                path, chosen, lambda text: [one.run_id for one in open_store().search_runs(chosen, filter_string=text, limit=100_000)]
            )
    from nbproj.tracking.catalogue.memory import MemoryCatalogue
    from nbproj.tracking.mlflow_store import MlflowStore

    store = open_store()
    assert isinstance(store, MlflowStore)  # noqa: S101 - the only kind there is
    return MemoryCatalogue(store, _chosen(MemoryCatalogue(store).experiments(), experiment, uri))


def _chosen(known: Mapping[str, str], experiment: str | None, uri: str) -> list[str] | None:
    if experiment is None:
        return None
    by_name = {name: one for one, name in known.items()}
    if experiment in by_name:
        return [by_name[experiment]]
    if experiment in known:
        return [experiment]
    near = suggestion(experiment, by_name)
    msg = f"there is no experiment {experiment!r} in {location.label(uri)}{'.' if near else ''}{near}"
    raise StoreError(msg)
