"""Notebooks, read without executing them."""

import json
import time

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.errors import EntryPointError, NbprojError, ProjectError
from nbproj.project.notebook import code_cells, is_executed, read_cells, read_declarations, read_notebook


def code(source, *tags):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})


@pytest.fixture
def save(tmp_path):
    def saving(*cells, **metadata):
        nbformat.write(nbformat.v4.new_notebook(cells=list(cells), metadata=metadata), tmp_path / "train.ipynb")
        return tmp_path

    return saving


def parameters(root):
    return {one.name: one.default for one in read_notebook(root, "train.ipynb").parameters}


def test_the_tagged_cell_declares_the_parameters(save):
    found = read_notebook(
        save(nbformat.v4.new_markdown_cell("# x"), code("beta = 1"), code("alpha: float = 1  # strength", "parameters")), "train.ipynb"
    )
    assert (found.name, found.notebook, str(found.declared)) == ("train.ipynb", "train.ipynb", "train.ipynb")
    alpha = found.parameters[0]
    assert (alpha.name, alpha.type, alpha.default, alpha.default_text, alpha.help) == ("alpha", "float", 1.0, "1", "strength")
    assert str(alpha.declared) == "train.ipynb, cell 3, line 1"


def test_without_a_tag_nothing_is_declared(save):
    assert parameters(save(code("alpha = 1"))) == {}


def test_every_tagged_cell_counts(save):
    assert parameters(save(code("a = 1", "x", "parameters"), code("b = 1", "parameters"))) == {"a": 1, "b": 1}


def test_what_papermill_injected_declares_nothing(save):
    assert parameters(save(code("a = 1", "injected-parameters"))) == {}
    assert parameters(save(code("a = 1", "parameters"), code("a = 2", "injected-parameters"))) == {"a": 1}


def test_a_markdown_cell_with_the_tag_declares_nothing(save):
    assert parameters(save(nbformat.v4.new_markdown_cell("a = 1", metadata={"tags": ["parameters"]}))) == {}


@pytest.mark.parametrize("metadata", [{"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}, {"language_info": {"name": "julia"}}])
def test_a_notebook_of_another_language_declares_nothing_to_us(save, metadata):
    assert parameters(save(code("a <- 1", "parameters"), **metadata)) == {}


def test_a_wrong_default_is_told_with_its_cell_and_line(save):
    root = save(code("x = 1"), code("# first\nmode: 'Literal[\"a\", \"b\"]' = 'c'", "parameters"))
    with pytest.raises(EntryPointError) as caught:
        read_notebook(root, "train.ipynb")
    assert str(caught.value) == "train.ipynb, cell 2, line 2: parameter 'mode': default 'c' is not one of 'a', 'b'"


def test_a_cell_that_is_not_python_is_told_with_its_line(save):
    with pytest.raises(EntryPointError, match=r"train.ipynb, cell 1, line 2: is not Python: "):
        read_notebook(save(code("a = 1\nb = = 2", "parameters")), "train.ipynb")


def test_nothing_is_executed(save, tmp_path):
    root = save(code(f"a = open({str(tmp_path / 'PWNED')!r}, 'w')\nb: [open({str(tmp_path / 'PWNED')!r}, 'w')] = 1", "parameters"))
    assert list(parameters(root)) == ["a", "b"]
    assert not (tmp_path / "PWNED").exists()


def test_code_cells_are_numbered_over_all_cells(save):
    root = save(nbformat.v4.new_markdown_cell("x"), code("a\nb"), nbformat.v4.new_raw_cell("r"), code("c"))
    assert code_cells(root / "train.ipynb") == [(2, "a\nb"), (4, "c")]
    assert [cell.kind for cell in read_cells(root / "train.ipynb")] == ["markdown", "code", "raw", "code"]


def test_papermills_notebooks_are_executed_ones(save):
    assert not is_executed(save(code("x = '\"papermill\"'")) / "train.ipynb")
    assert is_executed(save(papermill={"duration": 1}) / "train.ipynb")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "train.ipynb: is empty, not a notebook"),
        (b" \n", "train.ipynb: is empty, not a notebook"),
        (b"{", "train.ipynb:1:2: is not a notebook: not JSON (Expecting property name"),
        (b'{\n<<<<<<< HEAD\n"a": 1\n=======\n>>>>>>> x\n}', "train.ipynb:2:1: is not a notebook: not JSON (conflict markers of Git)"),
        (b"\xff\xfe", "train.ipynb: is not a notebook: not UTF-8"),
        (b"[]", "train.ipynb: is JSON, but not a notebook: it has no 'nbformat'"),
        (b"{}", "train.ipynb: is JSON, but not a notebook: it has no 'nbformat'"),
        (b'{"nbformat": "4"}', "it has no 'nbformat'"),
        (b'{"nbformat": 3, "worksheets": []}', "train.ipynb: is in notebook format 3, and format 4 is read"),
        (b'{"nbformat": 5, "cells": []}', "is in notebook format 5"),
        (b'{"nbformat": 4}', "train.ipynb: is not a notebook: it has no list of cells"),
        (b'{"nbformat": 4, "cells": {}}', "it has no list of cells"),
        (b'{"nbformat": 4, "cells": [1]}', "train.ipynb, cell 1: is not a cell"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 5}]}', "train.ipynb, cell 1: is not a cell"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["a", 5]}]}', "train.ipynb, cell 1: is not a cell"),
        (b"[" * 200_000, "train.ipynb: is not a notebook: "),
        (b'{"nbformat": ' + b"4" * 5000 + b"}", "train.ipynb: is not a notebook: "),
    ],
)
def test_what_is_no_notebook_is_refused_in_one_line(tmp_path, data, message):
    (tmp_path / "train.ipynb").write_bytes(data)
    with pytest.raises(EntryPointError) as caught:
        read_notebook(tmp_path, "train.ipynb")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("metadata", [None, [], {"tags": None}, {"tags": "parameters"}, {"tags": [1, None]}])
