"""A project in a notebook, as people read it: golden files, and the formatters in a real shell. `WRITE_GOLDEN=1` writes the files anew."""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbproj.display.card_json import LIMIT
from nbproj.display.formatters import register, unregister
from nbproj.display.project_card import MIME, entry_point_bundle, project_bundle
from nbproj.errors import EntryPointError
from nbproj.project.model import EntryPoint, EnvironmentSpec, Parameter, Place, Project
from nbproj.reading import load_project

GOLDEN = Path(__file__).parent / "golden"
ALPHA = Parameter(
    "alpha", "float", default=0.5, default_text="0.5", help="strength of the penalty", min=0.0, max=1.0, declared=Place("MLproject", 6, 7)
)


def wine() -> Project:
    train = EntryPoint(
        "train",
        [
            ALPHA,
            Parameter("kind", "choice", default="ridge", choices=("ridge", "lasso"), declared=Place("MLproject", 7, 7)),
            Parameter("since", "date", default=dt.date(2026, 1, 2), declared=Place("MLproject", 8, 7)),
            Parameter("data", "path", help="measurements < 2026 & later", declared=Place("MLproject", 9, 7)),
            Parameter("token", secret=True, env="API_TOKEN", default="hunter2", default_text="hunter2", declared=Place("MLproject", 10, 7)),
        ],
        command="python train.py --alpha {alpha} --kind {kind} {data}",
        help="Train a model.",
        declared=Place("MLproject", 4, 3),
    )
    look = EntryPoint(
        "report",
        [Parameter("top", "int", default=5, declared=Place("look.ipynb", 1, cell=2))],
        notebook="look.ipynb",
        declared=Place("look.ipynb", 1, cell=4),
    )
    both = EntryPoint("both", command='cd src\npython a.py | sort > "$NBPROJ_OUTPUT_DIR/a"\npython b.py', declared=Place("MLproject", 12, 3))
    broken = EntryPoint("broken", command="echo {x}", problem=EntryPointError("'x' is not a parameter", place=Place("MLproject", 19, 14)))
    points = {point.name: point for point in (train, look, both, broken)}
    return Project("wine", Path("/wine"), points, EnvironmentSpec("uv", "python_env.yaml"), warnings=("unknown key 'colour'",))


def big() -> Project:
    parameters = [
        Parameter(f"parameter_{index}", "list", default=list(range(200)), help="words " * 60, choices=tuple(range(99))) for index in range(60)
    ]
    points = [EntryPoint(f"entry_{index}", parameters, command="run " * 200, help="much " * 200) for index in range(60)]
    return Project("big " * 100, Path("/big"), {point.name: point for point in points}, warnings=tuple(f"warning {index}" for index in range(99)))


@functools.cache
def bundle_of(make: Callable[[], Project]) -> dict[str, object]:
    """Return what a project looks like, made once for all tests that only look at it."""
    return project_bundle(make())


EXAMPLES = {
    "project-wine": lambda: project_bundle(wine()),
    "project-empty": lambda: project_bundle(Project("empty", Path("/empty"))),
    "entry-point-train": lambda: entry_point_bundle(wine().entry_points["train"]),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_project_is_what_its_golden_files_hold(name):
    bundle = EXAMPLES[name]()
    rendered = {
        "html": bundle["text/html"].replace("><", ">\n<") + "\n",
        "txt": bundle["text/plain"] + "\n",
        "json": json.dumps(bundle[MIME], indent=1, ensure_ascii=False) + "\n",
    }
    for suffix, text in rendered.items():
        file = GOLDEN / f"{name}.{suffix}"
        if os.environ.get("WRITE_GOLDEN"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")


def test_a_secret_is_shown_nowhere():
    assert "hunter2" not in json.dumps(project_bundle(wine()))


@pytest.mark.parametrize("make", [wine, big])
def test_the_json_is_small_and_counts_what_it_left_out(make):
    document = bundle_of(make)[MIME]
    assert len(json.dumps(document, indent=1)) < LIMIT
    assert bool(document["left_out"]) is (make is big)
    assert document["version"] == 1


def test_the_html_of_a_big_project_is_bounded():
    html = bundle_of(big)["text/html"]
    assert len(html) < 1_500_000
    for what in ("and 36 more entry points", "and 36 more</td>", "and 94 more warnings"):
        assert what in html


def test_a_number_beyond_any_integer_of_a_page_stays_a_text():
    point = EntryPoint("main", [Parameter("n", "int", default=10**400)], command="run")
    default = entry_point_bundle(point)[MIME]["entry_points"]["main"]["parameters"]["n"]["default"]
    assert isinstance(default, str)
    assert default.startswith("1000")


@pytest.fixture
def shell():
    """Return a shell of its own."""
    return InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))


def test_a_shell_shows_a_project_and_an_entry_point_until_it_is_told_not_to(shell):
    here = load_project(Path(__file__).parents[3] / "notebooks/diabetes")
    before = dict(shell.display_formatter.mimebundle_formatter.deferred_printers), dict(shell.display_formatter.mimebundle_formatter.type_printers)
    register(shell)
    register(shell)
    for value, begins in ((here, "diabetes: system environment"), (here.entry_points["train"], "train  notebook train.ipynb")):
        data, _metadata = shell.display_formatter.format(value)
        assert data["text/plain"].startswith(begins)
        assert set(data) == {"text/plain", "text/html", MIME}
    unregister(shell)
    unregister(shell)
    assert set(shell.display_formatter.format(here)[0]) == {"text/plain"}
    after = shell.display_formatter.mimebundle_formatter
    assert (after.deferred_printers, after.type_printers) == before


def test_a_shell_without_formatters_is_left_alone():
    register(object())
    unregister(object())
