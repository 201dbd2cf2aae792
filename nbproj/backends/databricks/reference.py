"""How a run's record names its job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nbproj.backends.reference import Reference

__all__ = ["RunReference"]


@dataclass(frozen=True, slots=True)
class RunReference(Reference):
    """What names a run of a job.

    Parameters
    ----------
    host : str
        The workspace.
    profile : str, optional
        The profile by which it was reached.
    token : str
        By which the workspace knows the request again.
    number : int
        Its number there; 0 while it is not known whether there is one.
    page : str
        The address of its page.

    Examples
    --------
    >>> reference = RunReference("https://example.org", None, "nbproj-1", 7, "https://example.org/#job/1/run/7")
    >>> RunReference.from_json(reference.to_json()) == reference
    True
    """

    backend: ClassVar[str] = "databricks"
    host: str
    profile: str | None
    token: str
    number: int = 0
    page: str = ""
