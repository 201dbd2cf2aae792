"""The injected parameter cells of a notebook: real values as code of the notebook's language.

Python values are written by `repr`, so that no value can be anything but a literal; other languages go through papermill's translators.
"""

from __future__ import annotations

import datetime as dt
import keyword
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

from nbproj.errors import ParameterError
from nbproj.project.marks import INJECTED_TAG

__all__ = ["parameter_cell", "parameter_source", "python_source"]

_ID: Final = "nbproj-parameters"


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


def parameter_cell(notebook: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return a cell that holds parameters, tagged as papermill tags it, in the notebook's own format.

    Parameters
    ----------
    notebook : mapping
        The document; no two cells of it get the same id.
    source : str
        The code.
    """
    cell: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {"tags": [INJECTED_TAG]}, "outputs": [], "source": source}
    if (notebook.get("nbformat", 4), notebook.get("nbformat_minor", 0)) >= (4, 5):  # ids came with 4.5
        taken = {other.get("id") for other in notebook["cells"]}
        cell["id"] = next(one for one in (_ID, *(f"{_ID}-{count}" for count in range(2, len(taken) + 3))) if one not in taken)
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
