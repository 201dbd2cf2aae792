"""The gateway as something that a run owns: started beside it, reached under an address, ended with it."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nbproj.errors import RunError, StoreError
from nbproj.progress import Event, Progress, silent
from nbproj.tracking import library
from nbproj.tracking.gateway.notes import Notes
from nbproj.tracking.mlflow_store import MlflowStore
from nbproj.tracking.redact import Redactor
from nbproj.tracking.store import Store

__all__ = ["ARTIFACT_LIMIT", "BODY_LIMIT", "Gateway"]

BODY_LIMIT = 16 << 20
"""Bytes of one request; MLflow's own batches stay below one million."""

ARTIFACT_LIMIT = 64 << 30
"""Bytes of one file."""

HEAD_SECONDS = 10.0
"""How long the head of a request may take to arrive; its body comes from somebody who bears the token, and may take its time."""

_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_HEADERS = 1 << 17  # a search may name many runs in its address

_FOREIGN = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_TRACKING_CLIENT_CERT_PATH", "MLFLOW_WORKSPACE")
"""What the user has set for a server of their own; the gateway would be spoken to in a way that it does not know."""


def _listening(host: str) -> socket.socket:
    # The protocol is named: only then is the delay of small packets off in the connections that are accepted, which is 40 ms for each answer.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.bind((host, 0))
        listener.listen(128)
    except OSError as error:
        listener.close()
        msg = f"the tracking gateway cannot listen on {host}: {error.strerror}"
        raise RunError(msg) from error
    return listener


class Gateway:
    """MLflow's REST API for one run and its children; a context manager. Lives in a thread of this process and dies with it.

    Parameters
    ----------
    store : Store
        Where the run is recorded: one that MLflow's library keeps.
    run_id, experiment_id : str
        The run, and its experiment.
    folder : Path
        For files on their way, made when there is one; the run's own, so that it goes with the run.
    mask : callable
        Masks secrets in what a client logs.
    progress : callable
        Gets a note for each kind of refused request, when the gateway ends.
    host : str
        The address to listen on. Anything but loopback can be reached by others; they lack the token.
    reached_as : str, optional
        The name under which the client sees that address, where it is another one: a container's name for its host.
    body_limit, artifact_limit : int
        Bytes that a request, and a file, may have.
    head_seconds : float
        Seconds in which the head of a request must have arrived.
    most : int, optional
        Connections at once; by default a part of what this process may have open.

    Raises
    ------
    StoreError
        The store is none of MLflow's.

    Examples
    --------
    >>> from nbproj.tracking.gateway.server import Gateway
    >>> with Gateway(store, run.run_id, run.experiment_id, folder) as gateway:  # doctest: +SKIP
    ...     subprocess.run(command, env=gateway.environment(os.environ))
    """

    def __init__(  # noqa: PLR0913 - three that name the run, the others have defaults
        self,
        store: Store,
        run_id: str,
        experiment_id: str,
        folder: Path,
        *,
        mask: Callable[[str], str] = str,
        progress: Progress = silent,
        host: str = "127.0.0.1",
        reached_as: str | None = None,
        body_limit: int = BODY_LIMIT,
        artifact_limit: int = ARTIFACT_LIMIT,
        head_seconds: float = HEAD_SECONDS,
        most: int | None = None,
    ) -> None:
        if not isinstance(store, MlflowStore):
            msg = f"the tracking store {store.label} cannot be handed on to other versions of MLflow"
            raise StoreError(msg)
        self._store, self._run_id, self._experiment_id, self._folder, self._mask = store, run_id, experiment_id, folder, mask
        self._progress = progress
        self._host, self._name = host, reached_as or host
        self._limits = {"body_limit": body_limit, "artifact_limit": artifact_limit}
        self._head_seconds, self._most = head_seconds, most
        self._notes = Notes()
        self._socket: socket.socket | None = None
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self.token = secrets.token_urlsafe(32)
        self.redactor = Redactor([self.token])

    @property
    def uri(self) -> str:
        """Its address, as the client sees it.

        Raises
        ------
        RunError
            It is not started.
        """
        if self._socket is None:
            msg = "the tracking gateway is not started"
            raise RunError(msg)
        name = f"[{self._name}]" if ":" in self._name else self._name
        return f"http://{name}:{self._socket.getsockname()[1]}"

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a program in which every MLflow client speaks to the gateway, and to nothing that was set for another server."""
        found = {name: value for name, value in variables.items() if name not in _FOREIGN}
        found |= {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_TRACKING_TOKEN": self.token,
            # A user's name and password win over the token, and are looked for in ~/.mlflow/credentials when they are not given.
            "MLFLOW_TRACKING_USERNAME": "nbproj",
            "MLFLOW_TRACKING_PASSWORD": self.token,
            "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
            "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # nobody will be there when the link is followed
        }
        for name in ("no_proxy", "NO_PROXY"):  # both are read, the first one by more programs
            others = found.get(name) or found.get(name.swapcase(), "")
            found[name] = ",".join(filter(None, [others, self._name]))
        return found

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, and answer from now on.

        Raises
        ------
        RunError
            There is no such address on this machine, or the server did not start.
        """
        import uvicorn

        from nbproj.tracking.gateway.application import Application
        from nbproj.tracking.gateway.charge import Charge
        from nbproj.tracking.gateway.connections import careful_protocol, most_connections
        from nbproj.tracking.gateway.family import Family

        self._socket = _listening(self._host)
        family = Family(self._store, self._run_id, self._experiment_id)
        charge = Charge(self._store, family, self._experiment_id, self._mask_all)
        names = frozenset({self._host, self._name})
        application = Application(charge, self.token, self._notes, names=names, folder=self._folder, **self._limits)
        config = uvicorn.Config(
            application,
            loop="asyncio",
            http=careful_protocol(self._notes, most=self._most or most_connections(), head_seconds=self._head_seconds),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=_HEADERS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="nbproj-gateway", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if self._failure is not None or time.monotonic() > deadline:
                self.stop()
                msg = f"the tracking gateway did not start: {self._failure or 'no answer'}"
                raise RunError(msg)
            time.sleep(0.001)

    def _mask_all(self, text: str) -> str:
        return self.redactor.text(self._mask(text))

    def _serve(self) -> None:
        try:
            with library.quiet():
                self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits for the start
            self._failure = error

    def stop(self) -> None:
        """Answer nobody any more, and tell what was refused. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._server.should_exit = True
            # What is being carried out is waited for; connections that are merely open are not.
            self._server.force_exit = not self._server.server_state.tasks
            thread.join(_STOP_SECONDS)
            if thread.is_alive():
                self._server.force_exit = True
                thread.join(_STOP_SECONDS)
        listener, self._socket = self._socket, None
        if listener is not None:
            listener.close()
        notes, self._notes = self._notes, Notes()
        for line in notes.lines():
            self._progress(Event("note", line))
