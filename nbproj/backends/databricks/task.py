"""What a job is told of a run: the request to the Jobs API, and the document that the file it starts reads."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from nbproj.backends.backend import RunRequest
from nbproj.backends.confines import Confines
from nbproj.backends.databricks.wishes import DatabricksWishes
from nbproj.errors import BackendError, ParameterError
from nbproj.project.model import Place

__all__ = ["CONFINES", "Shipped", "job_request", "remote_file", "spark_file", "told_values"]

CONFINES: Final = Confines(
    "a cluster", "Put it into the project's folder, or where clusters read it (/Volumes/..., dbfs:/..., s3://...), and declare the parameter as a uri"
)
"""What a cluster sees of this machine."""

_MOST: Final = 10_000
"""Bytes that the service takes as parameters of a task."""
_LONGEST_NAME: Final = 200
_GRACE_SECONDS: Final = 120
"""After which the service itself ends a run that nobody has ended at its time."""
_SECRET: Final = re.compile(r"\{\{secrets/[\w.@-]+/[\w.@-]+\}\}")
_HANDED_ON: Final = ("MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID", "MLFLOW_DISABLE_TELEMETRY", "NBPROJ_ANCESTRY", "NBPROJ_ENV_MANAGER", "PYTHONUNBUFFERED")
_TASK_KEY: Final = "nbproj"
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True)
class Shipped:
    """Where a cluster finds what was sent.

    Parameters
    ----------
    bootstrap : str
        The file that it starts.
    project : str
        The project's archive.
    package : str
        nbproj's own; empty for a Spark job, which needs none.
    """

    bootstrap: str
    project: str
    package: str = ""


def spark_file(request: RunRequest) -> tuple[str, list[str]] | None:
    """Return the Python file of a Spark job and its arguments; None for any other project.

    Raises
    ------
    BackendError
        The command of the entry point starts something else.
    """
    job = request.project.spark_job
    if job is None:
        return None
    if job.get("python_file"):
        parameters = job.get("parameters")
        return str(job["python_file"]), [str(one) for one in parameters] if isinstance(parameters, list) else []
    words = shlex.split(request.command or "")
    if len(words) < 2 or words[0] not in {"python", "python3"} or words[1].startswith("-"):  # noqa: PLR2004 - python, its file
        place: Place | None = request.entry_point.declared
        msg = f"a Databricks Spark job runs Python files: the command of {request.entry_point.name!r} has to be 'python FILE ...'"
        raise BackendError(msg, place=place)
    return words[1], words[2:]


def remote_file(file: str) -> bool:
    """Return whether a Python file lies where the service finds it by itself, not in the project.

    Examples
    --------
    >>> remote_file("dbfs:/jobs/train.py"), remote_file("train.py")
    (True, False)
    """
    return bool(urlsplit(file).scheme) or file.startswith(("/Workspace/", "/Volumes/"))


def told_values(request: RunRequest) -> dict[str, str]:
    """Return the parameters as a cluster has to be told them: a path of the project is one there, too. Secrets are not among them.

    Raises
    ------
    ParameterError
        A path is not in the project, and so not on the cluster.
    """
    resolved, root = request.resolved, request.project.root
    told = {**resolved.tracked, **resolved.extra}
    for parameter in request.entry_point.parameters:
        value = resolved.values.get(parameter.name)
        if value is None or parameter.name in resolved.secret_names:
            told.pop(parameter.name, None)
        elif parameter.type == "path":
            told[parameter.name] = str(CONFINES.inside(parameter.name, value, root))
        elif parameter.type == "list" and parameter.item == "path" and isinstance(value, list):
            told[parameter.name] = json.dumps([str(CONFINES.inside(parameter.name, one, root)) for one in value])
        elif parameter.type == "uri" and Path(str(value)).is_relative_to(root):
            told[parameter.name] = str(Path(str(value)).relative_to(root))
    return told


def job_request(
    request: RunRequest, wishes: DatabricksWishes, shipped: Shipped, variables: Mapping[str, str], libraries: list[str], *, token: str
) -> dict[str, Any]:
    """Return the body of `POST /api/2.1/jobs/runs/submit`.

    Parameters
    ----------
    request : RunRequest
        The run.
    wishes : DatabricksWishes
        The user's specification, which is handed on as it is, with the run's secrets among its `spark_env_vars`.
    shipped : Shipped
        What was sent.
    variables : mapping of str to str
        The run's variables.
    libraries : list of str
        What has to be installed, as pip takes it.
    token : str
        By which the service knows the request again.

    Raises
    ------
    BackendError, ParameterError
        A secret is no reference to one that Databricks keeps; the parameters are too long.
    """
    handed_on = {name: variables[name] for name in (*_HANDED_ON, "MLFLOW_TRACKING_URI") if name in variables}
    cluster = dict(wishes.cluster)
    environment = {**dict(cluster.get("spark_env_vars") or {}), **_secrets(request, wishes)}
    spark = spark_file(request)
    if spark is not None and remote_file(spark[0]):
        environment |= handed_on
        task = {"python_file": spark[0], "source": "WORKSPACE", **({"parameters": spark[1]} if spark[1] else {})}
    else:
        document = _spark_task(spark, shipped) if spark is not None else _carried_task(request, shipped)
        task = {"python_file": shipped.bootstrap, "source": "WORKSPACE", "parameters": [_as_parameter({**document, "variables": handed_on})]}
    if len(json.dumps(task.get("parameters", []))) > _MOST:
        msg = f"the parameters take more than the {_MOST:,} bytes that Databricks hands on: put the long ones into a file of the project"
        raise ParameterError(msg)
    if environment:
        cluster["spark_env_vars"] = environment
    installed = [*wishes.libraries, *({"pypi": {"package": one}} for one in libraries if not _is_named(one, wishes))]
    run_id = variables["MLFLOW_RUN_ID"]
    return {
        "run_name": f"{request.project.name} {request.entry_point.name}"[:_LONGEST_NAME] + f" ({run_id})",
        "idempotency_token": token,
        "tasks": [{"task_key": _TASK_KEY, "new_cluster": cluster, **({"libraries": installed} if installed else {}), "spark_python_task": task}],
        **({"timeout_seconds": math.ceil(request.timeout) + _GRACE_SECONDS} if request.timeout is not None else {}),
    }


def _spark_task(spark: tuple[str, list[str]], shipped: Shipped) -> dict[str, Any]:
    return {"project": shipped.project, "python_file": spark[0], "arguments": spark[1]}


def _carried_task(request: RunRequest, shipped: Shipped) -> dict[str, Any]:
    environment = request.environment
    return {
        "project": shipped.project,
        "package": shipped.package,
        "name": request.project.name,
        "notebook": request.checkout.notebook,
        "entry_point": request.entry_point.name,
        "as_notebook": request.entry_point.notebook is not None and not request.entry_point.notebook.endswith(".ipynb"),
        "parameters": told_values(request),
        "environment": {
            "kind": environment.kind,
            "file": environment.file,
            "python": environment.python,
            "dependencies": list(environment.dependencies),
        },
        "html": request.html,
        "allow_errors": request.allow_errors,
    }


def _as_parameter(document: Mapping[str, Any]) -> str:
    r"""Return a document as a text in which the service finds no reference of its own: it replaces `{{...}}` in parameters.

    Examples
    --------
    >>> _as_parameter({"a": "{{job.id}}"})
    '{"a": "\\u007b\\u007bjob.id}}"}'
    """
    return _TEXT.sub(lambda found: found[0].replace("{", "\\u007b"), json.dumps(document))


def _secrets(request: RunRequest, wishes: DatabricksWishes) -> dict[str, str]:
    """Return the run's secrets as references to what Databricks keeps; whoever may see a job reads everything else that it is told."""
    given = dict(wishes.cluster.get("spark_env_vars") or {})
    found = {}
    for variable, value in request.resolved.secrets.items():
        if variable in given:
            continue
        if not _SECRET.fullmatch(value):
            name = next((one.name for one in request.entry_point.parameters if one.secret and one.variable == variable), variable)
            msg = f"parameter {name} is secret, and whoever may see a job of Databricks could read it: keep it in a secret scope there"
            raise BackendError(msg, hint=f"Then give its reference: -P '{name}={{{{secrets/SCOPE/KEY}}}}'")
        found[variable] = value
    return found


def _is_named(requirement: str, wishes: DatabricksWishes) -> bool:
    """Return whether the user has chosen a version of a package."""
    chosen = {_name(str(dict(one.get("pypi") or {}).get("package", ""))) for one in wishes.libraries}
    name = _name(requirement)
    return name in chosen or (name == "mlflow-skinny" and "mlflow" in chosen)


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")
