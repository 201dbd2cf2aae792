"""MLproject files read beside mlflow's own loader: the same entry points, defaults and commands, or a difference with the section that wants it."""

import os
import warnings
from dataclasses import dataclass, field

import pytest

from nbproj.errors import NbprojError
from nbproj.project.command import Template
from nbproj.project.directory import find_entry_point, load_project
from nbproj.project.model import REQUIRED
from nbproj.project.parameters import resolve_all


@dataclass
class Case:
    """One file, what is run of it, and the section of docs/contract.md that a difference stands on."""

    name: str
    text: str
    given: dict = field(default_factory=dict)
    entry: str = "main"
    files: tuple[str, ...] = ()
    file: str = "MLproject"
    section: str = ""
    ours: dict = field(default_factory=dict)
    environment: bool = False


def main(parameters, command):
    lines = "".join(f"\n      {line}" for line in parameters.strip().splitlines()) if parameters else " {}"
    return f"entry_points:\n  main:\n    parameters:{lines}\n    command: {command}\n"


def runs(section, command):
    return {"section": f"{section}", "ours": {"command": command}}


def refuses(section, reason):
    return {"section": f"{section}", "ours": {"refused": reason}}


ONE = "'run {a}'"
CASES = [
    # --- the same as mlflow
    Case(
        "the example of the documents",
        """\
name: My Project

conda_env: my_env.yaml

entry_points:
  main:
    parameters:
      data_file: path
      regularization: {type: float, default: 0.1}
    command: "python train.py -r {regularization} {data_file}"
  validate:
    parameters:
      data_file: path
    command: "python validate.py {data_file}"
""",
        {"data_file": "data.csv"},
        files=("my_env.yaml", "data.csv"),
        environment=True,
    ),
    Case("a second entry point", "entry_points:\n  a: {command: 'one'}\n  b: {command: 'two'}\n", entry="b"),
    Case("long syntax", main("a:\n  type: float\n  default: 0.5", ONE)),
    Case("short syntax", main("a: {type: float, default: 0.5}", ONE)),
    Case("a type alone", main("a: float", ONE), {"a": "3"}),
    Case("type defaults to string", main("a: {default: x}", ONE)),
    Case("an alias of a type", main("a: {type: number, default: 2}\nb: str", "'run {a} {b}'"), {"b": "x"}),
    Case("default 0", main("a: {type: float, default: 0}", ONE)),
    Case("default 0.0", main("a: {type: float, default: 0.0}", ONE)),
    Case("default 1e-1, a text to YAML", main("a: {type: float, default: 1e-1}", ONE)),
    Case("default with sign", main("a: {type: float, default: -0.5}", ONE)),
    Case("infinity", main("a: {type: float, default: .inf}", ONE)),
    Case("empty text", main("a: {default: ''}", ONE)),
    Case("default of the text None", main("a: {default: None}", ONE)),
    Case("default of digits in quotes", main("a: {type: string, default: '007'}", ONE)),
    Case("a list for a string", main("a: {default: [1, 2]}", ONE)),
    Case("a list of numbers", main("a: {type: list, default: [1, 2]}", ONE)),
    Case("an int", main("a: {type: int, default: 10}", ONE), {"a": "12"}),
    Case("default null is none", main("a: {type: float, default: null}", ONE)),
    Case("missing parameters", main("a: float\nb: string", "'run {a} {b}'")),
    Case("blanks in a value", main("a: string", ONE), {"a": "x y"}),
    Case("shell syntax in a value", main("a: string", ONE), {"a": "$(touch PWNED); `id` 'x'"}),
    Case("a value of many lines", main("a: string", ONE), {"a": "x\ny"}),
    Case("an empty value", main("a: string", ONE), {"a": ""}),
    Case("escaped braces", main("a: string", "\"awk '{{print $1}}' {a}\""), {"a": "f"}),
    Case("a hyphen in a name", main("my-p: string", "'run {my-p}'"), {"my-p": "1"}),
    Case("one parameter twice in a command", main("a: string", "'run {a} {a}'"), {"a": "1"}),
    Case("a parameter that the command leaves out", main("a: string", "'run'"), {"a": "1"}),
    Case("extra parameters in the caller's order", main("", "'run'"), {"z": "1", "b": "x y"}),
    Case("extra parameters after declared ones", main("a: string", ONE), {"zeta": "1", "a": "2", "bee": "3"}),
    Case("extra parameter of the API: None, True, empty", main("", "'run'"), {"b": None, "f": True, "e": ""}),
    Case("extra parameters after a list of commands", main("", "'cd x; pwd'"), {"extra": "1"}),
    Case("an object of the API: a list for a string", main("a: string", ONE), {"a": [1, 2]}),
    Case("an object of the API: True for a string", main("a: string", ONE), {"a": True}),
    Case("path of the caller", main("a: path", ONE), {"a": "data.csv"}, files=("data.csv",)),
    Case("path that is absolute", main("a: path", ONE), {"a": "/"}),
    Case("path that is a file address", main("a: path", ONE), {"a": "file:///"}),
    Case("path that does not exist", main("a: path", ONE), {"a": "nowhere"}),
    Case("uri with a scheme", main("a: uri", ONE), {"a": "s3://bucket/x"}),
    Case("uri of an unknown scheme", main("a: uri", ONE), {"a": "foo:bar"}),
    Case("no parameters key", "entry_points: {main: {command: run}}"),
    Case("parameters that are an empty mapping", main("", "'run'")),
    Case(
        "keys with a merge",
        "entry_points:\n  main: &m\n    parameters: {a: float}\n    command: 'run {a}'\n  other:\n    <<: *m\n",
        {"a": "1"},
        entry="other",
    ),
    Case("an alias of a whole entry point", "entry_points:\n  main: &m {command: run}\n  b: *m\n", entry="b"),
    Case("name in another case", "entry_points: {main: {command: run}}", file="mlPROJECT"),
    Case("a key that nobody knows", "zzz: 1\nentry_points: {main: {command: run, qqq: 2}}"),
    Case("a type that nobody knows", main("a: {type: tensor, default: x}", ONE)),
    Case("script by path", "", {"k": "v w"}, entry="sub/train.py", files=("sub/train.py",), file=""),
    Case("script beside an MLproject file", "entry_points: {main: {command: run}}", entry="t.py", files=("t.py",)),
    Case("script with a blank in its name", "", entry="my train.py", files=("my train.py",), file=""),
    Case("conda_env", "conda_env: sub/env.yaml\nentry_points: {main: {command: run}}", files=("sub/env.yaml",), environment=True),
    Case("python_env", "python_env: p.yaml\nentry_points: {main: {command: run}}", files=("p.yaml",), environment=True),
    Case("python_env.yaml without a key", "entry_points: {main: {command: run}}", files=("python_env.yaml", "conda.yaml"), environment=True),
    Case("conda.yaml without a key", "entry_points: {main: {command: run}}", files=("conda.yaml",), environment=True),
    Case(
        "docker_env",
        'docker_env:\n  image: r.io/x:7.0\n  volumes: ["/a:/b"]\n  environment: [["N", "v"], "COPIED"]\nentry_points: {main: {command: run}}',
        environment=True,
    ),
    Case("two environments", "conda_env: a\npython_env: b\n", files=("a", "b")),
    Case("conda_env that is not there", "conda_env: nowhere.yaml\n"),
    Case("docker without an image", "docker_env: {volumes: ['/a:/b']}\n"),
    Case("docker volumes that are no list", "docker_env: {image: x, volumes: /a}\n"),
    Case("docker environment that is no list", "docker_env: {image: x, environment: A}\n"),
    Case("no such entry point", "entry_points: {main: {command: run}}", entry="train"),
    Case("Spark job with an environment", "databricks_spark_job: {python_file: a.py}\nconda_env: c.yaml", files=("c.yaml",)),
    Case("Spark job with file and entry points", "databricks_spark_job: {python_file: a.py}\nentry_points: {main: {command: run}}"),
    Case("Spark job with neither", "databricks_spark_job: {parameters: [a]}"),
    Case("Spark job with a path", "databricks_spark_job: {parameters: []}\n" + main("a: path", ONE), {"a": "/"}),
    Case("Spark job with entry points", "databricks_spark_job: {parameters: []}\n" + main("a: string", ONE), {"a": "1"}),
    # --- different, and why
    Case("float is validated", main("a: float", ONE), {"a": "abc"}, **refuses(4, "'abc' is not a float")),
    Case("int is validated", main("a: int", ONE), {"a": "1.5"}, **refuses(4, "'1.5' is not an int")),
    Case("default as written: .0", main("a: {type: float, default: .0}", ONE), **runs(4, "run .0")),
    Case("default as written: 1_000", main("a: {type: int, default: 1_000}", ONE), **runs(4, "run 1_000")),
    Case("default as written: 0.10", main("a: {type: string, default: 0.10}", ONE), **runs(4, "run 0.10")),
    Case("default as written: 01234", main("a: {type: string, default: 01234}", ONE), **runs(4, "run 01234")),
    Case("default as written: yes", main("a: {type: string, default: yes}", ONE), **runs(4, "run yes")),
    Case("bool is true or false", main("a: {type: bool, default: False}", ONE), **runs(4, "run false")),
    Case("bool as a flag", main("a: {type: bool, default: true, flag: --fast}", ONE), **runs(4, "run --fast")),
    Case("None only where declared", main("a: string", ONE), {"a": None}, **refuses(4, "not optional")),
    Case("optional admits None", main("a: {type: float, optional: true}", ONE), **runs(4, "run None")),
    Case("a list of texts is JSON", main("a: {type: list, default: [x, 'y z']}", ONE), **runs(4, """run '["x", "y z"]'""")),
    Case("choices", main("a: {type: choice, choices: [x, y]}", ONE), {"a": "z"}, **refuses(4, "not one of 'x', 'y'")),
    Case("bounds", main("a: {type: float, max: 1}", ONE), {"a": "2"}, **refuses(4, "more than 1")),
    Case("NaN is not declared", main("a: float", ONE), {"a": "nan"}, **refuses(4, "not a finite number")),
    Case("path default is the project's", main("a: {type: path, default: d.csv}", ONE), files=("project/d.csv",), **runs(4, "run {project}/d.csv")),
    Case("path of an output", main("a: {type: path, exists: false}", ONE), {"a": "new"}, **runs(4, "run {caller}/new")),
    Case("a path elsewhere is fetched later", main("a: path", ONE), {"a": "s3://b/x"}, **runs(4, "run s3://b/x")),
    Case("relative uri becomes absolute", main("a: uri", ONE), {"a": "./d"}, **runs(4, "run {caller}/d")),
    Case("a dot in a name", main("a.b: string", "'run {a.b}'"), {"a.b": "1"}, **runs(4, "run 1")),
    Case("a number as a name", main("1: string", "'run {1}'"), {"1": "x"}, **runs(4, "run x")),
    Case("a name that is no name", main("'a b': string", "'run'"), {"a b": "1"}, **refuses(4, "letters, digits")),
    Case("a secret in a command", main("a: {secret: true}", ONE), {"a": "x"}, **refuses(4, "secret")),
    Case("a misspelled parameter", main("alpha: {default: 1}", "'run {alpha}'"), {"aplha": "2"}, **refuses(3, "Did you mean 'alpha'")),
    Case("quotes around a placeholder", main("a: string", "'run \"{a}\"'"), {"a": "x y"}, **runs(5, 'run "x y"')),
    Case("conversion", main("a: string", "'run {a!r}'"), {"a": "x"}, **refuses(5, "{a}")),
    Case("format specification", main("a: string", "'run {a:>5}'"), {"a": "x"}, **refuses(5, "{a}")),
    Case("index", main("a: string", "'run {a[0]}'"), {"a": "xy"}, **refuses(5, "{a}")),
    Case(
        "extra parameters after a command of many lines", "entry_points:\n  main:\n    command: |\n      c 1\n", {"z": "2"}, **runs(5, "c 1 --z 2\n")
    ),
    Case("a declaration of nothing", main("a:", ONE), {"a": "x"}, **runs(3, "run x")),
    Case("parameters of nothing", "entry_points:\n  main:\n    parameters:\n    command: run\n", **runs(3, "run")),
    Case("a wrong entry point beside a good one", "entry_points:\n  bad:\n  main: {command: run}\n", **runs(3, "run")),
    Case("an empty file", "", entry="t.py", files=("t.py",), **runs(3, "python t.py")),
    Case("entry points of nothing", "entry_points:\n", entry="t.py", files=("t.py",), **runs(3, "python t.py")),
    Case("a key twice", "name: a\nname: b\nentry_points: {main: {command: run}}", **refuses(3, "stands twice")),
    Case("a misspelled key", "entry_pionts: {main: {command: run}}\n", entry="t.py", files=("t.py",), **refuses(3, "Did you mean 'entry_points'")),
    Case("a misspelled type", main("a: flaot", ONE), {"a": "1"}, **refuses(3, "Did you mean 'float'")),
    Case("a command that YAML takes for a truth", "entry_points: {main: {command: true}}", **runs(3, "true")),
    Case("an entry point that YAML takes for a truth", "entry_points: {on: {command: run}}", entry="on", **runs(3, "run")),
    Case("conda_env outside", "conda_env: ../c.yaml\nentry_points: {main: {command: run}}", files=("../c.yaml",), **refuses(3, "leaves the project")),
    Case("a script that is not there", "", entry="nowhere.py", file="", **refuses(3, "no entry point 'nowhere.py'")),
    Case("a script outside", "", entry="../t.py", files=("../t.py",), file="", **refuses(3, "leaves the project")),
    Case("main by convention", "", files=("main.py",), file="", **runs(3, "python main.py")),
    Case(
        "the system's environment by convention",
        "entry_points: {main: {command: run}}",
        section="3",
        ours={"environment": ("system", None)},
        environment=True,
    ),
    Case("docker environment of mappings", "docker_env: {image: x, environment: [[A]]}\n", **refuses(3, '["NAME", "value"]')),
]


