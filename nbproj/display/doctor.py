"""What `nbproj doctor` found: as text, one line each, and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from nbproj.display.columns import columns, pad, printable

__all__ = ["Finding", "State", "findings_json", "findings_text", "is_fit"]

State: TypeAlias = Literal["ok", "missing", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one check.

    Parameters
    ----------
    name : str
        What was looked at.
    state : str
        `ok`, `missing` (it is not there, or does not work), or `warning`.
    detail : str
        Version, place, or what is wrong.
    advice : str
        What to do about it; empty when there is nothing to do.
    needed : bool
        Runs on this machine need it.
    """

    name: str
    state: State
    detail: str = ""
    advice: str = ""
    needed: bool = False


def is_fit(findings: Sequence[Finding]) -> bool:
    """Return whether nothing is missing that runs on this machine need."""
    return not any(one.needed and one.state == "missing" for one in findings)


def findings_text(findings: Sequence[Finding]) -> str:
    """Return the findings, one line each, and a last line that says whether runs can start here.

    Parameters
    ----------
    findings : sequence of Finding
        In the order in which they are shown.

    Examples
    --------
    >>> print(findings_text([Finding("git", "ok", "2.39.5"), Finding("uv", "missing", "not found", "Install uv for projects with python_env")]))
    ok       git  2.39.5
    missing  uv   not found. Install uv for projects with python_env
    Runs can start on this machine.
    """
    width = max((columns(printable(one.name)) for one in findings), default=0)
    lines = [f"{one.state:<7}  {pad(printable(one.name), width)}  {_told(one)}".rstrip() for one in findings]
    lacking = ", ".join(printable(one.name) for one in findings if one.needed and one.state == "missing")
    return "\n".join([*lines, f"Runs cannot start on this machine; see {lacking}." if lacking else "Runs can start on this machine."])


def findings_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the stable form for programs.

    Examples
    --------
    >>> findings_json([Finding("git", "ok", "2.39.5")])["ok"]
    True
    """
    return {"version": 1, "ok": is_fit(findings), "findings": [asdict(one) for one in findings]}


def _told(finding: Finding) -> str:
    detail, advice = printable(finding.detail), printable(finding.advice)
    return f"{detail.rstrip('.')}. {advice}" if detail and advice else detail or advice
