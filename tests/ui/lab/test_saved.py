"""What a saved notebook shows of runs and projects where no kernel is alive."""

from __future__ import annotations

import json
import uuid

import nbformat.v4
from nbformat.sign import NotebookNotary
from playwright.sync_api import expect

MARKUP = "<img src=x onerror='window.pwned = 1'>"
RUN = "application/vnd.nbproj.run.v1+json"
ENDED = {
    "version": 1,
    "run_id": "0" * 32,
    "status": "FAILED",
    "stage": "ended",
    "entry_point": MARKUP,
    "name": MARKUP,
    "reason": MARKUP,
    "params": {MARKUP: MARKUP},
    "metrics": {MARKUP: {"value": 0.5, "course": [3, 2, 1]}},
    "output": [MARKUP],
    "notes": [MARKUP],
    "start_time": 1e12,
    "end_time": 1e12 + 5000,
}
WIDGET = {"application/vnd.jupyter.widget-view+json": {"version_major": 2, "version_minor": 0, "model_id": "gone"}, "text/plain": "a widget"}


def shown(**data: object) -> object:
    """Return an output with these MIME types."""
    return nbformat.v4.new_output("display_data", data=data)


def saved(jupyter, *outputs: list[object]) -> object:
    """Write a notebook that its reader trusts, a cell for each list of outputs, and return the file."""
    cells = [nbformat.v4.new_code_cell("...", outputs=list(one), execution_count=number) for number, one in enumerate(outputs, 1)]
    document = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}})
    file = jupyter.root / uuid.uuid4().hex[:8] / "saved.ipynb"
    file.parent.mkdir()
    file.write_text(nbformat.writes(document))
    notary = NotebookNotary(data_dir=str(jupyter.root.parent / "data"))
    notary.sign(nbformat.read(file, 4))
    notary.store.close()
    return file


def test_what_was_saved_is_drawn_as_text_and_no_widget_of_ours_is_said_to_be_loading(front_end, jupyter):
    project = {"name": MARKUP, "entry_points": {MARKUP: {"alpha": 1}}}
    table = '<div class="nbproj-fallback"><table><tr><td>as it was</td></tr></table></div>'
    form = [shown(**{"text/html": table, "text/plain": "x"}), shown(**WIDGET)]
    file = saved(jupyter, [shown(**{RUN: ENDED})], [shown(**{"application/vnd.nbproj.project.v1+json": project})], form, [shown(**WIDGET)])
    opened = front_end(file=file, kernel=False)
    expect(opened.output(0).locator(".nbproj-state")).to_have_text("FAILED")
    expect(opened.output(0)).to_contain_text(MARKUP)
    expect(opened.output(1)).to_contain_text(MARKUP)
    expect(opened.output(3)).to_contain_text("Loading widget")  # somebody else's, which is not ours to hide
    expect(opened.output(2).get_by_text("as it was")).to_be_visible()
    expect(opened.output(2).get_by_text("Loading widget")).to_be_hidden()
    for theme in ("light", "dark"):
        opened.theme(theme)
        assert opened.violations() == []
    opened.screenshot("saved-dark")
    assert opened.page.evaluate("() => window.pwned") is None
    assert opened.page.locator(".nbproj-card img").count() == 0


def test_a_card_that_was_saved_while_its_run_went_on_is_brought_up_to_date(panel_in):
    panel = panel_in("lab")
    opened, page = panel.opened, panel.opened.page
    run = panel.start(rounds=1)
    card = {**panel.ask("GET", f"nbproj/api/runs/{run}?path={opened.folder.name}")["card"], "status": "RUNNING", "stage": "running"}
    document = nbformat.read(opened.file, 4)
    document.cells.append(nbformat.v4.new_code_cell("%mlrun", outputs=[shown(**{RUN: card})], execution_count=1))
    opened.file.write_text(nbformat.writes(document))
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.revert()")
    expect(opened.output(3).locator(".nbproj-state")).to_have_text("FINISHED")
    opened.output(3).get_by_role("button", name="Show in Projects").click()
    panel.wait_for_state("FINISHED")
    expect(panel.card).to_contain_text(run[:8])
    assert json.loads(opened.file.read_text())["cells"][3]["outputs"][0]["data"][RUN]["status"] == "RUNNING", "the file is not touched"
