"""What a program in a container needs to reach the storage of its artifacts by itself, as `mlflow run` hands it on: variables and files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from nbproj.backends.docker.mounts import Mounts
from nbproj.errors import BackendError, one_line

__all__ = ["credentials", "folder_of"]

_NAMES: Final = {
    "s3": (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
    ),
    "wasbs": ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCESS_KEY"),
    "abfss": ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCESS_KEY"),
}
"""MLflow's own variables, such as MLFLOW_S3_ENDPOINT_URL, are handed on in any case."""
_FILES: Final = {
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS", PurePosixPath("/.gcs")),
    "hdfs": ("MLFLOW_KERBEROS_TICKET_CACHE", None),
    "viewfs": ("MLFLOW_KERBEROS_TICKET_CACHE", None),
}
"""A variable that names a file, and where the container has it; at the same place when there is none."""
_AWS: Final = PurePosixPath("/.aws")


def credentials(artifact_uri: str, tracking_uri: str, environ: Mapping[str, str], mounts: Mounts) -> dict[str, str]:
    """Return the variables of a storage and a server; their files, and a storage that is a folder here, are mounted.

    Parameters
    ----------
    artifact_uri : str
        Where a run's artifacts go.
    tracking_uri : str
        The server.
    environ : mapping of str to str
        The variables of this machine.
    mounts : Mounts
        Gets the files.

    Raises
    ------
    BackendError
        The server is Databricks, and nothing here says how to log in.

    Notes
    -----
    They are those of MLflow 3.17, with a few more of AWS. Of Databricks only the one login is handed on; the address then names no profile.

    Examples
    --------
    >>> credentials("wasbs://c@a/x", "https://example.org", {"AZURE_STORAGE_ACCESS_KEY": "k", "OTHER": "1"}, Mounts())
    {'AZURE_STORAGE_ACCESS_KEY': 'k'}
    """
    scheme = artifact_uri.partition(":")[0]
    found = {name: environ[name] for name in _NAMES.get(scheme, ()) if name in environ}
    if scheme in _FILES:
        name, there = _FILES[scheme]
        here = Path(environ.get(name) or "").absolute()
        if environ.get(name) and here.is_file():
            found[name] = str(mounts.add(here, there or PurePosixPath(here)))
    kept = Path(environ.get("HOME") or "~").expanduser() / ".aws"
    if scheme == "s3" and kept.is_dir():
        mounts.add(kept, _AWS)
        found |= {"AWS_SHARED_CREDENTIALS_FILE": str(_AWS / "credentials"), "AWS_CONFIG_FILE": str(_AWS / "config")}
    folder = folder_of(artifact_uri)
    if folder is not None and folder.parent.is_dir():
        # The store made it, or would have this machine's program make it: a server here, or on a file system that both see.
        folder.mkdir(exist_ok=True)
        mounts.add(folder, PurePosixPath(folder), writable=True)
    return {**found, **_databricks(tracking_uri)}


def folder_of(uri: str) -> Path | None:
    """Return the folder of this machine that an address names.

    Examples
    --------
    >>> folder_of("file:///a%20b/c"), folder_of("/a/b"), folder_of("s3://bucket/a")
    (PosixPath('/a b/c'), PosixPath('/a/b'), None)
    """
    if uri.startswith("file:"):
        return Path(unquote(urlsplit(uri).path))
    return Path(uri) if uri.startswith("/") else None


def _databricks(uri: str) -> dict[str, str]:
    """Return the login of a workspace, from variables or from the profile that the address names."""
    if uri.partition(":")[0] != "databricks":
        return {}
    from mlflow.exceptions import MlflowException
    from mlflow.utils.databricks_utils import get_databricks_env_vars

    try:
        found = get_databricks_env_vars(uri)
    except MlflowException as error:
        msg = f"the container cannot log in to {uri}: {one_line(str(error))}"
        raise BackendError(msg) from error
    return {name: str(value) for name, value in found.items()}
