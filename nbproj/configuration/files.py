"""Configuration files: read by traitlets, as those of every Jupyter application; whatever is wrong in one is told in a line, with its place."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbproj.configuration.keys import KEYS
from nbproj.configuration.places import NAME, folders
from nbproj.configuration.settings import ConfigurationError
from nbproj.errors import one_line, suggestion

if TYPE_CHECKING:
    from traitlets.config import Config, Configurable

__all__ = ["SECTION", "configurable", "read_files"]

SECTION = "Nbproj"
"""What keys belong to in a file: `c.Nbproj.timeout = 3600`."""


def configurable() -> type[Configurable]:
    """Return the keys as traits of a class; made when it is asked for, because importing traitlets takes its time.

    Examples
    --------
    >>> configurable()(timeout=90).timeout
    90.0
    """
    from traitlets import TraitError, TraitType
    from traitlets.config import Configurable

    class Value(TraitType[Any, Any]):
        """A value of a key, or None for what is not set."""

        def validate(self, _owner: object, value: object) -> object:
            if value is None:
                return None
            try:
                return KEYS[str(self.name)].checked(value)
            except ValueError as error:
                raise TraitError(str(error)) from error

    # What a file changes in place, like `c.Nbproj.backend_config.update(...)`, begins as an empty mapping.
    traits = {name: Value({} if key.kind == "mapping" else None, allow_none=True, help=key.help).tag(config=True) for name, key in KEYS.items()}
    return type(SECTION, (Configurable,), {"__doc__": "Defaults for every run of this user.", **traits})


def read_files(environ: Mapping[str, str]) -> tuple[tuple[Path, ...], dict[str, tuple[Any, Path]]]:
    """Return the files there are, the one that wins first, and for each key that is set its value and file.

    Parameters
    ----------
    environ : mapping
        The environment; Jupyter's own variables are read from this process's.

    Raises
    ------
    ConfigurationError
        A file cannot be read, fails, or sets what is no key or no value.
    """
    if environ.get("JUPYTER_NO_CONFIG"):
        return (), {}
    found: list[Path] = []
    values: dict[str, tuple[Any, Path]] = {}
    for folder in reversed(folders()):
        for suffix in (".py", ".json"):  # in one folder JSON, which programs write, wins: as for every Jupyter application
            file = folder / f"{NAME}{suffix}"
            if file.exists() or file.is_symlink():
                values |= {name: (value, file) for name, value in _read(file).items()}
                found.insert(0, file)
    return tuple(found), {name: pair for name, pair in values.items() if pair[0] is not None}


def _read(file: Path) -> dict[str, Any]:
    """Return what one file sets; None for what it resets."""
    from traitlets import TraitError

    config = _load(file)
    near = next((section for section in config if section != SECTION and section.lower() in {"nbproj", "nbprojapp", "nbprojconfig"}), None)
    if near is not None:
        _refuse(file, near, f"c.{near} is not read. Did you mean c.{SECTION}?")
    own = config.get(SECTION) or {}
    if not isinstance(own, Mapping):
        _refuse(file, SECTION, f"{SECTION} must hold keys and values")
    for name in own:
        if name not in KEYS:
            _refuse(file, name, f"there is no key {name!r}.{suggestion(name, KEYS) or ' Known: ' + ', '.join(KEYS)}")
    values = {}
    for name in own:
        try:
            # One at a time: the error of traitlets does not say whose it is.
            values[name] = getattr(configurable()(config=_only(config, name)), name) or None
        except TraitError as error:
            _refuse(file, name, f"{name} {error}")
        if KEYS[name].kind == "folder" and values[name] is not None and not str(values[name]).startswith(("/", "~")):
            _refuse(file, name, f"{name} must be an absolute path, or begin with ~, not {values[name]!r}")
    return values


def _only(config: Config, name: str) -> Config:
    from traitlets.config import Config

    return Config({SECTION: {name: config[SECTION][name]}})


def _load(file: Path) -> Config:
    from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader

    loader = (PyFileConfigLoader if file.suffix == ".py" else JSONFileConfigLoader)(file.name, str(file.parent))
    try:
        file.open("rb").close()  # traitlets takes what it cannot open for not there
        return loader.load_config()
    except SyntaxError as error:
        raise _wrong(file, error.lineno, error.offset, f"{type(error).__name__}: {error.msg}") from error
    except json.JSONDecodeError as error:
        raise _wrong(file, error.lineno, error.colno, f"not JSON: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise _wrong(file, None, None, "not UTF-8") from error
    except (Exception, SystemExit) as error:  # whatever the program in the file does
        line = _line_of_failure(error, str(file))
        if line is None and isinstance(error, OSError):
            raise _wrong(file, None, None, f"cannot be read: {error.strerror or error}") from error
        told = (
            f"{type(error).__name__}: {error}" if file.suffix == ".py" else 'a JSON object of sections is expected, like {"Nbproj": {"timeout": 60}}'
        )
        raise _wrong(file, line, None, told) from error


def _line_of_failure(error: BaseException, name: str) -> int | None:
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == name:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _wrong(file: Path, line: int | None, column: int | None, what: str) -> ConfigurationError:
    place = ":".join(str(part) for part in (file, line, column) if part is not None)
    return ConfigurationError(what, place=one_line(place))


def _refuse(file: Path, name: str, what: str) -> None:
    raise _wrong(file, _line_of(file, name), None, what)


def _line_of(file: Path, name: str) -> int | None:
    """Return the line in which a file speaks of a name last."""
    text = file.read_text(encoding="utf-8", errors="replace")
    if file.suffix == ".py":
        lines = [node.lineno for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute) and node.attr == name]
        return max(lines, default=None)
    pattern = re.compile(rf'"{re.escape(name)}"\s*:')
    return max((number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)), default=None)
