"""nbproj on a machine where nobody has prepared anything: installed by pip, listed by Jupyter, opened in a browser, and gone again."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.request

import pytest
from built_panel import ROOT
from front_end import serving
from playwright.sync_api import Route, expect, sync_playwright

from nbproj.version import __version__

expect.set_options(timeout=60_000)
pytestmark = pytest.mark.timeout(900)  # who comes first builds the panel with node, and installs JupyterLab
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update")
NOTEBOOK = "notebooks/diabetes/train.ipynb"


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what a program has printed, without colours."""
    return [re.sub(r"\x1b\[\d+m", "", line).strip() for line in (done.stdout + done.stderr).splitlines()]


def test_both_lists_of_jupyter_say_enabled_and_ok(installed):
    listed = lines(installed.call("jupyter", "labextension", "list"))
    assert [line for line in listed if "nbproj" in line] == [f"nbproj v{__version__} enabled OK (python, nbproj)"]
    listed = lines(installed.call("jupyter", "server", "extension", "list"))
    at = listed.index("nbproj enabled")
    assert listed[at + 1] == "- Validating nbproj..."
    assert f"nbproj {__version__} OK" in listed[at + 2 : at + 4]


def test_jupyterlab_opens_with_the_notebook_of_the_workspace_the_panel_and_what_it_offers(installed, tmp_path):
    with serving(tmp_path / "lab", python=installed.python, workspace=ROOT / "binder" / "workspace.json") as jupyter:
        shutil.copytree(ROOT / "notebooks" / "diabetes", jupyter.root / "notebooks" / "diabetes")
        question = urllib.request.Request(f"{jupyter.url}nbproj/api/status", headers={"Authorization": f"token {jupyter.token}"})
        with urllib.request.urlopen(question, timeout=60) as answer:
            assert json.load(answer)["version"] == __version__
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(120_000)
            # The file browser comes back to its folder when the notebook is open already, as it does on a busy machine.
            folder = NOTEBOOK.rpartition("/")[0]
            held: list[Route] = []
            listing = re.compile(rf"/api/contents/{folder}\?")
            page.route(listing, lambda route: held.append(route))  # noqa: PLW0108 - Playwright sets an attribute on it
            page.goto(f"{jupyter.url}lab?token={jupyter.token}")
            page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
            panel = page.get_by_role("region", name="Projects", exact=True)
            panel.get_by_label("alpha", exact=True).wait_for()
            opened = page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path")
            assert opened == NOTEBOOK
            entry, shown = (panel.get_by_label(name, exact=True) for name in ("entry point", "project"))
            expect(entry).to_have_value("main")
            while not held:  # it may be later still; the test's own limit of time ends this
                page.wait_for_timeout(50)
            page.route(listing, lambda route: route.continue_())  # whoever asks from now on is not held: the latest handler is asked first
            for route in held:
                route.continue_()
            expect(shown).to_contain_text(f"folder {folder}")
            assert shown.evaluate("(node) => node.selectedOptions[0].text") == "notebook train.ipynb"
            expect(entry).to_have_value("main")
            browser.close()


def test_uninstalling_leaves_nothing_also_after_use(installed):
    installed.call("nbproj", "--version")
    installed.uninstall()
    assert installed.files() - installed.bare == set()


def test_a_checkout_is_installed_without_node_and_the_log_of_the_server_says_what_is_missing(machine, checkout, tmp_path):
    try:
        told = lines(machine.install("--verbose", checkout))
        assert len([line for line in told if "the JupyterLab panel is left out: node was not found" in line]) == 1
        with serving(tmp_path / "lab", python=machine.python):
            log = (tmp_path / "lab" / "server.log").read_text()
        said = [line.partition("] ")[2] for line in log.splitlines() if "panel" in line and "nbproj" in line]
        assert said == ["nbproj: JupyterLab shows no panel: Install nbproj from its wheel, or Node.js 20 or newer and then nbproj again"]
        assert [line for line in lines(machine.call("jupyter", "labextension", "list")) if "nbproj" in line] == []
    finally:
        machine.uninstall()


def test_binder_sets_what_jupyterlab_knows(machine):
    for plugin, values in json.loads((ROOT / "binder" / "overrides.json").read_text()).items():
        extension, _colon, name = plugin.partition(":")
        known = json.loads((machine.folder / "share/jupyter/lab/schemas" / extension / f"{name}.json").read_text())["properties"]
        for key, value in values.items():
            assert value in ([one["const"] for one in known[key].get("oneOf", ())] or [True, False])
    assert subprocess.run(["sh", "-n", ROOT / "binder" / "postBuild"], check=False, timeout=60).returncode == 0
    assert os.access(ROOT / "binder" / "postBuild", os.X_OK)
