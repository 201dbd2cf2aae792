"""The card in a saved notebook: static, complete, the same however often it is made or the file is saved."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import nbformat
import nbformat.v4
import pytest
from nbclient import NotebookClient

import nbproj
from nbproj.display.card_json import MIME

LOGGING = """
import sys
import mlflow

with mlflow.start_run():
    for step in range(50):
        mlflow.log_metric("loss", 1 / (1 + step), step=step)
    mlflow.log_metric("accuracy", 0.75)
print("\\x1b[32mtrained\\x1b[0m with", sys.argv[1:])
"""
ALLOWED = {"b", "circle", "code", "details", "div", "path", "pre", "span", "summary", "svg", "table", "tbody", "td", "th", "thead", "title", "tr"}


@pytest.fixture
def saved(project, notebook, store, tmp_path):
    """Return a function that has a real kernel run entry points of a project, and returns the file in which that notebook was saved."""
    folder = project(train__py=LOGGING)
    notebook("print('hello from', name)", LOGGING.replace("sys.argv[1:]", "name"), parameters="name = 'nobody'")

    def execute(*lines):
        sources = ["%load_ext nbproj", *(f"%mlrun {folder} {line}" for line in lines)]
        cells = [nbformat.v4.new_code_cell(source, id=f"cell-{index}") for index, source in enumerate(sources)]
        document = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}})
        NotebookClient(document, timeout=120, resources={"metadata": {"path": str(tmp_path)}}, store_widget_state=False).execute()
        path = tmp_path / "analysis.ipynb"
        nbformat.write(document, path)
        return path

    return execute


class Shown(HTMLParser):
    """What a page shows, however its source is written: tags, attributes by name, texts."""

    def __init__(self, page):
        super().__init__()
        self.parts = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.parts.append((tag, *sorted((name, value or "") for name, value in attributes)))

    def handle_data(self, data):
        self.parts += data.split()


def cards(path):
    """Return what the saved cells show of their runs."""
    return [
        output["data"] for cell in nbformat.read(path, 4).cells[1:] for output in cell.outputs if output.output_type == "display_data" and output.data
    ]


def pretty(run):
    """Return what a display makes of a run that is found again, in nothing but the store."""
    bundle = run._repr_mimebundle_()
    return {mime: bundle[mime] for mime in ("text/plain", "text/html", MIME)}


def test_the_saved_card_is_complete_static_and_the_same_for_ever(saved):
    path = saved("-e train.py -P alpha=0.5", "-e nb.ipynb -P name=Ana")
    script, book = cards(path)
    for card, entry_point in ((script, "train.py"), (book, "nb.ipynb")):
        assert set(card) == {"text/plain", "text/html", MIME}
        assert card[MIME]["status"] == "FINISHED"
        assert card[MIME]["entry_point"] == entry_point
        assert card[MIME]["metrics"]["accuracy"]["value"] == 0.75
        assert len(card[MIME]["metrics"]["loss"]["course"]) > 20
        assert len(json.dumps(card[MIME], indent=1)) < 10_000
        page = card["text/html"]
        assert "50 values from 1 to 0.02" in page
        assert "trained" in page
        assert set(re.findall(r"<(\w+)", page)) <= ALLOWED
        assert not re.search(r"https?:|\bon\w+=|\b(src|href|id)=|url\(|as of", page)
        assert "FINISHED" in card["text/plain"]
        assert "loss" in card["text/plain"]
    assert "alpha" in script["text/html"]
    assert "hello from Ana" in book["text/html"]

    # Opened and saved again, nothing has run: no line of the file differs.
    before = path.read_bytes()
    nbformat.write(nbformat.read(path, 4), path)
    assert path.read_bytes() == before

    # What is found again is drawn as it was drawn at first, by this process and by another.
    for card in (script, book):
        run_id = card[MIME]["run_id"]
        first, second = pretty(nbproj.get_run(run_id)), pretty(nbproj.get_run(run_id))
        assert first == second
        code = f"import json, nbproj; print(json.dumps(nbproj.get_run({run_id!r})._repr_mimebundle_()))"
        elsewhere = subprocess.run([sys.executable, "-c", code], cwd=path.parent, capture_output=True, timeout=60, check=True)
        assert json.loads(elsewhere.stdout) == first
        assert first[MIME]["metrics"] == card[MIME]["metrics"]
        assert {**first[MIME], "output": card[MIME]["output"]} == card[MIME]


def test_exported_html_holds_the_card_and_loads_nothing_for_it(saved):
    path = saved("-e train.py -P alpha=0.5")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--template", "basic", "--stdout", str(path)]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    page, (card,) = done.stdout.decode(), cards(path)
    inside, whole = Shown(card["text/html"]).parts, Shown(page).parts
    start = whole.index(inside[0])
    assert whole[start : start + len(inside)] == inside
    assert not [part for part in whole if part[0] in {"script", "link", "iframe", "img"}]
