"""The values of an entry point's parameters: given, by default or missing; converted, checked, in the forms a run needs (contract, section 4)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbproj.errors import ParameterError, suggestion
from nbproj.project.conversion import check_text, convert, shown, text_of
from nbproj.project.limits import check_limits
from nbproj.project.locations import locate, locate_uri
from nbproj.project.misspelling import misspelled
from nbproj.project.model import REQUIRED, EntryPoint, Parameter
from nbproj.project.names import name_problem
from nbproj.project.remote import Remote

__all__ = ["Resolved", "examine", "resolve", "resolve_all", "sentence"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The values of one run, in the forms that its parts need. Secrets are in `secrets` only.

    Parameters
    ----------
    values : dict of str to object
        Python values of the declared parameters: what a notebook receives.
    words : dict of str to str or None
        Their texts for a command; None stands for no word at all.
    extra : dict of str to str
        Undeclared parameters, in the caller's order.
    tracked : dict of str to str
        What the record shows: the texts as they were given, declared and undeclared.
    secrets : dict of str to str
        Values of secret parameters by the environment variable that carries them.
    secret_names : frozenset of str
        Names of the secret parameters.
    """

    values: dict[str, object] = field(default_factory=dict)
    words: dict[str, str | None] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    tracked: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    secret_names: frozenset[str] = frozenset()


def resolve(entry_point: EntryPoint, given: Mapping[str, object], *, base: Path, root: Path | None = None) -> dict[str, object]:
    """Return the value of every parameter of an entry point, converted and checked.

    Parameters
    ----------
    entry_point : EntryPoint
        The declaration. Its defaults are resolved against the project's folder.
    given : mapping of str to object
        The caller's values, by name. Strings are converted to the declared type.
    base : Path
        Folder that the caller's relative paths start from.
    root : Path, optional
        The project's folder; `base` when it is not given.

    Returns
    -------
    dict of str to object
        One value per declared parameter, then the undeclared ones in the caller's order, as strings. Secrets are left out: they reach a program by
        its environment only (`resolve_all` has them).

    Raises
    ------
    ParameterError
        Names every missing, unknown or ill-typed parameter at once.

    Examples
    --------
    >>> resolve(EntryPoint("main", parameters=[Parameter("alpha", "float", default=0.1)]), {"alpha": "0.5"}, base=Path())
    {'alpha': 0.5}

    Notes
    -----
    Validation follows "Specifying Parameters" of the MLflow Projects document; mlflow itself does not validate floats.
    """
    resolved = resolve_all(entry_point, given, base=base, root=root)
    return {**resolved.values, **resolved.extra}


def resolve_all(
    entry_point: EntryPoint,
    given: Mapping[str, object],
    *,
    base: Path,
    root: Path | None = None,
    environ: Mapping[str, str] | None = None,
    bases: Mapping[str, Path] | None = None,
) -> Resolved:
    """Return the values of an entry point's parameters in every form that a run needs.

    Parameters
    ----------
    entry_point, given, base, root
        As for `resolve`.
    environ : mapping of str to str, optional
        Where a secret that is not given is looked for, under its variable: this process's environment by default.
    bases : mapping of str to Path, optional
        Folders of single values that come from elsewhere than the caller, such as a file of parameters.

    Raises
    ------
    ParameterError
        Names every missing, unknown or ill-typed parameter at once; never the value of a secret.

    Examples
    --------
    >>> entry_point = EntryPoint("main", [Parameter("alpha", "float"), Parameter("verbose", "bool", default=False, flag="--verbose")])
    >>> resolved = resolve_all(entry_point, {"alpha": "1e-3", "seed": 7}, base=Path())
    >>> resolved.values, resolved.words, resolved.extra
    ({'alpha': 0.001, 'verbose': False}, {'alpha': '1e-3', 'verbose': None}, {'seed': '7'})
    """
    resolved, problems = examine(entry_point, given, base=base, root=root, environ=environ, bases=bases)
    if problems:
        raise ParameterError(sentence(problems))
    return resolved


def sentence(problems: Sequence[str]) -> str:
    """Return several problems as one line.

    Examples
    --------
    >>> sentence(["'aplha' is not declared. Did you mean 'alpha'?", "beta is missing"])
    "'aplha' is not declared. Did you mean 'alpha'? beta is missing"
    """
    return "".join(f"{text}{' ' if text.endswith('?') else '; '}" for text in problems[:-1]) + problems[-1]


def examine(
    entry_point: EntryPoint,
    given: Mapping[str, object],
    *,
    base: Path,
    root: Path | None = None,
    environ: Mapping[str, str] | None = None,
    bases: Mapping[str, Path] | None = None,
) -> tuple[Resolved, list[str]]:
    """Return what `resolve_all` does and all that is wrong, a text each: for who checks many sets of values before anything is refused.

    Parameters
    ----------
    entry_point, given, base, root, environ, bases
        As for `resolve_all`.

    Examples
    --------
    >>> examine(EntryPoint("main", [Parameter("alpha", "float")]), {"alpha": "high"}, base=Path())[1]
    ["parameter 'alpha': 'high' is not a float"]
    """
    environment = os.environ if environ is None else environ
    project = base if root is None else root
    resolved = Resolved(secret_names=frozenset(parameter.name for parameter in entry_point.parameters if parameter.secret))
    problems: list[str] = []
    missing: list[Parameter] = []
    for parameter in entry_point.parameters:
        name = parameter.name
        try:
            if name in given:
                _take(resolved, parameter, given[name], (bases or {}).get(name, base))
            elif parameter.secret and parameter.variable in environment:
                _take(resolved, parameter, environment[parameter.variable], base)
            elif parameter.default is not REQUIRED:
                _take_default(resolved, parameter, _folder_of_default(parameter, entry_point, project))
            elif parameter.required:
                missing.append(parameter)
            elif parameter.default_text is None:
                _take(resolved, parameter, None, base)
            else:  # the notebook makes this value itself: it is left alone
                resolved.words[name] = None
        except ValueError as error:
            problems.append(f"parameter {name!r}: {_public(parameter, error)}")
    problems += _take_extra(resolved, entry_point, given)
    problems += [_missing(entry_point, missing)] if missing else []
    return resolved, problems


