"""What a cell says about itself: four forms of one meaning."""

import pytest

from nbproj.errors import EntryPointError
from nbproj.project.marks import UNMARKED, Mark, read_arguments, read_mark
from nbproj.project.model import Place


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("%%parameters\na = 1", ()),
        ("%parameters\na = 1", ()),
        ("# parameters\na = 1", ()),
        ("#parameters  \na = 1", ()),
        ("\n\n  # parameters\na = 1", ()),
        ("a = 1", ("parameters",)),
    ],
)
def test_every_form_marks_parameters_of_every_entry_point(source, tags):
    mark = read_mark(source, tags)
    assert (mark.kind, mark.names) == ("parameters", ())


@pytest.mark.parametrize(
    ("source", "tags"),
    [
        ("%%parameters --entry train\na = 1", ()),
        ("%parameters --entry=train\na = 1", ()),
        ("# parameters --entry train\na = 1", ()),
        ("# parameters\n# entrypoint: train\na = 1", ()),
        ("%parameters\n%entrypoint train\na = 1", ()),
        ("a = 1", ("parameters", "entrypoint:train")),
        ("# parameters\na = 1", ("entrypoint:train",)),
        ("# entrypoint: train\na = 1", ("parameters",)),
    ],
)
def test_every_form_can_limit_parameters_to_an_entry_point(source, tags):
    mark = read_mark(source, tags)
    assert (mark.kind, mark.names) == ("parameters", ("train",))
    assert mark.belongs_to("train")
    assert not mark.belongs_to("eval")


@pytest.mark.parametrize(
    ("source", "tags", "text"),
    [
        ('%%entrypoint train eval --help "Train it"\nrun()', (), "Train it"),
        ("%entrypoint train eval --help Train it\nrun()", (), "Train it"),
        ("# entrypoint: train, eval --help=Train it\nrun()", (), "Train it"),
        ("%entrypoint --help 'Train it' train eval\nrun()", (), "Train it"),
        ("run()", ("entrypoint:train", "x", "entrypoint: eval"), ""),
    ],
)
def test_every_form_marks_a_cell_of_entry_points(source, tags, text):
    mark = read_mark(source, tags)
    assert (mark.kind, mark.names, mark.help) == ("entrypoint", ("train", "eval"), text)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "# Parameters\na = 1",
        "# parameters of the model\na = 1",
        "x = 1\n# parameters",
        "x = 1\n%parameters",
        "%parametersx\na = 1",
        "%mlproject\nx = 1",
        "# entrypoint train\nx",
        "%%time\n%parameters\na = 1",
    ],
)
def test_what_only_looks_like_a_declaration_is_none(source):
    assert read_mark(source) == UNMARKED


def test_magics_declare_in_python_only_and_comments_everywhere():
    assert read_mark("%parameters\na <- 1", language="r") == UNMARKED
    assert read_mark("# entrypoint: train\na <- 1", language="r").names == ("train",)


def test_a_cell_that_papermill_injected_declares_nothing():
    assert read_mark("# parameters\na = 1", ["parameters", "injected-parameters"]) == UNMARKED


def test_a_skipped_cell_declares_nothing_and_belongs_to_nobody():
    mark = read_mark("# parameters\na = 1", ["parameters", "nbproj-skip"])
    assert mark.kind == "skip"
    assert not mark.belongs_to(None)


def test_yaml_belongs_to_nobody_and_ends_the_declarations():
    mark = read_mark("%%mlproject\n# parameters\nname: x", ["entrypoint:train"])
    assert (mark.kind, mark.lines) == ("mlproject", (1,))
    assert not mark.belongs_to("train")


def test_all_forms_of_one_cell_add_up_to_each_once():
    mark = read_mark("%%entrypoint a --help first\n# entrypoint: b --help second\nx", ["entrypoint:a", "entrypoint:c"])
    assert mark == Mark("entrypoint", ("cell magic", "comment", "tag"), ("a", "c", "b"), "first", (1, 2))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("\n%%entrypoint", "a.ipynb, cell 3, line 2: entrypoint: names no entry point. Write NAME behind it"),
        ("# entrypoint:", "a.ipynb, cell 3, line 1: entrypoint: names no entry point. Write NAME behind it"),
        ("%entrypoint a/b", "a.ipynb, cell 3, line 1: entrypoint: entry point 'a/b': a name may hold letters, digits, '_', '-' and '.' only"),
        ("%entrypoint a.py", "a.ipynb, cell 3, line 1: entrypoint: entry point 'a.py': a name may not end like a file (.py)"),
        ("%entrypoint a a", "a.ipynb, cell 3, line 1: entrypoint: names 'a' twice"),
        ("%entrypoint a --hlep x", "a.ipynb, cell 3, line 1: entrypoint: unknown option '--hlep'. Did you mean '--help'?"),
        ("%entrypoint a --help", "a.ipynb, cell 3, line 1: entrypoint: '--help' needs a text"),
        ("%entrypoint a --help 'x' --help 'y'", "a.ipynb, cell 3, line 1: entrypoint: '--help' stands twice"),
        ("%parameters train", "a.ipynb, cell 3, line 1: parameters: 'train' is not expected. Write --entry NAME"),
        ("%parameters --entry", "a.ipynb, cell 3, line 1: parameters: '--entry' needs a name"),
        ("%parameters --entry --entry a", "a.ipynb, cell 3, line 1: parameters: '--entry' needs a name"),
        ("%parameters --entri a", "a.ipynb, cell 3, line 1: parameters: unknown option '--entri'. Did you mean '--entry'?"),
        ("%%mlproject x", "a.ipynb, cell 3, line 1: mlproject: 'x' is not expected"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(source, message):
    with pytest.raises(EntryPointError) as caught:
        read_mark(source, place=Place("a.ipynb", cell=3))
    assert str(caught.value) == message


def test_a_bad_name_in_a_tag_is_refused():
    with pytest.raises(EntryPointError, match="cell 3: the tag 'entrypoint:a b': a name may hold"):
        read_mark("", ["entrypoint:a b"], place=Place("a.ipynb", cell=3))


def test_a_magic_reads_its_line_with_the_same_words():
    assert read_arguments("parameters", "--entry a --entry b").names == ("a", "b")
    with pytest.raises(EntryPointError, match=r"^entrypoint: names no entry point"):
        read_arguments("entrypoint", "")
