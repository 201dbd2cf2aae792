"""The values of metrics, read back."""

from __future__ import annotations

from typing import Any

from nbproj.tracking.gateway.charge import Charge
from nbproj.tracking.gateway.refused import Refused

__all__ = ["history", "history_bulk", "history_interval"]

# ruff: noqa: ANN401 - as in runs.py

LONGEST = 250_000
"""Values that one answer lists; a client that asks for pages gets the rest."""

MOST_RUNS = 100


def history(charge: Charge, asked: Any) -> Any:
    """Return all values of one metric of one run."""
    run_id = charge.run(asked)
    size = min(asked.max_results, LONGEST) if asked.HasField("max_results") else LONGEST
    if size <= 0:
        raise Refused(400, "INVALID_PARAMETER_VALUE", "max_results must be a positive number")
    key, token = asked.metric_key, asked.page_token or None
    found = charge.store.consult("read a metric", lambda backing: backing.get_metric_history(run_id, key, max_results=size, page_token=token))
    answer = asked.Response()
    answer.metrics.extend(one.to_proto() for one in found)
    if getattr(found, "token", None):
        answer.next_page_token = found.token
    return answer


def _of_runs(charge: Charge, run_ids: list[str]) -> list[str]:
    if not 0 < len(run_ids) <= MOST_RUNS:
        raise Refused(400, "INVALID_PARAMETER_VALUE", f"between 1 and {MOST_RUNS} runs can be asked for at once")
    return [charge.family.require(run_id) for run_id in run_ids]


def history_interval(charge: Charge, asked: Any) -> Any:
    """Return a sample of the values of one metric of several runs, between two steps."""
    run_ids = _of_runs(charge, list(asked.run_ids))
    start = asked.start_step if asked.HasField("start_step") else None
    end = asked.end_step if asked.HasField("end_step") else None
    size = min(asked.max_results or LONGEST, LONGEST)

    def question(backing: Any) -> Any:
        return backing.get_metric_history_bulk_interval(
            run_ids=run_ids, metric_key=asked.metric_key, max_results=size, start_step=start, end_step=end
        )

    answer = asked.Response()
    answer.metrics.extend(one.to_proto() for one in charge.store.consult("read a metric", question))
    return answer


def history_bulk(charge: Charge, run_ids: list[str], key: str, limit: int) -> list[dict[str, Any]]:
    """Return the values of one metric of several runs, as plain values."""
    known = _of_runs(charge, run_ids)
    found: list[dict[str, Any]] = []
    for run_id in sorted(known):
        for one in charge.store.metric_history(run_id, key):
            found.append({"key": one.key, "value": one.value, "timestamp": one.timestamp, "step": one.step, "run_id": run_id})
            if len(found) >= min(limit, LONGEST):
                return found
    return found
