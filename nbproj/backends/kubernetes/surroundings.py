"""What a pod's program finds in its environment, and which of it only the pod may read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from nbproj.backends.backend import RunRequest, Workplace
from nbproj.environments.docker.wishes import host_variables
from nbproj.errors import BackendError
from nbproj.tracking.location import is_loopback
from nbproj.tracking.redact import secrets_of

__all__ = ["Surroundings", "refuse_store", "tracking_address"]

_OVERRIDE: Final = "KUBE_MLFLOW_TRACKING_URI"
_HERE: Final = {
    "MLFLOW_CONDA_CREATE_ENV_CMD",
    "MLFLOW_CONDA_HOME",
    "MLFLOW_ENV_ROOT",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_GIT_PASSWORD",
    "MLFLOW_GIT_USERNAME",
    "MLFLOW_TMP_DIR",
    "NBPROJ_NOTEBOOK",
    "NBPROJ_OUTPUT_DIR",
    "NBPROJ_OWNER_TOKEN",
    "NBPROJ_RESULTS_FILE",
}
"""What speaks of this machine."""


def tracking_address(uri: str) -> str:
    """Return the tracking server's address as pods reach it: KUBE_MLFLOW_TRACKING_URI, where it is set, as MLflow reads it."""
    return os.environ.get(_OVERRIDE) or uri


def refuse_store(uri: str) -> None:
    """Refuse a store that no pod can reach.

    Raises
    ------
    BackendError
        It is a file or a folder of this machine, or a server that only this machine reaches, and nothing else is set.

    Examples
    --------
    >>> refuse_store("https://mlflow.example.org")
    >>> refuse_store("sqlite:///mlflow.db")
    Traceback (most recent call last):
    ...
    nbproj.errors.BackendError: a pod cannot reach the tracking store of this machine: set MLFLOW_TRACKING_URI to a tracking server
    """
    scheme = urlsplit(uri).scheme
    if scheme not in {"http", "https", "databricks", "databricks-uc"}:
        msg = "a pod cannot reach the tracking store of this machine: set MLFLOW_TRACKING_URI to a tracking server"
        raise BackendError(
            msg, hint="`mlflow server --host 0.0.0.0` starts one; NBPROJ_TRACKING_URI or tracking_uri in the configuration name it, too"
        )
    if is_loopback(tracking_address(uri)):
        msg = f"a pod cannot reach the tracking server at {urlsplit(uri).hostname}, which only this machine reaches"
        raise BackendError(msg, hint=f"Set {_OVERRIDE} to its address as pods see it")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Variables of a pod.

    Parameters
    ----------
    plain : mapping of str to str
        Stand in the Job.
    secret : mapping of str to str
        Stand in a Secret.
    """

    plain: Mapping[str, str]
    secret: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, request: RunRequest, workplace: Workplace) -> Surroundings:
        """Return the variables of a run's pods: MLflow's, the project's `docker_env.environment`, the run's and its secrets.

        Raises
        ------
        EnvironmentPreparationError
            The project copies a variable that this machine does not have.
        """
        docker = request.environment.docker
        project = host_variables(docker, os.environ, request.environment.declared) if docker is not None else {}
        own = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}
        found = {**own, **workplace.variables, **project, "MLFLOW_TRACKING_URI": tracking_address(request.store.uri)}
        found = {name: value for name, value in found.items() if name not in _HERE}
        hidden = {*secrets_of(found), *request.resolved.secrets.values()}
        for secret in hidden:
            workplace.hide(secret)
        # By its run the Job is known as the run's own: that stays where it can be read, also when a short secret happens to be a part of it.
        secret_names = {name for name, value in found.items() if name != "MLFLOW_RUN_ID" and any(one in value for one in hidden)}
        return cls(
            {name: value for name, value in found.items() if name not in secret_names},
            {name: value for name, value in found.items() if name in secret_names},
        )
