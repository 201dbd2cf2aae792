"""What the panel in JupyterLab costs with 1,000 runs: beside MLflow's own pages, and while nobody does anything."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from built_panel import built_wheel, panel_of
from front_end import serving
from harness import Sample, side_by_side
from many_runs import many_runs
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

pytestmark = pytest.mark.timeout(900)

COUNT = 1000
ROUNDS = 5
SECONDS = 60
TRIES = 5
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update")
# From the click to the row, by the page's clock; the tab is clicked as a mouse does.
OUR_FIRST_ROW = """async () => {
  const tab = document.querySelector('[role=tab][data-id=nbproj-projects]');
  const start = performance.now();
  const { x, y } = tab.getBoundingClientRect();
  tab.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, clientX: x + 5, clientY: y + 5 }));
  tab.dispatchEvent(new MouseEvent('mousedown', { bubbles: true, clientX: x + 5, clientY: y + 5 }));
  while (!document.querySelector('#nbproj-projects .nbp-body .nbp-row')?.innerText) await new Promise((done) => requestAnimationFrame(done));
  return (performance.now() - start) / 1000;
}"""
# From the beginning of the navigation to a row that can be read, by the page's clock; MLflow puts the runs of a batch below it, out of sight.
THEIR_FIRST_ROW = """() => [...document.querySelectorAll('[role=row] a')].some((one) => /^(batch|run)-[0-9]+$/.test(one.innerText.trim()))
  && performance.now() / 1000"""
HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (hidden ? 'hidden' : 'visible') });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@contextlib.contextmanager
def mlflow_pages(python: Path, uri: str) -> Iterator[str]:
    """Run `mlflow ui` over a store, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with subprocess.Popen(
        command, env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while True:
                with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10):
                    break
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                one.kill()


@dataclass
class Open:
    """A page of JupyterLab in a browser of its own, and the server behind it.

    Parameters
    ----------
    page : Page
        As playwright has it.
    browser : Browser
        Whose only page it is.
    server : psutil.Process
        The server's process.
    url : str
        Its address.
    uri : str
        The store with the runs.
    """

    page: Page
    browser: Browser
    server: psutil.Process
    url: str
    uri: str

    def worked(self) -> tuple[float, float]:
        """Return the seconds of a core that the server, and all processes of the browser, have taken so far."""
        took = self.server.cpu_times()
        told = self.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
        return took.user + took.system, sum(one["cpuTime"] for one in told)


@contextlib.contextmanager
def opened(playwright: Playwright, folder: Path, panel: Path | None) -> Iterator[Open]:
    """Open JupyterLab in a folder whose store has 1,000 runs."""
    folder.mkdir()
    with serving(folder / "server", panel=panel) as server:
        uri = many_runs(server.root / "mlflow.db", COUNT)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(120_000)
        page.goto(f"{server.url}lab?token={server.token}")
        page.locator("[role=tab][data-id=filebrowser]").wait_for()
        yield Open(page, browser, psutil.Process(server.pid), server.url, uri)
        browser.close()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def lab(tmp_path_factory, playwright) -> Iterator[Open]:
    """Return JupyterLab with the panel."""
    folder = tmp_path_factory.mktemp("lab")
    panel = panel_of(built_wheel(), folder / "nbproj")
    with opened(playwright, folder / "with", panel) as one:
        yield one


def undisturbed(page: Page, measure: Callable[[], float]) -> Sample:
    """Return a measurement during which the machine's network stayed as it was: a browser drops what is under way when a container comes or goes."""
    for _ in range(TRIES):
        changed: list[str] = []

        def note(request, changed=changed):
            changed.extend([request.failure] if "NETWORK_CHANGED" in (request.failure or "") else [])

        page.on("requestfailed", note)
        try:
            took = measure()
        except PlaywrightTimeoutError:
            if not changed:
                raise
        finally:
            page.remove_listener("requestfailed", note)
        if not changed:
            return Sample(took)
    pytest.fail(f"the network of this machine changed {TRIES} times while a page was measured")


def test_the_first_row_is_there_in_half_the_time_of_mlflows_pages(compare, lab, full_mlflow_python):
    page = lab.page
    other = lab.browser.new_page(viewport={"width": 1280, "height": 800})

    def ours() -> float:
        page.goto(f"{lab.url}lab?reset")  # the table is made anew
        page.locator("[role=tab][data-id=nbproj-projects]").wait_for()
        page.evaluate("() => window.jupyterapp.restored")
        assert page.evaluate("() => document.querySelectorAll('.nbp-row').length") == 0
        return float(page.evaluate(OUR_FIRST_ROW))

    with mlflow_pages(full_mlflow_python, lab.uri) as address:

        def theirs() -> float:
            other.goto("about:blank")
            other.goto(f"{address}/#/experiments/1/runs")
            return float(other.wait_for_function(THEIR_FIRST_ROW, timeout=60_000).json_value())

        result = side_by_side(
            compare("panel with 1,000 runs, click to first row", "mlflow ui"),
            lambda: undisturbed(page, ours),
            lambda: undisturbed(other, theirs),
            rounds=ROUNDS,
        )
        other.close()
    assert result.wall <= 0.5


def test_an_open_panel_costs_under_a_hundredth_of_a_core_while_nothing_happens(lab, playwright, tmp_path):
    lab.page.evaluate("() => window.jupyterapp.commands.execute('nbproj:open-projects')")
    lab.page.locator("#nbproj-projects .nbp-body .nbp-row").first.wait_for()
    with opened(playwright, tmp_path / "without", None) as bare:  # what JupyterLab itself does in the same minute
        bare.page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")  # the list of files looks at itself, too
        lab.page.wait_for_timeout(15_000)  # the pauses have grown
        before = lab.worked(), bare.worked()
        lab.page.wait_for_timeout(SECONDS * 1000)
        after = lab.worked(), bare.worked()
    spent = [[(late - early) / SECONDS for early, late in zip(*one, strict=True)] for one in zip(before, after, strict=True)]
    (server, browser), (bare_server, bare_browser) = spent
    print(f"\nof a core: server {server:.2%}, {bare_server:.2%} without the panel; browser {browser:.2%}, {bare_browser:.2%} without it")
    assert max(server - bare_server, 0) + max(browser - bare_browser, 0) < 0.01


def test_nothing_is_asked_while_the_page_is_hidden(lab):
    page = lab.page
    page.evaluate("() => window.jupyterapp.commands.execute('nbproj:open-projects')")
    asked: list[str] = []
    page.evaluate(HIDE, arg=True)
    page.wait_for_timeout(1000)
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(SECONDS * 1000)
    ours = [url for url in asked if "/nbproj/" in url]
    page.evaluate(HIDE, arg=False)
    with page.expect_request("**/nbproj/api/status*"):
        pass
    assert ours == []
