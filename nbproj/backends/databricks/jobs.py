"""A run of a job in a workspace: submitted once, looked at, cancelled, its output fetched."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nbproj.backends.databricks.answer import WorkspaceRefusalError
from nbproj.backends.databricks.workspace import Patience, Workspace
from nbproj.errors import one_line
from nbproj.execution.execution import Outcome

__all__ = ["JobRun", "Sight"]

_OVER: Final = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})
_CANCEL_SECONDS: Final = 30.0
_OUTPUT_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 1.0
"""For which one look is repeated at once; whoever follows a run looks again."""
_LONGEST: Final = 400
_TIMED_OUT: Final = 124
_KILLED: Final = 143


@dataclass(frozen=True, slots=True)
class Sight:
    """What is to be seen of a run.

    Parameters
    ----------
    life, result : str
        Its `life_cycle_state` and `result_state`.
    message : str
        What the service says of it.
    page : str
        The address of its page.
    job : int
        The number of the job that stands for it.
    tasks : list of int
        The numbers of its tasks' runs.

    Examples
    --------
    >>> Sight.of({"state": {"life_cycle_state": "TERMINATED", "result_state": "CANCELED"}}).outcome.exit_code
    143
    """

    life: str
    result: str = ""
    message: str = ""
    page: str = ""
    job: int = 0
    tasks: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Sight:
        """Return what an answer of `runs/get` shows."""
        state = told.get("state") or _state_of(told.get("status") or {})
        return cls(
            str(state.get("life_cycle_state") or ""),
            str(state.get("result_state") or ""),
            one_line(str(state.get("state_message") or ""))[:_LONGEST],
            str(told.get("run_page_url") or ""),
            int(told.get("job_id") or 0),
            [int(one["run_id"]) for one in told.get("tasks") or () if one.get("run_id")],
        )

    @property
    def is_over(self) -> bool:
        """Return whether it has ended."""
        return self.life in _OVER

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, as far as the service knows; None while it goes on."""
        if not self.is_over:
            return None
        said = f": {self.message.rstrip('.')}" if self.message else ""
        if self.result == "SUCCESS":
            return Outcome(0)
        if self.result == "CANCELED":
            return Outcome(_KILLED, f"the run was cancelled on Databricks{said}", cancelled=True)
        if self.result == "TIMEDOUT":
            return Outcome(_TIMED_OUT, f"Databricks has ended the run at its time{said}")
        return Outcome(1, f"the run has failed on Databricks ({self.result or self.life}){said}")


def _state_of(status: Mapping[str, Any]) -> dict[str, str]:
    """Return as a `state`, which the service calls deprecated, what a `status` says in its place.

    Examples
    --------
    >>> _state_of({"state": "TERMINATED", "termination_details": {"code": "USER_CANCELED", "message": "by eva"}})
    {'life_cycle_state': 'TERMINATED', 'result_state': 'CANCELED', 'state_message': 'by eva'}
    >>> _state_of({"state": "TERMINATED", "termination_details": {"code": "CLUSTER_ERROR"}})
    {'life_cycle_state': 'TERMINATED', 'result_state': 'CLUSTER_ERROR', 'state_message': ''}
    """
    details = status.get("termination_details") or status.get("queue_details") or {}
    code, message = str(details.get("code") or ""), str(details.get("message") or "")
    life = {"WAITING": "WAITING_FOR_RETRY"}.get(str(status.get("state")), str(status.get("state") or ""))
    return {"life_cycle_state": life, "result_state": "CANCELED" if code == "USER_CANCELED" else code, "state_message": message}


class JobRun:
    """A run, by its number in a workspace.

    Parameters
    ----------
    workspace : Workspace
        Where it is.
    number : int
        Its number; 0 before it is submitted.
    """

    def __init__(self, workspace: Workspace, number: int = 0) -> None:
        self.workspace, self.number = workspace, number

    def submit(self, body: Mapping[str, Any], patience: Patience) -> None:
        """Submit it; with one and the same token the workspace makes one run, however often it is asked.

        Raises
        ------
        WorkspaceAwayError, WorkspaceRefusalError
            It does not answer, or refuses.
        """
        what = "the job cannot be submitted"
        told = self.workspace.ask("POST", "/api/2.1/jobs/runs/submit", what, body=body, patience=patience)
        try:
            self.number = int(told["run_id"])
        except (KeyError, TypeError, ValueError):
            msg = f"{what}: {self.workspace.host} answers without the number of a run"
            raise WorkspaceRefusalError(msg, 200) from None

    def look(self, *, cancelled: threading.Event | None = None) -> Sight:
        """Return what is to be seen of it now.

        Raises
        ------
        WorkspaceAwayError, WorkspaceRefusalError
            Nobody can tell.
        """
        patience = Patience(_LOOK_SECONDS, cancelled or threading.Event())
        told = self.workspace.ask("GET", "/api/2.1/jobs/runs/get", "the run cannot be looked at", query={"run_id": self.number}, patience=patience)
        return Sight.of(told)

    def cancel(self) -> None:
        """Ask for its end, which comes some time after.

        Raises
        ------
        WorkspaceAwayError, WorkspaceRefusalError
            Nobody takes the wish.
        """
        body = {"run_id": self.number}
        self.workspace.ask("POST", "/api/2.1/jobs/runs/cancel", "the run cannot be cancelled", body=body, patience=Patience(_CANCEL_SECONDS))

    def output(self, task: int) -> tuple[str, str, bool]:
        """Return what a task of it has printed, why it failed, and whether some of the output is missing.

        Raises
        ------
        WorkspaceAwayError, WorkspaceRefusalError
            It cannot be had.
        """
        told = self.workspace.ask(
            "GET", "/api/2.1/jobs/runs/get-output", "the output cannot be fetched", query={"run_id": task}, patience=Patience(_OUTPUT_SECONDS)
        )
        return str(told.get("logs") or ""), one_line(str(told.get("error") or ""))[:_LONGEST], bool(told.get("logs_truncated"))
