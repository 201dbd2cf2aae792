"""The kubernetes backend: the project's image is pushed, and a Job made from the user's template runs it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from nbproj.backends.backend import Rejoined, RunRequest, Workplace
from nbproj.backends.command import command_of
from nbproj.backends.confines import Confines
from nbproj.backends.kubernetes.cluster import Cluster, ClusterAwayError
from nbproj.backends.kubernetes.execution import JobOrder, KubernetesExecution
from nbproj.backends.kubernetes.image import JobImage
from nbproj.backends.kubernetes.jobs import Job
from nbproj.backends.kubernetes.reference import JobReference
from nbproj.backends.kubernetes.surroundings import Surroundings, refuse_store
from nbproj.backends.kubernetes.template import dns_label, job_from, job_name, read_template
from nbproj.backends.kubernetes.wishes import KubernetesWishes
from nbproj.environments.docker.images import CODE
from nbproj.environments.registry import require
from nbproj.errors import BackendError
from nbproj.execution.execution import Execution
from nbproj.paths import writing
from nbproj.processes import is_dead
from nbproj.progress import Event
from nbproj.project.conversion import text_of
from nbproj.project.model import EntryPoint, EnvironmentSpec
from nbproj.project.parameters import Resolved
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.settlement import JOB_TAG

__all__ = ["KubernetesBackend"]


class KubernetesBackend:
    """Runs entry points as Jobs of a cluster."""

    name = "kubernetes"
    confines = Confines("a pod", "Put it into the project's folder, or into a volume of the Job template and declare the parameter as a uri")

    def check(self, entry_point: EntryPoint, environment: EnvironmentSpec, config: Mapping[str, object]) -> None:
        """Refuse projects without an image, and a configuration, a template or a cluster that is none.

        Raises
        ------
        BackendError
            With what to change.
        ClusterAwayError, ClusterRefusalError
            The cluster does not answer, or makes no Job for this user.
        EnvironmentPreparationError
            The image cannot be made here.
        """
        if environment.kind != "docker":
            msg = (
                f"Kubernetes runs projects with a docker_env, and this one has a {environment.kind} environment: add docker_env to its MLproject file"
            )
            raise BackendError(msg, place=entry_point.declared)
        wishes = KubernetesWishes.of(config)
        template = read_template(wishes.template)
        require(environment)
        cluster = Cluster(wishes.context)
        try:
            cluster.admits(_namespace(template, cluster))
        finally:
            cluster.close()

    def check_store(self, uri: str) -> None:
        """Refuse a store that pods do not reach.

        Raises
        ------
        BackendError
            With what to set.
        """
        refuse_store(uri)

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        """Build and push the image; return what makes the Job and follows it. A run that is continued and whose Job still runs is followed."""
        wishes = KubernetesWishes.of(request.config)
        cluster = Cluster(wishes.context)
        workplace.resources.callback(cluster.close)
        run_id = workplace.variables["MLFLOW_RUN_ID"]
        if request.run_id is not None:
            found = JobReference.of_tags(request.store.get_run(run_id).tags)
            if found is not None and found.goes_on(cluster):
                request.progress(Event("note", f"the Job {found.label} of this run goes on: it is followed"))
                job = found.job(cluster)
                with contextlib.suppress(ClusterAwayError):
                    job.look()
                    job.secret.hand_over(job.uid)
                workplace.submitted(dataclasses.replace(found, uid=job.uid).to_json())
                for left in [one for one in Ledger.open() if one.owner.run_id == run_id and is_dead(one.owner.process)]:
                    left.close()  # what those before have left; this driver has an entry of its own
                for value in job.secret.values():
                    workplace.hide(value)
                return self._execution(job, None, request, workplace, wishes)
        placed = _placed(request)
        image = self._image(request, workplace, wishes)
        template = read_template(wishes.template)
        namespace = _namespace(template, cluster)
        name = job_name(request.project.name, run_id, dt.datetime.now(dt.UTC))
        surroundings = Surroundings.of(request, workplace)
        plain = dict(surroundings.plain)
        if request.command is None:
            from nbproj.backends.kubernetes.carrier import PACKAGE_FOLDER
            from nbproj.backends.kubernetes.inside import TASK_VARIABLE, command

            plain[TASK_VARIABLE] = json.dumps(_task(request, placed))
            words = command(PACKAGE_FOLDER)
        else:
            from nbproj.execution.container import shell_command

            words = shell_command(str(command_of(request.entry_point, placed)))
        body = job_from(
            template,
            name=name,
            container=dns_label(request.project.name),
            image=image,
            command=words,
            variables=plain,
            secret=(name, list(surroundings.secret)) if surroundings.secret else None,
        )
        body["metadata"]["namespace"] = namespace
        return self._execution(Job(cluster, namespace, name), JobOrder(body, run_id, surroundings.secret), request, workplace, wishes)

    def rejoined(self, job: str, folder: Path) -> Rejoined:  # noqa: ARG002 - the contract of all backends
        """Return what follows a Job whose driver died."""
        from nbproj.backends.kubernetes.rejoining import RejoinedJob

        return RejoinedJob(job)

    @staticmethod
    def _execution(job: Job, order: JobOrder | None, request: RunRequest, workplace: Workplace, wishes: KubernetesWishes) -> Execution:
        run_id = workplace.variables["MLFLOW_RUN_ID"]

        def made(of: Job) -> None:
            reference = JobReference(of.cluster.host, wishes.context, of.namespace, of.name, of.uid, wishes.patience)
            workplace.submitted(reference.to_json())
            request.store.set_tags(run_id, {JOB_TAG: reference.to_json()})

        return KubernetesExecution(
            job, order, log=workplace.log, mask=workplace.stream_mask(), made=made, patience=wishes.patience, tell=request.progress
        )

    @staticmethod
    def _image(request: RunRequest, workplace: Workplace, wishes: KubernetesWishes) -> str:
        """Return the project's image in the repository, by its digest; the record says which."""
        image = JobImage.of(request, wishes)
        description = workplace.folder / "environment.txt"
        with writing(description):
            description.write_text(image.environment.description, encoding="utf-8")
        run_id = workplace.variables["MLFLOW_RUN_ID"]
        request.store.set_tags(run_id, {"mlflow.docker.image.uri": image.name, "mlflow.docker.image.id": image.local})
        request.progress(Event("prepared", data={"environment": "docker", "fingerprint": image.environment.fingerprint, "image": image.name}))
        return image.name


