"""What a folder offers to run, as a browser is told."""

from __future__ import annotations

import json

import nbformat.v4
import pytest

import nbproj

pytest_plugins = ("pytest_jupyter.jupyter_server",)

MARKUP = "<img src=x onerror=alert(1)>"


async def test_a_project_is_told_as_the_command_line_tells_it_and_nothing_is_executed(ask, root):
    (root / "MLproject").write_text(
        "name: wine\nentry_points:\n  train:\n    parameters:\n      alpha: {type: float, default: 0.5, help: strength, max: 1}\n"
        "      key: {type: string, secret: true}\n    command: python train.py --alpha {alpha}\n"
    )
    (root / "train.py").write_text("raise SystemExit(open('PWNED', 'w').write('x'))\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("# entrypoint: report\nopen('PWNED', 'w')")])
    nbformat.write(notebook, root / "look.ipynb")
    got = await ask("projects")
    assert got.code == 200
    points = got.json["entry_points"]
    assert list(points) == ["train", "train.py", "report"]
    assert points["train"]["declared_in"] == "MLproject:3:3"
    alpha = {"type": "float", "default": 0.5, "help": "strength", "max": 1, "secret": False, "optional": False, "declared_in": "MLproject:5:7"}
    assert points["train"]["parameters"]["alpha"] == alpha
    assert points["train"]["parameters"]["key"]["secret"] is True
    assert (points["report"]["notebook"], points["report"]["declared_in"]) == ("look.ipynb", "look.ipynb, cell 1, line 1")
    assert sorted(path.name for path in root.iterdir()) == ["MLproject", "look.ipynb", "train.py"]
    assert list(nbproj.load_project(root).entry_points) == ["train"]
    again = await ask("projects", headers={"If-None-Match": got.headers["ETag"]})
    assert (again.code, again.body) == (304, b"")


async def test_a_broken_project_is_refused_with_its_line(ask, root):
    (root / "wine").mkdir()
    (root / "wine" / "MLproject").write_text("entry_points:\n  main:\n    parameters:\n      alpha: flaot\n    comand: x\n")
    (root / "MLproject").write_text("name: x\nname: y\n")
    got = await ask("projects")
    assert (got.code, got.json["type"]) == (422, "ProjectError")
    assert got.json["message"].startswith("MLproject:2:1: ")
    point = (await ask("projects?path=wine")).json["entry_points"]["main"]
    assert point["problem"].startswith("MLproject:")
    assert "Did you mean" in point["problem"]


async def test_a_broken_notebook_does_not_hide_the_others(ask, root):
    (root / "broken.ipynb").write_text("{")
    (root / "train.py").write_text("print(1)\n")
    points = (await ask("projects")).json["entry_points"]
    assert list(points) == ["broken.ipynb", "train.py"]
    assert points["broken.ipynb"]["problem"].startswith("broken.ipynb")


async def test_an_empty_folder_offers_nothing_and_a_large_one_a_thousand_files(ask, root):
    assert (await ask("projects")).json["entry_points"] == {}
    for number in range(1200):
        (root / f"{number:04}.sh").touch()
    assert len((await ask("projects")).json["entry_points"]) == 1000


@pytest.mark.parametrize("field", ["name", "entry point", "help", "choices", "default", "file", "command"])
async def test_markup_in_a_field_stays_text_in_json(field, ask, root):
    values = {one: MARKUP if one == field else "plain" for one in ("name", "entry point", "help", "choices", "default", "command")}
    parameter = {"type": "choice", "choices": [values["choices"]], "help": values["help"], "default": values["choices"]}
    text = {"type": "string", "default": values["default"]}
    point = {"parameters": {"kind": parameter, "text": text}, "command": f"echo '{values['command']}'"}
    (root / "MLproject").write_text(json.dumps({"name": values["name"], "entry_points": {"main": point}}))
    if field in {"file", "entry point"}:
        (root / f"{MARKUP}.py").touch()
    got = await ask("projects")
    assert MARKUP in json.dumps(got.json, ensure_ascii=False)
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in got.headers["Content-Security-Policy"]
