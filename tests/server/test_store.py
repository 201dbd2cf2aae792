"""Which store the server shows, why that one, and what it tells of its address."""

from __future__ import annotations

import base64
import json
import sqlite3

import many_runs
import pytest

pytest_plugins = ("pytest_jupyter.jupyter_server",)


async def test_the_store_of_a_folder_is_shown_with_the_reason(ask, root, monkeypatch, tmp_path):
    (root / "wine" / "deep").mkdir(parents=True)
    (root / "wine" / ".git").mkdir()
    told = {path: (await ask(f"status?path={path}")).json for path in ("", "wine/deep")}
    assert {path: one["why"] for path, one in told.items()} == dict.fromkeys(told, "made by the first run in this folder")
    many_runs.many_runs(root / "wine" / "mlflow.db", 3)
    assert (await ask("status?path=wine")).json["why"] == "the one in this folder"
    deep = (await ask("status?path=wine/deep")).json
    assert (deep["why"], deep["store"]) == ("the nearest one above this folder", str(root / "wine" / "mlflow.db"))
    assert (await ask("runs?path=wine/deep")).json["total"] == 3
    assert (await ask("runs")).json["total"] == 0
    assert not (root / "mlflow.db").exists()  # looking makes no store
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'team.db'}")
    named = (await ask("status?path=wine")).json
    assert (named["store"], named["why"]) == (str(tmp_path / "team.db"), "named by MLFLOW_TRACKING_URI, where the server was started")


