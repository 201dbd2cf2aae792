"""The ways into the panel: the launcher, the menu of a file, a notebook's toolbar, the window's edge; and the marks of cells."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

MLPROJECT = """name: wine
entry_points:
  main:
    parameters: {alpha: {type: float, default: 0.1}}
    command: python train.py --alpha {alpha}
"""


@pytest.fixture(scope="module")
def files(kept_panel):
    """Return the panel beside a folder that holds one file of each kind."""
    opened = kept_panel.opened
    (opened.folder / "train.py").write_text("print(1)\n")
    (opened.folder / "MLproject").write_text(MLPROJECT)
    (opened.folder / "notes.txt").write_text("x\n")
    (opened.folder / "inner").mkdir()
    (opened.folder / "inner" / "other.py").write_text("print(2)\n")
    opened.page.evaluate("(path) => window.jupyterapp.commands.execute('filebrowser:open-path', {path})", opened.folder.name)
    return kept_panel


@pytest.mark.parametrize(
    ("file", "project", "entry"),
    [
        ("analysis.ipynb", "notebook analysis.ipynb", "train"),
        ("train.py", "script train.py", "train.py"),
        ("MLproject", "folder {folder}", "main"),
        ("inner", "folder {folder}/inner", "other.py"),
    ],
)
def test_the_menu_of_a_file_turns_the_panel_to_it(files, file, project, entry):
    page = files.opened.page
    page.evaluate("() => window.jupyterapp.shell.activateById('filebrowser')")
    page.locator(".jp-DirListing-item").filter(has_text=file).click(button="right")
    page.get_by_role("menuitem", name="Run as Project...").click()
    expect(files.project).to_have_text(project.format(folder=files.opened.folder.name))
    expect(files.labelled("entry point")).to_have_value(entry)
    expect(files.labelled("entry point")).to_be_focused()
    assert files.errors == []


def test_a_file_that_nothing_runs_has_no_such_menu(files):
    page = files.opened.page
    page.evaluate("() => window.jupyterapp.shell.activateById('filebrowser')")
    page.locator(".jp-DirListing-item").filter(has_text="notes.txt").click(button="right")
    page.get_by_role("menuitem", name="Rename").wait_for()
    expect(page.get_by_role("menuitem", name="Run as Project...")).to_be_hidden()
    page.keyboard.press("Escape")


def test_the_launcher_has_a_card(files):
    page = files.opened.page
    page.evaluate("() => window.jupyterapp.shell.activateById('filebrowser')")
    page.evaluate("() => { window.jupyterapp.commands.execute('launcher:create'); }")
    page.locator(".jp-LauncherCard", has_text="Projects").focus()
    page.keyboard.press("Enter")
    expect(files.node).to_be_visible()
    expect(files.labelled("project")).to_be_focused()
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.close(); }")


def test_the_toolbar_of_a_notebook_turns_the_panel_to_it(files):
    page = files.opened.page
    files.command("nbproj:open-projects")
    files.labelled("project").select_option(index=0)
    page.evaluate("() => window.jupyterapp.shell.activateById('filebrowser')")
    page.get_by_role("button", name="Run this notebook as a project: choose entry point and parameters").first.click()
    expect(files.project).to_have_text("notebook analysis.ipynb")
    expect(files.labelled("entry point")).to_be_focused()


def test_the_number_at_the_windows_edge_leads_to_the_panel(files):
    page = files.opened.page
    page.evaluate("() => window.jupyterapp.shell.activateById('filebrowser')")
    page.get_by_role("button", name="0 running").focus()
    page.keyboard.press("Enter")
    expect(files.labelled("project")).to_be_focused()
    assert files.opened.violations(".nbproj-Status") == []


def test_cells_are_marked_by_commands_and_the_panel_reads_them(panel_in):
    panel = panel_in("lab", "alpha = 0.5", "print(alpha)", "print('other')")
    page = panel.opened.page
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }")
    panel.choose_command("Mark the Cell as Parameters")
    page.locator(".jp-Notebook .jp-CodeCell").nth(2).click(button="right")
    page.get_by_role("menuitem", name="Mark the Cell as Part of an Entry Point...").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("report, train")
    page.keyboard.press("Enter")
    dialog.wait_for(state="hidden")
    saved = panel.opened.save()
    assert [cell.metadata.get("tags", []) for cell in saved.cells] == [["parameters"], [], ["entrypoint:report", "entrypoint:train"]]
    expect(panel.labelled("entry point").locator("option")).to_have_text(["report", "train"])
    panel.labelled("alpha").wait_for()
    panel.choose_command("Mark the Cell as Parameters")  # the third, which has none: both are parameters now
    panel.choose_command("Mark the Cell as Parameters")
    assert panel.opened.save().cells[2].metadata.tags == ["entrypoint:report", "entrypoint:train"]
