"""MLflow's library, loaded late and kept quiet: nothing it logs or draws while nbproj calls it reaches the user's terminal."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

from nbproj.interruption import held

__all__ = ["load", "own_logging", "quiet", "settings"]

_silenced: ContextVar[bool] = ContextVar("_silenced", default=False)
_NOISY = ("mlflow", "alembic", "sqlalchemy", "urllib3", "requests", "databricks", "uvicorn")


_INTERNAL = r"(mlflow|alembic|sqlalchemy|pydantic|google)(\.|$)"


class _Gate(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not (_silenced.get() and record.name.partition(".")[0] in _NOISY)


_GATE = _Gate()


def _ours(category: type[Warning]) -> tuple[str, None, type[Warning], re.Pattern[str], int]:
    return ("ignore", None, category, re.compile(_INTERNAL), 0)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what MLflow and the libraries below it log in this block from every handler; errors are told by exceptions.

    Levels and handlers stay as the user has set them: in a notebook, mlflow is also the user's.
    """
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in _NOISY)]
    for handler in [handler for logger in loggers for handler in logger.handlers] + ([logging.lastResort] if logging.lastResort else []):
        handler.addFilter(_GATE)
    for category in (DeprecationWarning, PendingDeprecationWarning):
        # Not `catch_warnings`, which is no use in threads. These come from inside the libraries and are hidden by Python's own defaults too; where
        # warnings are errors, they would end the run of somebody who can do nothing about them.
        if _ours(category) not in warnings.filters:
            warnings.filterwarnings("ignore", module=_INTERNAL, category=category)
    mark = _silenced.set(True)
    try:
        yield
    finally:
        _silenced.reset(mark)


@contextlib.contextmanager
def own_logging() -> Iterator[None]:
    """Keep a block that may run migrations from setting up logging for the whole process out of a file, as those of older MLflow do."""
    import logging.config

    kept = logging.config.fileConfig
    logging.config.fileConfig = lambda *_args, **_options: None
    try:
        yield
    finally:
        logging.config.fileConfig = kept


def load() -> None:
    """Import MLflow; its telemetry is off when nbproj is the one who starts it."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with quiet():
        import mlflow.tracking

        # The handlers that the import made are not yet behind the gate.
        for handler in logging.getLogger("mlflow").handlers:
            handler.addFilter(_GATE)
    assert mlflow.tracking  # noqa: S101  (the import is the point)


class _Settings:
    """Environment variables set while at least one block needs them: MLflow reads its time-outs nowhere else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: dict[str, int] = {}

    @contextlib.contextmanager
    def __call__(self, wanted: Mapping[str, str]) -> Iterator[None]:
        with held(), self._lock:  # a signal in between would leave the lock taken
            mine = [name for name in wanted if name in self._users or name not in os.environ]
            for name in mine:
                self._users[name] = self._users.get(name, 0) + 1
                os.environ.setdefault(name, wanted[name])
        try:
            yield
        finally:
            with held(), self._lock:
                for name in mine:
                    self._users[name] -= 1
                    if not self._users[name]:
                        del self._users[name]
                        os.environ.pop(name, None)


settings = _Settings()
"""Set environment variables that the user did not set, while a block runs; blocks in several threads may overlap."""
