"""What a project offers, word for word: for people, and for programs."""

from __future__ import annotations

import datetime as dt
import json
import textwrap
from pathlib import Path

import pytest

from nbproj.display.columns import columns
from nbproj.display.project import entry_point_text, project_json, project_text
from nbproj.errors import EntryPointError
from nbproj.project.model import DockerSpec, EntryPoint, EnvironmentSpec, Parameter, Place, Project

HOSTILE = "<b>&\"'</b>\x1b[31m\x07\r\n\u202e{0}%s`x`$(id)"


def golden(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


def project(*points: EntryPoint, **more) -> Project:
    return Project("wine", Path("/wine"), {point.name: point for point in points}, **more)


ALPHA = Parameter("alpha", "float", default=0.5, default_text="0.5", help="strength of the penalty", min=0.0, max=1.0)
ALL = [
    ALPHA,
    Parameter("seed", "int", min=1.0),
    Parameter("below", "float", default=float("inf"), default_text=".inf", max=10.5),
    Parameter("kind", "choice", default="ridge", default_text="ridge", choices=("ridge", "lasso")),
    Parameter("when", "date", default=dt.date(2026, 1, 2), default_text="2026-01-02", choices=(dt.date(2026, 1, 2), dt.date(2026, 1, 3))),
    Parameter("layers", "list", default=[1, 2], item="int"),
    Parameter("settings", "dict", default={"a": [1, {"b": None}]}),
    Parameter("data", "path", default=Path("data.csv")),
    Parameter("note", "string", default="", default_text=""),
    Parameter("limit", "int", default=None, optional=True),
    Parameter("token", "string", secret=True, env="API_TOKEN"),
    Parameter("key", "string", default="hunter2", default_text="hunter2", secret=True, choices=("hunter2",)),
]


def test_a_project_with_everything():
    train = EntryPoint("train", ALL, command="python train.py {alpha}", help="Train a model.", declared=Place("MLproject", 3, 3))
    look = EntryPoint("look", notebook="look.ipynb", cells="report")
    broken = EntryPoint("broken", command="echo {x}", problem=EntryPointError("'x' is not a parameter", place=Place("MLproject", 9, 14)))
    found = {"a.py": EntryPoint("a.py", script="a.py"), "n.ipynb": EntryPoint("n.ipynb", [ALPHA], notebook="n.ipynb")}
    shown = project_text(project(train, look, broken, environment=EnvironmentSpec("conda", "conda.yaml")), found)
    assert shown == golden("""
        wine: conda environment (conda.yaml)

          train  python train.py {alpha}
            declared in MLproject:3:3
            Train a model.
            alpha     float   = 0.5                      strength of the penalty; 0 to 1
            seed      int     required                   at least 1
            below     float   = .inf                     at most 10.5
            kind      choice  = ridge                    one of ridge, lasso
            when      date    = 2026-01-02               one of 2026-01-02, 2026-01-03
            layers    list    = [1, 2]
            settings  dict    = {'a': [1, {'b': None}]}
            data      path    = data.csv
            note      string  = ""
            limit     int                                optional
            token     string  required                   secret, in the variable API_TOKEN
            key       string                             secret, in the variable KEY

          look  notebook look.ipynb (report)

          broken  echo {x}
            cannot be run: MLproject:9:14: 'x' is not a parameter

          also, by path:
            a.py
            n.ipynb
              alpha  float  = 0.5  strength of the penalty; 0 to 1
        """)


def test_a_project_with_nothing():
    assert project_text(project(), {}) == golden("""
        wine: system environment

          no entry points: no MLproject, script or notebook here
        """)


def test_scripts_and_notebooks_alone():
    assert project_text(project(), {"a b.py": EntryPoint("a b.py", script="a b.py")}) == golden("""
        wine: system environment

          by path:
            a b.py
        """)


def test_one_entry_point_alone_declared_or_by_path():
    found = {"n.ipynb": EntryPoint("n.ipynb", [ALPHA], notebook="n.ipynb")}
    both = project(EntryPoint("a", command="true"), EntryPoint("b", command="false"))
    assert project_text(both, found, only="b") == "wine: system environment\n\n  b  false"
    assert project_text(both, found, only="n.ipynb") == golden("""
        wine: system environment

          n.ipynb  notebook n.ipynb
            alpha  float  = 0.5  strength of the penalty; 0 to 1
        """)


def test_the_lines_of_a_command_stay_lines():
    assert project_text(project(EntryPoint("main", command="cd src\npython train.py\n"))) == golden("""
        wine: system environment

          main
            | cd src
            | python train.py
        """)


def test_in_a_narrow_terminal_explanations_go_below():
    train = EntryPoint("train", [ALPHA, Parameter("regularisation", "choice", choices=("ridge", "lasso"))], command="python train.py --alpha {alpha}")
    assert project_text(project(train), width=40) == golden("""
        wine: system environment

          train  python train.py --alpha {alpha}
            alpha           float   = 0.5
                strength of the penalty; 0 to 1
            regularisation  choice  required
                one of ridge, lasso
        """)


def test_long_things_are_cut_or_wrapped_and_forty_parameters_stay_a_table():
    parameters = [Parameter(f"name{index}", "list", default=list(range(100)), help="words " * 30) for index in range(38)]
    parameters += [Parameter("n" * 50, choices=tuple(range(100)), help="much"), Parameter("\u6f22\u5b57", default="\u5024" * 40)]
    lines = project_text(project(EntryPoint("main", parameters, command="run"))).splitlines()
    assert max(columns(line) for line in lines if "nnn" not in line) <= 100
    assert lines[3].startswith("    name0                           list    = [0, 1, 2, 3, 4, 5, 6, 7, ...  words")
    assert "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 88 more" in " ".join(" ".join(lines).split())
    assert any("n" * 50 in line for line in lines)  # a name is typed, so it is whole


def test_nothing_in_a_name_or_value_moves_the_cursor_or_adds_a_line():
    parameter = Parameter(HOSTILE, HOSTILE, default=HOSTILE, default_text=HOSTILE, help=HOSTILE, choices=(HOSTILE,), env=HOSTILE)
    secret = Parameter(HOSTILE, HOSTILE, secret=True, env=HOSTILE)
    point = EntryPoint(
        HOSTILE, [parameter, secret], command="x" + HOSTILE.replace("\n", ""), help=HOSTILE, problem=EntryPointError(HOSTILE, place=Place(HOSTILE))
    )
    book = EntryPoint(HOSTILE + "2", notebook=HOSTILE, cells=HOSTILE)
    shown = project_text(
        Project(HOSTILE, Path("/wine"), {HOSTILE: point, HOSTILE + "2": book}, EnvironmentSpec("uv", HOSTILE)), {"z" + HOSTILE: point}, width=2000
    )
    assert all(line.isprintable() for line in shown.splitlines())
    assert len(shown.splitlines()) == 20  # as with harmless names of this length


def test_the_document_for_programs():
    train = EntryPoint("train", ALL, command="python train.py {alpha}", help="Train a model.", declared=Place("MLproject", 3, 3))
    broken = EntryPoint("broken", command="echo {x}", problem=EntryPointError("'x' is not a parameter", place=Place("MLproject", 9, 14)))
    environment = EnvironmentSpec("docker", docker=DockerSpec("python:3.12"))
    found = {"n.ipynb": EntryPoint("n.ipynb", notebook="n.ipynb"), "train": EntryPoint("train", script="train")}
    document = project_json(project(train, broken, environment=environment, warnings=("unknown key",)), found)
    assert document == {
        "version": 1,
        "name": "wine",
        "environment": {"kind": "docker", "image": "python:3.12"},
        "entry_points": {
            "train": {
                "parameters": {
                    "alpha": {
                        "type": "float",
                        "default": 0.5,
                        "help": "strength of the penalty",
                        "min": 0.0,
                        "max": 1.0,
                        "secret": False,
                        "optional": False,
                    },
                    "seed": {"type": "int", "required": True, "min": 1.0, "secret": False, "optional": False},
                    "below": {"type": "float", "default": "Infinity", "max": 10.5, "secret": False, "optional": False},
                    "kind": {"type": "choice", "default": "ridge", "choices": ["ridge", "lasso"], "secret": False, "optional": False},
                    "when": {"type": "date", "default": "2026-01-02", "choices": ["2026-01-02", "2026-01-03"], "secret": False, "optional": False},
                    "layers": {"type": "list", "default": [1, 2], "item": "int", "secret": False, "optional": False},
                    "settings": {"type": "dict", "default": {"a": [1, {"b": None}]}, "secret": False, "optional": False},
                    "data": {"type": "path", "default": "data.csv", "secret": False, "optional": False},
                    "note": {"type": "string", "default": "", "secret": False, "optional": False},
                    "limit": {"type": "int", "default": None, "secret": False, "optional": True},
                    "token": {"type": "string", "required": True, "secret": True, "optional": False, "env": "API_TOKEN"},
                    "key": {"type": "string", "secret": True, "optional": False, "env": "KEY"},
                },
                "command": "python train.py {alpha}",
                "help": "Train a model.",
                "declared_in": "MLproject:3:3",
            },
            "broken": {"parameters": {}, "command": "echo {x}", "declared_in": None, "problem": "MLproject:9:14: 'x' is not a parameter"},
            "n.ipynb": {"parameters": {}, "notebook": "n.ipynb", "declared_in": None},
        },
        "warnings": ["unknown key"],
    }
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize("show", [project_text, lambda one: json.dumps(project_json(one))], ids=["text", "json"])
def test_a_default_of_a_secret_is_never_shown(show):
    secret = Parameter("key", "choice", default="hunter2", default_text="hunter2", secret=True, choices=("hunter2", "swordfish"))
    shown = show(project(EntryPoint("main", [secret], command="run")))
    assert "hunter2" not in shown
    assert "swordfish" not in shown


def test_where_a_parameter_is_declared_is_told_beside_it():
    places = [Place("MLproject", 5, 7), Place("a.ipynb", 2, cell=3), Place("MLproject"), None]
    parameters = [Parameter(f"p{index}", help="what" if index else "", declared=place) for index, place in enumerate(places)]
    shown = project_text(project(EntryPoint("main", parameters, command="run", declared=Place("MLproject", 3, 3))))
    assert shown == golden("""
        wine: system environment

          main  run
            declared in MLproject:3:3
            p0  string  required  [line 5]
            p1  string  required  what [a.ipynb, cell 3, line 2]
            p2  string  required  what [MLproject]
            p3  string  required  what
        """)
    document = project_json(project(EntryPoint("main", parameters, command="run")))["entry_points"]["main"]["parameters"]
    assert [one.get("declared_in") for one in document.values()] == ["MLproject:5:7", "a.ipynb, cell 3, line 2", "MLproject", None]


def test_an_entry_point_alone_stands_at_the_margin():
    assert entry_point_text(EntryPoint("main", [ALPHA], command="a\nb", help="Do it.")) == golden("""
        main
          | a
          | b
          Do it.
          alpha  float  = 0.5  strength of the penalty; 0 to 1
        """)


def test_a_project_that_nobody_looked_through_is_not_said_to_hold_nothing():
    assert project_text(project()) == "wine: system environment\n\n  no entry points declared"
