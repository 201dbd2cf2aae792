"""The keys of the configuration: what each means, and which values it takes. One table for files, variables, help and pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from nbproj.errors import suggestion

__all__ = ["KEYS", "Key"]


@dataclass(frozen=True, slots=True)
class Key:
    """What can be set.

    Parameters
    ----------
    name : str
        As files have it; NBPROJ_ and the name in capitals is the variable.
    kind : str
        `text`, `choice`, `seconds`, `folder` or `mapping`.
    help : str
        What it means, for people.
    otherwise : str
        What holds where nothing is set, as text.
    example : str
        A value as a file writes it.
    choices : sequence of str
        The values of a `choice`.
    before : str
        A variable of MLflow that wins over this key, if there is one.
    carried : bool
        Read by all that runs on this machine: the process takes it into its environment, and what it starts agrees.

    Examples
    --------
    >>> KEYS["timeout"].variable, KEYS["timeout"].checked("90")
    ('NBPROJ_TIMEOUT', 90.0)
    >>> KEYS["env_manager"].checked("virtual")
    Traceback (most recent call last):
    ValueError: must be one of local, uv, virtualenv, conda, not 'virtual'. Did you mean 'virtualenv'?
    """

    name: str
    kind: str
    help: str
    otherwise: str
    example: str
    choices: Sequence[str] = ()
    before: str = ""
    carried: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"NBPROJ_{self.name.upper()}"

    def checked(self, value: object) -> object:
        """Return a value as the program uses it: from a file, or the text of a variable.

        Raises
        ------
        ValueError
            It is no value of this key; the message goes on where "KEY " stops.
        """
        if self.kind == "mapping" and isinstance(value, Mapping):
            return {str(name): item for name, item in value.items()}
        if self.kind == "seconds":
            return _seconds(value)
        text = str(value) if self.kind == "folder" and hasattr(value, "__fspath__") else value
        if not isinstance(text, str):
            wanted = "a text or a mapping" if self.kind == "mapping" else "a text"
            msg = f"must be {wanted}, not {value!r}"
            raise ValueError(msg)  # noqa: TRY004 - one kind of error for what is no value
        if not text.strip() or "\0" in text:
            msg = "must not be empty" if not text.strip() else "holds a NUL character"
            raise ValueError(msg)
        if self.choices and text not in self.choices:
            msg = f"must be one of {', '.join(self.choices)}, not {text!r}.{suggestion(text, self.choices)}"
            raise ValueError(msg.removesuffix("."))
        return text


def _seconds(value: object) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        msg = f"must be a number of seconds, more than 0, not {value!r}"
        raise ValueError(msg)
    return number


_ALL = (
    Key(
        "tracking_uri",
        "text",
        "The tracking store: an address, or the path of a file or folder; a relative one starts from the working folder.",
        "the nearest mlflow.db, else a new one in the working folder",
        '"https://tracking.example.org"',
        before="MLFLOW_TRACKING_URI",
    ),
    Key(
        "experiment_name",
        "text",
        "Experiment of runs for which neither the caller nor the program itself names one; created when absent.",
        "the store's default experiment",
        '"wine"',
        before="MLFLOW_EXPERIMENT_NAME",
    ),
    Key(
        "env_manager",
        "choice",
        "How environments are made, whatever a project asks for.",
        "what the project asks for",
        '"local"',
        choices=("local", "uv", "virtualenv", "conda"),
    ),
    Key("backend", "text", "Who carries runs.", "local", '"local"'),
    Key(
        "backend_config",
        "mapping",
        "Configuration of that backend, a mapping or the path of a JSON file; for runs for which the caller names no backend.",
        "none",
        '{"kube-context": "team"}',
    ),
    Key("timeout", "seconds", "Seconds after which a run is ended and fails.", "no limit", "3600"),
    Key("kernel", "text", "Kernel of notebooks that name none.", "python3", '"ir"'),
    Key(
        "kernel_start",
        "choice",
        "How the kernels of a batch come into being: each started by itself, or forked from one that has imported what they need.",
        "auto: forked on Linux where two runs or more share an environment",
        '"spawn"',
        choices=("auto", "fork", "spawn"),
    ),
    Key(
        "storage_dir",
        "folder",
        "Folder for the downloads of path parameters.",
        "a folder in cache_dir",
        '"~/downloads"',
        before="MLFLOW_TMP_DIR",
    ),
    Key(
        "state_dir",
        "folder",
        "Folder for what is known about runs under way.",
        "the platform's state folder",
        '"~/.local/state/nbproj"',
        carried=True,
    ),
    Key("cache_dir", "folder", "Folder for what can be made again.", "the platform's cache folder", '"/scratch/ana/nbproj"', carried=True),
    Key("git_silence", "seconds", "Seconds for which a Git server may be silent before it is given up.", "120", "300", carried=True),
    Key("grace", "seconds", "Seconds that a program has to end by itself, between TERM and KILL.", "5", "30", carried=True),
)

KEYS: Final[Mapping[str, Key]] = MappingProxyType({one.name: one for one in _ALL})
"""By name, in the order in which they are told."""
