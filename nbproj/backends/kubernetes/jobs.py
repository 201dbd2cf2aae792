"""One Job on a cluster: made once whatever happens on the way, looked at, followed, deleted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from nbproj.backends.kubernetes.cluster import Cluster, ClusterAwayError, ClusterRefusalError
from nbproj.backends.kubernetes.secret import JobSecret
from nbproj.backends.kubernetes.sight import Sight

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Job"]

_TRIES_SECONDS: Final = 30.0
"""For which a Job is tried to be made while the cluster does not answer."""
_PAUSE_SECONDS: Final = 1.0
_WATCH_SECONDS: Final = 15
_QUIET_SECONDS: Final = 30.0
_RUN_VARIABLE: Final = "MLFLOW_RUN_ID"


@dataclass(slots=True)
class Job:
    """A run's Job.

    Parameters
    ----------
    cluster : Cluster
        Where it is.
    namespace, name : str
        What names it.
    uid : str
        Its identity there, once it was made: a Job of the same name that somebody makes later is another one.
    may_be_there : bool
        Whether it was asked for, and is not known to be gone.
    """

    cluster: Cluster
    namespace: str
    name: str
    uid: str = ""
    may_be_there: bool = False
    _unanswered: bool = False
    _selector: str = ""
    _secret: JobSecret | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """Return what people call it."""
        return f"{self.namespace}/{self.name}"

    @property
    def secret(self) -> JobSecret:
        """Return the Secret with its variables, which has its name."""
        if self._secret is None:
            self._secret = JobSecret(self.cluster, self.namespace, self.name)
        return self._secret

    def create(self, body: Mapping[str, Any], secret: Mapping[str, str], run_id: str, *, waiting: Callable[[str], None]) -> None:
        """Make the Job and the Secret that belongs to it. One that was made already by a request whose answer was lost is taken.

        A Job that may have been made all the same, when this raises, is called `may_be_there`.

        Parameters
        ----------
        body : mapping
            The Job.
        secret : mapping of str to str
            Variables that only the pods may read.
        run_id : str
            The run: a Job of that name that runs another one is not taken.
        waiting : callable
            Told while the cluster does not answer.

        Raises
        ------
        ClusterAwayError
            The cluster did not answer for half a minute.
        ClusterRefusalError
            It refuses the Job or the Secret.
        """
        deadline = time.monotonic() + _TRIES_SECONDS
        self.may_be_there = True
        try:
            if secret:
                self._insist(lambda: self.secret.make(secret), deadline, waiting)
            self.uid = self._insist(lambda: self._make(body, run_id), deadline, waiting)
        except ClusterRefusalError:
            self.may_be_there = False
            if secret:
                self.secret.delete()
            raise
        if secret:
            with contextlib.suppress(ClusterAwayError):
                self._insist(lambda: self.secret.hand_over(self.uid), deadline, waiting)

    @staticmethod
    def _insist(make: Callable[[], Any], deadline: float, waiting: Callable[[str], None]) -> Any:  # noqa: ANN401 - what `make` returns
        while True:
            try:
                return make()
            except ClusterAwayError as error:
                if time.monotonic() >= deadline:
                    raise
                waiting(str(error))
                time.sleep(_PAUSE_SECONDS)

    def _make(self, body: Mapping[str, Any], run_id: str) -> str:
        try:
            with self.cluster.asked("the Job cannot be created") as how:
                return str(self.cluster.batch.create_namespaced_job(self.namespace, dict(body), **how).metadata.uid)
        except ClusterAwayError:
            self._unanswered = True
            raise
        except ClusterRefusalError as error:
            if not error.is_presence and not self._unanswered:
                raise
            refusal = error  # or the first request has used up what the second is refused for
        try:
            with self.cluster.asked("the Job cannot be read") as how:
                found = self.cluster.batch.read_namespaced_job(self.name, self.namespace, **how)
        except ClusterRefusalError as error:
            raise (refusal if error.is_absence else error) from None
        container = found.spec.template.spec.containers[0]
        if not any(one.name == _RUN_VARIABLE and one.value == run_id for one in container.env or ()):
            msg = f"there is a Job {self.label} already, and it is not this run's"
            raise ClusterRefusalError(msg, 409)
        return str(found.metadata.uid)

    def look(self) -> Sight:
        """Return what is to be seen of it now.

        Raises
        ------
        ClusterAwayError, ClusterRefusalError
            The cluster does not answer, or refuses; `is_absence` when there is no such Job.
        """
        with self.cluster.asked("the Job cannot be read") as how:
            job = self.cluster.batch.read_namespaced_job(self.name, self.namespace, **how)
        if self.uid and job.metadata.uid != self.uid:
            msg = f"there is no Job {self.label} of this run any more"
            raise ClusterRefusalError(msg, 404)
        self.uid, self.may_be_there = str(job.metadata.uid), True
        labels = (job.spec.selector.match_labels if job.spec.selector is not None else None) or {"job-name": self.name}
        self._selector = ",".join(f"{key}={value}" for key, value in labels.items())
        with self.cluster.asked("the Job's pods cannot be read") as how:
            pods = self.cluster.core.list_namespaced_pod(self.namespace, label_selector=self._selector, **how)
        refused = "" if pods.items or _is_over(job) else self._why_no_pod()
        return Sight(job, sorted(pods.items, key=lambda pod: pod.metadata.creation_timestamp), str(pods.metadata.resource_version), refused)

    def _why_no_pod(self) -> str:
        with contextlib.suppress(ClusterAwayError, ClusterRefusalError), self.cluster.asked("events cannot be read") as how:
            found = self.cluster.core.list_namespaced_event(
                self.namespace, field_selector=f"involvedObject.name={self.name},involvedObject.kind=Job,type=Warning", **how
            )
            return str(found.items[-1].message) if found.items else ""
        return ""

    def wait_for_change(self, version: str, seconds: float) -> Any | None:  # noqa: ANN401 - the client's object
        """Return a pod to which something happens after a version of their list, as it is then.

        None comes after some seconds, or at once when it cannot be watched.
        """
        import urllib3
        from kubernetes import watch
        from kubernetes.client import ApiException

        limit = max(1, min(int(seconds), _WATCH_SECONDS))
        watcher: Any = watch.Watch()  # type: ignore[no-untyped-call]  # the client has no annotations there
        # A connection that is cut, a version that is too old (410), a server that restarts: the caller looks again in every case.
        with contextlib.suppress(ApiException, urllib3.exceptions.HTTPError, OSError, ValueError):
            for event in watcher.stream(
                self.cluster.core.list_namespaced_pod,
                self.namespace,
                label_selector=self._selector or f"job-name={self.name}",
                resource_version=version,
                timeout_seconds=limit,
                _request_timeout=(5.0, limit + 5.0),
            ):
                watcher.stop()
                return event["object"]
        return None

    def log(self, pod: str, container: str, seconds: int | None, *, follow: bool, previous: bool, opened: Callable[[Any], None]) -> Iterator[bytes]:
        """Yield a container's output in pieces; each line has its time in front.

        Parameters
        ----------
        pod, container : str
            Whose.
        seconds : int, optional
            Only of that many; all by default.
        follow : bool
            As it comes, until the container ends or has printed nothing for some seconds; else what there is now.
        previous : bool
            Of the start before this one.
        opened : callable
            Told the connection, by whose `shutdown` another thread ends the reading.

        Raises
        ------
        ClusterAwayError, ClusterRefusalError
            It breaks off, or there is none.
        """
        import urllib3

        more: dict[str, Any] = {name: True for name, wanted in (("follow", follow), ("previous", previous)) if wanted}
        if seconds is not None:
            more["since_seconds"] = seconds
        with self.cluster.asked("the output cannot be read"):
            answer = self.cluster.core.read_namespaced_pod_log(
                pod, self.namespace, container=container, timestamps=True, _preload_content=False, _request_timeout=(5.0, _QUIET_SECONDS), **more
            )
            opened(answer)
            try:
                yield from answer.stream(65536, decode_content=False)
            except urllib3.exceptions.ReadTimeoutError:  # of a pod that is deleted the end is not always told
                pass
            finally:
                answer.release_conn()
                answer.close()

    def delete(self) -> bool:
        """Delete it with its pods; return whether it is known to be gone."""
        for attempt in range(5):
            try:
                with self.cluster.asked("the Job cannot be deleted") as how:
                    body: dict[str, Any] = {"propagationPolicy": "Background"}
                    if self.uid:
                        body["preconditions"] = {"uid": self.uid}
                    self.cluster.batch.delete_namespaced_job(self.name, self.namespace, body=body, **how)
            except ClusterRefusalError as error:
                if not error.is_absence and not error.is_presence:  # another one of this name is not ours to delete
                    return False
            except ClusterAwayError:
                time.sleep(min(0.2 * 2**attempt, 2.0))
                continue
            self.secret.delete()
            self.may_be_there = False
            return True
        return False


def _is_over(job: Any) -> bool:  # noqa: ANN401 - the client's object
    return any(one.type in {"Complete", "Failed"} and one.status == "True" for one in job.status.conditions or ())
