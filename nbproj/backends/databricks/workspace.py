"""A Databricks workspace: the user's login, as the official client finds it, and requests that survive a service under load."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nbproj.backends.databricks.answer import WorkspaceAwayError, WorkspaceRefusalError, document, pause_of
from nbproj.errors import BackendError, one_line
from nbproj.tracking.library import quiet
from nbproj.tracking.redact import mask_url
from nbproj.version import __version__

__all__ = ["Patience", "Workspace", "profile_of"]

_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
_LOGIN_SECONDS: Final = 5
_ANSWER_SECONDS: Final = 60.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_STEEPEST: Final = 10
_LEAST_PAUSE: Final = 0.1
"""And a tenth more each time, when the service says that it need not be left alone."""
_LONGEST_TEXT: Final = 400
_TELL_SECONDS: Final = 1.0
_LOG_IN: Final = "Set DATABRICKS_HOST and DATABRICKS_TOKEN, run `databricks configure`, or name a profile: MLFLOW_TRACKING_URI=databricks://PROFILE"


def profile_of(uri: str) -> str | None:
    """Return the profile that a tracking address names.

    Examples
    --------
    >>> profile_of("databricks://team"), profile_of("databricks"), profile_of("https://mlflow.example.org")
    ('team', None, None)
    """
    scheme, mark, rest = uri.partition("://")
    return rest.partition("/")[0] or None if mark and scheme in {"databricks", "databricks-uc"} else None


@dataclass(frozen=True, slots=True)
class Patience:
    """How a workspace is waited for that is away, or has too much to do: for ten minutes, as its documentation advises.

    Parameters
    ----------
    seconds : float
        For which it is asked again.
    cancelled : Event
        Set when nobody wants the answer any more.
    waiting : callable, optional
        Told why it takes long.
    """

    seconds: float = 600.0
    cancelled: threading.Event = field(default_factory=threading.Event)
    waiting: Callable[[str], None] | None = None


class Workspace:
    """A workspace, with the login that the official client finds: variables, a profile, or one of a cloud.

    Parameters
    ----------
    profile : str, optional
        A profile of the user's `.databrickscfg`; else `DATABRICKS_CONFIG_PROFILE`, variables, or the default profile.

    Raises
    ------
    BackendError
        There is no login, or the extra is not installed.
    """

    def __init__(self, profile: str | None = None) -> None:
        try:
            with quiet():
                import requests
                from databricks.sdk.config import Config
        except ImportError as error:
            msg = "Databricks needs further packages: pip install 'nbproj[databricks]'"
            raise BackendError(msg) from error
        try:
            with quiet():
                self._login = Config(
                    profile=profile,
                    product="nbproj",
                    product_version=__version__.partition("+")[0],
                    http_timeout_seconds=_LOGIN_SECONDS,
                    retry_timeout_seconds=_LOGIN_SECONDS,
                )
                self._signature = self._login.authenticate()
        except Exception as error:  # noqa: BLE001 - of many kinds, one for each way to log in
            raise BackendError(_no_login(profile, error), hint=_LOG_IN) from None
        self.host = str(self._login.host).rstrip("/")
        self.profile = profile
        self._session = requests.Session()
        self._session.auth = self._sign
        self._answered = False
        self._broken: tuple[type[Exception], ...] = (requests.RequestException,)
        self._hopeless: tuple[type[Exception], ...] = (requests.exceptions.SSLError, requests.exceptions.InvalidHeader, ValueError)

    def close(self) -> None:
        """Let go of its connections."""
        self._session.close()

    def _sign(self, request: Any) -> Any:  # noqa: ANN401 - requests hands over its own; so no .netrc comes before the login
        with quiet():
            self._signature = self._login.authenticate()
        request.headers.update(self._signature)
        if getattr(self._login, "workspace_id", None):  # an address that many workspaces share
            request.headers["X-Databricks-Workspace-Id"] = str(self._login.workspace_id)
        return request

    def secrets(self) -> list[str]:
        """Return what of the login must be masked."""
        login = self._login
        lent = self._signature.get("Authorization", "").partition(" ")[2]  # a token that a cloud or a browser has given
        return [value for value in (login.token, login.password, login.client_secret, login.azure_client_secret, lent) if value]

    def ask(
        self,
        method: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        data: bytes | None = None,
        patience: Patience | None = None,
    ) -> dict[str, Any]:
        """Send a request until it is answered, and return the answer.

        It may reach the workspace more than once: the request has to mean the same the second time.

        Parameters
        ----------
        method, path : str
            Of HTTP.
        what : str
            What cannot be done if it fails, as the beginning of a sentence.
        query, body : mapping, optional
            Values of the address; a document.
        data : bytes, optional
            In place of a document.
        patience : Patience, optional
            How it is waited for.

        Raises
        ------
        WorkspaceAwayError
            There was no answer in that time.
        WorkspaceRefusalError
            It refuses.
        """
        patience = patience or Patience()
        deadline, attempt = time.monotonic() + patience.seconds, 0
        while True:
            reason, pause = self._once(method, path, what, query, body, data)
            if isinstance(reason, dict):
                return reason
            attempt += 1
            backing_off = min(_FIRST_PAUSE * 2 ** min(attempt - 1, _STEEPEST), _LONGEST_PAUSE) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            wait = backing_off if pause is None else max(pause, min(attempt * _LEAST_PAUSE, 1.0))
            msg = f"{what}: {reason}"
            if time.monotonic() + wait > deadline:
                raise WorkspaceAwayError(msg, pause or 0.0, hint="Run the same command again later")
            if patience.waiting is not None and wait >= _TELL_SECONDS:
                patience.waiting(msg)
            if patience.cancelled.wait(wait):
                raise WorkspaceAwayError(msg, pause or 0.0)

    def _once(
        self, method: str, path: str, what: str, query: Mapping[str, Any] | None, body: Mapping[str, Any] | None, data: bytes | None
    ) -> tuple[dict[str, Any] | str, float | None]:
        """Return the answer, or why there is none yet and for how long the workspace wants to be left alone."""
        try:
            answer = self._session.request(
                method,
                f"{self.host}{path}",
                params=query,
                json=body,
                data=data,
                headers={"User-Agent": self._login.user_agent, **({"Content-Type": "application/octet-stream"} if data is not None else {})},
                timeout=_ANSWER_SECONDS,
                allow_redirects=False,
            )
        except self._hopeless as error:
            if self._answered:  # it has worked: this machine may stand behind another network now
                return f"Databricks at {self.host} does not answer ({type(error).__name__})", None
            msg = f"{what}: {self.host} cannot be asked ({type(error).__name__})"
            hint = "Is DATABRICKS_HOST right? An authority of your own is trusted by REQUESTS_CA_BUNDLE=/path/to/ca.pem"
            raise BackendError(msg, hint=hint) from None
        except self._broken as error:
            return f"Databricks at {self.host} does not answer ({type(error).__name__})", None
        self._answered = True
        told = document(answer.content)
        if answer.status_code in _AGAIN:
            busy = "has too many requests" if answer.status_code == 429 else f"answers {answer.status_code}"  # noqa: PLR2004 - HTTP's
            return f"Databricks at {self.host} {busy}", pause_of(answer.headers.get("Retry-After"))
        if answer.ok and not 300 <= answer.status_code < 400:  # noqa: PLR2004 - HTTP's
            if told is None and answer.content:
                msg = f"{what}: {self.host} does not answer as a Databricks workspace does: is DATABRICKS_HOST right?"
                raise WorkspaceRefusalError(msg, answer.status_code)
            return {**(told or {}), "length": answer.headers.get("Content-Length")} if method == "HEAD" else told or {}, None
        raise self._refusal(what, answer.status_code, told or {})

    def _refusal(self, what: str, status: int, told: Mapping[str, Any]) -> WorkspaceRefusalError:
        code = told.get("error_code") if isinstance(told.get("error_code"), str) else ""  # some older endpoints give HTTP's number there
        said = mask_url(one_line(str(told.get("message") or "")))[:_LONGEST_TEXT]
        for secret in self.secrets():
            said = said.replace(secret, "***")
        if 300 <= status < 400:  # noqa: PLR2004 - HTTP's
            return WorkspaceRefusalError(f"{what}: {self.host} sends elsewhere: is DATABRICKS_HOST the address of a workspace?", status)
        if status == 401 or (status == 403 and "token" in said.lower()):  # noqa: PLR2004 - HTTP's
            message = f"{what}: Databricks at {self.host} does not accept the login{f' ({said})' if said else ''}: log in again"
            return WorkspaceRefusalError(message, status, str(code), hint=_LOG_IN)
        return WorkspaceRefusalError(f"{what}: Databricks says {said or code or f'HTTP {status}'}", status, str(code))


def _no_login(profile: str | None, error: Exception) -> str:
    said = one_line(str(error))
    if "no" in said and "profile configured" in said:
        return f"no Databricks profile {profile or said.partition(' has no ')[2].partition(' profile')[0]!r} is configured"
    if "cannot configure default credentials" in said or "host is required" in said.lower():
        return "no login for Databricks is configured"
    return f"cannot log in to Databricks: {mask_url(said).partition('. Config:')[0][:_LONGEST_TEXT]}"
