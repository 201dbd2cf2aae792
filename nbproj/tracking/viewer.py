"""Where a person looks at a run: its page on a tracking server, or the command that opens a store of files."""

from __future__ import annotations

import shlex

from nbproj.tracking.location import database_path, is_file_store, label

__all__ = ["way_to_look"]


def way_to_look(uri: str, experiment_id: str, run_id: str) -> str:
    """Return the address of a run's page, or the command of a full MLflow that shows its store; empty where neither can be said.

    Parameters
    ----------
    uri : str
        The tracking URI.
    experiment_id, run_id : str
        The run.

    Examples
    --------
    >>> way_to_look("https://eva:secret@tracking:5000/", "0", "abc")
    'https://tracking:5000/#/experiments/0/runs/abc'
    >>> way_to_look("sqlite:////home/eva/my runs/mlflow.db", "0", "abc")
    "mlflow ui --backend-store-uri 'sqlite:////home/eva/my runs/mlflow.db'"
    >>> way_to_look("postgresql://eva:secret@host/runs", "0", "abc")
    ''
    """
    if uri.startswith(("http://", "https://")):
        return f"{label(uri).rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"
    if database_path(uri) is not None or is_file_store(uri):
        return f"mlflow ui --backend-store-uri {shlex.quote(uri)}"
    return ""  # databricks has no page that follows from these; the address of a database server can hold a password
