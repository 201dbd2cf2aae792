"""Runs that are started, watched, stopped and read over HTTP; each is a real one, carried by a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import pytest

import nbproj
from nbproj.tracking.ledger import Ledger
from nbproj.tracking.mlflow_store import open_store

pytest_plugins = ("pytest_jupyter.jupyter_server",)

COUNT = f"{sys.executable} -u -c \"import time\nfor n in range(10000): print('line', n, '\u2713'); time.sleep(0.05)\""
MARKUP = "<script>alert(1)</script>"


def events(text: str) -> list[tuple[str, dict]]:
    """Return the events of a stream, with their ids; a block that is cut off is none."""
    found = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            found.append((fields["id"], json.loads(fields["data"])))
    return found


@pytest.fixture
def watch(jp_http_port, jp_base_url, jp_auth_header):
    """Return a function that reads the events of a run until enough have come, and then goes away as a closed tab does."""

    async def read(run_id, enough=lambda _text: False, **headers):
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
        lines = [f"GET {jp_base_url}nbproj/api/runs/{run_id}/events?path=wine HTTP/1.0", "Host: 127.0.0.1"]  # 1.0 has no pieces to put together
        lines += [f"{name}: {value}" for name, value in {**jp_auth_header, **headers}.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        data = b""
        try:
            while (piece := await asyncio.wait_for(reader.read(1 << 16), 120)) and not enough((data := data + piece).decode(errors="replace")):
                pass
        finally:
            writer.transport.abort()
        head, _, text = data.partition(b"\r\n\r\n")
        assert b"Content-Type: text/event-stream" in head, head
        return events(text.decode(errors="replace"))

    return read


def printed(found) -> list[str]:
    return "".join(event["text"] for _id, event in found if event["step"] == "output").splitlines(keepends=True)


async def test_a_run_is_started_watched_left_taken_up_again_and_stopped(ask, start, watch, root, jp_serverapp):
    run_id = await start(COUNT, run_name=MARKUP)
    listed = (await ask("runs?path=wine")).json
    assert listed["total"] == 1, listed
    row = listed["rows"][0]
    assert (row["id"], row["status"], row["label"]) == (run_id, "RUNNING", MARKUP)
    assert (await ask("status?path=wine")).json["running"] == 1
    assert (await ask("status")).json["running"] == 0  # another folder, another store

    first = await watch(run_id, lambda text: "line 12 " in text and '"started"' in text and text.endswith("\n\n"))
    assert {"created", "started"} <= {event["step"] for _id, event in first}
    rest = asyncio.ensure_future(watch(run_id, **{"Last-Event-ID": first[-1][0]}))
    await asyncio.sleep(1)
    stopped = await ask(f"runs/{run_id}/stop?path=wine", "POST")
    assert (stopped.code, stopped.json["run"]["status"]) == (200, "KILLED")
    second = await asyncio.wait_for(rest, 60)
    assert second[-1][0] == "end"
    assert second[-1][1]["data"] == {"run_id": run_id, "status": "KILLED", "exit_code": 143}

    # Nothing twice, nothing lost, not even a character that was cut.
    lines = printed([*first, *second])
    assert lines == [f"line {n} \u2713\n" for n in range(len(lines))]
    told = [event for _id, event in [*first, *second] if event["step"] not in {"output", "settled", "note"}]
    assert len({json.dumps(event, sort_keys=True) for event in told if event["step"] != "metric"}) == len(told)
    assert (await ask(f"runs/{run_id}/events?path=wine&after=end")).code == 204
    assert (await ask(f"runs/{run_id}/events?path=wine&after=nonsense")).code == 400
    late = await watch(run_id)
    assert (printed(late), late[-1][0]) == (lines, "end")
    assert (await ask(f"runs/{run_id}/stop?path=wine", "POST")).json["run"]["status"] == "KILLED"  # once more is nothing
    assert jp_serverapp.web_app.settings["nbproj"].streams == 0


async def test_who_comes_late_to_very_much_output_gets_the_last_of_it_and_a_note(ask, start, watch):
    program = "import time; print('✓' * 1000000); print('last', flush=True); time.sleep(600)"
    run_id = await start(f'{sys.executable} -c "{program}"')
    deadline = time.monotonic() + 60
    while not nbproj.get_run(run_id).logs().endswith("last\n"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    while_it_runs = await watch(run_id, lambda text: "last" in text and text.endswith("\n\n"))
    assert (await ask(f"runs/{run_id}/stop?path=wine", "POST")).code == 200
    for told in (while_it_runs, await watch(run_id)):
        assert told[0][1]["step"] == "note"
        assert "bytes of the output are left out here" in told[0][1]["text"]
        text = "".join(printed(told))
        assert text.endswith("last\n")
        assert 1 << 19 < len(text.encode()) <= (1 << 20) + 10


async def test_what_a_run_has_left_is_listed_and_saved_as_files_only(ask, start, root):
    page = "<script>alert(1)</script>"
    program = f"import os, pathlib; folder = pathlib.Path(os.environ['NBPROJ_OUTPUT_DIR']); (folder / 'a page.html').write_text('{page}')"
    run_id = await start(f'{sys.executable} -c "{program}"')
    assert nbproj.get_run(run_id).wait(60)
    base = f"runs/{run_id}/artifacts"
    listed = {one["path"]: one["size"] for one in (await ask(f"{base}?path=wine")).json["artifacts"]}
    assert listed["a page.html"] == len(page)
    got = await ask(f"{base}/a%20page.html?path=wine")
    assert (got.code, got.body.decode()) == (200, page)
    headers = {name: got.headers[name] for name in ("Content-Type", "X-Content-Type-Options", "Content-Security-Policy", "Content-Disposition")}
    assert headers == {
        "Content-Type": "application/octet-stream",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": "attachment; filename*=utf-8''a%20page.html",
    }
    artifacts = root / "wine" / "mlruns" / "0" / run_id / "artifacts"
    (artifacts / "out").symlink_to("/etc/hostname")
    (root / "secret.txt").write_text("secret")
    climb = "/".join([".."] * 5) + "/secret.txt"
    codes = {}
    for path in (
        climb,
        climb.replace("..", "%2e%2e"),
        climb.replace("/", "%2f"),
        str(root / "secret.txt"),
        "out",
        "run",
        "none",
        "a%00b",
        "run//x",
        ".",
    ):
        got = await ask(f"{base}/{path}?path=wine")
        codes[path] = got.code
        assert b"secret" not in got.body.replace(b"secret.txt", b""), path
    assert set(codes.values()) == {404}

    told = (await ask(f"runs/{run_id}?path=wine")).json
    assert (told["run"]["status"], told["row"]["status"], told["card"]["run_id"]) == ("FINISHED", "FINISHED", run_id)
    assert told["notebook_path"] is None
    for wrong in (run_id[:8], run_id.upper(), "0" * 32):
        assert (await ask(f"runs/{wrong}?path=wine")).code == 404


async def test_a_run_that_its_program_ends_early_goes_on_until_all_of_it_is_there(ask, start, root):
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)\nprint('the last word')"
    run_id = await start(f'{sys.executable} -c "{wait}"')
    open_store(f"sqlite:///{root}/wine/mlflow.db").set_status(run_id, "FINISHED")  # what leaving `with mlflow.start_run()` does
    told = (await ask(f"runs/{run_id}?path=wine")).json
    assert (told["settled"], told["row"]["status"], told["card"]["status"], told["run"]["status"]) == (False, "RUNNING", "RUNNING", "RUNNING")
    assert (told["row"]["end_time"], told["card"]["end_time"], told["card"]["stage"]) == (None, None, "running")
    assert (await ask("runs?path=wine")).json["rows"][0]["status"] == "RUNNING"
    assert not nbproj.get_run(run_id).has_ended()
    (root / "wine" / "go").touch()
    deadline = time.monotonic() + 60
    while not (told := (await ask(f"runs/{run_id}?path=wine")).json)["settled"]:
        assert time.monotonic() < deadline
        assert told["row"]["status"] == "RUNNING", "whoever is told of the end is told all of it"
        await asyncio.sleep(0.1)
    assert (told["row"]["status"], told["row"]["exit_code"], told["card"]["output"]) == ("FINISHED", 0, ["the last word"])


async def test_a_run_that_nbproj_does_not_carry_is_settled_when_its_status_is_final(ask, start, root):
    assert nbproj.get_run(await start("true")).wait(60)
    store = open_store(f"sqlite:///{root}/wine/mlflow.db")
    run_id = store.create_run("0", name="by hand", tags={}).run_id
    assert (await ask(f"runs/{run_id}?path=wine")).json["settled"] is False
    store.set_status(run_id, "FINISHED")
    told = (await ask(f"runs/{run_id}?path=wine")).json
    assert (told["settled"], told["row"]["status"]) == (True, "FINISHED")
    assert nbproj.get_run(run_id, tracking_uri=store.uri).wait(60)


async def test_what_is_refused_leaves_no_run_and_secrets_are_in_no_answer(ask, root, monkeypatch):
    monkeypatch.setenv("TEAM_TOKEN", "tk-4711-hidden")
    parameters = "{alpha: {type: float}, data: {type: path}, key: {type: string, secret: true}}"
    (root / "MLproject").write_text(f"entry_points:\n  main:\n    parameters: {parameters}\n    command: echo {{alpha}} {{data}}\n")
    wrong = {
        "Did you mean 'alpha'?": {"parameters": {"aplha": 1, "data": "x", "key": "pw-hidden-1"}},
        "'x' is not a float": {"parameters": {"alpha": "x", "data": ".", "key": "pw-hidden-1"}},
        "data": {"parameters": {"alpha": 1, "data": "pw-none.csv", "key": "pw-hidden-1"}},
        "there is no entry point 'mian'": {"entry_point": "mian"},
        "no environment manager": {"env_manager": "cnoda"},
        "backend": {"backend": "nobody"},
        "nbproj's own record": {"tags": {"nbproj.x": "1"}},
    }
    told = {}
    for expected, given in wrong.items():
        got = await ask("runs", "POST", given)
        if not 400 <= got.code < 500 or expected not in got.json["message"] + got.json["hint"] or b"hidden" in got.body or b"Traceback" in got.body:
            told[expected] = (got.code, got.body)
    assert told == {}
    assert (await ask("runs")).json["total"] == 0
    assert list(Ledger.open()) == []
    named = await ask("projects?path=https://eva:tk-4711-hidden@example.org/x.git")
    assert (named.code, b"hidden" in named.body) == (404, False)


async def test_a_notebook_runs_from_its_folder_and_is_found_there(ask, root, start):
    cells = [{"cell_type": "code", "source": "# parameters\nn: int = 1", "id": "a"}, {"cell_type": "code", "source": "print(n * 2)", "id": "b"}]
    cells = [{**cell, "metadata": {}, "outputs": [], "execution_count": None} for cell in cells]
    (root / "wine").mkdir()
    (root / "wine" / "train.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    got = await ask("runs", "POST", {"path": "wine/train.ipynb", "parameters": {"n": 21}})
    assert got.code == 201, got.body
    run_id = got.json["run"]["run_id"]
    assert got.headers["Location"].endswith(f"/nbproj/api/runs/{run_id}")
    deadline = time.monotonic() + 120
    while (told := (await ask(f"runs/{run_id}?path=wine")).json)["run"]["status"] == "RUNNING":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.5)
    assert told["run"]["status"] == "FINISHED", told
    assert told["notebook_path"] == f"wine/mlruns/0/{run_id}/artifacts/run/train.ipynb"
    assert "42" in (root / told["notebook_path"]).read_text()
    assert told["notebook_artifact"] == "run/train.ipynb"
