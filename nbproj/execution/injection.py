"""The injected parameter cell of a notebook: real values as code of the notebook's language.

Python values are written by `repr`, so that no value can be anything but a literal; other languages go through papermill's translators.
"""

from __future__ import annotations

import datetime as dt
import keyword
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from nbproj.errors import ParameterError
from nbproj.execution.plan import cell_tags

__all__ = ["inject", "parameter_source", "python_source"]

_TAG = "injected-parameters"


def _literal(value: object, modules: set[str]) -> str:  # noqa: PLR0911 - one return a kind of value
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, PurePath):
        modules.add("pathlib")
        return f"pathlib.Path({str(value)!r})"
    if isinstance(value, dt.datetime | dt.date):
        modules.add("datetime")
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(item, modules) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(key, modules)}: {_literal(item, modules)}" for key, item in value.items()) + "}"
    if value is None or isinstance(value, str | bool | int | float):
        return repr(value)
    return repr(str(value))


def python_source(values: Mapping[str, object], secrets: Mapping[str, str] | None = None) -> str:
    """Return Python source that assigns every value to its name.

    Parameters
    ----------
    values : mapping of str to object
        By parameter name.
    secrets : mapping of str to str, optional
        Names of secret parameters and the environment variables that hold them: they are read when the cell runs, and stand in no file.

    Raises
    ------
    ParameterError
        A name that Python cannot assign to.

    Examples
    --------
    >>> print(python_source({"alpha": 0.5, "data": PurePath("a'b")}, {"token": "TOKEN"}))
    # Parameters
    import os
    import pathlib
    alpha = 0.5
    data = pathlib.Path("a'b")
    token = os.environ["TOKEN"]
    """
    modules: set[str] = set()
    lines = []
    for name, value in values.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            msg = f"parameter {name!r} cannot be given to a notebook: it is no name of a Python variable"
            raise ParameterError(msg)
        lines.append(f"{name} = {_literal(value, modules)}")
    for name, variable in (secrets or {}).items():
        modules.add("os")
        lines.append(f'{name} = os.environ["{variable}"]')
    return "\n".join(["# Parameters", *(f"import {module}" for module in sorted(modules)), *lines])


def inject(notebook: Any, values: Mapping[str, object], secrets: Mapping[str, str], *, kernel: str, language: str) -> dict[int, int]:
    """Put the parameter cell where papermill puts it: in place of an injected one, else behind the tagged one, else on top.

    Parameters
    ----------
    notebook : dict
        The document, changed in place.
    values : mapping of str to object
        What to assign. Nothing is injected when this and `secrets` are empty.
    secrets : mapping of str to str
        Secret parameters and their environment variables.
    kernel, language : str
        Decide the language of the cell.

    Returns
    -------
    dict
        The position of the injected cell. Empty when there is none, and when it has replaced one that counts as the author's.

    Raises
    ------
    ParameterError
        A name or a language that cannot be written.
    """
    if not values and not secrets:
        return {}
    cells = notebook["cells"]

    def first(tag: str) -> int:
        return next((index for index, other in enumerate(cells) if tag in cell_tags(other)), -1)

    cell = _cell(notebook, parameter_source(values, secrets, kernel=kernel, language=language), "nbproj-parameters")
    injected, declared = first(_TAG), first("parameters")
    if injected >= 0:
        cells[injected] = cell
        return {}
    cells.insert(declared + 1, cell)
    return {declared + 1: declared + 1}


def parameter_source(values: Mapping[str, object], secrets: Mapping[str, str], *, kernel: str, language: str) -> str:
    """Return the code that assigns parameters in the language of a notebook.

    Raises
    ------
    ParameterError
        A name or a language that cannot be written.
    """
    if language == "python":
        return python_source(values, secrets)
    if secrets:
        msg = f"secret parameters are read by Python notebooks only, and this one is written in {language}"
        raise ParameterError(msg)
    return _foreign_source(values, kernel, language)


def _cell(notebook: Mapping[str, Any], source: str, name: str) -> dict[str, Any]:
    """Return a cell that holds parameters, in the notebook's own format."""
    cell: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {"tags": [_TAG]}, "outputs": [], "source": source}
    if (notebook.get("nbformat", 4), notebook.get("nbformat_minor", 0)) >= (4, 5):  # ids came with 4.5
        taken = {other.get("id") for other in notebook["cells"]}
        cell["id"] = next(one for one in (name, *(f"{name}-{count}" for count in range(2, len(taken) + 3))) if one not in taken)
    return cell


def _foreign_source(values: Mapping[str, object], kernel: str, language: str) -> str:
    from papermill.exceptions import PapermillException
    from papermill.translators import papermill_translators

    def plain(value: object) -> object:
        return str(value) if isinstance(value, PurePath | dt.date) else value

    try:
        names = {str(name).lower(): name for name in papermill_translators._translators}  # noqa: SLF001 - "R" is registered, "r" is what is declared
        translator = papermill_translators.find_translator(kernel, names.get(language, language))
        for name in values:
            if not name.isidentifier():
                msg = f"parameter {name!r} cannot be given to a notebook: it is no name of a variable"
                raise ParameterError(msg)
        return str(translator.codify({name: plain(value) for name, value in values.items()}, "Parameters"))
    except (PapermillException, NotImplementedError) as error:
        msg = f"parameters cannot be given to a notebook in {language}: {error}"
        raise ParameterError(msg) from error
