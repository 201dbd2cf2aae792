"""One parameter as an MLproject file declares it (contract, sections 3 and 4)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from nbproj.errors import ProjectError, suggestion
from nbproj.project.conversion import ALIASES, TYPES, convert, text_of, type_of
from nbproj.project.limits import check_limits
from nbproj.project.model import REQUIRED, Parameter
from nbproj.project.names import name_problem
from nbproj.project.node import Node, Pair

__all__ = ["Remarks", "read_parameter", "read_scalar", "refuse_unknown"]

KEYS: Final = ("type", "default", "help", "choices", "min", "max", "step", "secret", "env", "optional", "exists", "flag")
NUMBERS: Final = ("int", "float")
# Which types a key has a meaning for; a key that is not here fits every type.
MEANING: Final[Mapping[str, tuple[str, ...]]] = {
    "min": (*NUMBERS, "list"),
    "max": (*NUMBERS, "list"),
    "step": NUMBERS,
    "exists": ("path", "list"),
    "flag": ("bool",),
}
# What a run sets or needs itself: a secret that takes its place would break the program in strange ways.
TAKEN: Final = frozenset(
    {
        "HOME",
        "LANG",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "NBPROJ_NOTEBOOK",
        "NBPROJ_OUTPUT_DIR",
        "PATH",
        "PWD",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONUNBUFFERED",
        "SHELL",
        "TMPDIR",
    }
    | {"MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI"},
)


@dataclass(slots=True)
class Remarks:
    """What a reader is told without being stopped; an error instead when the reading is strict."""

    strict: bool = False
    texts: list[str] = field(default_factory=list)

    def add(self, message: str, node: Node) -> None:
        """Keep a remark, once."""
        if self.strict:
            raise ProjectError(message, place=node.place)
        text = f"{node.place}: {message}"
        if text not in self.texts:
            self.texts.append(text)


def refuse_unknown(fields: Mapping[str, Pair], known: Iterable[str], what: str, remarks: Remarks) -> None:
    """Refuse keys that look like known ones; remark on the others, which a plug-in may understand."""
    names = tuple(known)
    for name, pair in fields.items():
        if name in names:
            continue
        near = suggestion(name, names)
        if near:
            msg = f"{what}: unknown key {name!r}.{near}"
            raise ProjectError(msg, place=pair.key.place)
        remarks.add(f"{what}: unknown key {name!r} is ignored", pair.key)


def read_scalar(node: Node, what: str) -> str:
    """Return a text of one line that can be printed and is not empty.

    Raises
    ------
    ProjectError
        It is something else.
    """
    if node.kind != "scalar" or node.is_null:
        msg = f"{what} is {node.description}, where a text belongs"
        raise ProjectError(msg, place=node.place)
    text = node.text.strip()
    if not text or not text.isprintable():
        msg = f"{what} is empty" if not text else f"{what} must be one line that can be printed"
        raise ProjectError(msg, place=node.place)
    return text


def read_parameter(pair: Pair, remarks: Remarks) -> Parameter:
    """Return the parameter that one entry of `parameters` declares.

    Parameters
    ----------
    pair : Pair
        Its name, and its type or the mapping with its type, default and the rest.
    remarks : Remarks
        Takes what is not understood and does no harm.

    Raises
    ------
    ProjectError
        With the place in the file.
    """
    name = pair.key.text
    problem = name_problem(name)
    if problem:
        msg = f"parameter {name!r}: a name {problem}"
        raise ProjectError(msg, place=pair.key.place)
    what = f"parameter {name!r}"
    plain = Parameter(name, declared=pair.key.place)
    if pair.value.is_null:
        return plain
    if pair.value.kind == "scalar":
        return _typed(plain, pair.value, what, remarks)
    fields = pair.value.fields(what)
    refuse_unknown(fields, KEYS, what, remarks)
    given = {key: found.value for key, found in fields.items() if not found.value.is_null}
    parameter = _typed(plain, given["type"], what, remarks) if "type" in given else plain
    if parameter.type in TYPES:
        for key, types in MEANING.items():
            if key in given and parameter.type not in types:
                msg = f"{what}: {key!r} has no meaning for the type {parameter.type!r}"
                raise ProjectError(msg, place=fields[key].key.place)
    parameter = replace(
        parameter,
        help=_help(given, what),
        min=_number(given, "min", what),
        max=_number(given, "max", what),
        step=_number(given, "step", what),
        optional=_truth(given, "optional", what, default=False),
        exists=_truth(given, "exists", what, default=True),
    )
    parameter = _with_secret(parameter, given, what, remarks)
    parameter = _with_flag(parameter, given, what)
    parameter = _with_choices(parameter, given, what, fields)
    _check_numbers(parameter, given, what)
    return _with_default(parameter, given.get("default"), what)


def _typed(parameter: Parameter, node: Node, what: str, remarks: Remarks) -> Parameter:
    if node.kind != "scalar" or node.tag != "str":
        msg = f"{what}: the type is {node.description}, where a name of a type belongs ({', '.join(TYPES)})"
        raise ProjectError(msg, place=node.place)
    written = read_scalar(node, f"{what}: the type")
    known = type_of(written)
    if known is not None:
        return replace(parameter, type=known[0], item=known[1])
    near = suggestion(written.removeprefix("list[").removesuffix("]"), (*TYPES, *ALIASES))
    if near:
        msg = f"{what}: unknown type {written!r}.{near}"
        raise ProjectError(msg, place=node.place)
    remarks.add(f"{what}: unknown type {written!r} is taken for a string", node)
    return replace(parameter, type=written)


def _help(given: Mapping[str, Node], what: str) -> str:
    if "help" not in given:
        return ""
    node = given["help"]
    if node.kind != "scalar":
        msg = f"{what}: 'help' is {node.description}, where a text belongs"
        raise ProjectError(msg, place=node.place)
    return " ".join(node.text.split())


def _truth(given: Mapping[str, Node], key: str, what: str, *, default: bool) -> bool:
    if key not in given:
        return default
    node = given[key]
    if node.tag != "bool":
        msg = f"{what}: {key!r} is {node.description}, where true or false belongs"
        raise ProjectError(msg, place=node.place)
    return bool(node.plain())


def _number(given: Mapping[str, Node], key: str, what: str) -> float | None:
    if key not in given:
        return None
    node = given[key]
    value = node.plain() if node.tag in {"int", "float"} else None
    if node.tag == "str":  # 1e-3 is a text to YAML
        try:
            value = convert(Parameter(key, "float"), node.text)
        except ValueError:
            value = None
    if not isinstance(value, int | float):
        msg = f"{what}: {key!r} is {node.description}, where a number belongs"
        raise ProjectError(msg, place=node.place)
    return value


def _check_numbers(parameter: Parameter, given: Mapping[str, Node], what: str) -> None:
    if parameter.min is not None and parameter.max is not None and not parameter.min <= parameter.max:
        msg = f"{what}: 'min' {parameter.min:g} is more than 'max' {parameter.max:g}"
        raise ProjectError(msg, place=given["min"].place)
    if parameter.step is not None and not (parameter.step > 0 and math.isfinite(parameter.step)):
        msg = f"{what}: 'step' must be more than zero"
        raise ProjectError(msg, place=given["step"].place)


def _with_secret(parameter: Parameter, given: Mapping[str, Node], what: str, remarks: Remarks) -> Parameter:
    parameter = replace(parameter, secret=_truth(given, "secret", what, default=False))
    if "env" in given:
        if not parameter.secret:
            msg = f"{what}: 'env' names the variable of a secret, and this is none. Add 'secret: true'"
            raise ProjectError(msg, place=given["env"].place)
        parameter = replace(parameter, env=read_scalar(given["env"], f"{what}: 'env'"))
    if parameter.secret:
        node = given.get("env", given["secret"])
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", parameter.variable):
            msg = f"{what}: {parameter.variable!r} cannot name an environment variable. Write 'env: NAME'"
            raise ProjectError(msg, place=node.place)
        if parameter.variable in TAKEN:
            msg = f"{what}: the environment variable {parameter.variable} has a meaning of its own. Write 'env: NAME' with another"
            raise ProjectError(msg, place=node.place)
        if "default" in given:
            remarks.add(f"{what}: everyone who reads this file reads the default of a secret", given["default"])
    return parameter


def _with_flag(parameter: Parameter, given: Mapping[str, Node], what: str) -> Parameter:
    if "flag" not in given:
        return parameter
    flag = read_scalar(given["flag"], f"{what}: 'flag'")
    if re.search(r"\s", flag) or parameter.secret:
        msg = (
            f"{what}: a flag is one word, such as --verbose"
            if not parameter.secret
            else f"{what}: a secret cannot be a flag, which shows in a command"
        )
        raise ProjectError(msg, place=given["flag"].place)
    return replace(parameter, flag=flag)


def _with_choices(parameter: Parameter, given: Mapping[str, Node], what: str, fields: Mapping[str, Pair]) -> Parameter:
    if "choices" not in given:
        if parameter.type == "choice":
            msg = f"{what}: a 'choice' needs 'choices', a list of what may be chosen"
            raise ProjectError(msg, place=fields["type"].key.place if "type" in fields else parameter.declared)
        return parameter
    node = given["choices"]
    if node.kind != "list" or not node.items:
        msg = f"{what}: 'choices' is {'an empty list' if node.kind == 'list' else node.description}, where a list of values belongs"
        raise ProjectError(msg, place=node.place)
    single = replace(parameter, type=parameter.item or "string", item=None) if parameter.type == "list" else parameter
    return replace(parameter, choices=tuple(_value(single, item, what, "choice") for item in node.items))


def _with_default(parameter: Parameter, node: Node | None, what: str) -> Parameter:
    if node is None:
        # To MLflow a default of null is none at all.
        return replace(parameter, default=None, default_text=None) if parameter.optional else parameter
    value = _value(parameter, node, what, "default")
    parameter = replace(parameter, default=value, default_text=_written(parameter, value, node))
    if value is not REQUIRED:
        try:
            check_limits(parameter, value)
        except ValueError as error:
            raise _unfit(parameter, what, "default", error, node) from None
    return parameter


def _value(parameter: Parameter, node: Node, what: str, role: str) -> object:
    """Return what a node means as a value of the parameter's type."""
    if node.kind == "scalar" and node.tag == "int" and parameter.type in NUMBERS and re.match(r"[+-]?0[0-9_]*[1-9]", node.text):
        msg = f"{what}: {role} {node.text} is octal to YAML and decimal to others. Write it without the leading zero, or in quotes"
        raise ProjectError(msg, place=node.place)
    try:
        return convert(parameter, _source(parameter, node))
    except ValueError as error:
        raise _unfit(parameter, what, role, error, node) from None


def _source(parameter: Parameter, node: Node) -> object:
    """Return what a conversion starts from: the text of a scalar as it is written, not what YAML makes of it."""
    if node.kind == "scalar":
        special = re.fullmatch(r"([+-]?)\.(inf|nan)", node.text, re.IGNORECASE) if node.tag == "float" else None
        return special[1] + special[2].lower() if special else node.text
    if parameter.type == "list" and parameter.item is not None and node.kind == "list":
        return [_source(replace(parameter, type=parameter.item, item=None), item) for item in node.items]
    return node.plain()


def _written(parameter: Parameter, value: object, node: Node) -> str:
    if isinstance(value, bool) and parameter.type == "bool":
        return text_of(value)
    return text_of(_source(parameter, node)) if node.kind == "scalar" else text_of(value)


def _unfit(parameter: Parameter, what: str, role: str, error: ValueError, node: Node) -> ProjectError:
    return ProjectError(f"{what}: the {role} does not fit" if parameter.secret else f"{what}: {role} {error}", place=node.place)
