"""A cluster that is spoken to: which one, as whom, and what its refusals mean."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from nbproj.backends.kubernetes.access import Access
from nbproj.errors import BackendError, NbprojError, one_line
from nbproj.tracking.redact import mask_url

__all__ = ["Cluster", "ClusterAwayError", "ClusterRefusalError", "LoginRenewedError"]

_SECONDS: Final = (5.0, 30.0)
"""For the connection, and for an answer."""
_NOT_FOUND, _CONFLICT, _GONE = 404, 409, 410
_MALFORMED, _UNAUTHORIZED, _FORBIDDEN, _INVALID, _BUSY = 400, 401, 403, 422, 429
_SERVER: Final = 500
_TRIES: Final = 5


class ClusterAwayError(NbprojError):
    """The cluster does not answer, or not now."""

    exit_code = 121


class LoginRenewedError(ClusterAwayError):
    """The cluster did not know the user any more; the login was read again, and is another one now."""


class ClusterRefusalError(NbprojError):
    """The cluster refuses.

    Parameters
    ----------
    message : str
        What, and what to do.
    status : int
        The HTTP status of its answer.
    """

    exit_code = 121

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_absence(self) -> bool:
        """Whether what was asked for is not there."""
        return self.status == _NOT_FOUND

    @property
    def is_presence(self) -> bool:
        """Whether what was to be made is there already."""
        return self.status == _CONFLICT


class Cluster:
    """A cluster, by a context of the user's kubeconfig, else the current one, else the one that this process runs in.

    Parameters
    ----------
    context : str, optional
        The context's name.

    Raises
    ------
    BackendError
        There is no such context, or no cluster at all is configured; or the extra is not installed.
    """

    def __init__(self, context: str | None = None) -> None:
        self._access = Access(context)
        self._lock = threading.Lock()
        self._clients: list[Any] = []
        self._use(self._access.read())

    def _use(self, configuration: Any) -> None:  # noqa: ANN401 - the client's own
        import urllib3
        from kubernetes import client

        if not configuration.verify_ssl:  # the user's own choice, in the kubeconfig: once a request would be too often to be told of it
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._known = _login(configuration)
        connection: Any = client.ApiClient(configuration)
        self._clients.append(connection)
        # Any: the client's annotations allow None for what an answer always has.
        self.batch: Any = client.BatchV1Api(connection)
        self.core: Any = client.CoreV1Api(connection)
        self._authorization: Any = client.AuthorizationV1Api(connection)

    @property
    def namespace(self) -> str:
        """Return where a Job goes whose template names no namespace."""
        return self._access.namespace

    @property
    def host(self) -> str:
        """Return the address of its API server."""
        return mask_url(str(self._clients[0].configuration.host))

    def admits(self, namespace: str) -> None:
        """Refuse a cluster that does not answer, does not know the user, or does not let the user make Jobs; asked before anything is built for it.

        Parameters
        ----------
        namespace : str
            Where the Jobs would be.

        Raises
        ------
        ClusterAwayError
            It has not answered for some seconds.
        ClusterRefusalError
            It refuses.
        """
        wanted = {"namespace": namespace, "verb": "create", "group": "batch", "resource": "jobs"}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": wanted}}
        for attempt in range(_TRIES):
            try:
                with self.asked("no Job can be made") as how:
                    status = self._authorization.create_self_subject_access_review(body, **how).status
                break
            except ClusterAwayError:
                if attempt == _TRIES - 1:
                    raise
                time.sleep(1.0)
        if not status.allowed:
            msg = f"no Job can be made: you may not create Jobs in namespace {namespace!r} of the cluster at {self.host}. Ask who administers it"
            raise ClusterRefusalError(msg, _FORBIDDEN)

    @contextlib.contextmanager
    def asked(self, doing: str) -> Iterator[dict[str, Any]]:
        """Turn what the cluster answers to one request into errors of ours; yields the arguments that every request takes.

        Parameters
        ----------
        doing : str
            What is asked for, as the message says it: "the Job cannot be created".

        Raises
        ------
        ClusterAwayError
            It does not answer.
        LoginRenewedError
            It did not know the user any more, and there is another login now: what was asked can be asked again.
        ClusterRefusalError
            It refuses.
        """
        import urllib3
        from kubernetes.client import ApiException

        login = self._known
        try:
            yield {"_request_timeout": _SECONDS}
        except ApiException as error:
            status = int(error.status or 0)
            if status == _UNAUTHORIZED and self._renewed(login):
                msg = f"{doing}: {self._meaning(status, error)}"
                raise LoginRenewedError(msg) from None
            if status >= _SERVER or status in {_BUSY, 0}:
                msg = f"{doing}: the cluster at {self.host} is not well (HTTP {status}): {_told(error)}"
                raise ClusterAwayError(msg) from None
            msg = f"{doing}: {self._meaning(status, error)}"
            raise ClusterRefusalError(msg, status) from None
        except urllib3.exceptions.SSLError as error:
            msg = f"{doing}: the certificate of the cluster at {self.host} does not hold: {one_line(str(error))[:300]}"
            raise ClusterAwayError(msg) from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:  # ValueError: of a connection that was shut while it was read
            msg = f"{doing}: the cluster at {self.host} does not answer ({type(error).__name__})"
            raise ClusterAwayError(msg) from None

    def _meaning(self, status: int, error: Any) -> str:  # noqa: ANN401 - the client's own exception
        told = _told(error)
        if status == _UNAUTHORIZED:
            return f"the cluster at {self.host} does not know you any more (HTTP 401): log in again"
        if status == _FORBIDDEN and "exceeded quota" in told:
            return f"the namespace's quota is used up: {told}"
        if status == _FORBIDDEN:
            return f"you may not do that (HTTP 403): {told}"
        if status in {_MALFORMED, _INVALID}:
            return f"the Job template does not pass: {told}"
        return f"{told} (HTTP {status})"

    def close(self) -> None:
        """Let go of the connections."""
        for one in self._clients:
            one.close()

    def _renewed(self, refused: tuple[str, bytes, bytes]) -> bool:
        """Read the login again after it was refused; return whether there is another one now."""
        with self._lock:  # who follows the Job and who reads its output are refused at the same time
            if self._known != refused:
                return True
            try:
                configuration = self._access.read()
            except BackendError:
                return False
            if configuration.host != self._clients[0].configuration.host or _login(configuration) == refused:
                return False
            self._use(configuration)
            return True


def _told(error: Any) -> str:  # noqa: ANN401 - the client's own exception
    """Return in one line what an answer says."""
    try:
        message = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        message = error.reason or "no reason is given"
    return one_line(str(message))[:600].rstrip(".")


def _login(configuration: Any) -> tuple[str, bytes, bytes]:  # noqa: ANN401 - the client's own
    """Return what the cluster knows the user by: a token, or a certificate with its key."""
    files = []
    for path in (configuration.cert_file, configuration.key_file):
        content = b""
        if path:
            with contextlib.suppress(OSError):
                content = Path(path).read_bytes()
        files.append(content)
    return str(configuration.api_key.get("BearerToken") or ""), files[0], files[1]
