"""Where environments are kept: never in a project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nbproj.errors import EnvironmentPreparationError

__all__ = ["environments_folder"]


def environments_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of all environments, made if need be; nobody else may look into it.

    It lies in MLFLOW_ENV_ROOT, else in NBPROJ_CACHE_DIR, else where the platform keeps caches.

    Raises
    ------
    EnvironmentPreparationError
        It cannot be made.
    """
    environment = os.environ if environ is None else environ
    named = environment.get("MLFLOW_ENV_ROOT")
    if named:
        folder = Path(named) / "nbproj"
    elif environment.get("NBPROJ_CACHE_DIR"):
        folder = Path(environment["NBPROJ_CACHE_DIR"]) / "environments"
    else:
        import platformdirs

        folder = platformdirs.user_cache_path("nbproj") / "environments"
    try:
        folder = Path(os.path.abspath(folder.expanduser()))  # noqa: PTH100 - a link is kept: it may be there for its short name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    except (OSError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        msg = f"environments cannot be kept in {folder}: {reason}. NBPROJ_CACHE_DIR names another place"
        raise EnvironmentPreparationError(msg) from error
    return folder
