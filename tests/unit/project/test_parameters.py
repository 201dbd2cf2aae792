"""The values of one run: given, by default, missing; in every form that a run needs."""

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from nbproj.errors import ParameterError
from nbproj.project.misspelling import misspelled
from nbproj.project.model import EntryPoint, Parameter, Place
from nbproj.project.names import name_problem
from nbproj.project.parameters import Resolved, resolve, resolve_all

HERE = Path("/somewhere")


def entry(*parameters, name="train", **fields):
    return EntryPoint(name, parameters, **fields)


def refused(entry_point, given, **fields):
    with pytest.raises(ParameterError) as caught:
        resolve_all(entry_point, given, base=HERE, **fields)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 120
    return str(caught.value)


def test_declared_parameters_come_first_in_their_order_then_the_others_in_the_callers():
    found = resolve(entry(Parameter("b", "int", default=1), Parameter("a", "float")), {"z": 1, "a": "2", "y": "x"}, base=HERE)
    assert list(found.items()) == [("b", 1), ("a", 2.0), ("z", "1"), ("y", "x")]


def test_what_is_given_is_not_changed():
    given = {"a": [1, "2"], "z": None}
    resolve(entry(Parameter("a", "list", item="int")), given, base=HERE)
    assert given == {"a": [1, "2"], "z": None}


@pytest.mark.parametrize(
    ("declared", "value", "python", "word", "tracked"),
    [
        (Parameter("p"), "x y", "x y", "x y", "x y"),
        (Parameter("p"), True, "True", "True", "True"),
        (Parameter("p", "float"), "0.50", 0.5, "0.50", "0.50"),
        (Parameter("p", "float"), 1, 1.0, "1.0", "1.0"),
        (Parameter("p", "int"), "1_000", 1000, "1_000", "1_000"),
        (Parameter("p", "bool"), "Yes", True, "true", "Yes"),
        (Parameter("p", "bool"), False, False, "false", "false"),
        (Parameter("p", "bool", flag="-v"), "yes", True, "-v", "yes"),
        (Parameter("p", "bool", flag="-v"), False, False, None, "false"),
        (Parameter("p", "date"), dt.date(2026, 1, 31), dt.date(2026, 1, 31), "2026-01-31", "2026-01-31"),
        (Parameter("p", "list"), "[a, b]", ["a", "b"], "[a, b]", "[a, b]"),
        (Parameter("p", "list"), ["a", 1], ["a", 1], '["a", 1]', '["a", 1]'),
        (Parameter("p", "dict"), {"a": None}, {"a": None}, '{"a": null}', '{"a": null}'),
        (Parameter("p", "float", optional=True), None, None, "None", "None"),
        (Parameter("p", "float", optional=True), "", None, "", ""),
        (Parameter("p", "path", exists=False), "out", HERE / "out", "/somewhere/out", "out"),
        (Parameter("p", "path", exists=False), Path("out"), HERE / "out", "/somewhere/out", "out"),
        (Parameter("p", "uri"), "d", "/somewhere/d", "/somewhere/d", "d"),
        (Parameter("p", "uri"), "s3://b", "s3://b", "s3://b", "s3://b"),
        (Parameter("p", "list", item="path", exists=False), "[a]", [HERE / "a"], '["/somewhere/a"]', "[a]"),
    ],
)
def test_a_notebook_gets_values_and_a_command_gets_texts(declared, value, python, word, tracked):
    found = resolve_all(entry(declared), {"p": value}, base=HERE)
    assert (found.values, found.words, found.tracked) == ({"p": python}, {"p": word}, {"p": tracked})
    assert type(found.values["p"]) is type(python)


@pytest.mark.parametrize(
    ("declared", "python", "word", "tracked"),
    [
        (Parameter("p", "float", default=0.1, default_text="1e-1"), 0.1, "1e-1", "1e-1"),
        (Parameter("p", "float", default=0.1), 0.1, "0.1", "0.1"),
        (Parameter("p", "float", default=None, optional=True), None, "None", "None"),
        (Parameter("p", "float", optional=True), None, "None", "None"),
        (Parameter("p", "bool", default=True, flag="-v"), True, "-v", "true"),
        (Parameter("p", "bool", default=False, flag="-v"), False, None, "false"),
        (Parameter("p", "path", default="x", default_text="x", exists=False), Path("/project/x"), "/project/x", "x"),
        (Parameter("p", "uri", default="x"), "/project/x", "/project/x", "x"),
        (Parameter("p", "list", default=[1]), [1], "[1]", "[1]"),
        (Parameter("p", "int", default="7"), 7, "7", "7"),
    ],
)
def test_a_default_is_the_projects(declared, python, word, tracked):
    found = resolve_all(entry(declared), {}, base=HERE, root=Path("/project"))
    assert (found.values, found.words, found.tracked) == ({"p": python}, {"p": word}, {"p": tracked})


