"""Experiments: a client sees the one that its run belongs to, and can change none."""

from __future__ import annotations

from typing import Any

from nbproj.tracking.gateway.charge import Charge
from nbproj.tracking.gateway.refused import Refused, deny, not_found

__all__ = ["create", "get", "get_by_name", "refuse", "search"]

# ruff: noqa: ANN401 - as in runs.py


def _own(charge: Charge) -> Any:
    return charge.store.consult("read the experiment", lambda backing: backing.get_experiment(charge.experiment_id))


def _message(experiment: Any) -> Any:
    message = experiment.to_proto()
    message.artifact_location = f"mlflow-artifacts:/{experiment.experiment_id}"
    return message


def get(charge: Charge, asked: Any) -> Any:
    """Return the run's experiment by its id."""
    if asked.experiment_id != charge.experiment_id:
        msg = f"No Experiment with id={asked.experiment_id[:64]} exists"
        raise not_found(msg, note="speak of experiments other than the run's")
    return asked.Response(experiment=_message(_own(charge)))


def get_by_name(charge: Charge, asked: Any) -> Any:
    """Return the run's experiment by its name; clients ask for a name before they make it, so no other name is worth a note."""
    own = _own(charge)
    if asked.experiment_name != own.name:
        msg = f"Could not find experiment with name '{asked.experiment_name[:500]}'"
        raise not_found(msg)
    return asked.Response(experiment=_message(own))


def search(charge: Charge, asked: Any) -> Any:
    """Return the run's experiment, if the filter finds it."""
    from mlflow.entities import ViewType
    from mlflow.utils.search_utils import SearchExperimentsUtils

    answer = asked.Response()
    view = asked.view_type if asked.HasField("view_type") else ViewType.to_proto(ViewType.ACTIVE_ONLY)
    if view != ViewType.to_proto(ViewType.DELETED_ONLY) and not asked.page_token:
        answer.experiments.extend(_message(one) for one in SearchExperimentsUtils.filter([_own(charge)], asked.filter or None))
    return answer


def create(charge: Charge, asked: Any) -> Any:
    """Refuse a new experiment; say how a run gets another one."""
    if asked.name == _own(charge).name:
        raise Refused(400, "RESOURCE_ALREADY_EXISTS", f"Experiment(name={asked.name}) already exists.")
    deny(f"make experiments (here {charge.mask(asked.name)[:80]!r}): name it with --experiment-name")


def refuse(_charge: Charge, _asked: Any) -> Any:
    """Refuse to change an experiment."""
    deny("change experiments")