def _take(resolved: Resolved, parameter: Parameter, value: object, base: Path) -> None:
    converted = _located(parameter, convert(parameter, value), base)
    check_limits(parameter, converted)
    raw = os.fspath(value) if isinstance(value, os.PathLike) else value
    _keep(resolved, parameter, converted, raw if isinstance(raw, str) else text_of(converted))


def _take_default(resolved: Resolved, parameter: Parameter, folder: Path) -> None:
    # A default was converted when it was declared; one made in code may still be a text.
    default = parameter.default
    converted = _located(parameter, convert(parameter, default) if isinstance(default, str) or parameter.type in {"path", "uri"} else default, folder)
    _keep(resolved, parameter, converted, text_of(default) if parameter.default_text is None else parameter.default_text)


def _keep(resolved: Resolved, parameter: Parameter, value: object, text: str) -> None:
    """Put a value where it belongs: a secret nowhere but among the secrets."""
    word = _word(parameter, value, text)
    check_text(text)
    if parameter.secret:
        if any(isinstance(one, Remote) for one in (value if isinstance(value, list) else [value])):
            raise _SecretAddressError
        if value is None:  # without a value there is no variable
            return
        resolved.secrets[parameter.variable] = text if word is None else word
        return
    resolved.values[parameter.name] = value
    resolved.words[parameter.name] = word
    resolved.tracked[parameter.name] = text


def _word(parameter: Parameter, value: object, text: str) -> str | None:
    """Return what a command receives: the text as it was written, but for booleans, flags and what had to be made absolute."""
    if parameter.flag is not None:
        return parameter.flag if value else None
    if value is not None and parameter.type in {"path", "uri", "bool"}:
        return text_of(value)
    if parameter.type == "list" and parameter.item in {"path", "uri"}:
        return text_of(value)
    return text


def _located(parameter: Parameter, value: object, base: Path) -> object:
    """Return a value with its paths made absolute and looked for."""
    if parameter.type == "list" and parameter.item in {"path", "uri"} and isinstance(value, list):
        single = Parameter(parameter.name, parameter.item, exists=parameter.exists)
        return [_located(single, element, base) for element in value]
    if not isinstance(value, str):
        return value
    if parameter.type == "path":
        return locate(value, base.absolute(), exists=parameter.exists)
    return locate_uri(value, base.absolute()) if parameter.type == "uri" else value


def _folder_of_default(parameter: Parameter, entry_point: EntryPoint, root: Path) -> Path:
    """Return where a default's relative path starts: the notebook's folder, as in Jupyter, if the notebook declares it; else the project's."""
    if entry_point.notebook is not None and parameter.declared is not None and parameter.declared.cell is not None:
        return (root / entry_point.notebook).parent
    return root


class _SecretAddressError(ValueError):
    """A secret is an address, which is shown, and kept, with what is downloaded."""

    def __init__(self) -> None:
        super().__init__(
            "the secret is an address, and what is downloaded is no secret: declare it without `secret` - passwords and tokens in an address "
            "are masked - or as a uri, which the program reads itself"
        )


def _take_extra(resolved: Resolved, entry_point: EntryPoint, given: Mapping[str, object]) -> list[str]:
    """Keep what is given and not declared; return what is wrong with it."""
    problems = []
    declared = [parameter.name for parameter in entry_point.parameters]
    free = [name for name in declared if name not in given]
    for name, value in given.items():
        if name in declared:
            continue
        problem = name_problem(name)
        if problem:
            problems.append(f"parameter {shown(name)}: a name {problem}")
        elif misspelled(name, free):
            problems.append(f"parameter {name!r} is not declared by {entry_point.name!r}.{suggestion(name, free)}")
        else:
            try:
                text = str(value) if value is None or isinstance(value, bool) else text_of(value)
                check_text(text)
            except ValueError as error:
                problems.append(f"parameter {name!r}: {error}")
                continue
            resolved.extra[name] = text
            resolved.tracked[name] = text
    return problems


def _public(parameter: Parameter, error: ValueError) -> str:
    return f"the secret is not of the type {parameter.type}" if parameter.secret and not isinstance(error, _SecretAddressError) else str(error)


def _missing(entry_point: EntryPoint, missing: list[Parameter]) -> str:
    """Return the sentence that names everything that is missing, and what gives it: to the command line that was typed, whatever its address."""
    count = "1 parameter" if len(missing) == 1 else f"{len(missing)} parameters"
    verb = "is" if len(missing) == 1 else "are"
    names = ", ".join(f"{one.name} ({f'secret, in the variable {one.variable}' if one.secret else one.type})" for one in missing)
    variables = ", ".join(one.variable for one in missing if one.secret)
    options = " ".join(f"-P {one.name}=..." for one in missing if not one.secret)
    todo = " and ".join([*([f"set {variables}"] if variables else []), *([f"add {options}"] if options else [])])
    return f"{count} of {entry_point.name!r} {verb} missing: {names}: {todo}"
