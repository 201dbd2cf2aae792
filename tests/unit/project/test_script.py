"""PEP 723 blocks in notebooks."""

import pytest

from nbproj.errors import ProjectError
from nbproj.project.cells import Cell
from nbproj.project.script import read_script


def script(*sources):
    return read_script([Cell(number, "code", source, (), f"id{number}") for number, source in enumerate(sources, 1)], "a.ipynb")


def block(*lines):
    return "\n".join(["# /// script", *(f"# {line}" if line else "#" for line in lines), "# ///"])


def refused(*sources):
    with pytest.raises(ProjectError) as caught:
        script(*sources)
    return str(caught.value)


def test_a_block_gives_python_packages_and_our_table():
    found = script(
        "x = 1", "\n" + block('requires-python = ">=3.11"', 'dependencies = ["numpy>=2", "pandas"]', "", "[tool.nbproj]", 'name = "x"') + "\ny = 2"
    )
    assert (found.python, found.dependencies, list(found.fields)) == (">=3.11", ("numpy>=2", "pandas"), ["name"])
    assert str(found.place) == "a.ipynb, cell 2, line 2"


def test_windows_line_ends_and_trailing_blanks_are_read():
    assert script(block('dependencies = ["a"]').replace("\n", "\r\n") + "\r\n").dependencies == ("a",)


@pytest.mark.parametrize("source", ["x = 1", "# /// other\n# x = 1\n# ///", "'''\n# /// scripts\n'''", "# ///  script"])
def test_without_a_block_there_is_nothing(source):
    assert script(source) is None


def test_other_tools_tables_mean_nothing():
    assert script(block("[tool.other]", "entry_points = 1")).fields == {}


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ((block(), "x", block()), "a.ipynb, cell 3, line 1: a second '# /// script' block; the first is in cell 1. A notebook has one"),
        ((block() + "\n" + block(),), "a.ipynb, cell 1, line 3: a second '# /// script' block; the first is in line 1. A notebook has one"),
        (("# /// script\n# a = 1\nx = 2\n# ///",), "a.ipynb, cell 1, line 1: the '# /// script' block has no end."),
        ((block("", "a = "),), "a.ipynb, cell 1, line 3: the '# /// script' block is not TOML: Invalid value"),
        ((block("a = 1", "a = 2"),), "a.ipynb, cell 1, line 3: the '# /// script' block is not TOML: Cannot overwrite a value"),
        ((block("requires-python = 3"),), "a.ipynb, cell 1, line 2: 'requires-python' is no version of Python, such as '>=3.11'"),
        ((block("", "dependencies = 'x'"),), "a.ipynb, cell 1, line 3: 'dependencies' is no list of texts"),
        ((block("dependencies = ['--index-url=http://x']"),), "a.ipynb, cell 1, line 2: the dependency '--index-url=http://x' does not begin with"),
        ((block("tool.nbproj = 1"),), "a.ipynb, cell 1, line 2: [tool.nbproj] is a number, where a mapping"),
    ],
)
def test_what_is_wrong_is_told_with_its_cell_and_line(sources, message):
    assert refused(*sources).startswith(message)
