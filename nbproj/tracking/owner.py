"""Who carries a run: what is written beside it, and what its tag says."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

from nbproj.processes import ProcessIdentity

__all__ = ["OWNER_TAG", "TOKEN_VARIABLE", "Owner", "owner_of_tag"]

OWNER_TAG = "nbproj.owner"
TOKEN_VARIABLE = "NBPROJ_OWNER_TOKEN"  # noqa: S105  (the name of a variable; what it holds opens nothing)
"""Set in the environment of everything a run starts: by it, what is left of a run is recognised after its leader is gone."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who carries one run, and what must be ended when the carrier is dead.

    Parameters
    ----------
    process : ProcessIdentity
        The driver.
    store : str
        The tracking URI; may hold credentials.
    token : str
        Names the run before the store has given it an id.
    run_id : str, optional
        The run, once it exists.
    group : int, optional
        Process group of the entry point, once it is started.
    group_started : float, optional
        Start time of the group's leader, as `processes.start_time` tells it.
    container, job : str, optional
        What names its container, as `containers.reference` writes it; the name of the Job that runs it elsewhere.
    sole : bool
        The driver is a process that does nothing else: whoever stops the run may end it.

    Examples
    --------
    >>> owner = Owner(ProcessIdentity("host", "boot", 7, 1.0), "sqlite:////runs/mlflow.db", token="t")
    >>> Owner.from_json(owner.to_json()) == owner
    True
    """

    process: ProcessIdentity
    store: str = field(repr=False)
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    run_id: str | None = None
    group: int | None = None
    group_started: float | None = None
    container: str | None = None
    job: str | None = None
    sole: bool = False

    def to_json(self) -> str:
        """Return all of it, for the ledger."""
        return json.dumps(asdict(self))

    def to_tag(self) -> str:
        """Return what the run's tag `nbproj.owner` holds: the process and the token, no address."""
        process = self.process
        return json.dumps({"host": process.host, "boot": process.boot, "pid": process.pid, "started": process.started, "token": self.token})

    @classmethod
    def from_json(cls, text: str) -> Owner:
        """Return the owner that a ledger's file holds.

        Raises
        ------
        ValueError
            It holds none.
        """
        try:
            values = json.loads(text)
            known = {one.name for one in fields(cls)} - {"process"}  # a newer nbproj may have written more
            owner = cls(process=_process(values["process"]), **{name: value for name, value in values.items() if name in known})
        except (TypeError, KeyError, AttributeError) as error:
            msg = f"no owner: {error}"
            raise ValueError(msg) from error
        numbers = all(isinstance(value, (int, float, type(None))) and not isinstance(value, bool) for value in (owner.group, owner.group_started))
        texts = (owner.run_id, owner.container, owner.job)
        if not (
            numbers and isinstance(owner.store, str) and isinstance(owner.token, str) and all(isinstance(one, (str, type(None))) for one in texts)
        ):
            msg = "no owner: a value is of the wrong type"
            raise ValueError(msg)
        return owner


def _process(values: Mapping[str, object]) -> ProcessIdentity:
    host, boot, pid, started = values["host"], values["boot"], values["pid"], values["started"]
    if isinstance(host, str) and isinstance(boot, str) and isinstance(pid, int) and isinstance(started, (int, float)) and pid > 0:
        return ProcessIdentity(host, boot, pid, float(started))
    msg = "the process is not one"
    raise TypeError(msg)


def owner_of_tag(tags: Mapping[str, str]) -> tuple[ProcessIdentity, str] | None:
    """Return the process and the token that a run's tag names; None where there is no tag of ours.

    Examples
    --------
    >>> owner_of_tag({"nbproj.owner": '{"host": "h", "boot": "b", "pid": 7, "started": 1.0, "token": "t"}'})
    (ProcessIdentity(host='h', boot='b', pid=7, started=1.0), 't')
    >>> owner_of_tag({"nbproj.owner": "{"}) is None
    True
    """
    try:
        values = json.loads(tags.get(OWNER_TAG, ""))
        return _process(values), str(values["token"])
    except (ValueError, TypeError, KeyError):
        return None