def test_a_path_by_default_must_exist(tmp_path):
    declared = entry(Parameter("data", "path", default="d.csv"))
    assert "parameter 'data': 'd.csv' does not exist" in refused(declared, {}, root=tmp_path)
    (tmp_path / "d.csv").touch()
    assert resolve(declared, {}, base=HERE, root=tmp_path) == {"data": tmp_path / "d.csv"}


def test_a_path_that_a_notebook_declares_starts_from_the_notebooks_folder():
    place = Place("sub/train.ipynb", 1, cell=2)
    declared = entry(Parameter("data", "path", default="x", exists=False, declared=place), notebook="sub/train.ipynb")
    assert resolve(declared, {}, base=HERE, root=Path("/project")) == {"data": Path("/project/sub/x")}
    assert resolve(declared, {"data": "y"}, base=HERE, root=Path("/project")) == {"data": HERE / "y"}


def test_a_value_from_a_file_starts_from_that_files_folder():
    declared = entry(Parameter("a", "path", exists=False), Parameter("b", "path", exists=False))
    found = resolve_all(declared, {"a": "x", "b": "x"}, base=HERE, bases={"b": Path("/files")})
    assert found.values == {"a": HERE / "x", "b": Path("/files/x")}


def test_what_only_the_notebook_can_make_is_left_alone_unless_given():
    declared = entry(Parameter("rate", "float", optional=True, default_text="find()"))
    assert resolve_all(declared, {}, base=HERE) == Resolved(words={"rate": None})
    assert resolve(declared, {"rate": "2"}, base=HERE) == {"rate": 2.0}


def test_all_missing_parameters_are_named_at_once():
    declared = entry(Parameter("data", "path"), Parameter("seed", "int"), Parameter("alpha", "float", default=1.0))
    expected = "2 parameters of 'train' are missing: data (path), seed (int): add -P data=... -P seed=..."
    assert refused(declared, {}) == expected
    assert refused(entry(Parameter("a"), name="main"), {}) == "1 parameter of 'main' is missing: a (string): add -P a=..."


def test_everything_that_is_wrong_is_named_at_once():
    declared = entry(Parameter("a", "int"), Parameter("b", "bool"), Parameter("c"), Parameter("delta", "float", default=1.0))
    message = refused(declared, {"a": "x", "b": "y", "detla": "1", "e f": "1"})
    assert message == (
        "parameter 'a': 'x' is not an int; parameter 'b': 'y' is not a bool (true or false); "
        "parameter 'detla' is not declared by 'train'. Did you mean 'delta'? "
        "parameter 'e f': a name may hold letters, digits, '_', '-' and '.' only; "
        "1 parameter of 'train' is missing: c (string): add -P c=..."
    )


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "$(x)", "a\nb", "é", "..", "../x", "a/b", "x" * 300, "import os; x", "a\0b"])
def test_a_name_that_is_no_name_is_refused_wherever_it_enters(name):
    assert name_problem(name)
    assert "a name " in refused(entry(), {name: "1"})


@pytest.mark.parametrize(
    ("value", "text"), [("x y", "x y"), (None, "None"), (True, "True"), (1.5, "1.5"), ([1, "a"], '[1, "a"]'), (Path("x"), "x"), ("", "")]
)
def test_an_undeclared_parameter_is_a_text(value, text):
    found = resolve_all(entry(), {"p": value}, base=HERE)
    assert (found.extra, found.tracked, found.values) == ({"p": text}, {"p": text}, {})


@pytest.mark.parametrize("value", ["a\0b", "\udcff"])
def test_what_no_program_can_be_given_is_refused(value):
    assert "parameter 'p'" in refused(entry(), {"p": value})
    assert "parameter 'p'" in refused(entry(Parameter("p")), {"p": value})
    assert "parameter 'p'" in refused(entry(Parameter("p", secret=True)), {"p": value})


