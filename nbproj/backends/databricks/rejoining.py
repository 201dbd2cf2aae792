"""A run on Databricks whose driver died: what follows it to its end."""

from __future__ import annotations

import json
from pathlib import Path

from nbproj.backends.backend import RunRequest, Workplace
from nbproj.backends.databricks.answer import WorkspaceRefusalError
from nbproj.backends.databricks.backend import REQUEST_FILE, follower, keep_request
from nbproj.backends.databricks.jobs import JobRun
from nbproj.backends.databricks.reference import RunReference
from nbproj.backends.databricks.workspace import Workspace
from nbproj.errors import BackendError, RunError
from nbproj.execution.execution import Execution

__all__ = ["RejoinedRun"]


class RejoinedRun:
    """A run that is there, or whose request may have arrived, without its driver.

    Parameters
    ----------
    job : str
        What the dead driver has noted of it.
    folder : Path
        That driver's folder of the run.

    Raises
    ------
    ValueError
        The note names no run.
    """

    def __init__(self, job: str, folder: Path) -> None:
        self._reference = RunReference.from_json(job)
        # Sent again with the same token it names the run that it made, or makes the one that the dead driver was about to.
        kept = folder / REQUEST_FILE
        try:
            self._body = json.loads(kept.read_bytes()) if not self._reference.number else None
        except (OSError, ValueError):
            msg = "the process that carried the run died before its job was submitted"
            raise RunError(msg) from None

    def look(self) -> None:
        """Refuse while the workspace cannot be asked; that the run is gone is an answer."""
        workspace = self._workspace()
        try:
            if self._reference.number:
                JobRun(workspace, self._reference.number).look()
        except WorkspaceRefusalError as error:
            if not error.is_absence:
                raise
        finally:
            workspace.close()

    def submit(self, request: RunRequest, workplace: Workplace) -> Execution:
        """Return what follows it."""
        workspace = self._workspace()
        workplace.resources.callback(workspace.close)
        for secret in workspace.secrets():
            workplace.hide(secret)
        if self._body is not None:  # should this process die as well
            keep_request(workplace.folder, self._body)
        return follower(workspace, self._reference, self._body, request.store, workplace.variables["MLFLOW_RUN_ID"], workplace)

    def _workspace(self) -> Workspace:
        workspace = Workspace(self._reference.profile)
        if workspace.host != self._reference.host:
            workspace.close()
            msg = f"run {self._reference.number} is in the workspace at {self._reference.host}, and {workspace.host} is configured"
            raise BackendError(msg)
        return workspace
