"""The panel in JupyterLab, in a real browser with a real kernel: very many runs, and a cell that runs. Ana's walk shows it in both front ends."""

import re

LOAD = "%load_ext nbproj"
BUSY = "import pathlib, time\nwhile not pathlib.Path('enough').exists():\n    time.sleep(0.1)"
LINE = "[role=gridcell]:not(:empty)"


def test_a_panel_of_ten_thousand_runs_is_saved_small_and_keeps_its_keys_from_jupyter(lab, ten_thousand):
    one = lab(LOAD, f"panel = %mlruns --tracking-uri {ten_thousand}", "print([run.run_id for run in panel.selected])", height=1150)
    one.run(0)
    out = one.run(1)
    out.locator(f".nbp-body {LINE}").first.wait_for()
    assert "10,000 runs" in out.locator(".nbp-status").inner_text()
    out.locator(".nbproj-fallback").wait_for(state="hidden")
    out.locator(".nbp-body .nbp-row").nth(1).locator(".nbp-cell").nth(2).click()
    out.locator(".nbp-body .nbp-row").nth(3).locator(".nbp-cell").nth(2).click()
    one.screenshot("panel-table-light")
    # What Jupyter does on these keys in command mode would delete the cell.
    for key in ("d", "d", "x", "ArrowDown"):
        one.page.keyboard.press(key)
    assert one.page.locator(".jp-Notebook .jp-Cell").count() == 3
    assert len(re.findall("[0-9a-f]{32}", one.run(2).inner_text())) == 2
    saved = one.save()
    assert one.file.stat().st_size < 15_000
    assert "widgets" not in saved.metadata
    assert "and 9995 more" in saved.cells[1].outputs[0].data["text/html"]


def test_a_cell_that_runs_keeps_the_panel_neither_from_opening_nor_from_scrolling(lab, ten_thousand):
    one = lab(LOAD, f"%mlruns --tracking-uri {ten_thousand}", BUSY)
    one.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    prompt = one.page.locator(".jp-Notebook .jp-Cell .jp-InputPrompt")
    prompt.nth(1).filter(has_text="[2]:").wait_for()
    out = one.output(1)
    out.locator(f".nbp-body {LINE}").first.wait_for()
    out.locator(".nbp-grid").evaluate("(grid) => { grid.scrollTop = grid.scrollHeight; }")
    one.page.wait_for_function("() => [...document.querySelectorAll('.nbp-body .nbp-row')].some((row) => row.innerText.includes('batch-0'))")
    assert prompt.nth(2).inner_text() == "[*]:"  # the cell goes on
    one.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
