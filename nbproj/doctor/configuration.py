"""What the user has set once for all runs: which files and variables say so, and what is wrong in them."""

from __future__ import annotations

from nbproj.configuration.keys import KEYS
from nbproj.configuration.settings import ConfigurationError, settings
from nbproj.display.doctor import Finding

__all__ = ["configuration"]


def configuration() -> Finding:
    """Look at the configuration."""
    try:
        chosen = settings()
    except ConfigurationError as error:
        return Finding("configuration", "missing", str(error), "Correct it: no run starts before", needed=True)
    files = [str(file) for file in chosen.files]
    variables = [origin for name, origin in chosen.origins.items() if origin == KEYS[name].variable]
    return Finding(
        "configuration", "ok", ", ".join([*files, *variables]) or "none; nbproj --generate-config writes a file to begin with", needed=True
    )
