"""A run whose driver died while its Job goes on: what follows it to its end."""

from __future__ import annotations

import contextlib
import dataclasses

from nbproj.backends.backend import RunRequest, Workplace
from nbproj.backends.kubernetes.cluster import Cluster, ClusterAwayError, ClusterRefusalError
from nbproj.backends.kubernetes.execution import KubernetesExecution
from nbproj.backends.kubernetes.jobs import Job
from nbproj.backends.kubernetes.reference import JobReference
from nbproj.errors import RunError
from nbproj.execution.execution import Execution

__all__ = ["RejoinedJob"]


class RejoinedJob:
    """A Job that is there, or was about to be made, without its driver.

    Parameters
    ----------
    job : str
        What the dead driver has noted of it.

    Raises
    ------
    ValueError
        The note names no Job.
    """

    def __init__(self, job: str) -> None:
        self._reference = JobReference.from_json(job)

    def look(self) -> None:
        """Refuse while the Job's cluster cannot be asked; that the Job is gone is an answer."""
        cluster = Cluster(self._reference.context)
        try:
            self._reference.goes_on(cluster)
        finally:
            cluster.close()

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        """Return what follows the Job."""
        cluster = Cluster(self._reference.context)
        workplace.resources.callback(cluster.close)
        job = self._reference.job(cluster)
        if not job.uid:
            _look_whether_it_was_made(job)
            with contextlib.suppress(ClusterAwayError):
                job.secret.hand_over(job.uid)
        for value in job.secret.values():
            workplace.hide(value)
        workplace.submitted(dataclasses.replace(self._reference, uid=job.uid).to_json())
        # What the pods print is read from its beginning again.
        return KubernetesExecution(
            job, None, log=workplace.log, mask=workplace.stream_mask(), patience=self._reference.patience, tell=request.progress
        )


def _look_whether_it_was_made(job: Job) -> None:
    try:
        job.look()
    except ClusterRefusalError as error:
        if error.is_absence:
            job.delete()  # the Secret may be there
            msg = "the process that carried the run died before its Job was made"
            raise RunError(msg) from None
        raise