@pytest.fixture(scope="module")
def loader():
    """mlflow-skinny's own module; its import warns about its own dependencies."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow.projects import _project_spec

        yield _project_spec


@pytest.fixture
def folders(request, tmp_path, monkeypatch):
    """The project's folder and the caller's, with the files of the case in both."""
    case = request.getfixturevalue("case")
    project, caller = tmp_path.resolve() / "project", tmp_path.resolve() / "caller"
    for folder in (project, caller):
        folder.mkdir()
        for name in case.files:
            path = project / name.removeprefix("project/") if name.startswith("project/") else folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("")
    if case.file:
        (project / case.file).write_text(case.text)
    monkeypatch.chdir(caller)
    monkeypatch.setenv("SHELL", "bash")
    return project, caller


def by_nbproj(case, project, caller):
    try:
        loaded = load_project(project)
        point = find_entry_point(loaded, case.entry)
        resolved = resolve_all(point, case.given, base=caller, root=project)
        if point.script is not None:
            command = Template.parse(f"python '{point.script}'" if " " in point.script else f"python {point.script}", ()).fill({}, resolved.extra)
        else:
            command = Template.parse(point.command, point.parameters).fill(resolved.words, resolved.extra)
    except NbprojError as error:
        return {"refused": str(error)}
    found = {
        "entry_points": [name for name, declared in loaded.entry_points.items() if declared.problem is None],
        "defaults": {one.name: None if one.default in (REQUIRED, None) else one.default_text for one in point.parameters},
        "command": command,
    }
    if case.environment:
        found["environment"] = (loaded.environment.kind, loaded.environment.file)
        docker = loaded.environment.docker
        found["docker"] = docker and (
            docker.image,
            list(docker.volumes),
            [item if isinstance(item, str) else list(item) for item in docker.environment],
        )
    return found


def by_mlflow(case, loader, project, storage):
    try:
        loaded = loader.load_project(str(project))
        point = loaded.get_entry_point(case.entry)
        command = point.compute_command(case.given, str(storage))
    except Exception as error:  # whatever mlflow raises, also where it is an accident  # noqa: BLE001
        return {"refused": f"{type(error).__name__}: {error}"}
    found = {
        "entry_points": list(loaded._entry_points),
        "defaults": {one.name: None if one.default is None else str(one.default) for one in point.parameters.values()},
        "command": command,
    }
    if case.environment:
        kinds = {"conda_env": "conda", "python_env": "uv", "docker_env": "docker"}
        path = loaded.env_config_path
        found["environment"] = (kinds[loaded.env_type], path and os.path.relpath(path, project))
        docker = loaded.docker_env
        found["docker"] = docker and (docker["image"], docker["volumes"], docker["environment"])
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reads_as_mlflow_does_or_differs_where_the_contract_says_so(case, folders, loader, tmp_path):
    project, caller = folders
    storage = tmp_path / "storage"
    storage.mkdir()
    mine, theirs = by_nbproj(case, project, caller), by_mlflow(case, loader, project, storage)
    assert "\n" not in mine.get("refused", "")
    if not case.section:
        assert ("refused" in mine) == ("refused" in theirs), (mine, theirs)
        assert "refused" in mine or mine == theirs
        return
    assert mine != theirs, f"no difference any more: drop section {case.section}"
    for key, expected in case.ours.items():
        if key == "refused":
            assert expected in mine["refused"]
        else:
            wanted = expected.replace("{project}", str(project)).replace("{caller}", str(caller)) if isinstance(expected, str) else expected
            assert mine.get(key) == wanted, mine


def test_there_are_more_than_thirty_files_and_every_difference_names_its_section():
    assert len({case.name for case in CASES}) == len(CASES) > 30
    assert {case.section for case in CASES} <= {"", "3", "4", "5"}
    assert all(bool(case.section) == bool(case.ours) for case in CASES)
