"""A run that is opened directly in a SQLite store, as MLflow's library would: the same name when none is given, the same place for its artifacts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

from nbproj.tracking import sqlite
from nbproj.tracking.store import RunRecord

__all__ = ["open_run"]


def open_run(
    database: Path, experiment_id: str, user: str, start_time: int, name: str | None, tags: Mapping[str, str], params: Mapping[str, str]
) -> RunRecord | None:
    """Create a run with all its tags and parameters in one transaction; None where the library has to do it, or to say why not.

    Parameters
    ----------
    database : Path
        A SQLite store of MLflow.
    experiment_id, user : str
        Where it belongs, and whose it is.
    start_time : int
        Milliseconds since the epoch.
    name : str, optional
        The run's name; MLflow makes one up by default.
    tags, params : mapping of str to str
        Within the store's limits.
    """
    from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
    from mlflow.utils.name_utils import _generate_random_name
    from mlflow.utils.uri import append_to_uri_path

    if name and tags.get(MLFLOW_RUN_NAME, name) != name:
        return None
    run_id, chosen = uuid.uuid4().hex, name or tags.get(MLFLOW_RUN_NAME) or str(_generate_random_name())
    tags = {**tags, MLFLOW_RUN_NAME: chosen}

    def place(root: str) -> str:
        return str(append_to_uri_path(root, run_id, "artifacts"))

    columns = {"run_uuid": run_id, "name": chosen, "user_id": user, "start_time": start_time}
    root = sqlite.open_run(database, experiment_id, columns, tags=tags, params=params, place=place)
    if root is None:
        return None
    return RunRecord(run_id, experiment_id, "RUNNING", chosen, start_time, params=dict(params), tags=tags, artifact_uri=root)
