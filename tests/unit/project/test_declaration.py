"""Parameters as an MLproject file declares them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.errors import NbprojError, ProjectError
from nbproj.project.declaration import Remarks, read_parameter
from nbproj.project.document import parse_document
from nbproj.project.model import REQUIRED, Parameter, Place


def declared(text, *, strict=False, remarks=None):
    fields = parse_document(text, "MLproject").fields("'parameters'")
    return read_parameter(next(iter(fields.values())), remarks or Remarks(strict))


def problem(text):
    with pytest.raises(ProjectError) as caught:
        declared(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_type_alone():
    assert declared("alpha: float") == Parameter("alpha", "float", declared=Place("MLproject", 1, 1))


def test_everything_that_can_be_said():
    text = "{n: {type: int, default: 5, help: 'How\n  many', choices: [1, 5], min: 0, max: 10, step: 1, optional: true}}"
    found = declared(text)
    assert (found.type, found.default, found.default_text, found.help, found.choices) == ("int", 5, "5", "How many", (1, 5))
    assert (found.min, found.max, found.step, found.optional, found.required) == (0, 10, 1, True, False)


@pytest.mark.parametrize("text", ["a:", "a: ~", "a: {}", "a: {type: }", "a: {type: str}", "a: {default: }"])
def test_what_is_not_said_is_a_required_string(text):
    found = declared(text)
    assert (found.type, found.default, found.required) == ("string", REQUIRED, True)


@pytest.mark.parametrize(
    ("written", "kind", "item"),
    [("str", "string", None), ("integer", "int", None), ("number", "float", None), ("boolean", "bool", None), ("list[number]", "list", "float")],
)
def test_aliases_of_types(written, kind, item):
    found = declared(f"a: '{written}'")
    assert (found.type, found.item) == (kind, item)


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ("{type: float, default: 1e-3}", 0.001, "1e-3"),
        ("{type: float, default: .5}", 0.5, ".5"),
        ("{type: float, default: 1}", 1.0, "1"),
        ("{type: float, default: '0.5'}", 0.5, "0.5"),
        ("{type: float, default: -.inf}", float("-inf"), "-inf"),
        ("{type: int, default: 1_000}", 1000, "1_000"),
        ("{type: int, default: -7}", -7, "-7"),
        ("{type: bool, default: yes}", True, "true"),
        ("{type: bool, default: OFF}", False, "false"),
        ("{type: bool, default: 1}", True, "true"),
        ("{default: 007}", "007", "007"),
        ("{default: 0.10}", "0.10", "0.10"),
        ("{default: yes}", "yes", "yes"),
        ("{default: ''}", "", ""),
        ("{default: 'a  b'}", "a  b", "a  b"),
        ("{default: None}", "None", "None"),
        ("{default: [1, b]}", '[1, "b"]', '[1, "b"]'),
        ("{type: date, default: 2026-01-31}", dt.date(2026, 1, 31), "2026-01-31"),
        ("{type: datetime, default: 2026-01-31T12:00:00}", dt.datetime.fromisoformat("2026-01-31T12:00:00"), "2026-01-31T12:00:00"),
        ("{type: list, default: [1, a, 0.5]}", [1, "a", 0.5], '[1, "a", 0.5]'),
        ("{type: list, default: '[1, 2]'}", [1, 2], "[1, 2]"),
        ("{type: 'list[string]', default: [0.10, yes]}", ["0.10", "yes"], '["0.10", "yes"]'),
        ("{type: 'list[date]', default: [2026-01-31]}", [dt.date(2026, 1, 31)], '["2026-01-31"]'),
        ("{type: dict, default: {a: 1, b: [x]}}", {"a": 1, "b": ["x"]}, '{"a": 1, "b": ["x"]}'),
        ("{type: choice, choices: [a, 0.10], default: 0.10}", "0.10", "0.10"),
        ("{type: path, default: data/x.csv}", "data/x.csv", "data/x.csv"),
        ("{type: uri, default: s3://b/x}", "s3://b/x", "s3://b/x"),
        ("{type: tensor, default: 1}", "1", "1"),
    ],
)
def test_defaults_are_of_the_type_and_keep_their_text(text, value, written):
    found = declared(f"a: {text}")
    assert (found.default, type(found.default), found.default_text) == (value, type(value), written)


def test_optional_without_a_default_is_none():
    found = declared("a: {type: float, optional: true}")
    assert (found.default, found.default_text, found.required) == (None, None, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 5", "1:4: parameter 'a': the type is a number, where a name of a type belongs (string, float"),
        ("a: true", "1:4: parameter 'a': the type is a truth value"),
        ("a: [float]", "1:4: parameter 'a' is a list, where a mapping"),
        ("a: ''", "1:4: parameter 'a': the type is empty"),
        ("a: {type: [float]}", "1:11: parameter 'a': the type is a list"),
        ("a: flaot", "1:4: parameter 'a': unknown type 'flaot'. Did you mean 'float'?"),
        ("a: {type: String}", "1:11: parameter 'a': unknown type 'String'. Did you mean 'string'?"),
        ("a: 'list[flaot]'", "1:4: parameter 'a': unknown type 'list[flaot]'. Did you mean 'float'?"),
        ("a: {type: float, defualt: 1}", "1:18: parameter 'a': unknown key 'defualt'. Did you mean 'default'?"),
        ("a: {type: float, type: int}", "1:18: 'type' stands twice in parameter 'a'"),
        ("a: {type: float, default: abc}", "1:27: parameter 'a': default 'abc' is not a float"),
        ("a: {type: float, default: None}", "1:27: parameter 'a': default 'None' is not a float"),
        ("a: {type: float, default: true}", "1:27: parameter 'a': default 'true' is not a float"),
        ("a: {type: float, default: 1:30}", "1:27: parameter 'a': default '1:30' is not a float"),
        ("a: {type: float, default: [1]}", "1:27: parameter 'a': default [1] is not a float"),
        ("a: {type: int, default: 1.5}", "1:25: parameter 'a': default '1.5' is not an int"),
        ("a: {type: int, default: 0x1F}", "1:25: parameter 'a': default '0x1F' is not an int"),
        ("a: {type: int, default: 010}", "1:25: parameter 'a': default 010 is octal to YAML and decimal to others"),
        ("a: {type: bool, default: 2}", "1:26: parameter 'a': default '2' is not a bool"),
        ("a: {type: date, default: 31.1.2026}", "1:26: parameter 'a': default '31.1.2026' is not a date"),
        ("a: {type: date, default: 2026-99-99}", "1:26: parameter 'a': default '2026-99-99' is not a date"),
        ("a: {type: list, default: 1}", "1:26: parameter 'a': default '1' is not a list"),
        ("a: {type: list, default: {b: 1}}", "1:26: parameter 'a': default {\"b\": 1} is not a list"),
        ("a: {type: 'list[int]', default: [x]}", "1:33: parameter 'a': default 'x' is not an int"),
        ("a: {type: dict, default: [1]}", "1:26: parameter 'a': default [1] is not a dict"),
        ("a: {type: path, default: ''}", "1:26: parameter 'a': default '' is not a path"),
        ("a: {type: choice}", "1:5: parameter 'a': a 'choice' needs 'choices'"),
        ("a: {type: choice, choices: a}", "1:28: parameter 'a': 'choices' is a text, where a list"),
        ("a: {type: choice, choices: []}", "1:28: parameter 'a': 'choices' is an empty list"),
        ("a: {type: choice, choices: [x, y], default: z}", "1:45: parameter 'a': default 'z' is not one of 'x', 'y'"),
        ("a: {type: int, choices: [1, b]}", "1:29: parameter 'a': choice 'b' is not an int"),
        ("a: {type: float, min: x}", "1:23: parameter 'a': 'min' is a text, where a number belongs"),
        ("a: {type: float, min: 2, max: 1}", "1:23: parameter 'a': 'min' 2 is more than 'max' 1"),
        ("a: {type: float, step: 0}", "1:24: parameter 'a': 'step' must be more than zero"),
        ("a: {type: float, max: 1e-3, default: 1}", "1:38: parameter 'a': default 1.0 is more than 0.001"),
        ("a: {min: 1}", "1:5: parameter 'a': 'min' has no meaning for the type 'string'"),
        ("a: {type: int, exists: false}", "1:16: parameter 'a': 'exists' has no meaning for the type 'int'"),
        ("a: {type: int, flag: --x}", "1:16: parameter 'a': 'flag' has no meaning for the type 'int'"),
        ("a: {type: bool, flag: --x y}", "1:23: parameter 'a': a flag is one word"),
        ("a: {type: bool, flag: --x, secret: true}", "1:23: parameter 'a': a secret cannot be a flag"),
        ("a: {optional: 1}", "1:15: parameter 'a': 'optional' is a number, where true or false belongs"),
        ("a: {help: [x]}", "1:11: parameter 'a': 'help' is a list"),
        ("a: {env: X}", "1:10: parameter 'a': 'env' names the variable of a secret"),
        ("a: {secret: true, env: 'A B'}", "1:24: parameter 'a': 'A B' cannot name an environment variable"),
        ("1a: {secret: true}", "1:14: parameter '1a': '1A' cannot name an environment variable"),
        ("path: {secret: true}", "1:16: parameter 'path': the environment variable PATH has a meaning of its own"),
        ("'a b': float", "1:1: parameter 'a b': a name may hold letters, digits"),
        ("'$(x)': float", "1:1: parameter '$(x)': a name may hold letters, digits"),
        ("é: float", "1:1: parameter 'é': a name may hold letters, digits"),
        ("'': float", "1:1: parameter '': a name is empty"),
        ("'..': float", "1:1: parameter '..': a name may not be"),
        (f"{'x' * 251}: float", "a name is longer than 250 characters"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_place(text, message):
    assert message in problem(text)
    assert problem(text).startswith("MLproject:1:")


def test_unknown_keys_and_types_are_remarked_on_once():
    remarks = Remarks()
    found = declared("a: {type: tensor, zzz: 1}", remarks=remarks)
    assert found.type == "tensor"
    assert remarks.texts == [
        "MLproject:1:19: parameter 'a': unknown key 'zzz' is ignored",
        "MLproject:1:11: parameter 'a': unknown type 'tensor' is taken for a string",
    ]


@pytest.mark.parametrize("text", ["a: tensor", "a: {zzz: 1}"])
def test_unknown_keys_and_types_are_refused_when_strict(text):
    with pytest.raises(ProjectError, match="MLproject:1:"):
        declared(text, strict=True)


def test_the_default_of_a_secret_is_remarked_on_and_never_shown():
    remarks = Remarks()
    assert declared("a: {secret: true, default: hush}", remarks=remarks).secret
    assert "everyone who reads this file" in remarks.texts[0]
    assert "hush" not in problem("a: {type: int, secret: true, default: hush}") + remarks.texts[0]


KEYS = ["type", "default", "help", "choices", "min", "max", "step", "secret", "env", "optional", "exists", "flag", "zzz"]
WORDS = [
    "float",
    "int",
    "bool",
    "list[int]",
    "date",
    "choice",
    "path",
    "1",
    "0.5",
    "true",
    "~",
    "[1, 2]",
    "{a: b}",
    "''",
    "x",
    ".nan",
    "2026-01-31",
    "tensor",
]


@given(st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORDS), max_size=5))
def test_any_declaration_is_a_parameter_or_one_line_with_a_place(fields):
    text = "a: {" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}"
    try:
        found = declared(text)
    except NbprojError as error:
        message = str(error)
    else:
        message = "MLproject:1:"
        assert found.name == "a"
        assert found.required == (found.default is REQUIRED)
        assert found.default is REQUIRED or found.default is None or isinstance(found.default_text, str)
    assert message.startswith("MLproject:1:")
    assert "\n" not in message
