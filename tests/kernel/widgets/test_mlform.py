"""`%mlform` where nobody sits before it: a notebook that is executed gets the defaults, quickly, and holds plain text and HTML."""

from __future__ import annotations

import subprocess
import sys

import nbformat
import nbformat.v4
from nbclient import NotebookClient

CELLS = [
    "%load_ext nbproj",
    "form = %mlform wine.ipynb -e train",
    "print(form.value)",
    "import nbproj\nnbproj.form('wine.ipynb', 'train')",
]
DECLARED = ["%%parameters\nalpha: float = 0.5  # <b>strength</b>\ntoken: Secret = None", "%%entrypoint train\nprint(alpha)"]
SPEC = {"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}}


def saved(path, sources):
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{index}") for index, source in enumerate(sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=SPEC), path)
    return path


def test_an_executed_notebook_gets_the_defaults_and_exports_to_plain_html(tmp_path):
    saved(tmp_path / "wine.ipynb", DECLARED)
    path = saved(tmp_path / "analysis.ipynb", CELLS)
    document = nbformat.read(path, 4)
    NotebookClient(document, timeout=120, resources={"metadata": {"path": str(tmp_path)}}, store_widget_state=False).execute()
    nbformat.write(document, path)
    assert document.cells[2].outputs[0].text == "{'alpha': 0.5}\n"
    form, cards = document.cells[1].outputs
    assert set(form.data) == {"text/plain", "text/html"}
    assert "alpha" in form.data["text/html"]
    assert "<b>strength" not in form.data["text/html"]
    assert cards.data["text/plain"] == ""
    assert "widgets" not in document.metadata
    assert document.cells[3].outputs[0].data["text/html"] == form.data["text/html"]

    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--template", "basic", "--stdout", str(path)]
    page = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout.decode()
    assert "strength" in page
    assert "widget-view" not in page


def test_a_terminal_is_told_what_to_do_instead(tmp_path):
    code = "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance(); s.run_cell('%load_ext nbproj'); s.run_cell('%mlform')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert "run with %mlrun" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
