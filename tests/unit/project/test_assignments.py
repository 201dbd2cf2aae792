"""Parameters from Python source: assignments, annotations, comments."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.errors import EntryPointError
from nbproj.project.assignments import declared_parameters
from nbproj.project.model import REQUIRED, Parameter, Place
from nbproj.project.overlay import overlaid
from nbproj.project.python_source import parse_python

HERE = Place("train.ipynb", cell=1)


def one(source):
    (found,) = declared_parameters(source, HERE)
    return found


@pytest.mark.parametrize(
    ("source", "kind", "default", "written"),
    [
        ("a = 1", "int", 1, "1"),
        ("a = 1_000", "int", 1000, "1_000"),
        ("a = 0x1F", "int", 31, "0x1F"),
        ("a = -0.5", "float", -0.5, "-0.5"),
        ("a = 1e-3", "float", 0.001, "1e-3"),
        ("a = 'x'", "string", "x", "x"),
        ("a = 'x' 'y'", "string", "xy", "xy"),
        ("a = True", "bool", True, "true"),
        ("a = [1, 'b']", "list", [1, "b"], '[1, "b"]'),
        ("a = {'b': 1}", "dict", {"b": 1}, '{"b": 1}'),
        ("a: float = 1", "float", 1.0, "1"),
        ("a: str = 'x'", "string", "x", "x"),
        ("a: Path = 'x'", "path", "x", "x"),
        ("a: pathlib.Path = 'x'", "path", "x", "x"),
        ("a: 'float' = 1", "float", 1.0, "1"),
        ("a: datetime.date = '2026-01-31'", "date", dt.date(2026, 1, 31), "2026-01-31"),
        ("a: datetime.datetime = '2026-01-31'", "datetime", dt.datetime.fromisoformat("2026-01-31"), "2026-01-31T00:00:00"),
        ("a: list[float] = [1]", "list", [1.0], "[1.0]"),
        ("a: typing.List[int] = (1, 2)", "list", [1, 2], "[1, 2]"),
        ("a: dict[str, int] = {'x': 1}", "dict", {"x": 1}, '{"x": 1}'),
        ("a: Literal['x', 'y'] = 'y'", "choice", "y", "y"),
        ("a: Literal[1, 2] = 2", "int", 2, "2"),
        ("a: Annotated[float, 'x'] = 1", "float", 1.0, "1"),
        ("a: Something = 5", "int", 5, "5"),
        ("a: int | str = 'x'", "string", "x", "x"),
        ("a = float('nan')", "float", REQUIRED, "float('nan')"),
        ("a = b = 1", "int", 1, "1"),
    ],
)
def test_the_type_comes_from_the_annotation_else_from_the_literal(source, kind, default, written):
    found = declared_parameters(source, HERE)[0]
    assert (found.name, found.type, found.default, found.default_text) == ("a", kind, default, written)


@pytest.mark.parametrize(
    "source", ["a: int | None = None", "a: Optional[int] = None", "a: None | int = None", "a: Union[int, None] = None", "a: int = None"]
)
def test_none_makes_a_parameter_optional(source):
    found = one(source)
    assert (found.type, found.default, found.optional, found.required) == ("int", None, True, False)


def test_a_choice_may_be_none():
    found = one("a: Literal['x', None] = None")
    assert (found.choices, found.optional, found.default) == (("x",), True, None)


@pytest.mark.parametrize("annotation", ["Secret", "Secret[str]", "nbproj.Secret"])
def test_a_secret_is_annotated_as_one(annotation):
    assert one(f"token: {annotation} = ''").secret


@pytest.mark.parametrize(
    ("source", "kind", "written"),
    [
        ("a = find(1,\n  2)", "string", "find( 1, 2)".replace("( ", "(")),
        ("a = Path('x') / 'y'", "string", "Path('x') / 'y'"),
        ("a = Path('x')", "path", "Path('x')"),
        ("a = dt.date(2026, 1, 1)", "date", "dt.date(2026, 1, 1)"),
        ("a: float = rate()", "float", "rate()"),
        ("a = b", "string", "b"),
        ("a = 1 + b", "string", "1 + b"),
        ("a = {1, 2}", "string", "{1, 2}"),
        ("a = b'x'", "string", "b'x'"),
        ("a = (1, 2)", "string", "(1, 2)"),
        ("a = 1j", "string", "1j"),
        ("a = [x for x in y]", "string", "[x for x in y]"),
        ("a = f'{b}'", "string", "f'{b}'"),
    ],
)
def test_what_is_not_a_plain_literal_is_left_alone_and_shown_as_source(source, kind, written):
    found = one(source)
    assert (found.type, found.default, found.default_text, found.optional, found.required) == (kind, REQUIRED, written, True, False)


def test_a_long_source_is_shown_short():
    assert len(one(f"a = f({'1, ' * 500})").default_text) == 200


def test_an_annotation_without_a_value_is_required():
    assert one("a: float").required


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a = 1  # how many", "how many"),
        ("a = 1  ## how many", "how many"),
        ("a = 'x # y'  # z = 1", "z = 1"),
        ("a = [\n  1,  # one\n]  # all", "all"),
        ("a = [  # all\n  1,\n]", "all"),
        ("# above\na = 1", ""),
        ("a = 1", ""),
        ("a = 1  # noqa: E501", ""),
        ("a = 1  # type: int", ""),
        ("a = 1  #@param {type: 'slider'}", ""),
        ("%matplotlib inline\na = 1  # how many", "how many"),
    ],
)
def test_the_comment_behind_is_the_help(source, text):
    assert one(source).help == text


def test_only_assignments_at_the_top_are_parameters():
    source = "import os\nprint(1)\nif True:\n  a = 1\ndef f():\n  b = 1\nc = 1\nc += 1\nd.e = 1\nf[0] = 1\ng, h = 1, 2\n\u03b1 = 1\n"
    assert [found.name for found in declared_parameters(source, HERE)] == ["c"]


def test_the_last_assignment_of_a_name_counts():
    assert one("a = 1\na = 'x'  # last").default == "x"


@pytest.mark.parametrize("source", ["", "\n\n", "# nothing", "%matplotlib inline", "!ls", "?x", "%%bash\na = 1"])
def test_a_cell_without_assignments_declares_nothing(source):
    assert declared_parameters(source, HERE) == ()


@pytest.mark.parametrize("source", ["%%time\na = 1", "\n%%capture out\n\na = 1", "x?\na = 1", "files = !ls\na = 1", "if b:\n  %time f()\na = 1"])
def test_the_syntax_of_ipython_is_in_nobodys_way(source):
    found = one(source)
    assert (found.name, found.declared.line) == ("a", source.count("\n") + 1)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a: float = 'x'", "train.ipynb, cell 1, line 1: parameter 'a': default 'x' is not a float"),
        ("\na: int = 1.5", "train.ipynb, cell 1, line 2: parameter 'a': default 1.5 is not an int"),
        ("a: Literal['x'] = 'y'", "parameter 'a': default 'y' is not one of 'x'"),
        ("a = = 1", "train.ipynb, cell 1, line 1: is not Python: "),
        ("a = '", "is not Python: "),
        ("a = (", "is not Python: "),
        ("a = \0", "is not Python: "),
        ("(" * 100_000, "is not Python: "),
        ("a = " + "-" * 100_000 + "1", "is not Python"),
        ("x" * 6_000_000, "is not Python: too large to be read"),
    ],
)
def test_what_cannot_be_a_declaration_is_refused_in_one_line(source, message):
    with pytest.raises(EntryPointError) as caught:
        declared_parameters(source, HERE)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_default_of_a_secret_is_never_told():
    with pytest.raises(EntryPointError) as caught:
        declared_parameters("a: Secret[int] = 'hush'", HERE)
    assert "hush" not in str(caught.value)


@given(st.text(alphabet=st.sampled_from(list("ab=:1.[]{}()'\"#%!?, \n\t|NoneLiteral")), max_size=60))
def test_any_text_is_declarations_or_one_line(source):
    message = "train.ipynb, cell 1"
    try:
        declared_parameters(source, HERE)
    except EntryPointError as error:
        message = str(error)
    assert message.startswith("train.ipynb, cell 1")
    assert "\n" not in message


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_literal_is_its_own_default(value):
    assert one(f"a = {value!r}  # {'x'}").default == value


def test_lines_keep_their_numbers_when_ipythons_syntax_is_replaced():
    tree = parse_python("%%time\n\n!ls\n  \nx?\nlast = 1")
    assert tree.body[-1].lineno == 6


# --- two declarations of one parameter


def test_the_first_declaration_wins_and_the_second_fills_in():
    first = [Parameter("a", "float", help="mine"), Parameter("b", "int", default=1, default_text="1"), Parameter("c", "path")]
    second = [Parameter("a", "int", default=2, default_text="2", help="theirs"), Parameter("b", "int", default=5), Parameter("d")]
    found = overlaid(first, second)
    assert [(one.name, one.type, one.default, one.help) for one in found] == [
        ("a", "float", 2.0, "mine"),
        ("b", "int", 1, ""),
        ("c", "path", REQUIRED, ""),
        ("d", "string", REQUIRED, ""),
    ]


def test_a_declaration_without_a_type_takes_the_notebooks():
    assert overlaid([Parameter("a", help="x")], [Parameter("a", "int", default=2)])[0].type == "int"


def test_a_default_of_none_makes_the_parameter_optional():
    found = overlaid([Parameter("a", "float")], [Parameter("a", default=None, optional=True)])[0]
    assert (found.default, found.optional) == (None, True)


def test_a_secret_takes_no_default_from_the_notebook():
    assert overlaid([Parameter("a", secret=True)], [Parameter("a", default="x", default_text="x")])[0].default is REQUIRED


# --- a cell that holds nothing but parameters


@pytest.mark.parametrize("source", ["a = 1", "a: int = 1\n# why\n\nb: float\n", "a = b = 1", "%%time\na = 1", ""])
def test_a_cell_of_assignments_only_is_read_as_any_other(source):
    assert declared_parameters(source, Place("n", cell=1), only=True) == declared_parameters(source, Place("n", cell=1))


OTHER = "is no assignment. A %parameters cell holds nothing else: put this into another cell, or mark this one with '# parameters'"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a = 1\nprint(a)", f"n, cell 1, line 2: {OTHER}"),
        ("import os", f"n, cell 1, line 1: {OTHER}"),
        ("if x:\n    a = 1", f"n, cell 1, line 1: {OTHER}"),
        ("a += 1", f"n, cell 1, line 1: {OTHER}"),
        ("%load_ext nbproj\na = 1", f"n, cell 1, line 1: {OTHER}"),
        ("'text'", f"n, cell 1, line 1: {OTHER}"),
        ("a, b = 1, 2", "n, cell 1, line 1: '(a, b)' is no name of a parameter. Assign one name at a time"),
        ("a.b = 1", "n, cell 1, line 1: 'a.b' is no name of a parameter. Assign one name at a time"),
        ("é = 1", "n, cell 1, line 1: parameter 'é': a name may hold letters, digits, '_', '-' and '.' only"),
        ("a = 1\n\na = 2", "n, cell 1, line 3: parameter 'a' is declared twice; the first time in line 1"),
        ("a = = 1", "n, cell 1, line 1: is not Python: invalid syntax"),
    ],
)
def test_anything_else_in_such_a_cell_is_refused_with_its_line(source, message):
    with pytest.raises(EntryPointError) as caught:
        declared_parameters(source, Place("n", cell=1), only=True)
    assert str(caught.value) == message