def test_odd_metadata_is_no_tag(tmp_path, metadata):
    cell = {"cell_type": "code", "source": ["a = ", "1"], "metadata": metadata}
    (tmp_path / "train.ipynb").write_text(json.dumps({"nbformat": 4, "metadata": metadata, "cells": [cell]}))
    assert parameters(tmp_path) == {}


def test_a_byte_order_mark_is_tolerated(tmp_path):
    (tmp_path / "train.ipynb").write_bytes(b'\xef\xbb\xbf{"nbformat": 4, "cells": []}')
    assert parameters(tmp_path) == {}


def test_a_notebook_outside_or_nowhere_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="leaves the project's folder"):
        read_notebook(tmp_path, "../x.ipynb")
    with pytest.raises(EntryPointError, match=r"x.ipynb: there is no such notebook"):
        read_notebook(tmp_path, "x.ipynb")


def test_a_notebook_of_60_megabytes_is_read_in_bounded_time(tmp_path):
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 1000}
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": "a = 1", "outputs": [output] * 60_000}
    (tmp_path / "train.ipynb").write_text(json.dumps({"nbformat": 4, "cells": [cell]}))
    start = time.perf_counter()
    assert parameters(tmp_path) == {"a": 1}
    assert time.perf_counter() - start < 20  # half a second on an idle machine


def test_a_notebook_of_more_than_100_megabytes_is_refused_at_once(tmp_path):
    with (tmp_path / "train.ipynb").open("wb") as stream:
        stream.truncate(101 << 20)
    with pytest.raises(EntryPointError, match=r"is larger than 100 MiB. Clear its outputs"):
        read_notebook(tmp_path, "train.ipynb")


# --- entry points


def problem(root, name):
    found = read_declarations(root, "train.ipynb").entry_points[name].problem
    return "" if found is None else str(found)


def test_parameters_of_all_and_of_one_entry_point_come_in_the_order_of_the_cells(save):
    root = save(
        code("# parameters\na = 1"), code("# entrypoint: x --help Does x\nx()"), code("%parameters --entry x\nb = 2"), code("# entrypoint: y\ny()")
    )
    found = read_declarations(root, "train.ipynb").entry_points
    assert {name: [one.name for one in point.parameters] for name, point in found.items()} == {"x": ["a", "b"], "y": ["a"]}
    assert (found["x"].help, found["y"].help) == ("Does x", "")
    assert str(found["x"].declared) == "train.ipynb, cell 2, line 1"
    assert found["x"].declared.cell_id is not None


def test_one_parameter_in_two_cells_of_an_entry_point_is_its_problem_alone(save):
    root = save(code("# parameters\na = 1"), code("%parameters --entry x\na = 2"), code("# entrypoint: x\n1"), code("# entrypoint: y\n1"))
    assert problem(root, "x") == "train.ipynb, cell 2, line 2: parameter 'a' of 'x' is declared twice; the first time in cell 1"
    assert problem(root, "y") == ""


def test_two_entry_points_may_each_declare_a_parameter_of_the_same_name(save):
    root = save(code("%parameters --entry x\na = 1"), code("%parameters --entry y\na = 'b'"), code("# entrypoint: x\n1"), code("# entrypoint: y\n1"))
    found = read_declarations(root, "train.ipynb").entry_points
    assert [found[name].parameters[0].type for name in "xy"] == ["int", "string"]


def test_statements_in_a_magics_cell_are_refused_and_in_a_commented_one_are_not(save):
    root = save(code("%%parameters\na = 1\nprint(a)"))
    assert problem(root, "main").startswith("train.ipynb, cell 1, line 3: is no assignment.")
    assert problem(save(code("# parameters\na = 1\nprint(a)")), "main") == ""


def test_skipped_cells_declare_nothing(save):
    assert parameters(save(code("# parameters\na = 1", "nbproj-skip"), code("# entrypoint: x", "nbproj-skip"))) == {}


def test_a_notebook_in_another_language_has_entry_points_and_no_parameters_of_ours(save):
    r = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    found = read_declarations(save(code("# parameters\na <- 1"), code("# entrypoint: x\nplot(a)"), code("y()", "entrypoint:y"), **r), "train.ipynb")
    assert {name: point.parameters for name, point in found.entry_points.items()} == {"x": (), "y": ()}


def test_a_bad_name_is_told_with_its_cell(save):
    with pytest.raises(EntryPointError, match=r"train.ipynb, cell 2, line 1: entrypoint: entry point 'a/b': a name may hold"):
        read_declarations(save(code("x"), code("%%entrypoint a/b\nx")), "train.ipynb")


JSON = st.recursive(
    st.none() | st.integers(0, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
CELLS = st.fixed_dictionaries(
    {"cell_type": st.just("code") | JSON, "source": st.text("a=1#%!\n (x", max_size=20) | JSON},
    optional={"metadata": st.just({"tags": ["parameters"]}) | JSON},
)


@given(st.fixed_dictionaries({"nbformat": st.just(4), "cells": st.lists(CELLS, max_size=3) | JSON}, optional={"metadata": JSON}))
def test_any_json_is_a_notebook_or_one_line(tmp_path_factory, document):
    root = tmp_path_factory.getbasetemp() / "any"
    root.mkdir(exist_ok=True)
    (root / "n.ipynb").write_text(json.dumps(document))
    message = "n.ipynb"
    try:
        read_notebook(root, "n.ipynb")
    except NbprojError as error:
        message = str(error)
    assert message.startswith("n.ipynb")
    assert "\n" not in message
