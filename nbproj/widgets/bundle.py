"""The modules of a widget as one: anywidget takes a single module, and a browser without our server cannot fetch the others.

The modules keep to a small part of the language: imports of names in braces from files beside them, one a line, exports at the beginning of a line.
Each becomes a function that is called once and returns its exports, so that names of different modules never meet.
"""

from __future__ import annotations

import functools
import posixpath
import re
from importlib.resources import files

__all__ = ["javascript", "stylesheet"]

_IMPORT = re.compile(r'^import \{ ([\w$, ]+) \} from "(\.[\w./-]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|class|const) ([\w$]+)", re.MULTILINE)
_NAMES = re.compile(r"^export \{ ([\w$, ]+) \};$", re.MULTILINE)
_DEFAULT = re.compile(r"^export default (.+);$", re.MULTILINE)


def _read(name: str) -> str:
    return files("nbproj.widgets").joinpath(name).read_text(encoding="utf-8")


def _variable(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _module(name: str, made: dict[str, str]) -> None:
    """Add a module, and before it those that it imports."""
    source = _read(name)
    folder = posixpath.dirname(name)

    def imported(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, found[2]))
        if target not in made:
            _module(target, made)
        return f"const {{ {found[1]} }} = {_variable(target)};"

    exported = [found[2] for found in _EXPORT.finditer(source)] + [one for found in _NAMES.finditer(source) for one in found[1].split(", ")]
    source = _NAMES.sub("", _EXPORT.sub(r"\1 \2", _IMPORT.sub(imported, source)))
    default = _DEFAULT.search(source)
    if default is not None:
        exported.append(f"default: {default[1]}")
        source = _DEFAULT.sub("", source)
    made[name] = f"const {_variable(name)} = (() => {{\n{source}\nreturn {{ {', '.join(exported)} }};\n}})();\n"


@functools.cache
def javascript(entry: str = "runs.js") -> str:
    """Return the panel as one module, whose default export is what anywidget wants; or what another module is the entry to.

    Examples
    --------
    >>> javascript().rstrip().splitlines()[-1]
    'export default module_runs.default;'
    """
    made: dict[str, str] = {}
    _module(entry, made)
    return "".join(made.values()) + f"export default {_variable(entry)}.default;\n"


@functools.cache
def stylesheet() -> str:
    """Return the panel's style sheet.

    Examples
    --------
    >>> ".nbp-grid" in stylesheet()
    True
    """
    return _read("runs.css")
