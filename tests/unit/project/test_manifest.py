"""What a notebook says about itself beside its cells, and which of several declarations decides."""

import json

import pytest

from nbproj.errors import ProjectError
from nbproj.project.directory import find_entry_point, load_project
from nbproj.project.notebook import read_declarations


@pytest.fixture
def read(tmp_path):
    def reading(*cells, name="train.ipynb", **metadata):
        pairs = [(cell, []) if isinstance(cell, str) else cell for cell in cells]
        listed = [
            {"cell_type": "code", "id": f"id{number}", "metadata": {"tags": tags}, "source": source, "outputs": [], "execution_count": None}
            for number, (source, tags) in enumerate(pairs, 1)
        ]
        (tmp_path / name).write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": listed}))
        return read_declarations(tmp_path, name)

    return reading


def script(*lines):
    return "\n".join(["# /// script", *(f"# {line}" for line in lines), "# ///"])


def problems(notebook):
    return {name: str(point.problem) for name, point in notebook.entry_points.items() if point.problem is not None}


def test_yaml_in_a_cell_decides_before_toml_before_the_annotation_before_the_literal(read):
    notebook = read(
        "%%mlproject\nentry_points:\n  main:\n    parameters:\n      a: {type: float, max: 9}\n",
        script("[tool.nbproj.entry_points.main.parameters]", 'a = {type = "string", help = "toml"}', "b = {type = 'float', min = 0}"),
        '# parameters\na: int = 1  # cell\nb: int = 2  #@param {type:"slider", min:1, max:3}\nc: int = 3',
    )
    a, b, c = notebook.entry_points["main"].parameters
    assert (a.type, a.default, a.max, a.help) == ("float", 1.0, 9, "toml")
    assert (b.type, b.default, b.min) == ("float", 2.0, 0)
    assert (c.type, c.default) == ("int", 3)
    assert notebook.is_marked is False


def test_an_mlproject_file_decides_before_everything_in_the_notebook(read, tmp_path):
    read("%%mlproject\nentry_points: {t: {parameters: {a: {type: int, help: yaml}}}}", "# entrypoint: t\nx", "# parameters\na = 1")
    (tmp_path / "MLproject").write_text("entry_points: {t: {notebook: train.ipynb, parameters: {a: {type: float, max: 3}}}}")
    found = find_entry_point(load_project(tmp_path), "t")
    assert (found.cells, found.parameters[0].type, found.parameters[0].help, found.parameters[0].default) == ("t", "float", "yaml", 1.0)


def test_a_default_that_does_not_fit_a_declaration_above_is_told_with_both_places(read):
    notebook = read("%%mlproject\nentry_points: {main: {parameters: {a: {type: int}}}}", "# parameters\na = 'x'")
    assert problems(notebook) == {"main": "train.ipynb, cell 2, line 2: parameter 'a': default 'x' is not an int (cell 1, line 2, declares it int)"}


def test_a_notebook_may_name_its_project_and_its_environment(read, tmp_path):
    (tmp_path / "env.yaml").write_text("{}")
    read("%%mlproject\nname: wine\nconda_env: env.yaml", script("dependencies = ['numpy']"))
    project = load_project(tmp_path, notebook="train.ipynb")
    assert (project.name, project.environment.kind, project.environment.file) == ("wine", "conda", "env.yaml")


def test_packages_of_a_block_are_part_of_the_entry_point(read, tmp_path):
    notebook = read("x", script('requires-python = ">=3.11"', "dependencies = ['numpy>=2']"), "# parameters\na = 1")
    main = notebook.entry_points["main"]
    assert (main.environment.kind, main.environment.python, main.environment.dependencies) == ("uv", ">=3.11", ("numpy>=2",))
    assert main.warnings == ()
    assert load_project(tmp_path, notebook="train.ipynb").environment.kind == "system"


def test_a_command_may_stand_beside_cells(read):
    notebook = read("%%mlproject\nentry_points:\n  clean: {command: rm -rf out}\n", "# entrypoint: train\nx")
    assert list(notebook.entry_points) == ["train", "clean"]
    assert (notebook.entry_points["clean"].command, notebook.entry_points["clean"].notebook) == ("rm -rf out", None)


