"""Runs and what is logged in them, as MLflow's clients of all versions ask for it."""

from __future__ import annotations

import json
import time
from typing import Any

from nbproj.tracking import values
from nbproj.tracking.gateway.charge import Charge
from nbproj.tracking.gateway.family import PARENT_TAG
from nbproj.tracking.gateway.refused import Refused, deny

__all__ = [
    "create_run",
    "delete_tag",
    "get_run",
    "log_batch",
    "log_inputs",
    "log_metric",
    "log_model",
    "log_outputs",
    "log_param",
    "refuse",
    "search_runs",
    "set_tag",
    "update_run",
]

# Each takes the charge and MLflow's own message of the request, and returns its message of the answer. None of these types is written down anywhere.
# ruff: noqa: ANN401

LARGEST_PAGE = 1000
"""Runs that one answer lists; clients ask for the next page."""

MOST_NAMED = 10_000
"""Runs that a question to a database can name; of a larger family, pages are thinned out instead."""


def create_run(charge: Charge, asked: Any) -> Any:
    """Make a child of the run, also where the client did not say whose."""
    from mlflow.entities import RunTag

    if (asked.experiment_id or charge.experiment_id) != charge.experiment_id:
        deny("make runs in another experiment: name it with --experiment-name")
    tags = charge.text_items(asked.tags)
    tags.setdefault(PARENT_TAG, charge.family.run_id)
    charge.require_parent(tags)
    items = [RunTag(key, value) for key, value in values.held_items(tags, values.MAX_TAG)]
    user, name = values.held(asked.user_id or "unknown", 256), charge.mask(asked.run_name) or None
    start = asked.start_time or int(time.time() * 1000)
    run = charge.store.consult("create a run", lambda backing: backing.create_run(charge.experiment_id, user, start, items, name))
    charge.family.add(run.info.run_id)
    return asked.Response(run=charge.run_message(run))


def get_run(charge: Charge, asked: Any) -> Any:
    """Return one run with everything that was logged."""
    run_id = charge.run(asked)
    return asked.Response(run=charge.run_message(charge.store.consult("read the run", lambda backing: backing.get_run(run_id))))


def update_run(charge: Charge, asked: Any) -> Any:
    """Set status, end and name; how the run ended is decided by nbproj, who reads the status."""
    run_id = charge.run(asked)
    status = asked.status if asked.HasField("status") else None
    end = asked.end_time if asked.HasField("end_time") else None
    name = charge.mask(asked.run_name) if asked.HasField("run_name") else None
    info = charge.store.consult("update the run", lambda backing: backing.update_run_info(run_id, status, end, name)).to_proto()
    info.artifact_uri = charge.artifacts_of(run_id)
    return asked.Response(run_info=info)


def _metric(charge: Charge, run_id: str, told: Any) -> Any:
    from mlflow.entities import Metric

    if told.model_id:
        charge.model(told.model_id)
    optional = {name: getattr(told, name) or None for name in ("model_id", "dataset_name", "dataset_digest")}
    return Metric(charge.mask(told.key), told.value, told.timestamp, told.step, run_id=run_id, **optional)


def _log_metrics(charge: Charge, run_id: str, told: list[Any]) -> None:
    # Told twice, the same value is one: a client that got no answer tells it again.
    metrics = list(
        {json.dumps([m.key, repr(m.value), m.timestamp, m.step, m.model_id]): m for m in (_metric(charge, run_id, one) for one in told)}.values()
    )
    if metrics:
        charge.store.consult("record metrics", lambda backing: backing.log_batch(run_id, metrics=metrics, params=[], tags=[]))


def log_metric(charge: Charge, asked: Any) -> Any:
    """Record one value of one metric."""
    _log_metrics(charge, charge.run(asked), [asked])
    return asked.Response()


def log_param(charge: Charge, asked: Any) -> Any:
    """Record one parameter."""
    charge.store.log_params(charge.run(asked), charge.text_items([asked]))
    return asked.Response()


