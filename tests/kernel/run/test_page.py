"""The page of an executed notebook: kept with a run that failed or that was asked for one, made of any run later."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import nbproj
from nbproj import RunFailed
from nbproj.errors import RunError
from nbproj.options import order_from_options
from nbproj.runner import carry_out


def options(uri: Path, **given: object) -> dict[str, object]:
    """Return what a command line without further options means."""
    from nbproj.cli.running import run

    context = run.make_context("nbproj run", [str(uri)])
    return {**{name: value for name, value in context.params.items() if name not in {"as_json", "quiet"}}, **given}


def test_a_notebook_that_fails_leaves_a_page_beside_it_that_marks_the_cell(cli, project, notebook, store):
    notebook("print('<before>')", "1 / 0", "print('after')")
    done = cli("run", project(), "-e", "nb.ipynb", "-P", "x=1", "--json")
    assert done.code == 1
    run = nbproj.get_run(done.json["run_id"])
    assert "run/nb.html" in run.artifacts
    page = run.artifact("run/nb.html").read_text(encoding="utf-8")
    assert 'Failed in <a href="#cell-2">cell 2</a>: ZeroDivisionError: division by zero' in page
    assert "&lt;before&gt;" in page
    assert run.run_id in page
    assert f"  page       {run.notebook[:-6]}.html\n" in done.err
    assert page == run.html()


def test_a_notebook_that_succeeds_leaves_one_where_it_is_wanted(project, notebook, store, tmp_path, cli):
    path = notebook("print(alpha)", parameters="alpha = 0.5")
    plain = nbproj.run(path)
    assert plain.artifacts == ["run/environment.txt", "run/nb.ipynb", "run/output.log"]
    wanted = carry_out(order_from_options(options(path, html=True)))
    assert wanted.artifacts == ["run/environment.txt", "run/nb.html", "run/nb.ipynb", "run/output.log"]
    assert '<p class="verdict completed">Completed</p>' in wanted.artifact("run/nb.html").read_text(encoding="utf-8")
    assert json.loads(wanted.tags["nbproj.order"])["html"] is True  # and so will a rerun
    # Later, of any run, to where it is wanted.
    assert "Completed" in plain.html()
    assert plain.html(tmp_path / "page.html").read_text(encoding="utf-8") == plain.html()
    assert plain.html(str(tmp_path)) == tmp_path / f"nb-{plain.run_id[:8]}.html"
    with pytest.raises(RunError, match=r"page\.html cannot be written: No such file"):
        plain.html(tmp_path / "nowhere" / "page.html")
    done = cli("logs", plain.run_id, "--html", cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, f"nb-{plain.run_id[:8]}.html\n", "")
    assert (tmp_path / done.out.strip()).read_text(encoding="utf-8") == plain.html()


def test_a_detached_run_carries_the_wish_and_its_page_shows_it_so_far(project, notebook, store, tmp_path):
    gate = tmp_path / "gate"
    path = notebook("print('so far')", f"import os, time\nwhile not os.path.exists({str(gate)!r}):\n    time.sleep(0.05)")
    run = carry_out(order_from_options(options(path, html=True, detach=True)))
    deadline = time.monotonic() + 60
    page = ""
    while "cell 2, running" not in page:
        assert time.monotonic() < deadline, page
        time.sleep(0.1)
        try:
            page = run.html()
        except RunError:  # nothing of it was saved yet
            continue
    assert "so far" in page
    gate.touch()
    assert run.wait(60)
    assert "run/nb.html" in run.artifacts


def test_a_page_that_cannot_be_made_is_a_note_and_the_run_is_what_it_is(project, notebook, store):
    path = notebook("1")
    document = json.loads(path.read_text())
    document["cells"].append({"cell_type": "markdown", "id": "x", "metadata": {}, "source": "![](attachment:x)", "attachments": {"x": 5}})
    path.write_text(json.dumps(document))
    told = []
    order = order_from_options(options(path, html=True))
    run = carry_out(order, lambda event: told.append(event.text) if event.step == "note" else None)
    assert run.status == "FINISHED"
    assert run.artifacts == ["run/environment.txt", "run/nb.ipynb", "run/output.log"]
    assert [text for text in told if "cannot be shown as HTML" in text]


def test_a_secret_is_not_on_the_page(project, notebook, store):
    folder = project("entry_points: {look: {notebook: nb.ipynb, parameters: {token: {type: string, secret: true}}}}\n")
    notebook("print(token)", "raise ValueError(token)")
    with pytest.raises(RunFailed) as caught:
        nbproj.run(folder, "look", parameters={"token": "s3cr3t-and-long"})
    page = caught.value.run.artifact("run/nb.html").read_text(encoding="utf-8")
    assert "s3cr3t" not in page
    assert "ValueError" in page


def test_a_command_has_no_page(cli, project, store):
    folder = project("entry_points: {main: {command: 'true'}}\n")
    done = cli("run", folder, "--html")
    assert (done.code, "--html is for notebooks, and 'main' is a command" in done.err) == (120, True)
    run = nbproj.run(folder)
    with pytest.raises(RunError, match="has no executed notebook"):
        run.html()
