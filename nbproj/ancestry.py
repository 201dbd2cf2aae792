"""Which runs stand above a run: the one that this process belongs to, and whether one of them runs the same entry point already."""

from __future__ import annotations

import json
import os
import sys

from nbproj.order import Order
from nbproj.project.model import EntryPoint
from nbproj.sources.source import Checkout

__all__ = ["active_run", "ancestry_key", "running_above"]


def active_run() -> str | None:
    """Return the run that this process is part of: MLflow's own way of telling, across processes and within one."""
    inherited = os.environ.get("MLFLOW_RUN_ID")
    if inherited:
        return inherited
    fluent = sys.modules.get("mlflow.tracking.fluent")
    active = fluent.active_run() if fluent is not None else None
    return str(active.info.run_id) if active is not None else None


def ancestry_key(checkout: Checkout, entry_point: EntryPoint) -> str:
    """Return what identifies an entry point across processes: where it comes from and its name."""
    where = checkout.uri if checkout.temporary is not None else str(checkout.root)
    if entry_point.notebook is not None:  # whatever it is called: by a path, by an MLproject file, or main when the notebook is the project
        return f"{where}#{entry_point.notebook}:{entry_point.cells or 'main'}"
    return f"{where}#{entry_point.name}"


def running_above(order: Order, checkout: Checkout) -> str | None:
    """Return the id of the run above this process that runs the same entry point, if there is one: to run it again would never end."""
    named = os.environ.get("NBPROJ_ANCESTRY")
    if not named:
        return None
    from nbproj.project.directory import find_entry_point, load_project

    project = load_project(checkout.root, notebook=checkout.notebook)
    key = ancestry_key(checkout, find_entry_point(project, order.entry_point, as_notebook=order.as_notebook))
    try:
        return next((str(item["run_id"]) for item in json.loads(named) if item["key"] == key), None)
    except (ValueError, TypeError, KeyError):
        return None
