"""The table of declarations: what is typed is shown as a difference before it is written, and wrong or late writing is refused."""

from __future__ import annotations

import nbformat
import nbformat.v4
import pytest

from nbproj.project.directory import load_project
from nbproj.widgets.edit import Editor

MARKUP = "<img src=x onerror=pwned=1>"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "MLproject").write_text("entry_points:\n  main:  # kept\n    parameters: {alpha: float}\n    command: echo {alpha}\n")
    return tmp_path


def test_nothing_is_written_before_the_difference_was_shown(folder):
    editor = Editor(folder)
    before = (folder / "MLproject").read_bytes()
    editor.table.add()
    editor.table.set(1, name="seed", type="int", default="1", help=MARKUP)
    assert editor._write.disabled
    editor.write()
    assert (folder / "MLproject").read_bytes() == before
    editor.look()
    assert "+    parameters: {alpha: float, seed: {type: int" in editor.difference
    assert "<img" not in editor._difference.value
    assert not editor._write.disabled
    editor.write()
    assert [one.name for one in load_project(folder).entry_points["main"].parameters] == ["alpha", "seed"]
    assert "# kept" in (folder / "MLproject").read_text()


def test_what_is_wrong_is_said_and_cannot_be_written(folder):
    editor = Editor(folder)
    editor.table.set(0, type="flaot")
    editor.look()
    assert "Did you mean" in editor._status.value
    assert editor._write.disabled


def test_a_file_that_changed_meanwhile_is_left_alone_and_can_be_read_again(folder):
    editor = Editor(folder)
    editor.table.set(0, default="0.5")
    editor.look()
    (folder / "MLproject").write_text("entry_points: {other: {command: 'true'}}\n")
    editor.write()
    assert "has changed meanwhile" in editor._status.value
    assert list(load_project(folder).entry_points) == ["other"]
    editor.read()
    assert [section.name.value for section in editor._sections] == ["other"]


def test_entry_points_are_added_moved_and_removed(folder):
    editor = Editor(folder)
    editor.add()
    editor._sections[1].name.value, editor._sections[1].runs.value = "report", "echo done"
    editor._move(editor._sections[1], -1)
    editor.look()
    editor.write()
    assert list(load_project(folder).entry_points) == ["report", "main"]
    editor._remove(editor._sections[0])
    editor.look()
    editor.write()
    assert list(load_project(folder).entry_points) == ["main"]


def test_a_notebook_is_edited_in_its_own_cells(tmp_path):
    path = tmp_path / "wine.ipynb"
    cells = [nbformat.v4.new_code_cell("%%parameters\nalpha: float = 0.5"), nbformat.v4.new_code_cell("print(alpha)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    editor = Editor(path)
    editor.table.set(0, default="0.7")
    editor._sections[0].name.value = "train"
    editor.look()
    assert "+ # entrypoint: train" in editor.difference
    editor.write()
    assert load_project(tmp_path, notebook="wine.ipynb").entry_points["train"].parameters[0].default == 0.7
    assert "reload" in editor._status.value


def test_a_notebook_gets_a_cell_for_a_new_entry_point(tmp_path):
    path = tmp_path / "wine.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")]), path)
    editor = Editor(path)
    editor.add()
    editor._sections[-1].name.value, editor._sections[-1].runs.value = "report", "print(2)"
    editor.look()
    assert "+ # entrypoint: report" in editor.difference
    editor.write()
    assert "report" in load_project(tmp_path, notebook="wine.ipynb").entry_points
    assert [section.name.value for section in editor._sections] == ["", "report"]
