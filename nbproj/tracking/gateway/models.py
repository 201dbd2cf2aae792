"""Logged models: what clients from 3.0 keep beside a run, and the runs' own here."""

from __future__ import annotations

from typing import Any

from nbproj.tracking.gateway.charge import Charge
from nbproj.tracking.gateway.refused import deny

__all__ = ["create", "delete_tag", "finalize", "get", "log_params", "search", "set_tags"]

# ruff: noqa: ANN401 - as in runs.py

LARGEST_PAGE = 100


def _params(charge: Charge, told: Any) -> list[Any]:
    from mlflow.entities import LoggedModelParameter

    return [LoggedModelParameter(key, value) for key, value in charge.text_items(told).items()]


def _tags(charge: Charge, told: Any) -> list[Any]:
    from mlflow.entities import LoggedModelTag

    return [LoggedModelTag(key, value) for key, value in charge.text_items(told).items()]


def create(charge: Charge, asked: Any) -> Any:
    """Make a model, of the run where the client names none."""
    if asked.experiment_id != charge.experiment_id:
        deny("make models in another experiment")
    source = charge.family.require(asked.source_run_id or charge.family.run_id)
    name, kind = charge.mask(asked.name) or None, asked.model_type
    params, tags = _params(charge, asked.params), _tags(charge, asked.tags)

    def question(backing: Any) -> Any:
        return backing.create_logged_model(
            experiment_id=charge.experiment_id, name=name, source_run_id=source, tags=tags, params=params, model_type=kind
        )

    return asked.Response(model=charge.model_message(charge.store.consult("make a model", question)))


def get(charge: Charge, asked: Any) -> Any:
    """Return one model."""
    return asked.Response(model=charge.model_message(charge.model(asked.model_id)))


def finalize(charge: Charge, asked: Any) -> Any:
    """Say that a model is complete, or that it failed."""
    from mlflow.entities import LoggedModelStatus

    model_id = charge.model(asked.model_id).model_id
    status = LoggedModelStatus.from_int(asked.status)
    model = charge.store.consult("finalize a model", lambda backing: backing.finalize_logged_model(model_id, status))
    return asked.Response(model=charge.model_message(model))


def log_params(charge: Charge, asked: Any) -> Any:
    """Record parameters of a model."""
    model_id, params = charge.model(asked.model_id).model_id, _params(charge, asked.params)
    charge.store.consult("record parameters", lambda backing: backing.log_logged_model_params(model_id, params))
    return asked.Response()


def set_tags(charge: Charge, asked: Any) -> Any:
    """Set tags of a model."""
    model_id, tags = charge.model(asked.model_id).model_id, _tags(charge, asked.tags)
    charge.store.consult("set tags", lambda backing: backing.set_logged_model_tags(model_id, tags))
    return asked.Response(model=charge.model_message(charge.model(model_id)))


def delete_tag(charge: Charge, asked: Any) -> Any:
    """Remove a tag of a model."""
    model_id = charge.model(asked.model_id).model_id
    charge.store.consult("remove a tag", lambda backing: backing.delete_logged_model_tag(model_id, asked.tag_key))
    return asked.Response()


def search(charge: Charge, asked: Any) -> Any:
    """Return those models of the family that a filter finds; a page may hold fewer than was asked for."""
    answer = asked.Response()
    if charge.experiment_id not in asked.experiment_ids:
        return answer
    datasets = [{"dataset_name": one.dataset_name, "dataset_digest": one.dataset_digest or None} for one in asked.datasets] or None
    order = [
        {"field_name": one.field_name, "ascending": one.ascending}
        | ({"dataset_name": one.dataset_name, "dataset_digest": one.dataset_digest or None} if one.dataset_name else {})
        for one in asked.order_by
    ] or None
    size = min(asked.max_results or LARGEST_PAGE, LARGEST_PAGE)

    def question(backing: Any) -> Any:
        return backing.search_logged_models(
            experiment_ids=[charge.experiment_id],
            filter_string=charge.mask(asked.filter) or None,
            datasets=datasets,
            max_results=size,
            order_by=order,
            page_token=asked.page_token or None,
        )

    found = charge.store.consult("search models", question)
    answer.models.extend(charge.model_message(one) for one in found if one.source_run_id and charge.family.holds(one.source_run_id))
    if found.token:
        answer.next_page_token = found.token
    return answer
