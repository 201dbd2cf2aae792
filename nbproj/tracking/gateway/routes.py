"""Which requests the gateway answers, under the paths that MLflow's clients have used since 1.0, and by what."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from nbproj.tracking.gateway import artifacts, experiments, metrics, models, runs
from nbproj.tracking.gateway.charge import Charge

__all__ = ["SERVICE", "Handler", "Route", "find"]

Handler: TypeAlias = Callable[[Charge, Any], Any]
"""From MLflow's message of the request to its message of the answer."""

SERVICE = re.compile(r"/(?:ajax-)?api/[23]\.0/(?:preview/)?(?P<service>mlflow|mlflow-artifacts)/(?P<path>.*)", re.DOTALL)
"""The beginnings of paths: of programs and of browsers, of both versions of the API, of clients before 1.0."""


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of request.

    Parameters
    ----------
    message : str
        MLflow's name of the request's message.
    answer : callable
        What answers it.
    """

    message: str
    answer: Handler


_TABLE: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "experiments/get", "GetExperiment", experiments.get),
    ("GET", "experiments/get-by-name", "GetExperimentByName", experiments.get_by_name),
    ("GET", "experiments/list", "SearchExperiments", experiments.search),
    ("GET POST", "experiments/search", "SearchExperiments", experiments.search),
    ("POST", "experiments/create", "CreateExperiment", experiments.create),
    ("POST", "experiments/delete", "DeleteExperiment", experiments.refuse),
    ("POST", "experiments/restore", "RestoreExperiment", experiments.refuse),
    ("POST", "experiments/update", "UpdateExperiment", experiments.refuse),
    ("POST", "experiments/set-experiment-tag", "SetExperimentTag", experiments.refuse),
    ("POST", "experiments/delete-experiment-tag", "DeleteExperimentTag", experiments.refuse),
    ("POST", "runs/create", "CreateRun", runs.create_run),
    ("GET", "runs/get", "GetRun", runs.get_run),
    ("POST", "runs/update", "UpdateRun", runs.update_run),
    ("POST", "runs/delete", "DeleteRun", runs.refuse),
    ("POST", "runs/restore", "RestoreRun", runs.refuse),
    ("GET POST", "runs/search", "SearchRuns", runs.search_runs),
    ("POST", "runs/log-metric", "LogMetric", runs.log_metric),
    ("POST", "runs/log-parameter", "LogParam", runs.log_param),
    ("POST", "runs/log-batch", "LogBatch", runs.log_batch),
    ("POST", "runs/set-tag", "SetTag", runs.set_tag),
    ("POST", "runs/delete-tag", "DeleteTag", runs.delete_tag),
    ("POST", "runs/log-inputs", "LogInputs", runs.log_inputs),
    ("POST", "runs/outputs", "LogOutputs", runs.log_outputs),
    ("POST", "runs/log-model", "LogModel", runs.log_model),
    ("GET", "metrics/get-history", "GetMetricHistory", metrics.history),
    ("GET", "metrics/get-history-bulk-interval", "GetMetricHistoryBulkInterval", metrics.history_interval),
    ("GET", "artifacts/list", "ListArtifacts", artifacts.list_run),
    ("POST", "logged-models", "CreateLoggedModel", models.create),
    ("POST", "logged-models/search", "SearchLoggedModels", models.search),
    ("GET", "logged-models/{model_id}", "GetLoggedModel", models.get),
    ("PATCH", "logged-models/{model_id}", "FinalizeLoggedModel", models.finalize),
    ("PATCH", "logged-models/{model_id}/tags", "SetLoggedModelTags", models.set_tags),
    ("DELETE", "logged-models/{model_id}/tags/{tag_key}", "DeleteLoggedModelTag", models.delete_tag),
    ("POST", "logged-models/{model_id}/params", "LogLoggedModelParamsRequest", models.log_params),
    ("GET", "logged-models/{model_id}/artifacts/directories", "ListLoggedModelArtifacts", artifacts.list_model),
)


@functools.cache
def _compiled() -> list[tuple[frozenset[str], re.Pattern[str], Route]]:
    return [
        (frozenset(methods.split()), re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), Route(message, answer))
        for methods, path, message, answer in _TABLE
    ]


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return what answers a request, and what its path names; None when nothing does.

    Parameters
    ----------
    method : str
        `GET`, `POST`, ...
    path : str
        Behind the service's beginning.

    Examples
    --------
    >>> route, named = find("GET", "logged-models/m-1")
    >>> route.message, named
    ('GetLoggedModel', {'model_id': 'm-1'})
    """
    for methods, pattern, route in _compiled():
        found = pattern.fullmatch(path) if method in methods else None
        if found:
            return route, found.groupdict()
    return None
