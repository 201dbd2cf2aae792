"""Projects in the panel of JupyterLab and Notebook 7."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from front_end import OpenNotebook
from playwright.sync_api import Error, Locator, Request, expect

TIMEOUT = 60_000
SECONDS = 90
STEPS = 80
PALETTES, PALETTE_TIMEOUT = 4, 10_000
PANEL = "#nbproj-projects"
PARAMETERS = """%%parameters
alpha: float = 0.5  #@param {type: "slider", min: 0, max: 1}
solver: Literal["lbfgs", "saga"] = "lbfgs"  # how it is solved
rounds: int = 3  # how often
verbose: bool = False
day: date = "2026-01-31"  # of the data
data: Path = "wine.csv"  # what is read
note: str | None = None  # anything
"""
SECRET = "token: Secret = None  # for the service\n"
TRAIN = """%%entrypoint train --help "Train the model and keep it"
import time
import nbproj
for round in range(rounds):
    nbproj.log_metric("loss", alpha / (1 + round), step=round)
    print("round", round, flush=True)
    time.sleep(0.2)
"""
EVALUATE = """%%entrypoint evaluate
print("<img src=x onerror='window.pwned = 1'>", alpha)
"""
HIDDEN = """(hidden) => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
    Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => hidden ? 'hidden' : 'visible'});
    document.dispatchEvent(new Event('visibilitychange')); }"""


@dataclass
class Panel:
    """The panel beside an open notebook.

    Parameters
    ----------
    opened : OpenNotebook
        The notebook and its page.
    node : Locator
        The panel.
    errors : list of str
        Exceptions of our own that nobody caught in the page. Notebook 7 has some of its own.
    """

    opened: OpenNotebook
    node: Locator
    errors: list[str] = field(default_factory=list)

    def labelled(self, name: str) -> Locator:
        """Return the control with this label."""
        return self.node.get_by_label(name, exact=True)

    def button(self, name: str) -> Locator:
        """Return a button."""
        return self.node.get_by_role("button", name=name, exact=True)

    @property
    def card(self) -> Locator:
        """The card of the run that is shown."""
        return self.node.get_by_role("region", name="Run", exact=True)

    @property
    def rows(self) -> Locator:
        """The lines of the table of runs."""
        return self.node.locator(".nbp-body .nbp-row")

    @property
    def project(self) -> Locator:
        """What is looked at, by its name in the menu of projects."""
        return self.labelled("project").locator("option:checked")

    def wait_for_state(self, state: str) -> None:
        """Wait until the card shows a state."""
        expect(self.card.locator(".nbproj-state")).to_have_text(state)

    def command(self, name: str) -> None:
        """Have a command carried out."""
        self.opened.page.evaluate("(name) => { window.jupyterapp.commands.execute(name); }", name)

    def choose_command(self, label: str) -> None:
        """Have a command carried out by the keyboard alone: it is looked for in the palette.

        A palette closes when any command is carried out, and JupyterLab carries out some by itself, a while after a notebook was opened: it is opened
        again then, as people do.
        """
        page = self.opened.page
        field = page.locator(".lm-CommandPalette-input:visible")
        for left in reversed(range(PALETTES)):
            if not field.is_visible():
                page.keyboard.press("Control+Shift+C")
            try:
                expect(field).to_be_focused(timeout=PALETTE_TIMEOUT)
                field.fill(label, timeout=PALETTE_TIMEOUT)
                expect(page.locator(".lm-CommandPalette-item.lm-mod-active:visible")).to_contain_text(label, timeout=PALETTE_TIMEOUT)
                field.press("Enter", timeout=PALETTE_TIMEOUT)
            except (AssertionError, Error):
                if not left or field.is_visible():
                    raise
            else:
                field.wait_for(state="hidden")
                return

    def tab_to(self, wanted: Locator, key: str = "Tab") -> None:
        """Go to an element by the keyboard alone."""
        for _ in range(STEPS):
            if wanted.evaluate("(node) => node.contains(document.activeElement)"):
                return
            self.opened.page.keyboard.press(key)
        pytest.fail(f"{wanted} is not reached with {key}")

    def violations(self, within: str = PANEL) -> list[str]:
        """Return what axe finds wrong, in light and in dark; dark is what stays."""
        found = []
        for theme in ("light", "dark"):
            self.opened.theme(theme)
            found += [f"{theme}: {one}" for one in self.opened.violations(within)]
        return found

    def ask(self, method: str, route: str, body: object = None) -> Any:
        """Ask the server as another tab or person does; returns its answer."""
        jupyter = self.opened.jupyter
        headers = {"Authorization": f"token {jupyter.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        answer = self.opened.page.request.fetch(f"{jupyter.url}{route}", method=method, headers=headers, data=data)
        assert answer.ok, answer.text()
        return answer.json() if answer.text() else None

    def start(self, **parameters: object) -> str:
        """Start a run of `train`, or of what `entry_point` names, elsewhere than in the panel; returns its id."""
        entry = parameters.pop("entry_point", "train")
        path = self.opened.file.relative_to(self.opened.jupyter.root).as_posix()
        order = {"path": path, "entry_point": entry, "parameters": parameters}
        return str(self.ask("POST", "nbproj/api/runs", order)["run"]["run_id"])

    def wait_for_end(self, run_id: str) -> str:
        """Wait until a run has ended, without the panel; returns its state."""
        deadline = time.monotonic() + SECONDS
        while True:
            state = str(self.ask("GET", f"nbproj/api/runs/{run_id}?path={self.opened.folder.name}")["row"]["status"])
            if state not in {"RUNNING", "SCHEDULED"} or time.monotonic() > deadline:
                return state
            time.sleep(0.3)

    def end_early(self, run_id: str) -> None:
        """End a run in its store, as its own program can."""
        with contextlib.closing(sqlite3.connect(self.opened.folder / "mlflow.db", timeout=SECONDS)) as store, store:
            store.execute("UPDATE runs SET status = 'FINISHED' WHERE run_uuid = ?", (run_id,))

    def hide_tab(self, hidden: bool) -> None:  # noqa: FBT001 - the page's own word
        """Have the page believe that its tab is, or is not, behind others."""
        self.opened.page.evaluate(HIDDEN, hidden)

    def requests(self) -> list[str]:
        """Return a list that gets the address of each thing that the page asks our part of the server for, from now on."""
        asked: list[str] = []

        def note(request: Request) -> None:
            if "/nbproj/api/" in request.url:
                asked.append(request.url)

        self.opened.page.on("request", note)
        return asked


def beside(opened: OpenNotebook) -> Panel:
    """Show the panel beside a notebook."""
    expect.set_options(timeout=TIMEOUT)
    opened.page.set_default_timeout(TIMEOUT)
    (opened.folder / "wine.csv").write_text("a,b\n1,2\n")
    panel = Panel(opened, opened.page.locator(PANEL))
    opened.page.on("pageerror", lambda error: panel.errors.append(str(error)) if "extensions/nbproj/" in str(error.stack) else None)
    panel.command("nbproj:open-projects")
    panel.labelled("entry point").wait_for()
    return panel


@pytest.fixture
def panel_in(request) -> Callable[..., Panel]:
    """Return a function that opens a notebook in `lab` or `notebook7`, its panel beside it; without cells it is one with two entry points."""

    def show(kind: str, *cells: str, secret: bool = False, theme: str = "light", kernel: bool = False) -> Panel:
        own = cells or (PARAMETERS + SECRET * secret, TRAIN, EVALUATE)
        return beside(request.getfixturevalue(kind)(*own, kernel=kernel, theme=theme, width=1500))

    return show


@pytest.fixture(scope="module")
def kept_panel(kept_lab) -> Panel:
    """Return a panel in JupyterLab that stays open for all tests of a module."""
    return beside(kept_lab(PARAMETERS, TRAIN, EVALUATE, kernel=False, width=1500))
