"""Whether a tracking server answers at all, found out within seconds."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator

from nbproj.errors import StoreUnreachableError
from nbproj.progress import Event, Progress
from nbproj.tracking.location import label
from nbproj.tracking.refusal import refusal

__all__ = ["PATIENCE_SECONDS", "reach", "waiting"]

PATIENCE_SECONDS = 10.0
"""After which a server that does not answer is given up."""

WAITING_SECONDS = 3.0
"""After which the user is told what is waited for."""

CONNECT_SECONDS = 3.0
PAUSE_SECONDS = 0.5
_OVERLOADED = {502, 503, 504}


@contextlib.contextmanager
def waiting(progress: Progress, uri: str) -> Iterator[None]:
    """Tell the user what is waited for when a block takes longer than three seconds; from another thread."""
    timer = threading.Timer(WAITING_SECONDS, progress, [Event("waiting", f"waiting for the tracking store {label(uri)}")])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def reach(uri: str, *, progress: Progress, patience: float = PATIENCE_SECONDS) -> None:
    """Return when a server answers anything at all; who answers, and what, is found out by asking for real.

    Parameters
    ----------
    uri : str
        Its address.
    progress : callable
        Told after three seconds that the server is waited for.
    patience : float
        Seconds until it is given up.

    Raises
    ------
    StoreUnreachableError
        It did not answer in time.
    """
    import requests

    verify: bool | str = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or (
        os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() not in {"true", "1"}
    )
    refused: BaseException | None = None
    with waiting(progress, uri):
        deadline, left = time.monotonic() + patience, patience
        while left > 0:  # asked once at least, however long this process was kept from it
            wait = (min(CONNECT_SECONDS, left), left)
            try:
                with requests.get(f"{uri.rstrip('/')}/health", timeout=wait, verify=verify, allow_redirects=False, stream=True) as answer:
                    if answer.status_code not in _OVERLOADED:
                        return
                    refused = None
            except (requests.exceptions.SSLError, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
                refused = error
                break
            except (requests.exceptions.RequestException, OSError) as error:
                refused = error
            time.sleep(min(PAUSE_SECONDS, max(deadline - time.monotonic(), 0)))
            left = deadline - time.monotonic()
    hint = "start it, or choose another store with MLFLOW_TRACKING_URI"
    if refused is None:
        msg = f"the tracking store {label(uri)} answers that it is overloaded or starting: try again later"
        raise StoreUnreachableError(msg)
    told = refusal(refused, uri, "answer")
    raise StoreUnreachableError(told.message, hint=hint) from refused
