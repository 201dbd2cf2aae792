"""Why a store refuses, in one line: every error of MLflow, SQLAlchemy and SQLite is turned into ours here, and nowhere else."""

from __future__ import annotations

import re
import sqlite3

from nbproj.errors import StoreError, StoreUnreachableError, one_line
from nbproj.tracking.location import label
from nbproj.tracking.redact import mask_url
from nbproj.tracking.store import RunNotFoundError

__all__ = ["is_locked", "refusal"]

_LONGEST = 300

_CREDENTIALS = "set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"

_KINDS = "give a path, or an address that begins with sqlite:, file:, http:, https:, postgresql:, mysql:, mssql: or databricks"

# In order: the first that is found decides. The texts are those of SQLite, requests, urllib3 and MLflow.
_DATABASE = (
    (r"database (table )?is locked|is locked", StoreUnreachableError, "is locked by another program, and stays so: end it, or choose another store"),
    (r"readonly database|read-only", StoreError, "cannot be written: it is read-only. Check its permissions, or choose another store"),
    (r"disk is full|No space left", StoreError, "cannot be written: the disk is full"),
    (r"file is not a database|file is encrypted", StoreError, "is not a tracking database: move the file away, or choose another store"),
    (r"malformed", StoreError, "is damaged: restore it from a copy, or choose another store"),
    (r"unable to open database file", StoreError, "cannot be opened: check its folder and their permissions"),
    (r"disk I/O error", StoreError, "cannot be read or written: the disk reports an error"),
    (r"no such (table|column)", StoreError, "lacks a part of MLflow's schema: run 'mlflow db upgrade' with its address, after a copy of the file"),
)
_SERVER = (
    (r"too many 50[0234] error responses|error code 50[0234]|status 50[0234]", "answers with errors of its own; look into its log"),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerification", "has a certificate that is not trusted: set MLFLOW_TRACKING_SERVER_CERT_PATH"),
    (r"Name or service not known|NameResolutionError|getaddrinfo|nodename nor servname", "has no address: its name is not known here"),
    (r"Connection refused", "does not answer: nobody listens there"),
    (r"timed out|timeout", "does not answer in time"),
    (
        r"Max retries exceeded|Connection aborted|RemoteDisconnected|Connection reset|ConnectionError|No route to host|Network is unreachable",
        "does not answer",
    ),
    (r"could not connect to server|connection to server|Can't connect to MySQL|could not translate host name", "does not answer"),
)


def is_locked(error: BaseException) -> bool:
    """Return whether an error, or what caused it, says that a SQLite database is held by another process."""
    return "is locked" in _told(error)


def _told(error: BaseException) -> str:
    texts: list[str] = []
    current: BaseException | None = error
    while current is not None:
        texts.append(str(current))
        current = current.__cause__
    return " | ".join(texts)


def refusal(error: BaseException, uri: str, doing: str) -> StoreError:
    """Return the error of one line for whatever a store's library raised.

    Parameters
    ----------
    error : BaseException
        What was raised.
    uri : str
        The store's address; only its label is shown.
    doing : str
        What was tried, for messages without a better one: "log parameters".

    Returns
    -------
    StoreError
        `StoreUnreachableError` when the store does not answer, `RunNotFoundError` when it does not know the run, else `StoreError`.
    """
    if isinstance(error, StoreError):
        return error
    text, name = _told(error), label(uri)
    store = f"the tracking store {name}"
    code = getattr(error, "error_code", "")
    if isinstance(error, sqlite3.Error) or "sqlite3." in text or uri.startswith("sqlite"):
        for pattern, kind, told in _DATABASE:
            if re.search(pattern, text):
                return kind(f"{store} {told}")
    found = _of_server(text, str(code), store)
    if found is None and "unsupported URI" in text:  # of all registries, not only of what has to do with runs
        found = StoreError(f"{store} is of a kind that is not known here: {_KINDS}")
    if found is not None:
        return found
    short = mask_url(one_line(str(error).replace(uri, name)))
    short = re.sub(r"^[A-Z_]+: ", "", short.partition(" [SQL: ")[0])
    if len(short) > _LONGEST:
        short = short[:_LONGEST] + "..."
    if code == "RESOURCE_DOES_NOT_EXIST" and re.search(r"\b[Rr]un\b", short):
        return RunNotFoundError(f"{store} knows no such run: {short}")
    if re.search(r"must be in the 'active' (lifecycle )?(state|stage)|must be in 'active'|deleted", short) and re.search(r"\b[Rr]un\b", short):
        return RunNotFoundError(f"{store}: the run was deleted: {short}")
    return StoreError(f"{store} refuses to {doing}: {short or type(error).__name__}")


def _of_server(text: str, code: str, store: str) -> StoreError | None:
    if code in {"UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"} or re.search(r"error code 401|401 Client Error", text):
        return StoreError(f"{store} wants to know who you are (401): {_CREDENTIALS}")
    if code == "PERMISSION_DENIED" or re.search(r"error code 403|403 Client Error", text):
        return StoreError(f"{store} does not let you (403): ask for permission, or {_CREDENTIALS}")
    if "not in a valid JSON format" in text or re.search(r"<!doctype html|<html", text, re.IGNORECASE) or code == "ENDPOINT_NOT_FOUND":
        return StoreError(f"{store} is not an MLflow tracking server: something else answers there. Check the address")
    if "API request" in text or "HTTPConnectionPool" in text or "HTTPSConnectionPool" in text or "OperationalError" in text:
        for pattern, told in _SERVER:
            if re.search(pattern, text, re.IGNORECASE):
                return StoreUnreachableError(f"{store} {told}")
    return None
