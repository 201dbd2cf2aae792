"""MLproject files: what they say, and what is refused where."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbproj.errors import EntryPointError, NbprojError, ProjectError, TemplateError
from nbproj.project.mlproject import read_mlproject
from nbproj.project.model import EnvironmentSpec, Place, Project

GOOD = """\
name: My Project
conda_env: my_env.yaml
entry_points:
  main:
    parameters:
      data_file: path
      regularization: {type: float, default: 0.1}
    command: "python train.py -r {regularization} {data_file}"
  validate:
    help: Looks at
      the data
    parameters:
      data_file: path
    command: "python validate.py {data_file}"
"""


@pytest.fixture
def read(tmp_path):
    def reading(text, *, strict=False):
        for name in ("my_env.yaml", "nb.ipynb", "train.py"):
            (tmp_path / name).touch()
        path = tmp_path / "MLproject"
        path.write_text(text)
        return read_mlproject(path, strict=strict)

    return reading


@pytest.fixture
def problem(read):
    def asked(text, *, strict=False):
        try:
            found = next(point.problem for point in read(text, strict=strict).entry_points.values() if point.problem)
        except ProjectError as error:
            found = error
        assert "\n" not in str(found)
        return str(found)

    return asked


def notebook(*cells, **metadata):
    found = [{"cell_type": "code", "metadata": {"tags": tags}, "source": source, "outputs": []} for source, tags in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": found})


def test_the_example_of_the_documents(read, tmp_path):
    project = read(GOOD)
    assert (project.name, project.root, project.file, project.warnings) == ("My Project", tmp_path.resolve(), "MLproject", ())
    assert project.environment == EnvironmentSpec("conda", file="my_env.yaml", declared=Place("MLproject", 2, 1))
    assert list(project.entry_points) == ["main", "validate"]
    main, validate = project.entry_points.values()
    assert [(one.name, one.type, one.default_text, str(one.declared)) for one in main.parameters] == [
        ("data_file", "path", None, "MLproject:6:7"),
        ("regularization", "float", "0.1", "MLproject:7:7"),
    ]
    assert (validate.command, validate.help, str(validate.declared)) == ("python validate.py {data_file}", "Looks at the data", "MLproject:9:3")


def test_the_same_text_gives_an_equal_project(read):
    assert read(GOOD).entry_points == read(GOOD).entry_points


@pytest.mark.parametrize("text", ["", "# nothing\n", "entry_points:\n", "entry_points: {}\n", "name:\n", "conda_env:\n", "docker_env: ~\n"])
def test_nothing_means_none(read, tmp_path, text):
    project = read(text)
    assert (project.name, dict(project.entry_points), project.environment) == (tmp_path.name, {}, EnvironmentSpec())


@pytest.mark.parametrize("parameters", ["parameters:", "parameters: {}", "help:"])
def test_parameters_of_nothing_are_none(read, parameters):
    assert read(f"entry_points:\n  main:\n    {parameters}\n    command: run\n").entry_points["main"].parameters == ()


@pytest.mark.parametrize("name", ["123", "yes", "0.10", "'  padded '"])
def test_a_name_is_a_text_as_it_is_written(read, name):
    assert read(f"name: {name}").name == name.strip("' ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a, b]", "MLproject:1:1: the file is a list, where a mapping ('key: value') belongs"),
        ("just text", "MLproject:1:1: the file is a text"),
        ("entry_points: [main]", "MLproject:1:15: 'entry_points' is a list"),
        ("entry_points: run", "MLproject:1:15: 'entry_points' is a text"),
        ("entry_points: 5", "MLproject:1:15: 'entry_points' is a number"),
        ("entry_pionts: {}", "MLproject:1:1: the file: unknown key 'entry_pionts'. Did you mean 'entry_points'?"),
        ("Name: x", "MLproject:1:1: the file: unknown key 'Name'. Did you mean 'name'?"),
        ("conda-env: x", "MLproject:1:1: the file: unknown key 'conda-env'. Did you mean 'conda_env'?"),
        ("name: a\nname: b", "MLproject:2:1: 'name' stands twice in the file; the first is in line 1"),
        ("name: [a]", "MLproject:1:7: the project's name is a list"),
        ('name: "a\\nb"', "MLproject:1:7: the project's name must be one line"),
        ("entry_points:\n  a: {command: x}\n  a: {command: y}", "MLproject:3:3: 'a' stands twice in 'entry_points'"),
        ("conda_env: my_env.yaml\ndocker_env: {image: x}", "MLproject:2:1: 'conda_env' and 'docker_env': a project has one environment"),
        ("python_env:\nconda_env:", "a project has one environment"),
    ],
)
def test_a_wrong_top_level_is_refused(read, text, message):
    with pytest.raises(ProjectError) as caught:
        read(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("", "MLproject:2:3: entry point 'main' has no 'command' (and no 'notebook')"),
        (" {}", "MLproject:2:3: entry point 'main' has no 'command'"),
        (" run", "MLproject:2:9: entry point 'main' is a text, where a mapping"),
        (" [run]", "MLproject:2:9: entry point 'main' is a list"),
        (" {command: }", "MLproject:2:3: entry point 'main' has no 'command'"),
        (" {command: ''}", "MLproject:2:19: entry point 'main': 'command' is empty"),
        (" {command: [a]}", "MLproject:2:19: entry point 'main': 'command' is a list, where a text belongs"),
        (" {comand: run}", "MLproject:2:10: entry point 'main': unknown key 'comand'. Did you mean 'command'?"),
        (" {command: a, command: b}", "MLproject:2:22: 'command' stands twice in entry point 'main'"),
        (" {command: a, parameters: [a]}", "MLproject:2:34: entry point 'main': 'parameters' is a list"),
        (" {command: a, parameters: {a: int, a: int}}", "MLproject:2:43: 'a' stands twice in entry point 'main': 'parameters'"),
        (" {command: a, parameters: {a: flaot}}", "MLproject:2:38: parameter 'a': unknown type 'flaot'. Did you mean 'float'?"),
        (" {command: a, parameters: {a: 5}}", "MLproject:2:38: parameter 'a': the type is a number"),
        (" {command: a, notebook: nb.ipynb}", "MLproject:2:22: entry point 'main' has both a 'command' and a 'notebook'"),
        (" {command: a, cells: x}", "MLproject:2:22: entry point 'main': 'cells' belongs to a 'notebook'"),
        (" {command: a, help: [x]}", "MLproject:2:28: entry point 'main': 'help' is a list"),
        (" {notebook: ../nb.ipynb}", "MLproject:2:20: entry point 'main': notebook '../nb.ipynb' leaves the project's folder"),
        (" {notebook: /etc/passwd}", "MLproject:2:20: entry point 'main': notebook '/etc/passwd' leaves the project's folder"),
        (" {notebook: nowhere.ipynb}", "MLproject:2:20: entry point 'main': notebook: there is no file 'nowhere.ipynb'"),
        (" {notebook: train.py}", "MLproject:2:20: entry point 'main': 'train.py' is not a notebook"),
        (" {notebook: nb.ipynb}", "nb.ipynb: is empty, not a notebook"),
        (" {notebook: nb.ipynb, parameters: {v: {type: bool, flag: -v}}}", "a flag is part of a command"),
        (" {command: a, parameters: {a: {secret: true}, A: {secret: true}}}", "both want the variable A"),
        (" {command: 'a {b}'}", "MLproject:2:19: command, line 1, column 3"),
        (" {command: 'a {b.c}', parameters: {b: string}}", "MLproject:2:19: command"),
        (" {command: 'a {b!r}', parameters: {b: string}}", "MLproject:2:19: command"),
        (" {command: 'a {b}', parameters: {b: {secret: true}}}", "MLproject:2:19: command, line 1, column 3: {b} is a secret"),
        (" {command: 'a `{b}`', parameters: {b: string}}", "MLproject:2:19: command"),
    ],
)
def test_a_wrong_entry_point_carries_its_problem_and_blocks_nobody(read, problem, entry, message):
    text = f"entry_points:\n  main:{entry}\n  good: {{command: run}}\n"
    assert message in problem(text)
    project = read(text)
    assert isinstance(project.entry_points["main"].problem, NbprojError)
    assert project.entry_points["good"].problem is None


@pytest.mark.parametrize("name", ["''", "'  '", '"a\\nb"', '"\\u202e"'])
def test_an_entry_point_needs_a_name_of_one_printable_line(problem, name):
    assert "MLproject:2:3: the name of an entry point" in problem(f"entry_points:\n  {name}: {{command: run}}\n")


def test_a_template_error_is_one(read):
    found = read("entry_points: {main: {command: 'a {b}'}}").entry_points["main"].problem
    assert isinstance(found, TemplateError)
    assert found.exit_code == 120


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("zzz: 1", "MLproject:1:1: the file: unknown key 'zzz' is ignored"),
        ("entry_points: {main: {command: a, zzz: 1}}", "MLproject:1:35: entry point 'main': unknown key 'zzz' is ignored"),
        ("entry_points: {main: {command: a, parameters: {a: tensor}}}", "MLproject:1:51: parameter 'a': unknown type 'tensor' is taken for a string"),
        ("docker_env: {image: x, zzz: 1}", "MLproject:1:24: docker_env: unknown key 'zzz' is ignored"),
    ],
)
def test_what_a_plugin_may_understand_is_remarked_on_or_refused_when_strict(read, problem, text, remark):
    assert read(text).warnings == (remark,)
    assert problem(text, strict=True) == remark


def test_an_alias_bomb_as_a_default_is_refused_at_once(read):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    start = time.perf_counter()
    with pytest.raises(ProjectError, match=r"MLproject:.*aliases"):
        read(bomb + "entry_points: {main: {command: run, parameters: {p: {default: *i}}}}")
    assert time.perf_counter() - start < 20  # followed, it takes hours


def test_a_file_that_cannot_be_read_executes_nothing(read, tmp_path):
    with pytest.raises(ProjectError, match="tag"):
        read(f"name: !!python/object/apply:os.system ['touch {tmp_path}/PWNED']")
    assert not (tmp_path / "PWNED").exists()


def test_a_notebook_gives_what_the_file_leaves_open(read, tmp_path):
    cell = "alpha: float = 0.5  # strength\nseed = 1\ndata: 'Path' = 'x.csv'\nrate = find()"
    parameters = "{alpha: {type: float, max: 1}, rate: float, seed: {type: int, default: 7}}"
    text = f"entry_points: {{main: {{notebook: sub/train.ipynb, cells: x, parameters: {parameters}}}}}"
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/train.ipynb").write_text(notebook((cell, ["parameters"]), ("x()", ["entrypoint:x"])))
    found = read(text).entry_points["main"]
    assert (found.problem, found.notebook, found.cells) == (None, "sub/train.ipynb", "x")
    assert [(one.name, one.type, one.default_text, one.help, one.max, one.required) for one in found.parameters] == [
        ("alpha", "float", "0.5", "strength", 1, False),
        ("rate", "float", "find()", "", None, False),
        ("seed", "int", "7", "", None, False),
        ("data", "path", "x.csv", "", None, False),
    ]


def test_a_default_of_the_notebook_that_does_not_fit_is_that_entry_points_problem(read, tmp_path):
    (tmp_path / "t.ipynb").write_text(notebook(("alpha = 'x'", ["parameters"])))
    found = read("entry_points: {main: {notebook: t.ipynb, parameters: {alpha: float}}}").entry_points["main"].problem
    assert isinstance(found, EntryPointError)
    assert str(found) == "t.ipynb, cell 1, line 1: parameter 'alpha': default 'x' is not a float (the MLproject file declares it float)"


def test_a_spark_job_is_kept_as_it_stands(read):
    project = read("databricks_spark_job:\n  python_file: dbfs:/job.py\n  parameters: [a, 1]\n  python_libraries: [x]\n")
    assert project.spark_job == {"python_file": "dbfs:/job.py", "parameters": ["a", 1], "python_libraries": ["x"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("databricks_spark_job: {python_file: a}\nconda_env: my_env.yaml", "MLproject:2:1: databricks_spark_job cannot have an environment"),
        ("databricks_spark_job: {}", "MLproject:1:1: databricks_spark_job takes either a 'python_file' or entry points, and has neither"),
        ("databricks_spark_job: {python_file: a}\nentry_points: {a: {command: b}}", "not both"),
        ("databricks_spark_job: {parameters: x, python_file: a}", "MLproject:1:36: databricks_spark_job: 'parameters' is a text"),
        ("databricks_spark_job: {python_fiel: a}", "Did you mean 'python_file'?"),
        ("databricks_spark_job: x", "databricks_spark_job is a text"),
        ("databricks_spark_job: {parameters: []}\nentry_points: {a: {command: b, parameters: {p: path}}}", "MLproject:2:45: parameter 'p'"),
    ],
)
def test_a_wrong_spark_job_is_refused(problem, text, message):
    assert message in problem(text)


PARTS = [
    "name",
    "entry_points",
    "conda_env",
    "docker_env",
    "main",
    "command",
    "parameters",
    "notebook",
    "a",
    "float",
    "{a}",
    "x",
    "1",
    "~",
    "image",
    "type",
]


@given(
    st.recursive(
        st.sampled_from(PARTS), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PARTS), inner, max_size=4), max_leaves=12
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_structure_is_a_project_or_one_line(tmp_path, value):
    path = tmp_path / "MLproject"
    path.write_text(json.dumps(value))  # JSON is YAML
    message = "MLproject"
    try:
        project = read_mlproject(path)
    except NbprojError as error:
        message = str(error)
    else:
        assert isinstance(project, Project)
        assert all(point.problem is None or "\n" not in str(point.problem) for point in project.entry_points.values())
    assert message.startswith("MLproject")
    assert "\n" not in message


def test_a_normal_file_is_read_in_a_few_milliseconds(read, tmp_path):
    read(GOOD)
    times = []
    for _ in range(200):  # the quickest counts: a busy machine is not busy all the time
        start = time.perf_counter()
        read_mlproject(tmp_path / "MLproject")
        times.append(time.perf_counter() - start)
    assert min(times) < 0.005  # 0.7 ms on an idle machine


def test_the_model_can_be_imported_without_yaml():
    code = "import sys, nbproj.project.model, nbproj.project.parameters, nbproj.project.mlproject; sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60, cwd=Path(__file__).parents[3]).returncode == 0
