"""A Job made from the user's template: what the seeds say is replaced, and nothing else (their "Job Templates")."""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from nbproj.errors import BackendError

__all__ = ["dns_label", "job_from", "job_name", "read_template"]

_LABEL: Final = 63
"""Characters of a DNS label (RFC 1123), which names of Jobs' pods and of containers have to be."""
_LARGEST: Final = 1 << 20


def read_template(path: Path) -> dict[str, Any]:
    """Return a Job template.

    Parameters
    ----------
    path : Path
        A YAML file with one Job.

    Raises
    ------
    BackendError
        There is none, or it is no Job with a container.
    """
    import yaml

    try:
        with path.open("rb") as stream:
            document = yaml.safe_load(stream.read(_LARGEST))
    except OSError as error:
        msg = f"the Job template {path} cannot be read: {error.strerror or error}"
        raise BackendError(msg) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark is not None else str(path)
        msg = f"{where}: the Job template is not YAML: {getattr(error, 'problem', None) or error}"
        raise BackendError(msg) from error
    if not isinstance(document, dict) or document.get("kind") != "Job":
        msg = f"{path}: the Job template has to be a Job (`kind: Job`)"
        raise BackendError(msg)
    spec: Any = document
    for key in ("spec", "template", "spec"):
        spec = spec.get(key) if isinstance(spec, dict) else None
    containers = spec.get("containers") if isinstance(spec, dict) else None
    if not isinstance(containers, list) or not containers or not all(isinstance(one, dict) for one in containers):
        msg = f"{path}: the Job template has no container: spec.template.spec.containers is a list whose first member runs the entry point"
        raise BackendError(msg)
    for place, values in (("metadata", document.get("metadata", {})), ("env of the first container", containers[0].get("env") or [])):
        if not isinstance(values, dict if place == "metadata" else list):
            msg = f"{path}: {place} of the Job template is of the wrong kind"
            raise BackendError(msg)
    return document


def dns_label(text: str, limit: int = _LABEL) -> str:
    """Return a text as a DNS label: lower-case letters, digits, and hyphens inside (RFC 1123).

    Examples
    --------
    >>> dns_label("My Project_2!"), dns_label("ä"), dns_label("x" * 70) == "x" * 63
    ('my-project-2', 'project', True)
    """
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:limit].strip("-")
    return plain or "project"


def job_name(project: str, run_id: str, now: dt.datetime) -> str:
    """Return the name of a run's Job: the project's, the time, and the run's, so that no two are equal.

    Examples
    --------
    >>> job_name("Wine Quality", "0123456789abcdef", dt.datetime(2026, 1, 2, 3, 4, 5))
    'wine-quality-2026-01-02-03-04-05-01234567'
    """
    # A pod's name is the Job's and six characters more, and is its host name, too.
    end = f"-{now:%Y-%m-%d-%H-%M-%S}-{dns_label(run_id, 8)}"
    return dns_label(project, _LABEL - 6 - len(end)) + end


def job_from(
    template: Mapping[str, Any],
    *,
    name: str,
    container: str,
    image: str,
    command: Sequence[str],
    variables: Mapping[str, str],
    secret: tuple[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Return a Job: the template with its name and its first container's name, image, command and further variables replaced.

    Parameters
    ----------
    template : mapping
        Stays as it is.
    name, container : str
        Of the Job, and of its first container.
    image : str
        By its digest.
    command : sequence of str
        What runs in it.
    variables : mapping of str to str
        Are added; one that the template has under the same name gives way.
    secret : tuple, optional
        Name of a Secret, and which variables come from it.

    Examples
    --------
    >>> template = {"kind": "Job", "spec": {"template": {"spec": {"containers": [{"name": "x"}, {"name": "side"}]}}}}
    >>> job = job_from(template, name="n", container="c", image="i@sha256:1", command=["true"], variables={"A": "1"}, secret=("s", ["B"]))
    >>> job["spec"]["template"]["spec"]["containers"][1]
    {'name': 'side'}
    >>> job["spec"]["template"]["spec"]["containers"][0]["env"][1]
    {'name': 'B', 'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'B'}}}
    """
    job: dict[str, Any] = copy.deepcopy(dict(template))
    job.setdefault("apiVersion", "batch/v1")
    job["metadata"] = {**job.get("metadata", {}), "name": name}
    first = job["spec"]["template"]["spec"]["containers"][0]
    kept_in, hidden = secret if secret is not None else ("", ())
    added: list[dict[str, Any]] = [{"name": key, "value": value} for key, value in variables.items()]
    added += [{"name": key, "valueFrom": {"secretKeyRef": {"name": kept_in, "key": key}}} for key in hidden]
    ours = {one["name"] for one in added}
    before = [one for one in first.get("env") or [] if not (isinstance(one, dict) and one.get("name") in ours)]
    first.update({"name": container, "image": image, "command": list(command), "env": [*before, *added]})
    return job
