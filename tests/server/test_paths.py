"""Paths in addresses and bodies: the server's folder, and nothing else, is looked at and run."""

from __future__ import annotations

import json

pytest_plugins = ("pytest_jupyter.jupyter_server",)

OUTSIDE = "entry_points:\n  stolen:\n    command: touch {marker}\n"
RUN = "0" * 32


def attacks(root):
    """Return ways out of the server's folder, as they stand in a query."""
    beside = root.parent / f"{root.name}-beside"
    for folder in (beside, root.parent / "above", root / ".hidden"):
        folder.mkdir()
        (folder / "MLproject").write_text(OUTSIDE.replace("{marker}", str(root.parent / "PWNED")))
    (root / "link").symlink_to(root.parent / "above")
    (root / "loop").symlink_to(root / "loop")
    (root / "wine").mkdir()
    (root / "wine" / "out.ipynb").symlink_to(root.parent / "above" / "MLproject")
    return [
        "../above",
        "wine/../../above",
        "%2e%2e/above",
        "%2e%2e%2fabove",
        "..%5cabove",
        f"../{beside.name}",
        f"{root}-beside",
        str(root.parent / "above"),
        "link",
        "link/MLproject",
        "loop",
        "wine/out.ipynb",
        ".hidden",
        "wine%00",
        "%00",
        "a/" * 3000,
        "x" * 5000,
        "~",
        "file:///etc",
        "https://example.org/x.git",
        "git+file:///tmp",
        "wine#../../above",
    ]


async def test_no_path_leads_out_of_the_servers_folder_to_be_read(ask, root):
    told = {}
    for attack in attacks(root):
        for route in ("projects", "runs", "status", f"runs/{RUN}"):
            got = await ask(f"{route}?path={attack.replace('#', '%23')}")
            if not 400 <= got.code < 500 or "stolen" in got.body.decode() or not got.json["message"]:
                told[f"{route} {attack[:60]}"] = (got.code, got.body)
    assert told == {}


async def test_no_path_leads_out_of_the_servers_folder_to_be_run(ask, root):
    told = {}
    for attack in [*attacks(root), "wine\0", "\ud800"]:
        given = json.dumps({"path": attack.replace("%00", "\0").replace("%2e", ".").replace("%2f", "/"), "entry_point": "stolen"})
        got = await ask("runs", "POST", given.encode())
        if not 400 <= got.code < 500:
            told[attack[:60]] = (got.code, got.body)
    assert told == {}
    assert not (root.parent / "PWNED").exists()
    assert list(root.parent.rglob("mlflow.db")) == []


async def test_no_route_takes_a_path_that_leads_out_of_the_servers_folder(ask, root):
    queries = [f"GET runs/{RUN}/events", f"GET runs/{RUN}/artifacts", f"GET runs/{RUN}/artifacts/a.txt", f"POST runs/{RUN}/stop", "POST answers"]
    told = {}
    for attack in attacks(root):
        asked = {
            query: (f"{query.split()[1]}?path={attack.replace('#', '%23')}", {"kind": "columns"} if "answers" in query else None) for query in queries
        }
        body = attack.replace("%00", "\0").replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\")
        asked |= {f"POST {route}": (route, {"path": body, "entry_point": "stolen", "several": {}}) for route in ("checks", "batches")}
        for query, (route, given) in asked.items():
            got = await ask(route, query.split()[0], given)
            if not 400 <= got.code < 500 or "stolen" in got.json["message"] or "\n" in got.json["message"]:
                told[f"{query} {attack[:60]}"] = (got.code, got.body)
    assert told == {}
    assert not (root.parent / "PWNED").exists()
    assert list(root.parent.rglob("mlflow.db")) == []


async def test_a_nul_is_refused_wherever_a_text_is_a_name(ask, root):
    (root / "train.sh").write_text("true\n")
    refused = [("GET", f"runs/{'a%00'}{RUN[4:]}", None), ("GET", f"runs/{RUN}/artifacts/a%00b", None), ("GET", "runs?path=%00", None)]
    refused += [(verb, route, {"entry_point": "train.sh\0"}) for verb, route in (("POST", "runs"), ("POST", "checks"), ("POST", "batches"))]
    refused += [("PUT", "store", {"tracking_uri": "sqlite:///a\0b"}), ("POST", "answers", {"kind": "compare", "ids": ["\0"]})]
    codes = {f"{verb} {route}": (await ask(route, verb, given)).code for verb, route, given in refused}
    assert {route: code for route, code in codes.items() if not 400 <= code < 500} == {}
    assert not (root / "mlflow.db").exists()


async def test_an_entry_point_outside_its_project_is_refused(ask, root):
    attacks(root)
    (root / "evil.sh").write_text(f"touch {root.parent / 'PWNED'}\n")
    for name in ("../evil.sh", "../../above/x.sh", "out.ipynb", "/bin/sh"):
        got = await ask("runs", "POST", {"path": "wine", "entry_point": name})
        assert got.code == 422, (name, got.body)
    assert not (root.parent / "PWNED").exists()


async def test_the_servers_folder_itself_and_what_lies_in_it_are_served(ask, root):
    (root / "wine #1").mkdir()
    (root / "wine #1" / "train.py").write_text("print(1)\n")
    (root / "notes.ipynb").write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    assert (await ask("projects")).json["path"] == ""
    found = (await ask("projects?path=/wine%20%231/")).json
    assert (list(found["entry_points"]), found["path"], found["folder"]) == (["train.py"], "wine #1", "wine #1")
    found = (await ask("projects?path=notes.ipynb")).json
    assert (list(found["entry_points"]), found["path"], found["folder"]) == (["main"], "notes.ipynb", "")
