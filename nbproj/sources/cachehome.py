"""Where everything is kept that was fetched and can be fetched again."""

from __future__ import annotations

import os
from pathlib import Path

from nbproj.errors import SourceError

__all__ = ["cache_home"]


def cache_home() -> Path:
    """Return the folder: NBPROJ_CACHE_DIR when it is set, else the platform's cache folder of nbproj. It need not exist.

    Raises
    ------
    SourceError
        The user has no home.
    """
    named = os.environ.get("NBPROJ_CACHE_DIR")
    if named:
        return Path(named)
    import platformdirs

    try:
        return Path(platformdirs.user_cache_dir("nbproj"))
    except RuntimeError as error:
        msg = "there is no home folder, and so no place for what is fetched: NBPROJ_CACHE_DIR names one"
        raise SourceError(msg) from error