async def test_a_setting_of_jupyterlab_goes_before_the_rest_until_it_is_empty(ask, root, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", many_runs.many_runs(tmp_path / "team.db", 3))
    mine = many_runs.many_runs(tmp_path / "mine.db", 5)
    assert (await ask("runs")).json["total"] == 3
    chosen = await ask("store", "PUT", {"tracking_uri": mine})
    assert (chosen.code, chosen.json) == (200, {"store": str(tmp_path / "mine.db"), "why": "set in JupyterLab's settings"})
    assert (await ask("runs")).json["total"] == 5
    # A run of the other store is none of ours now: its id means nothing here.
    assert (await ask(f"runs/{many_runs.run_id(2)}")).code == 200
    assert (await ask(f"runs/{many_runs.run_id(4)}")).code == 200
    await ask("store", "PUT", {"tracking_uri": ""})
    for route in ("", "/events", "/artifacts", "/artifacts/run/output.log"):
        got = await ask(f"runs/{many_runs.run_id(4)}{route}")
        assert got.code == 404, (route, got.body)
        assert "there is no run" in got.json["message"]
    assert (await ask(f"runs/{many_runs.run_id(4)}/stop", "POST")).code == 404
    asked = {"ids": [many_runs.run_id(2), many_runs.run_id(4)], "key": "rmse", "path": "a.png"}
    assert [one["label"] for one in (await ask("answers", "POST", {"kind": "compare", **asked})).json["of"]] == ["run-2"]
    assert (await ask("answers", "POST", {"kind": "values", **asked})).json["labels"] == ["run-2"]
    assert [one["steps"] for one in (await ask("answers", "POST", {"kind": "curves", **asked})).json["curves"]] == [[0, 1, 2, 3], []]
    for kind in ("pictures", "picture", "notebooks"):
        assert (await ask("answers", "POST", {"kind": kind, **asked, "ids": asked["ids"][::-1]})).code == 404


@pytest.mark.parametrize("given", [1, "x" * 3000, "http://a\nb", None])
async def test_what_is_no_address_is_refused(given, ask):
    assert (await ask("store", "PUT", {"tracking_uri": given})).code == 400


async def test_a_store_that_does_not_answer_is_told_in_a_line_without_its_credentials(ask, root):
    await ask("store", "PUT", {"tracking_uri": "http://eva:hunter22@127.0.0.1:1/?token=hunter22"})
    for route in ("runs", "status", f"runs/{'0' * 32}"):
        got = await ask(route)
        assert got.code == 503, (route, got.body)
        assert "127.0.0.1:1" in got.json["message"]
        assert b"hunter22" not in got.body
    (root / "notes.db").write_text("no database")
    await ask("store", "PUT", {"tracking_uri": f"sqlite:///{root / 'notes.db'}"})
    assert (await ask("runs")).code == 409


async def test_a_store_that_lies_there_does_not_decide_which_files_are_read(ask, root, monkeypatch):
    (root.parent / "private").mkdir()
    (root.parent / "private" / "key.txt").write_text("hidden")
    (root.parent / "private" / "face.png").write_bytes(b"hidden")
    notebook = {
        "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "hidden"}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root.parent / "private" / "run").mkdir()
    (root.parent / "private" / "run" / "train.ipynb").write_text(json.dumps(notebook))
    (root.parent / "private" / "run" / "output.log").write_text("hidden")
    uri = many_runs.many_runs(root / "mlflow.db", 2)
    for there in (f"file://{root.parent / 'private'}", str(root.parent / "private"), f"{root}/../private", f"file:{root.parent}/private"):
        with sqlite3.connect(root / "mlflow.db") as database:
            database.execute("UPDATE runs SET artifact_uri = ?", (there,))
        database.close()
        for route in ("", "/events", "/artifacts", "/artifacts/key.txt"):
            got = await ask(f"runs/{many_runs.run_id(1)}{route}")
            assert (got.code, b"hidden" in got.body, b"key" in got.body) == (409, False, False), (there, route)
        for kind in ("pictures", "picture", "notebooks"):
            got = await ask("answers", "POST", {"kind": kind, "ids": [many_runs.run_id(1)] * 2, "path": "face.png"})
            assert (got.code, b"hidden" in got.body, b"face" in got.body) == (409, False, False), (there, kind)
    assert (await ask("runs")).json["total"] == 2
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)  # named: whoever started the server answers for it
    assert (await ask(f"runs/{many_runs.run_id(1)}/artifacts/key.txt")).body == b"hidden"
    shown = (await ask("answers", "POST", {"kind": "picture", "ids": [many_runs.run_id(1)], "path": "face.png"})).json
    assert [base64.b64decode(one) for one in shown["buffers"]] == [b"hidden"]


async def test_a_link_among_the_artifacts_leads_nowhere(ask, root):
    many_runs.many_runs(root / "mlflow.db", 2)
    (root.parent / "private").mkdir()
    (root.parent / "private" / "face.png").write_bytes(b"hidden")
    notebook = {
        "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "hidden"}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (root.parent / "private" / "train.ipynb").write_text(json.dumps(notebook))
    (root.parent / "private" / "output.log").write_text("hidden")
    artifacts = root / "artifacts" / many_runs.run_id(1) / "artifacts"
    (artifacts / "run").mkdir(parents=True)
    (artifacts / "face.png").symlink_to(root.parent / "private" / "face.png")
    (artifacts / "own.png").write_bytes(b"own")
    ids = [many_runs.run_id(1)] * 2
    assert (await ask("answers", "POST", {"kind": "picture", "ids": ids, "path": "own.png"})).code == 200
    told = {}
    for name in ("output.log", "train.ipynb"):
        (artifacts / "run" / name).symlink_to(root.parent / "private" / name)
    for link in (None, "all"):
        if link:  # of a folder
            (artifacts / link).symlink_to(root.parent / "private")
        for asked in ({"kind": "picture", "path": "face.png"}, {"kind": "picture", "path": "all/face.png"}, {"kind": "notebooks"}):
            told[f"{link} {asked}"] = (await ask("answers", "POST", {"ids": ids, **asked})).body
        for route in ("", "/events", "/artifacts", "/artifacts/all/face.png", "/artifacts/face.png", "/artifacts/run/output.log"):
            told[f"{link} {route}"] = (await ask(f"runs/{ids[0]}{route}")).body
    assert {name: body for name, body in told.items() if b"hidden" in body or base64.b64encode(b"hidden") in body} == {}
