"""How a run's record names its Job, and whether that goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nbproj.backends.kubernetes.cluster import Cluster, ClusterRefusalError
from nbproj.backends.kubernetes.jobs import Job
from nbproj.backends.reference import Reference
from nbproj.errors import BackendError

__all__ = ["JobReference"]


@dataclass(frozen=True, slots=True)
class JobReference(Reference):
    """What names a Job.

    Parameters
    ----------
    host : str
        The address of its cluster: the same context may mean another one in another shell.
    context : str, optional
        The context of the kubeconfig.
    namespace, name : str
        Where it is.
    uid : str
        Its identity; empty while it is not known whether it was made.
    patience : float
        As `KubernetesWishes` has it.

    Examples
    --------
    >>> reference = JobReference("https://cluster", None, "team", "wine-1", "u-1", 60.0)
    >>> JobReference.from_json(reference.to_json()) == reference, reference.label
    (True, 'team/wine-1')
    """

    backend: ClassVar[str] = "kubernetes"
    host: str
    context: str | None
    namespace: str
    name: str
    uid: str
    patience: float

    @property
    def label(self) -> str:
        """Return what people call it."""
        return f"{self.namespace}/{self.name}"

    def job(self, cluster: Cluster) -> Job:
        """Return the Job on its cluster."""
        return Job(cluster, self.namespace, self.name, self.uid, may_be_there=True)

    def goes_on(self, cluster: Cluster) -> bool:
        """Return whether it is there and has not ended.

        Raises
        ------
        ClusterAwayError, ClusterRefusalError
            Nobody can tell: the cluster does not answer, or refuses.
        BackendError
            Nobody can tell: it is on another cluster.
        """
        if cluster.host != self.host:
            msg = f"the Job {self.label} of this run is on the cluster at {self.host}, and {cluster.host} is configured"
            raise BackendError(msg, hint="Name that cluster's context as kube-context, or begin a new run")
        try:
            return self.job(cluster).look().outcome is None
        except ClusterRefusalError as error:
            if error.is_absence:
                return False
            raise
