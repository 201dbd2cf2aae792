"""Which cells an entry point runs, what it assigns, and which values would be lost."""

import pytest

from nbproj.errors import EntryPointError
from nbproj.project.cells import Cell
from nbproj.project.selection import lost_overrides, plan, unbound_names


def cells(*sources):
    """Return cells; a pair is a source with tags, a text that begins with `<` is Markdown."""
    pairs = [(source, ()) if isinstance(source, str) else source for source in sources]
    return [
        Cell(number, "markdown" if source.startswith("<") else "code", source, tags, f"id{number}") for number, (source, tags) in enumerate(pairs, 1)
    ]


TWO = cells(
    "<title",
    "import x",
    "# parameters\na: int = 1",
    "%parameters --entry eval\nb = 2",
    "%entrypoint train\nt()",
    "# entrypoint: eval\ne()",
    ("both()", ("entrypoint:train", "entrypoint:eval")),
    ("never()", ("nbproj-skip",)),
    "%%mlproject\nname: x",
    "last()",
)


def running(name):
    return [one.number for one in plan(TWO, name=name) if one.runs]


def test_an_entry_point_runs_its_cells_and_the_unmarked_in_document_order():
    assert running("train") == [2, 3, 5, 7, 10]
    assert running("eval") == [2, 3, 4, 6, 7, 10]


def test_without_entry_points_everything_but_skipped_cells_and_yaml_runs():
    notebook = cells("a()", "# parameters\na = 1", "%parameters --entry main\nb = 1", "%%mlproject\nname: x", ("no()", ("nbproj-skip",)))
    assert [one.runs for one in plan(notebook)] == [True, True, True, False, False]


def test_every_cell_has_a_plan_in_its_place_with_what_it_declares():
    plans = plan(TWO, name="eval")
    assert [one.number for one in plans] == list(range(1, 11))
    assert [sorted(one.declares) for one in plans[2:4]] == [["a"], ["b"]]
    assert [one.number for one in plans if one.is_declaring] == [3, 4]
    assert plans[2].source == "# parameters\na      = 1"
    assert plans[0].source == "<title"


def test_parameters_of_a_language_that_is_not_read_are_still_a_declaring_cell():
    plans = plan(cells("# parameters\na <- 1", "print(a)"), "r")
    assert (plans[0].is_declaring, plans[0].declares, plans[0].source) == (True, frozenset(), "# parameters\na <- 1")


def test_a_declaration_that_is_not_understood_is_told_with_its_cell():
    with pytest.raises(EntryPointError) as caught:
        plan(cells("x", "\n%entrypoint a/b"), file="a.ipynb")
    assert str(caught.value).startswith("a.ipynb, cell 2, line 2: entrypoint: entry point 'a/b'")
    assert caught.value.place.cell_id == "id2"


def lost(*sources, name=None, given=("a",)):
    return [str(remark) for remark in lost_overrides(plan(cells(*sources), name=name), given)]


AGAIN = "'a' is assigned again before anything reads the given value"
DECLARES = "# parameters\na = 1"


@pytest.mark.parametrize("again", ["a = 2", "b = 3\na: int = 2", "def a(): pass", "import a", "x = a = 2", "%matplotlib inline\na = 2"])
def test_a_name_that_is_assigned_again_before_it_is_read_is_lost(again):
    found = lost(DECLARES, "other()", again, "print(a)")
    assert len(found) == 1
    assert found[0].startswith("notebook, cell 3, line ")
    assert found[0].endswith(AGAIN)


@pytest.mark.parametrize(
    "later",
    [
        "print(a)\na = 2",
        "a = a + 1",
        "a += 1",
        "if x:\n    a = 2",
        "for a in b: pass",
        "def f(): return a\na = 2",
        "x = [a for _ in y]\na = 2",
        "!echo {a}\na = 2",
        "%run -i other.py\na = 2",
        "exec(code)\na = 2",
        "del a\na = 2",
        "from x import *\na = 2",
        "what is = = this\na = 2",
        "%%bash\na=2",
        "try:\n    a\nexcept NameError:\n    a = 2",
    ],
)
def test_a_name_that_may_have_been_read_or_is_assigned_under_a_condition_is_not_lost(later):
    assert lost(DECLARES, later, "a = 3") == []


def test_a_read_before_the_declaration_saves_nothing_but_a_function_there_may():
    assert lost("print(a)", DECLARES, "a = 2") == [f"notebook, cell 3, line 1: {AGAIN}"]
    assert lost("def f(): return a", DECLARES, "f()\na = 2") == []


def test_cells_that_do_not_run_take_nothing_away():
    assert lost("# parameters\na = 1", "# entrypoint: x\na = 2", "# entrypoint: y\nprint(a)", name="y") == []
    assert len(lost("# parameters\na = 1", "# entrypoint: x\na = 2", "# entrypoint: y\nprint(a)", name="x")) == 1


def test_the_last_of_several_declaring_cells_counts():
    assert lost(DECLARES, "a = 3", DECLARES, "print(a)") == []
    assert lost(DECLARES, DECLARES, "a = 3") == [f"notebook, cell 3, line 1: {AGAIN}"]


def test_a_name_that_only_cells_of_another_entry_point_declare_is_lost():
    assert lost("%parameters --entry x\na = 1", "# entrypoint: x\na", "# entrypoint: y\nb", name="y") == [
        "notebook, cell 1: 'a' is a parameter of 'x' only: this cell does not run"
    ]


def test_an_undeclared_name_is_looked_for_from_the_top():
    assert lost("import x", "a = 1") == [f"notebook, cell 2, line 1: {AGAIN}"]
    assert lost("print(a)", "a = 1") == []


def test_other_languages_are_not_judged():
    assert lost_overrides(plan(cells("# parameters\na = 1", "a = 2"), "r"), ["a"], "r") == ()


def unbound(*sources, name="b", given=()):
    return [str(remark) for remark in unbound_names(plan(cells(*sources), name=name), given)]


def test_a_name_that_only_unselected_cells_bind_is_told_where_it_is_used():
    assert unbound("# entrypoint: a\nimport numpy as np", "# entrypoint: b\n\nx = 1\nnp.array(x)\nnp") == [
        "notebook, cell 2, line 4: 'np' is used here, and only cell 1 binds it, which this entry point does not run"
    ]


@pytest.mark.parametrize(
    "use", ["y = 1\ny", "def f(y): y", "[y for y in z]", "def f():\n    y = 1\n    return y", "lambda y: y", "%run x.py\ny", "%time y"]
)
def test_names_that_are_bound_or_may_be_are_not_told(use):
    assert unbound("# entrypoint: a\ny = 1", f"# entrypoint: b\n{use}") == []


def test_names_of_harmless_magics_hide_nothing():
    assert len(unbound("# entrypoint: a\ny = 1", "%matplotlib inline\n%load_ext nbproj", "# entrypoint: b\ny")) == 1


def test_parameters_that_a_run_gives_are_bound():
    assert unbound("# entrypoint: a\ny = 1", "# entrypoint: b\ny", given=["y"]) == []
