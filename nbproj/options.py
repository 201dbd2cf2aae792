"""From the options of `nbproj run` to an order: what the command line has beyond `nbproj.run`, files of parameters and of variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbproj.errors import ParameterError, UsageError
from nbproj.request import Order
from nbproj.sources.source import Credentials

__all__ = ["load_variables", "order_from_options", "read_parameters"]

_MOST_BYTES = 10 * 1024 * 1024


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
        data = path.read_bytes()
        if len(data) > _MOST_BYTES:
            msg = f"{path}: more than 10 MB of parameters"
            raise ParameterError(msg)
        document = yaml.safe_load(data.decode())
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        raise ParameterError(msg) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark is not None else str(path)
        msg = f"{where}: {error.problem}"
        raise ParameterError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{path}: {error}"
        raise ParameterError(msg) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        msg = f"{path}: a mapping of parameter names to values is expected"
        raise ParameterError(msg)
    return {str(name): value for name, value in document.items()}


def load_variables(path: Path) -> None:
    """Set the environment variables of a file that are not set yet, as `mlflow --env-file` does.

    Raises
    ------
    UsageError
        There is no such file.
    """
    from dotenv import dotenv_values

    try:
        with path.open(encoding="utf-8") as stream:
            values = dotenv_values(stream=stream, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"--env-file {path}: {getattr(error, 'strerror', None) or 'not UTF-8'}"
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
    variables = given.pop("env_file")
    if variables is not None:
        load_variables(Path(variables))
    file = given.pop("params_file")
    values: dict[str, object] = {}
    bases: dict[str, Path] = {}
    if file is not None:
        values = read_parameters(Path(file))
        bases = dict.fromkeys(values, Path(file).absolute().parent)
    values.update(given.pop("parameters"))
    for name in options["parameters"]:
        bases.pop(name, None)
    if given.pop("no_conda"):
        if given["env_manager"] not in {None, "local"}:
            msg = f"--no-conda and --env-manager {given['env_manager']} contradict each other"
            raise UsageError(msg)
        given["env_manager"] = "local"
    username, password = given.pop("git_username"), given.pop("git_password")
    credentials = Credentials(username, password) if username or password else None
    return Order(parameters=values, bases=bases, credentials=credentials, **given)
