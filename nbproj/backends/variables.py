"""What a run's program is told in its environment, whatever it is and wherever it runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

from nbproj.backends.backend import RunRequest
from nbproj.tracking.location import variables as store_variables
from nbproj.tracking.owner import TOKEN_VARIABLE, Owner

__all__ = ["program_variables"]


def program_variables(request: RunRequest, run_id: str, owner: Owner, results: Path) -> dict[str, str]:
    """Return the environment variables of a run: which one it is, where it is recorded, what it may leave, and its secrets.

    Parameters
    ----------
    request : RunRequest
        The run's request.
    run_id : str
        The run.
    owner : Owner
        Who carries it.
    results : Path
        Where programs write what they log, in the run's private folder.
    """
    return {
        **store_variables(request.store.uri),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_EXPERIMENT_ID": request.experiment_id,
        "MLFLOW_RUN_ID": run_id,
        "NBPROJ_ANCESTRY": _ancestry(request, run_id),
        "NBPROJ_OUTPUT_DIR": str(results.parent / "out"),
        "NBPROJ_RESULTS_FILE": str(results),
        TOKEN_VARIABLE: owner.token,
        "PYTHONUNBUFFERED": "1",
        # As the configuration reads it: a choice of the caller, not of the project, so it holds for what is run inside, too.
        **({"NBPROJ_ENV_MANAGER": request.env_manager} if request.env_manager is not None else {}),
        # `%mlrun` in a notebook that is executed means that notebook, as in one that people have open.
        **({"NBPROJ_NOTEBOOK": str(request.project.root / request.entry_point.notebook)} if request.entry_point.notebook else {}),
        **request.resolved.secrets,
    }


def _ancestry(request: RunRequest, run_id: str) -> str:
    try:
        above = json.loads(os.environ.get("NBPROJ_ANCESTRY") or "[]")
    except ValueError:
        above = []
    return json.dumps([*(above if isinstance(above, list) else []), {"key": request.ancestry, "run_id": run_id}])
