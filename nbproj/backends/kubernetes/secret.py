"""The Secret with a Job's variables that only its pods may read; it goes with the Job."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from nbproj.backends.kubernetes.cluster import Cluster, ClusterAwayError, ClusterRefusalError

__all__ = ["JobSecret"]


@dataclass(slots=True)
class JobSecret:
    """A Secret of a Job.

    Parameters
    ----------
    cluster : Cluster
        Where it is.
    namespace, name : str
        What names it.
    """

    cluster: Cluster
    namespace: str
    name: str
    _is_alone: bool = False

    def make(self, values: Mapping[str, str]) -> None:
        """Make it; one that was made by a request whose answer was lost is taken.

        Raises
        ------
        ClusterAwayError, ClusterRefusalError
            It cannot be made.
        """
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self.name, "namespace": self.namespace, "labels": {"app.kubernetes.io/managed-by": "nbproj"}},
            "type": "Opaque",
            "stringData": dict(values),
        }
        self._is_alone = True
        try:
            with self.cluster.asked("the Secret for the run's variables cannot be created") as how:
                self.cluster.core.create_namespaced_secret(self.namespace, body, **how)
        except ClusterRefusalError as error:
            if not error.is_presence:
                raise

    def hand_over(self, uid: str) -> None:
        """Let it go with its Job, by the Job's identity.

        Raises
        ------
        ClusterAwayError
            The cluster does not answer.
        """
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": self.name, "uid": uid}
        self._is_alone = True
        try:
            with self.cluster.asked("the Secret cannot be given to the Job") as how:
                self.cluster.core.patch_namespaced_secret(self.name, self.namespace, {"metadata": {"ownerReferences": [owner]}}, **how)
        except ClusterRefusalError as error:
            if not error.is_absence:  # who may make Secrets may not change them: it is deleted at the Job's end
                return
        self._is_alone = False

    def leave(self) -> None:
        """Delete it at the Job's end if it does not go with the Job."""
        if self._is_alone:
            self.delete()

    def delete(self) -> None:
        """Delete it, if it is there and that can be."""
        with contextlib.suppress(ClusterAwayError, ClusterRefusalError), self.cluster.asked("the Secret cannot be deleted") as how:
            self.cluster.core.delete_namespaced_secret(self.name, self.namespace, **how)
            self._is_alone = False

    def values(self) -> list[str]:
        """Return what it holds, to be masked; nothing when there is none, or it may not be read."""
        with contextlib.suppress(ClusterAwayError, ClusterRefusalError), self.cluster.asked("the Secret cannot be read") as how:
            data = self.cluster.core.read_namespaced_secret(self.name, self.namespace, **how).data or {}
            return [base64.b64decode(value).decode("utf-8", "replace") for value in data.values()]
        return []
