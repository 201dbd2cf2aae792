"""What reaches the kernel: our declarations made inert, everything else where it was."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.project.marks import read_mark
from nbproj.project.neutral import neutralised, runs_ours


def neutral(source, *tags, **options):
    return neutralised(source, read_mark(source, tags), **options)


def values(source):
    scope = {}
    exec(compile(source, "cell", "exec"), {}, scope)
    return scope


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("%%entrypoint train\nrun()", "# %%entrypoint train\nrun()"),
        ("%entrypoint train\nrun()", "# %entrypoint train\nrun()"),
        ("# entrypoint: train\nrun()", "# entrypoint: train\nrun()"),
        ("\n  %parameters --entry x\na = 1", "\n# %parameters --entry x\na = 1"),
        ("%entrypoint train\n%%bash\necho 'a", "\n%%bash\necho 'a"),
        ("%load_ext nbproj\nx", "pass  # %load_ext nbproj\nx"),
        ("if x:\n    %load_ext nbproj  # ours\n%matplotlib inline", "if x:\n    pass  # %load_ext nbproj  # ours\n%matplotlib inline"),
        ("%load_ext nbproj_other\n%load_ext other", "%load_ext nbproj_other\n%load_ext other"),
        ("%mlproject --edit\n%mlruns \\\n  -n 3\nx", "pass  # %mlproject --edit\npass  # %mlruns \\\n# -n 3\nx"),
        ("%unload_ext nbproj", "pass  # %unload_ext nbproj"),
        ("%mlrun . -e x\n%mlform", "%mlrun . -e x\n%mlform"),
        ('t = """\n%load_ext nbproj\n"""\n!ls', 't = """\n%load_ext nbproj\n"""\n!ls'),
        ('t = f"""{1}\n%load_ext nbproj\n"""\n!ls', 't = f"""{1}\n%load_ext nbproj\n"""\n!ls'),
        ("%%bash\n%load_ext nbproj", "%%bash\n%load_ext nbproj"),
        ("%%time\n%load_ext nbproj", "%%time\npass  # %load_ext nbproj"),
    ],
)
def test_lines_of_ours_become_inert_and_all_others_stay(source, expected):
    assert neutral(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('a: Literal["x", "y"] = "x"  # which', 'a                    = "x"  # which'),
        ("a: int", "pass  "),
        ("a:T; b: int = 2", "pass; b      = 2"),
        ("b: (X) = (2)\nc: 'é' = 3; d: E = 4", "b      = (2)\nc      = 3; d    = 4"),
        ("é = 'é'; b: Path = 2", "é = 'é'; b       = 2"),
        ("a: Literal[\n  'x',  # one\n\n  'y',\n] = 'x'", "a         \\\n            \\\n\\\n     \\\n  = 'x'"),
        ("a: Literal[\n  'x'\n]; b = 2", "pass      \\\n    \\\n ; b = 2"),
        ("a: dict[str, int] = {'a': 1}", "a                 = {'a': 1}"),
        ("a: Callable[[int], str] = lambda x: x == 1", "a                       = lambda x: x == 1"),
    ],
)
def test_annotations_of_parameters_become_blanks(source, expected):
    assert neutral(source, "parameters") == expected
    ast.parse(expected)


def test_annotations_elsewhere_are_the_authors_code():
    source = "%entrypoint train\na: Literal['x'] = 'x'\ndef f(x: int) -> str: ..."
    assert neutral(source).endswith("a: Literal['x'] = 'x'\ndef f(x: int) -> str: ...")


def test_annotations_inside_functions_and_classes_of_a_parameters_cell_stay():
    source = "class C:\n    a: int = 1\nx: int = 2"
    assert neutral(source, "parameters") == "class C:\n    a: int = 1\nx      = 2"


def test_what_python_cannot_read_stays_as_it_is():
    assert neutral("a: int = = 2", "parameters") == "a: int = = 2"


def test_other_languages_are_not_touched():
    assert neutralised("# parameters\na: int = 1", read_mark("# parameters"), language="r") == "# parameters\na: int = 1"


def test_the_extension_is_loaded_where_it_is_found_when_a_cell_runs_something_with_it():
    loading = neutral("%load_ext nbproj", load=True)
    loaded = []

    class Shell:
        run_line_magic = staticmethod(lambda *words: loaded.append(words))

    exec(compile(loading, "cell", "exec"), {"get_ipython": Shell})
    assert loaded == [("load_ext", "nbproj")]
    exec(compile(loading.replace('"nbproj") and', '"nbproj_is_not_here") and'), "cell", "exec"), {})
    assert neutral("%unload_ext nbproj", load=True).startswith("pass")


@pytest.mark.parametrize(
    ("source", "uses"), [("%mlrun .", True), ("r = %mlbatch .", True), ("%%mlrun", True), ("# %mlrun", False), ("%mlruns", False)]
)
def test_magics_that_run_something_are_known(source, uses):
    assert runs_ours(source) is uses


ANNOTATIONS = [
    "int",
    "'e'",
    "(int)",
    "Literal['a',\n  'b']",
    "Literal[\n\n'#'  # comment\n]",
    "dict[str, int] | None",
    "x.y[1:2, {'a': 3}]",
    "lambda: 0",
]
VALUES = ["1", "'é: = #'", "(\n 2)", "[1,\n 2]", "{'a': 1}", "lambda x=1: x", "None if 1 == 2 else 3"]
STATEMENTS = st.builds(
    lambda name, annotation, value, comment: f"{name}: {annotation} = {value}{comment}",
    st.sampled_from("abcdé"),
    st.sampled_from(ANNOTATIONS),
    st.sampled_from(VALUES),
    st.sampled_from(["", "  # help: x = 1", "; z = 3", ";y: int = 2"]),
)


@given(st.lists(STATEMENTS, min_size=1, max_size=5))
def test_assignments_keep_their_value_line_and_column_without_their_annotation(statements):
    source = "\n".join(statements)
    result = neutral(source, "parameters")
    assert result.count("\n") == source.count("\n")
    before = [
        (node.target.id, node.value) if isinstance(node, ast.AnnAssign) else (node.targets[0].id, node.value) for node in ast.parse(source).body
    ]
    after = [(node.targets[0].id, node.value) for node in ast.parse(result).body]
    assert [(name, ast.dump(value, include_attributes=True)) for name, value in before] == [
        (name, ast.dump(value, include_attributes=True)) for name, value in after
    ]


@given(st.text(alphabet="%#=:'\"ab\n\\ ()[]", max_size=60))
def test_any_text_keeps_its_number_of_lines(source):
    assert neutralised(source, read_mark("", ["parameters"])).count("\n") == source.count("\n")