@pytest.mark.parametrize(
    ("name", "declared", "expected"),
    [
        ("aplha", "alpha", True),
        ("Alpha", "alpha", True),
        ("learning-rate", "learning_rate", True),
        ("learningrate", "learning_rate", True),
        ("sede", "seed", True),
        ("x2", "x1", False),
        ("layer_2", "layer_1", False),
        ("beta", "alpha", False),
        ("verbose", "seed", False),
    ],
)
def test_a_misspelling_is_told_from_another_name(name, declared, expected):
    assert misspelled(name, [declared]) is expected


def test_a_name_beside_the_one_it_resembles_passes():
    assert resolve(entry(Parameter("alpha")), {"alpha": "1", "alphas": "2"}, base=HERE) == {"alpha": "1", "alphas": "2"}


def test_what_json_cannot_hold_is_refused():
    loop = []
    loop.append(loop)
    for value in (loop, {(1, 2): 3}):
        assert "that JSON cannot hold" in refused(entry(), {"p": value})
    assert "that JSON cannot hold" in refused(entry(Parameter("p", "list")), {"p": loop})
    assert "that JSON cannot hold" in refused(entry(Parameter("p", "dict")), {"p": {(1, 2): 3}})
    assert "is not an int" in refused(entry(Parameter("p", "int")), {"p": loop})


# --- secrets

TOKEN = Parameter("token", secret=True)


def test_a_secret_is_nowhere_but_among_the_secrets():
    found = resolve_all(entry(TOKEN, Parameter("a", default="1")), {"token": "hush"}, base=HERE, environ={})
    assert (found.secrets, found.secret_names) == ({"TOKEN": "hush"}, frozenset({"token"}))
    assert "token" not in {**found.values, **found.words, **found.tracked, **found.extra}
    assert "hush" not in repr(found)
    assert "hush" not in str(resolve(entry(TOKEN), {"token": "hush"}, base=HERE))


def test_a_secret_goes_by_the_variable_it_names():
    found = resolve_all(entry(Parameter("token", secret=True, env="MY_KEY")), {"token": "hush"}, base=HERE, environ={})
    assert found.secrets == {"MY_KEY": "hush"}


def test_a_secret_that_is_not_given_is_taken_from_its_variable(monkeypatch):
    monkeypatch.setenv("TOKEN", "hush")
    assert resolve_all(entry(TOKEN), {}, base=HERE).secrets == {"TOKEN": "hush"}
    assert resolve_all(entry(TOKEN), {"token": "other"}, base=HERE).secrets == {"TOKEN": "other"}


def test_an_optional_secret_without_a_value_sets_no_variable():
    declared = entry(Parameter("token", secret=True, optional=True), Parameter("key", secret=True, default=None, optional=True))
    assert resolve_all(declared, {}, base=HERE, environ={}).secrets == {}


def test_a_missing_secret_is_asked_for_by_its_variable():
    assert refused(entry(TOKEN, Parameter("a")), {}, environ={}) == (
        "2 parameters of 'train' are missing: token (secret, in the variable TOKEN), a (string): set TOKEN and add -P a=..."
    )


@pytest.mark.parametrize(
    "declared",
    [
        Parameter("token", "int", secret=True),
        Parameter("token", "choice", choices=("a",), secret=True),
        Parameter("token", "path", secret=True),
        Parameter("token", "date", secret=True),
    ],
)
def test_an_error_never_holds_a_secret(declared):
    assert "hush" not in refused(entry(declared), {"token": "hush"}, environ={})


@drawn(
    st.dictionaries(
        st.sampled_from(["alpha", "aplha", "b", "c d", "token", "z"]),
        st.none() | st.booleans() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    )
)
def test_any_values_are_resolved_or_refused_in_one_line(given):
    declared = entry(Parameter("alpha", "float", default=0.5), Parameter("b", "bool", flag="-b"), Parameter("token", secret=True, default="x"))
    message = ""
    try:
        found = resolve_all(declared, given, base=HERE, environ={})
    except ParameterError as error:
        message = str(error)
    else:
        assert list(found.values) == ["alpha", "b"]
        assert all(re.fullmatch(r"[a-z]+", name) for name in found.extra)
        assert all(isinstance(text, str) for text in [*found.tracked.values(), *found.extra.values(), *found.secrets.values()])
    assert "\n" not in message
