"""Whether clusters reach a tracking store, and under which address."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from nbproj.backends.databricks.wishes import DatabricksWishes
from nbproj.errors import BackendError
from nbproj.tracking.location import is_loopback, label

__all__ = ["TRACKING", "address_there", "override_of", "refuse_store"]

TRACKING: Final = "MLFLOW_TRACKING_URI"


def override_of(wishes: DatabricksWishes) -> str | None:
    """Return the address that a specification gives the tracking server on the cluster, if it does."""
    return str(dict(wishes.cluster.get("spark_env_vars") or {}).get(TRACKING) or "") or None


def address_there(uri: str, override: str | None) -> str:
    """Return the tracking server's address as clusters know it: the workspace that they are in needs no profile.

    Examples
    --------
    >>> address_there("databricks://team", None), address_there("http://localhost:5000", "https://mlflow.example.org")
    ('databricks', 'https://mlflow.example.org')
    """
    return override or ("databricks" if urlsplit(uri).scheme == "databricks" else uri)


def refuse_store(uri: str, override: str | None) -> None:
    """Refuse a store that no cluster reaches, and an address that holds a password.

    Parameters
    ----------
    uri : str
        The store's.
    override : str, optional
        As clusters know it.

    Raises
    ------
    BackendError
        With what to set.

    Examples
    --------
    >>> refuse_store("databricks://team", None)
    >>> refuse_store("sqlite:///mlflow.db", None)
    Traceback (most recent call last):
    ...
    nbproj.errors.BackendError: a cluster on Databricks cannot reach the tracking store of this machine: set MLFLOW_TRACKING_URI=databricks
    """
    parts = urlsplit(uri)
    if uri not in {"databricks", "databricks-uc"} and parts.scheme not in {"databricks", "http", "https"}:
        msg = "a cluster on Databricks cannot reach the tracking store of this machine: set MLFLOW_TRACKING_URI=databricks"
        raise BackendError(msg, hint="Or databricks://PROFILE, or the http address of a tracking server that both reach")
    for address in (uri, override or ""):
        if urlsplit(address).username or urlsplit(address).password:
            msg = f"the address of the tracking server {label(address)} holds a login, and whoever may see a job of Databricks could read it"
            raise BackendError(msg, hint="Give it as MLFLOW_TRACKING_PASSWORD here, and there in spark_env_vars as {{secrets/SCOPE/KEY}}")
    if override is None and is_loopback(uri):
        msg = f"a cluster on Databricks cannot reach the tracking server at {parts.hostname}, which only this machine reaches"
        raise BackendError(
            msg, hint=f'Set MLFLOW_TRACKING_URI=databricks, or give its address as clusters see it: "spark_env_vars": {{"{TRACKING}": ...}}'
        )
