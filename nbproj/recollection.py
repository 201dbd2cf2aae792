"""The order that a run was given, from its record."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from nbproj.batches.record import BATCH_TAG
from nbproj.errors import RunError
from nbproj.order import Order
from nbproj.request import ORDER_TAG
from nbproj.tracking.store import RunRecord

__all__ = ["order_of"]


def order_of(record: RunRecord) -> Order:
    """Return the order that a run was started with; for a run of another program what MLflow's own tags and the parameters say.

    Raises
    ------
    RunError
        The run is no run of a project, or its record was cut.
    """
    short = record.run_id[:8]
    if BATCH_TAG in record.tags:
        msg = f"run {short} stands for a batch: the same nbproj batch command goes on with it, or with --fresh runs all of it again"
        raise RunError(msg)
    kept = record.tags.get(ORDER_TAG)
    if kept is not None:
        try:
            return dataclasses.replace(Order.from_document(json.loads(kept)), experiment_id=record.experiment_id, experiment_name=None)
        except ValueError as error:
            msg = f"run {short}: its order cannot be read from the tag {ORDER_TAG}"
            raise RunError(msg) from error
    uri = record.tags.get("mlflow.source.name")
    if record.tags.get("mlflow.source.type") != "PROJECT" or not uri:
        msg = f"run {short} was not started as a project: there is nothing to run again"
        raise RunError(msg)
    return Order(
        uri,
        record.tags.get("mlflow.project.entryPoint"),
        version=record.tags.get("mlflow.source.git.commit") if not Path(uri.partition("#")[0]).exists() else None,
        parameters=dict(record.params),
        experiment_id=record.experiment_id,
        run_name=record.name or None,
    )