def _set_tags(charge: Charge, run_id: str, told: list[Any]) -> None:
    tags = charge.text_items(told)
    charge.require_tags(run_id, tags)
    charge.require_parent(tags)
    if tags:
        charge.store.set_tags(run_id, tags)


def set_tag(charge: Charge, asked: Any) -> Any:
    """Set one tag."""
    _set_tags(charge, charge.run(asked), [asked])
    return asked.Response()


def delete_tag(charge: Charge, asked: Any) -> Any:
    """Remove one tag."""
    run_id = charge.run(asked)
    charge.require_tags(run_id, [asked.key])
    if asked.key == PARENT_TAG:
        deny("set a child free")
    charge.store.consult("remove a tag", lambda backing: backing.delete_tag(run_id, asked.key))
    return asked.Response()


def log_batch(charge: Charge, asked: Any) -> Any:
    """Record parameters, tags and metrics; first what may be refused."""
    run_id = charge.run(asked)
    charge.store.log_params(run_id, charge.text_items(asked.params))
    _set_tags(charge, run_id, list(asked.tags))
    _log_metrics(charge, run_id, list(asked.metrics))
    return asked.Response()


def search_runs(charge: Charge, asked: Any) -> Any:
    """Return those of the family that a filter finds, page by page."""
    answer = asked.Response()
    if asked.experiment_ids and charge.experiment_id not in asked.experiment_ids:
        return answer
    from mlflow.entities import ViewType

    # The client's filter comes last: it can only narrow what ours has left.
    family = set(charge.family.members())
    ours = f"attributes.run_id IN ({', '.join(repr(run_id) for run_id in sorted(family))})" if len(family) <= MOST_NAMED else ""
    wanted = " AND ".join(part for part in (ours, charge.mask(asked.filter).strip()) if part)
    view = ViewType.from_proto(asked.run_view_type) if asked.HasField("run_view_type") else ViewType.ACTIVE_ONLY
    size = min(asked.max_results, LARGEST_PAGE)
    order, token = list(asked.order_by), asked.page_token or None
    found = charge.store.consult("search runs", lambda backing: backing.search_runs([charge.experiment_id], wanted, view, size, order, token))
    answer.runs.extend(charge.run_message(run) for run in found if run.info.run_id in family)
    if found.token:
        answer.next_page_token = found.token
    return answer


def log_inputs(charge: Charge, asked: Any) -> Any:
    """Record which data and which models a run has used."""
    from mlflow.entities import DatasetInput, LoggedModelInput

    run_id = charge.run(asked)
    datasets = [DatasetInput.from_proto(told) for told in asked.datasets]
    for told in asked.models:
        charge.model(told.model_id)
    models = [LoggedModelInput.from_proto(told) for told in asked.models] or None
    charge.store.consult("record inputs", lambda backing: backing.log_inputs(run_id, datasets=datasets, models=models))
    return asked.Response()


def log_outputs(charge: Charge, asked: Any) -> Any:
    """Record which models a run has made."""
    from mlflow.entities import LoggedModelOutput

    run_id = charge.run(asked)
    for told in asked.models:
        charge.model(told.model_id)
    models = [LoggedModelOutput.from_proto(told) for told in asked.models]
    charge.store.consult("record outputs", lambda backing: backing.log_outputs(run_id, models))
    return asked.Response()


def log_model(charge: Charge, asked: Any) -> Any:
    """Record a model as clients before 3.0 tell of it: a description, whose files are artifacts of the run."""
    from mlflow.models import Model

    run_id = charge.run(asked)
    try:
        told = json.loads(asked.model_json)
        model = Model.from_dict({**told, "run_id": run_id})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(400, "INVALID_PARAMETER_VALUE", "model_json is not the description of a model") from error
    charge.store.consult("record a model", lambda backing: backing.record_logged_model(run_id, model))
    return asked.Response()


def refuse(_charge: Charge, _asked: Any) -> Any:
    """Refuse to delete or restore a run."""
    deny("delete or restore runs")
