"""`{expr}` as a parameter's value: the object itself, from the notebook's own names.

Only a value that is wholly in braces is expanded. A JSON object is left alone: it is a value of type `dict`.
"""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Mapping

from nbproj.errors import UsageError, suggestion

__all__ = ["expand", "words"]


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def expand(values: Mapping[str, str], names: Mapping[str, object]) -> dict[str, object]:
    """Return parameters with every `{expr}` replaced by what the expression gives.

    Parameters
    ----------
    values : mapping of str to str
        As they were typed.
    names : mapping of str to object
        The notebook's names.

    Raises
    ------
    UsageError
        An expression is none, names nothing, or raises.

    Examples
    --------
    >>> expand({"alpha": "{best / 2}", "name": "a{b}", "options": '{"depth": 3}'}, {"best": 3})
    {'alpha': 1.5, 'name': 'a{b}', 'options': '{"depth": 3}'}
    """
    return {name: _value(name, text, names) for name, text in values.items()}


def _value(name: str, text: str, names: Mapping[str, object]) -> object:
    if not (text.startswith("{") and text.endswith("}")) or _is_json_object(text):
        return text
    expression = text[1:-1].strip()
    try:
        code = compile(ast.parse(expression, mode="eval"), f"-P {name}", "eval")
    except (SyntaxError, ValueError) as error:
        msg = f"-P {name}={text}: {expression!r} is not an expression. Write {{name}} or {{expression}}, or a JSON object for a dict"
        raise UsageError(msg) from error
    try:
        return eval(code, dict(names))  # noqa: S307 - the user's own line in the user's own notebook
    except NameError as error:
        near = suggestion(error.name or "", [known for known in names if not known.startswith("_")])
        msg = f"-P {name}={text}: {error}.{near}"
        raise UsageError(msg) from error
    except Exception as error:
        msg = f"-P {name}={text}: {type(error).__name__}: {error}"
        raise UsageError(msg) from error


def words(line: str) -> list[str]:
    r"""Return the words of a line as a shell splits it, a value in braces being one word with its own quotation marks.

    Parameters
    ----------
    line : str
        What was typed.

    Raises
    ------
    ValueError
        A quotation mark is not closed.

    Examples
    --------
    >>> words("'a b' -P lr={best['lr'] * 2} -P c=\"{x}\"")
    ['a b', '-P', "lr={best['lr'] * 2}", '-P', 'c={x}']
    """
    pieces: list[str] = []
    position, quote = 0, ""
    while position < len(line):
        character = line[position]
        if not quote and line.startswith("={", position):
            end = _closing(line, position + 1)
            if end is not None:
                pieces.append("=" + shlex.quote(line[position + 1 : end]))
                position = end
                continue
        if character == "\\" and quote != "'":
            pieces.append(line[position : position + 2])
            position += 2
            continue
        if character in "'\"" and quote in {"", character}:
            quote = "" if quote else character
        pieces.append(character)
        position += 1
    return shlex.split("".join(pieces))


def _closing(line: str, start: int) -> int | None:
    """Return the position behind the brace that closes the one at `start`; Python strings in between are stepped over."""
    depth, position, quote = 0, start, ""
    while position < len(line):
        character = line[position]
        if quote:
            position += character == "\\"
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "{}":
            depth += 1 if character == "{" else -1
            if not depth:
                return position + 1
        position += 1
    return None
