"""From the options of `nbproj run` to an order: what the command line has beyond `nbproj.run`, pairs, files of parameters and of variables."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbproj.errors import ParameterError, UsageError
from nbproj.request import Order
from nbproj.sources.source import Credentials

if TYPE_CHECKING:
    from nbproj.batches.order import BatchOrder

__all__ = [
    "assignments",
    "batch_from_options",
    "docker_arguments",
    "load_variables",
    "order_from_options",
    "parameter_pairs",
    "read_parameters",
]

_MOST_BYTES = 10 * 1024 * 1024
_SEARCH = {"trials": "--trials", "sampler": "--sampler", "pruner": "--pruner"}
_OF_BATCH = ("workers", "retries", "on_error", "max_failures", "name", "kernel_start", "metric", "direction", "fresh", "keep")


def parameter_pairs(texts: Iterable[str]) -> dict[str, str]:
    """Return the parameters that texts like `alpha=0.3` mean; the value is all behind the first equals sign.

    Raises
    ------
    UsageError
        One has no name or no equals sign, or a name comes twice.

    Examples
    --------
    >>> parameter_pairs(["alpha=0.3", "where=a=b", "note="])
    {'alpha': '0.3', 'where': 'a=b', 'note': ''}
    """
    pairs: dict[str, str] = {}
    for name, value in assignments(texts):
        if name in pairs:
            msg = f"-P: {name!r} is given twice"
            raise UsageError(msg)
        pairs[name] = value
    return pairs


def assignments(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return the names and values that texts like `alpha=0.3` mean, in their order; a name may come again.

    Raises
    ------
    UsageError
        One has no name or no equals sign.

    Examples
    --------
    >>> assignments(["alpha=0.3", "alpha=0.5"])
    [('alpha', '0.3'), ('alpha', '0.5')]
    """
    found = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            msg = f"-P: {text!r} is not NAME=VALUE"
            raise UsageError(msg)
        found.append((name, value))
    return found


def docker_arguments(texts: Iterable[str]) -> dict[str, str | bool]:
    """Return the arguments of `docker run` that texts like `memory=2g` and `init` mean.

    Examples
    --------
    >>> docker_arguments(["memory=2g", "init"])
    {'memory': '2g', 'init': True}
    """
    return {name: value if equals else True for name, equals, value in (text.partition("=") for text in texts)}


def read_parameters(path: Path) -> dict[str, object]:
    """Return the parameters that a YAML or JSON file holds.

    Parameters
    ----------
    path : Path
        A mapping of names to values.

    Raises
    ------
    ParameterError
        It cannot be read, or is no mapping; the message says where.
    """
    import yaml

    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            msg = f"--params-file {path} is refused: more than 10 MB of parameters"
            raise ParameterError(msg)
        document = yaml.safe_load(data.decode())
    except (OSError, UnicodeDecodeError) as error:
        msg = f"--params-file {path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
        raise ParameterError(msg) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark is not None else str(path)
        msg = f"{where}: {error.problem}"
        raise ParameterError(msg) from error
    except (yaml.YAMLError, ValueError) as error:  # a date like 2026-13-99 is a ValueError
        msg = f"{path}: {error}"
        raise ParameterError(msg) from error
    except RecursionError as error:
        msg = f"{path}: nested too deeply"
        raise ParameterError(msg) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        msg = f"{path}: a mapping of parameter names to values is expected, like `alpha: 0.3`"
        raise ParameterError(msg)
    return {str(name): value for name, value in document.items()}


def load_variables(path: Path) -> None:
    """Set the environment variables of a file that are not set yet, as `mlflow --env-file` does.

    Raises
    ------
    UsageError
        It cannot be read.
    """
    from dotenv import dotenv_values

    try:
        with path.open(encoding="utf-8") as stream:
            values = dotenv_values(stream=stream, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"--env-file {path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
        raise UsageError(msg) from error
    for name, value in values.items():
        os.environ.setdefault(name, value or "")


def order_from_options(options: Mapping[str, Any]) -> Order:
    """Return the order that parsed options mean.

    Parameters
    ----------
    options : mapping
        By the names of the command line's definition.

    Raises
    ------
    NbprojError
        A file that cannot be read; options that contradict each other.
    """
    given = dict(options)
    given["synchronous"] = not given.pop("detach", False)
    given["docker_args"] = docker_arguments(given["docker_args"])
    variables = given.pop("env_file")
    if variables is not None:
        load_variables(Path(variables))
    file, pairs = given.pop("params_file"), parameter_pairs(given.pop("parameters"))
    values: dict[str, object] = dict(read_parameters(Path(file))) if file is not None else {}
    # A path in a file starts from that file; one on the command line from the working folder.
    bases = {name: Path(file).absolute().parent for name in values if name not in pairs} if file is not None else {}
    values.update(pairs)
    if given.pop("no_conda"):
        if given["env_manager"] not in {None, "local"}:
            msg = f"--no-conda and --env-manager {given['env_manager']} contradict each other"
            raise UsageError(msg)
        given["env_manager"] = "local"
    if given["backend"] is None:
        del given["backend"]
    username, password = given.pop("git_username"), given.pop("git_password")
    credentials = Credentials(username, password) if username or password else None
    return Order(parameters=values, bases=bases, credentials=credentials, **given)


def batch_from_options(options: Mapping[str, Any], parameters: Iterable[tuple[str, object]]) -> BatchOrder:
    """Return the order of a batch that parsed options mean.

    Parameters
    ----------
    options : mapping
        By the names of the definition of `nbproj batch`, without its parameters.
    parameters : iterable of (str, object)
        These, with repeated names.

    Raises
    ------
    NbprojError
        A file that cannot be read; options that contradict each other.
    """
    from nbproj.batches.order import BatchOrder
    from nbproj.batches.space import Space

    given = dict(options)
    for name, flag in _SEARCH.items():
        if given.pop(name) is not None:
            msg = f"{flag} is not there yet in this version of nbproj: a batch runs the points that -P and --params-file name"
            raise UsageError(msg)
    own = {name: given.pop(name) for name in _OF_BATCH}
    rows, seed = given.pop("params_file"), given.pop("seed")
    order = order_from_options({**given, "parameters": (), "params_file": None, "reuse": False})
    return BatchOrder(order, Space.of(parameters, rows=rows, seed=seed, base=order.base), **own)