def _namespace(template: Mapping[str, Any], cluster: Cluster) -> str:
    return str(template.get("metadata", {}).get("namespace") or cluster.namespace)


def _task(request: RunRequest, placed: Resolved) -> dict[str, object]:
    """Return what the program in the pod has to know of a notebook."""
    values = {**placed.values, **placed.extra}
    return {
        "entry_point": request.entry_point.name,
        "notebook": request.checkout.notebook,
        "as_notebook": Path(str(request.entry_point.notebook)).suffix != ".ipynb",
        "parameters": {name: text_of(value) for name, value in values.items() if value is not None and name not in placed.secret_names},
        "allow_errors": request.allow_errors,
    }


def _placed(request: RunRequest) -> Resolved:
    """Return the values as a pod has to know them: a path of the project is where the image has the project.

    Raises
    ------
    ParameterError
        A path is not in the project, and so not in the pod.
    """
    resolved, root = request.resolved, request.project.root
    values, words = dict(resolved.values), dict(resolved.words)

    def there(name: str, here: object) -> Path:
        return Path(PurePosixPath(CODE) / KubernetesBackend.confines.inside(name, here, root))

    for parameter in request.entry_point.parameters:
        value = values.get(parameter.name)
        if value is None:
            continue
        if parameter.type == "path":
            values[parameter.name] = there(parameter.name, value)
        elif parameter.type == "list" and parameter.item == "path" and isinstance(value, list):
            values[parameter.name] = [there(parameter.name, one) for one in value]
        else:
            continue
        if words.get(parameter.name) is not None and parameter.flag is None:
            words[parameter.name] = text_of(values[parameter.name])
    return dataclasses.replace(resolved, values=values, words=words)
