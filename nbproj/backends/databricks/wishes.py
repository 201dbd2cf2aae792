"""What a user's backend configuration asks of Databricks: the specification of a new cluster, in either form that MLflow takes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nbproj.errors import BackendError, suggestion

__all__ = ["DatabricksWishes"]

_CLUSTER: Final = "new_cluster"
_LIBRARIES: Final = "libraries"
_FOLDER: Final = "folder"
_AROUND: Final = (_CLUSTER, _LIBRARIES, _FOLDER)
_EXISTING: Final = ("existing_cluster_id", "job_cluster_key")
_FIELDS: Final = (
    "apply_policy_default_values",
    "autoscale",
    "autotermination_minutes",
    "aws_attributes",
    "azure_attributes",
    "cluster_log_conf",
    "cluster_name",
    "custom_tags",
    "data_security_mode",
    "docker_image",
    "driver_instance_pool_id",
    "driver_node_type_id",
    "enable_elastic_disk",
    "enable_local_disk_encryption",
    "gcp_attributes",
    "init_scripts",
    "instance_pool_id",
    "is_single_node",
    "kind",
    "node_type_id",
    "num_workers",
    "policy_id",
    "runtime_engine",
    "single_user_name",
    "spark_conf",
    "spark_env_vars",
    "spark_version",
    "ssh_public_keys",
    "use_ml_runtime",
    "workload_type",
)
"""The fields of a cluster that the Jobs API documents. What else a specification holds is handed on: the service knows it, or refuses it."""
_NEAR: Final = 0.85
_EXAMPLE: Final = '{"spark_version": "15.4.x-scala2.12", "node_type_id": "i3.xlarge", "num_workers": 1}'
_VOLUMES: Final = "/Volumes/"
_WORKSPACE: Final = "/Workspace/"
_DBFS: Final = "dbfs:/"


@dataclass(frozen=True, slots=True)
class DatabricksWishes:
    """A backend configuration for Databricks.

    Parameters
    ----------
    cluster : mapping of str to object
        The new cluster, as the Jobs API takes it.
    libraries : sequence of mapping
        What is installed on it, as the Jobs API takes it.
    folder : str, optional
        Where archives are kept: `/Workspace/...`, `/Volumes/...` or `dbfs:/...`; a folder of the user's own in the workspace by default.
    """

    cluster: Mapping[str, Any]
    libraries: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    folder: str | None = None

    @classmethod
    def of(cls, config: Mapping[str, object]) -> DatabricksWishes:
        """Return what a configuration means.

        Parameters
        ----------
        config : mapping
            The specification of a new cluster, or one below `new_cluster`, with `libraries` and `folder` beside it.

        Raises
        ------
        BackendError
            It names a cluster that is there, or is no specification.

        Examples
        --------
        >>> cluster = {"spark_version": "15.4.x-scala2.12", "node_type_id": "i3.xlarge", "num_workers": 4}
        >>> DatabricksWishes.of(cluster) == DatabricksWishes.of({"new_cluster": cluster})
        True
        >>> DatabricksWishes.of({"existing_cluster_id": "0923-164208-meows279"})
        Traceback (most recent call last):
        ...
        nbproj.errors.BackendError: existing_cluster_id: a project runs on a new cluster, running it on one that exists is not supported
        """
        if not config:
            msg = "the databricks backend needs the specification of a new cluster"
            raise BackendError(msg, hint=f"Give it with -c cluster.json, such as {_EXAMPLE}")
        inner = config.get(_CLUSTER)
        for name in _EXISTING:
            if name in config or (isinstance(inner, Mapping) and name in inner):
                msg = f"{name}: a project runs on a new cluster, running it on one that exists is not supported"
                raise BackendError(msg, hint=f"Give the specification of a new one, such as {_EXAMPLE}")
        if _CLUSTER not in config:
            return cls(_cluster(config))
        unknown = next((name for name in config if name not in _AROUND), None)
        if unknown is not None:
            msg = f"the databricks backend knows no {unknown!r} beside new_cluster.{suggestion(unknown, _AROUND)} Known: {', '.join(_AROUND)}"
            raise BackendError(msg)
        return cls(_cluster(inner), _libraries(config.get(_LIBRARIES)), _folder(config.get(_FOLDER)))


def _cluster(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        msg = f"new_cluster: {value!r} is no specification of a cluster"
        raise BackendError(msg, hint=f"Such as {_EXAMPLE}")
    for name in value:
        near = difflib.get_close_matches(str(name), _FIELDS, n=1, cutoff=_NEAR) if name not in _FIELDS else []
        if near:
            msg = f"the specification of a cluster has no {name!r}. Did you mean {near[0]!r}?"
            raise BackendError(msg)
    version = value.get("spark_version")
    if not isinstance(version, str) or not version:
        msg = "the specification of the new cluster has no spark_version" if version is None else f"spark_version: {version!r} is not a text"
        raise BackendError(msg, hint="`databricks clusters spark-versions` lists them, such as 15.4.x-scala2.12")
    workers = value.get("num_workers")
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 0):
        msg = f"num_workers: {workers!r} is not a number of workers"
        raise BackendError(msg)
    for name in ("autoscale", "spark_conf", "spark_env_vars", "custom_tags"):
        if name in value and not isinstance(value[name], Mapping):
            msg = f"{name}: {value[name]!r} is not an object"
            raise BackendError(msg)
    odd = next((name for name, text in dict(value.get("spark_env_vars") or {}).items() if not isinstance(text, str)), None)
    if odd is not None:
        msg = f"spark_env_vars: the value of {odd} is not a text: put it in quotes"
        raise BackendError(msg)
    return dict(value)


def _libraries(value: object) -> Sequence[Mapping[str, Any]]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, Mapping) and len(one) == 1 for one in value):
        msg = f'libraries: {value!r} is not a list of libraries, such as [{{"pypi": {{"package": "scikit-learn==1.5.2"}}}}]'
        raise BackendError(msg)
    return [dict(one) for one in value]


def _folder(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.startswith((_VOLUMES, _WORKSPACE, _DBFS)) or ".." in value.split("/"):
        msg = f"folder: {value!r} is no place for archives: it begins with {_WORKSPACE}, {_VOLUMES} or {_DBFS}"
        raise BackendError(msg)
    return value.rstrip("/")
