"""Where the store lies: which tracking URI a run is recorded under, and how that address is shown."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from nbproj.tracking.folders import home

__all__ = ["database_path", "database_uri", "is_file_store", "is_loopback", "label", "locate", "variables"]

DATABASE = "mlflow.db"
"""The file name that MLflow itself gives to a new database."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SQLITE = re.compile(r"sqlite(\+\w+)?:///")
_DATABASE_SUFFIXES = (".db", ".sqlite", ".sqlite3")


def locate(flag: str | None = None, *, cwd: Path, environ: Mapping[str, str], configured: str | None = None) -> str:
    """Return the tracking URI for a run that starts in a folder (contract, section 7).

    The first of: the flag, MLFLOW_TRACKING_URI, what `mlflow.set_tracking_uri` was given in this process, the configuration, a file store that MLflow
    is allowed to use in the working folder, the nearest `mlflow.db` from the working folder up to the Git root, a new `mlflow.db` in the
    working folder. Outside a Git repository only the working folder is looked at, and never a folder above the user's own.

    Parameters
    ----------
    flag : str, optional
        The caller's choice.
    cwd : Path
        The working folder; relative addresses start from it.
    environ : mapping of str to str
        The environment.
    configured : str, optional
        The choice of a configuration file.

    Returns
    -------
    str
        An absolute address: `sqlite:////folder/mlflow.db`, `file:///folder/mlruns`, `https://...`, `databricks`.

    Examples
    --------
    >>> locate("sqlite:///runs.db", cwd=Path("/work"), environ={})
    'sqlite:////work/runs.db'
    >>> locate(cwd=Path("/work"), environ={"MLFLOW_TRACKING_URI": "http://tracking:5000"})
    'http://tracking:5000'
    """
    folder = cwd.absolute()
    for given in (flag, environ.get("MLFLOW_TRACKING_URI"), _set_in_process(), configured):
        if given and given.strip():
            return _absolute(given.strip(), folder)
    if environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() in {"true", "1"} and _holds_runs(folder / "mlruns"):
        return (folder / "mlruns").as_uri()
    for above in _up_to_root(folder):
        if (above / DATABASE).is_file():
            return database_uri(above / DATABASE)
    return database_uri(folder / DATABASE)


def _set_in_process() -> str | None:
    # Reading the module's variable, not asking mlflow: its get_tracking_uri cannot tell "set" from "default".
    service = sys.modules.get("mlflow.tracking._tracking_service.utils")
    chosen = getattr(service, "_tracking_uri", None)
    return str(chosen) if chosen else None


def _holds_runs(folder: Path) -> bool:
    # MLflow's own sign of a file store: an `mlruns` of artifacts alone has no meta.yaml.
    return any(folder.glob("*/meta.yaml"))


def _up_to_root(folder: Path) -> list[Path]:
    own = home()
    visited: list[Path] = []
    for above in (folder, *folder.parents):
        visited.append(above)
        if (above / ".git").exists():
            return visited
        if above == own:
            break
    return [folder]


def _absolute(uri: str, cwd: Path) -> str:
    if _SQLITE.match(uri):
        path = database_path(uri)
        return uri if path is None or uri.startswith("sqlite+") else database_uri(cwd / path) + _query(uri)
    if uri.startswith("file:"):
        return Path(os.path.normpath(cwd / unquote(urlsplit(uri).path or "."))).as_uri()
    if _SCHEME.match(uri) or uri in {"databricks", "databricks-uc", "uc"}:
        return uri
    path = Path(os.path.normpath(cwd / os.path.expanduser(uri)))  # noqa: PTH111 - pathlib raises where there is no home
    return database_uri(path) if path.suffix in _DATABASE_SUFFIXES else path.as_uri()


def _query(uri: str) -> str:
    _, mark, query = uri.partition("?")
    return mark + query


def database_path(uri: str) -> Path | None:
    """Return the file that a SQLite address means, None for any other address and for a database in memory.

    Examples
    --------
    >>> database_path("sqlite:////tmp/my runs/mlflow.db").as_posix()
    '/tmp/my runs/mlflow.db'
    >>> database_path("http://tracking:5000") is None
    True
    """
    match = _SQLITE.match(uri)
    if match is None:
        return None
    text = unquote(uri[match.end() :].partition("?")[0])
    return None if text in {"", ":memory:"} or text.startswith("file:") else Path(text)


def database_uri(path: Path) -> str:
    """Return the SQLite address of a file, in a spelling that SQLAlchemy 2.0 (which does not decode) and 2.1 (which does) both take.

    Examples
    --------
    >>> database_uri(Path("/tmp/my runs/mlflow.db"))
    'sqlite:////tmp/my runs/mlflow.db'
    """
    text = os.path.normpath(path)
    # Only what is ambiguous is quoted: a question mark starts the options, a percent sign before two hexadecimal digits is decoded.
    text = re.sub(r"%(?=[0-9A-Fa-f]{2})|\?", lambda found: quote(found.group(), safe=""), text)
    return f"sqlite:///{text}"


def is_file_store(uri: str) -> bool:
    """Return whether an address is a folder of plain files, MLflow's old kind of store.

    Examples
    --------
    >>> is_file_store("file:///work/mlruns"), is_file_store("sqlite:////work/mlflow.db")
    (True, False)
    """
    return uri.startswith("file:") or not (_SCHEME.match(uri) or uri in {"databricks", "databricks-uc", "uc"})


def is_loopback(uri: str) -> bool:
    """Return whether only this machine reaches a server at an address.

    Examples
    --------
    >>> is_loopback("http://localhost:5000"), is_loopback("http://[::1]:5000"), is_loopback("https://mlflow.example.org")
    (True, True, False)
    """
    host = urlsplit(uri).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


def variables(uri: str) -> dict[str, str]:
    """Return the environment variables by which a child process with any MLflow finds the store.

    Examples
    --------
    >>> variables("file:///work/mlruns")
    {'MLFLOW_TRACKING_URI': 'file:///work/mlruns', 'MLFLOW_ALLOW_FILE_STORE': 'true'}
    """
    found = {"MLFLOW_TRACKING_URI": uri}
    if is_file_store(uri):  # asked for by its address; newer MLflow wants to be told twice
        found["MLFLOW_ALLOW_FILE_STORE"] = "true"
    return found


def label(uri: str) -> str:
    """Return an address as it may be shown: no credentials, no options, a local path relative to the user's folder.

    Examples
    --------
    >>> label("https://eva:secret@tracking.example.org:8443/mlflow?token=abc")
    'https://tracking.example.org:8443/mlflow'
    >>> label("sqlite:////var/lib/runs/mlflow.db")
    '/var/lib/runs/mlflow.db'
    """
    path = database_path(uri)
    if path is None and is_file_store(uri):
        path = Path(unquote(urlsplit(uri).path)) if uri.startswith("file:") else Path(uri)
    if path is not None:
        text, own = str(path), str(home() or "")
        return f"~{text[len(own) :]}" if own and text.startswith(own + os.sep) else text
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return uri.partition("?")[0]
    authority, slash, path_text = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    password = authority.partition(":")[2]
    if "@" in path_text and password and not password.isdigit() and "@" not in authority:  # a password with an unquoted slash
        authority, slash, path_text = path_text.rpartition("@")[2], "", ""
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path_text}"