def test_an_entry_point_may_run_the_cells_of_another_with_parameters_of_its_own(read):
    notebook = read(
        script("[tool.nbproj.entry_points.quick]", 'cells = "train"', 'help = "a short one"', "parameters.epochs = {type = 'int', default = 1}"),
        "# parameters\nepochs = 100",
        "# entrypoint: train\nx",
    )
    quick = notebook.entry_points["quick"]
    assert (quick.cells, quick.help, quick.parameters[0].default) == ("train", "a short one", 1)
    assert notebook.entry_points["train"].parameters[0].default == 100


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["%%mlproject\nname: x\nentry_points:\n  - a"], "train.ipynb, cell 1, line 4: 'entry_points' is a list, where a mapping"),
        (["x", "%%mlproject\nname: [x"], "train.ipynb, cell 2, line 2: is not YAML: "),
        (["%%mlproject\nname: x\nname: y"], "train.ipynb, cell 1, line 3: 'name' stands twice in %%mlproject; the first is in line 2"),
        (["%%mlproject\nentry_point: {}"], "train.ipynb, cell 1, line 2: %%mlproject: unknown key 'entry_point'. Did you mean 'entry_points'?"),
        (["%%mlproject\nname: x", "%%mlproject\nname: y"], "train.ipynb, cell 2, line 1: a second %%mlproject cell; the first is cell 1."),
        (["%%mlproject --edit\nname: x"], "train.ipynb, cell 1, line 1: mlproject: unknown option '--edit'."),
        (["%%mlproject\nconda_env: ../x"], "train.ipynb, cell 1, line 2: conda_env '../x' leaves the project's folder"),
        ([script("", "[tool.nbproj]", "entry_pionts = 1")], "train.ipynb, cell 1, line 4: [tool.nbproj]: unknown key 'entry_pionts'."),
        (
            [script("[tool.nbproj.entry_points.t.parameters]", "a = {type = 'int', default = }")],
            "train.ipynb, cell 1, line 3: the '# /// script' block",
        ),
        (["%%mlproject\na: &a [*a]"], "train.ipynb, cell 1, line 2: '*a' stands inside what it names"),
    ],
)
def test_what_is_wrong_with_all_of_it_is_told_with_cell_and_line(read, cells, message):
    with pytest.raises(ProjectError) as caught:
        read(*cells)
    assert str(caught.value).startswith(message)
    assert caught.value.place.cell_id is not None


@pytest.mark.parametrize(
    ("cells", "name", "message"),
    [
        (
            ["%%mlproject\nentry_points:\n  trian: {help: x}", "# entrypoint: train\nx"],
            "trian",
            "train.ipynb, cell 1, line 3: entry point 'trian' has no cells. Did you mean 'train'? Mark those it runs with '# entrypoint: trian'",
        ),
        (["%parameters --entry eval\na = 1", "# entrypoint: train\nx"], "eval", "train.ipynb, cell 1, line 1: entry point 'eval' has no cells."),
        (
            ["%%mlproject\nentry_points: {t: {notebook: x.ipynb}}"],
            "t",
            "train.ipynb, cell 1, line 2: entry point 't': 'notebook' belongs in an MLproject",
        ),
        (
            ["%%mlproject\nentry_points: {t: {command: x}}", "# entrypoint: t\nx"],
            "t",
            "train.ipynb, cell 1, line 2: entry point 't' is declared as a command",
        ),
        (["%%mlproject\nentry_points: {t/u: {command: x}}"], "t/u", "train.ipynb, cell 1, line 2: entry point 't/u': a name may hold"),
        (
            ["%%mlproject\nentry_points: {t: {parameters: {a: flaot}}}", "# entrypoint: t\nx"],
            "t",
            "train.ipynb, cell 1, line 2: parameter 'a': unknown",
        ),
        (
            [script("[tool.nbproj.entry_points.t.parameters.a]", "type = 'int'", "default = 'x'"), "# entrypoint: t\nx"],
            "t",
            "train.ipynb, cell 1, line 4: parameter 'a': default 'x' is not an int",
        ),
        (
            [script("[tool.nbproj.entry_points.t.parameters]", "a = {type = 'bool', flag = '-a'}"), "# entrypoint: t\nx"],
            "t",
            "train.ipynb, cell 1, line 3: parameter 'a': a flag is part of a command",
        ),
    ],
)
def test_what_is_wrong_with_one_entry_point_is_its_problem(read, cells, name, message):
    assert problems(read(*cells))[name].startswith(message)


def test_a_wrong_entry_point_blocks_no_other(read, tmp_path):
    notebook = read("%parameters --entry a\nx: int = 'no'", "# entrypoint: a\nx", "# entrypoint: b\ny")
    assert list(problems(notebook)) == ["a"]
    assert find_entry_point(load_project(tmp_path, notebook="train.ipynb"), "b").cells == "b"


def test_unknown_keys_are_remarked(read, tmp_path):
    read("%%mlproject\nplugin_thing: 1")
    assert load_project(tmp_path, notebook="train.ipynb").warnings == (
        "train.ipynb, cell 1, line 2: %%mlproject: unknown key 'plugin_thing' is ignored",
    )
