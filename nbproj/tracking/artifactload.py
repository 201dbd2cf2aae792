"""Files that MLflow knows by an address of its own: artifacts of runs, models of the registry, what lies on Databricks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nbproj.errors import SourceError, one_line
from nbproj.tracking.library import load, quiet, settings

__all__ = ["artifact_loader"]

_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "120",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a file store is opened only where its address was given
}
_DATABRICKS = "; set DATABRICKS_HOST and DATABRICKS_TOKEN, or MLFLOW_TRACKING_URI=databricks://PROFILE"


def artifact_loader(store: str) -> Callable[[str, Path], Path]:
    """Return a function that writes what is at a `runs:/`, `models:/` or `dbfs:/` address into a folder, and returns where it is there.

    Parameters
    ----------
    store : str
        The tracking store in which the address has its meaning.
    """

    def fetch(address: str, folder: Path) -> Path:
        with quiet(), settings(_PATIENCE):
            load()
            try:
                from mlflow.artifacts import download_artifacts

                return Path(download_artifacts(artifact_uri=address, dst_path=str(folder), tracking_uri=store))
            except ImportError as error:  # the library of the store in which the artifacts lie
                msg = f"{address} could not be downloaded: {one_line(str(error))}"
                raise SourceError(msg) from None
            except Exception as error:  # noqa: BLE001 - MLflow's own errors, and those of whatever its artifacts lie in
                hint = _DATABRICKS if address.startswith("dbfs:") else ""
                msg = f"{address} could not be downloaded: {one_line(str(error)) or type(error).__name__}{hint}"
                raise SourceError(msg) from None

    return fetch
