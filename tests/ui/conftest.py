"""A real browser: Chromium from the machine's own packages, with nothing but what the test gives it; and real front ends in it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from built_panel import built_wheel, panel_of
from front_end import Jupyter, OpenNotebook, serving, write_notebook
from playwright.sync_api import Browser, Page, Route, sync_playwright
from playwright.sync_api import Error as PlaywrightError

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update")


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    """Start the browser once; a page of it has a profile of its own."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program, "a browser is needed: apt install chromium"
    home = tmp_path_factory.mktemp("browser")
    with sync_playwright() as playwright:
        # The first start after a boot reads hundreds of megabytes, on a machine that may be busy: the usual half a minute is not always enough.
        started = playwright.chromium.launch(
            executable_path=program, args=[*QUIET, "--disable-sync"], env={"HOME": str(home), "TZ": "UTC"}, timeout=120_000
        )
        yield started
        started.close()


@dataclass
class Visit:
    """A page in the browser, and what it did by itself.

    Parameters
    ----------
    page : Page
        As playwright has it.
    requested : list of str
        Addresses that it asked for.
    complaints : list of str
        Errors and warnings on its console.
    """

    page: Page
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, file: Path, anchor: str = "") -> None:
        """Open a file and wait until all of it is there."""
        self.page.goto(f"{file.as_uri()}{anchor}")


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Visit]]:
    """Return a function that makes an empty page; it takes what a browser context takes, such as `color_scheme`."""
    contexts = []

    def make(width: int = 1280, height: int = 800, **context: object) -> Visit:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **context))
        visited = Visit(contexts[-1].new_page())
        visited.page.set_default_timeout(60_000)
        visited.page.on("request", lambda request: visited.requested.append(request.url))
        visited.page.on("console", lambda said: visited.complaints.append(said.text) if said.type in {"error", "warning"} else None)
        visited.page.on("pageerror", lambda error: visited.complaints.append(str(error)))
        return visited

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def built_panel(tmp_path_factory) -> Path:
    """Return the panel for JupyterLab as the wheel of this checkout holds it."""
    return panel_of(built_wheel(), tmp_path_factory.mktemp("panel") / "nbproj")


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory, built_panel) -> Iterator[Jupyter]:
    """Run one server for all tests of a process: JupyterLab and Notebook 7 are two faces of it."""
    maker = Path(__file__).parents[2] / "nbproj" / "tracking" / "blueprint.py"
    shared = Path(os.environ.get("NBPROJ_TEST_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nbproj-tests")
    stores = shared / f"stores-{hashlib.sha256(maker.read_bytes()).hexdigest()[:12]}"
    with serving(tmp_path_factory.mktemp("jupyter"), stores=stores, panel=built_panel) as server:
        yield server


def _opener(kind: str, browser: Browser, jupyter: Jupyter) -> Iterator[Callable[..., OpenNotebook]]:
    contexts = []
    opened: list[tuple[OpenNotebook, bool]] = []

    def make(*cells: str, theme: str = "light", kernel: bool = True, file: Path | None = None, width: int = 1280, height: int = 900) -> OpenNotebook:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}))
        page = contexts[-1].new_page()
        page.set_default_timeout(120_000)
        path = file if file is not None else write_notebook(jupyter.root / uuid.uuid4().hex[:8] / "analysis.ipynb", cells)
        one = OpenNotebook(kind, page, path, jupyter)

        def only_here(route: Route) -> None:
            if route.request.url.startswith((jupyter.url, "data:", "blob:", "about:")):
                route.continue_()
            else:
                one.beyond.append(route.request.url)
                route.abort()

        page.route("**/*", only_here)
        if not kernel:  # a front end starts one by itself; a request that nobody answers starts none
            page.route("**/api/sessions**", lambda route: route.continue_() if route.request.method == "GET" else None)
        page.on("pageerror", lambda error: one.errors.append(str(error)))
        opened.append((one.open(kernel=kernel), kernel))
        if theme != "light":
            one.theme(theme)
        return one

    yield make
    for one, kernel in opened:
        with contextlib.suppress(PlaywrightError):  # a test may have closed the page
            one.theme("light")  # it is the server's, and the next test begins with it
            if kernel:
                one.shut_down()
    for context in contexts:
        context.close()


@pytest.fixture
def lab(browser, jupyter) -> Iterator[Callable[..., OpenNotebook]]:
    """Return a function that opens a notebook in JupyterLab.

    `lab("%load_ext nbproj", "%mlform", theme="dark")` writes a notebook with these cells into a folder of its own, opens it and waits for its kernel;
    nothing has been executed yet. `kernel=False` has none, `file=` opens a notebook that is there. Returns an `OpenNotebook`:
    `run(index)`, `run_all()`, `run_code(source)`, `output(index)`, `save()`, `shut_down()`, `theme(name)`, `violations(css)`, `screenshot(name)`,
    and `page`.
    """
    yield from _opener("lab", browser, jupyter)


@pytest.fixture(scope="module")
def kept_lab(browser, jupyter) -> Iterator[Callable[..., OpenNotebook]]:
    """Return what `lab` does; what it opens stays open for all tests of a module."""
    yield from _opener("lab", browser, jupyter)


@pytest.fixture
def notebook7(browser, jupyter) -> Iterator[Callable[..., OpenNotebook]]:
    """Return a function that opens a notebook in Notebook 7; it takes and returns what `lab` does."""
    yield from _opener("notebook7", browser, jupyter)


@pytest.fixture(params=["lab", "notebook7"])
def front_end(request) -> Callable[..., OpenNotebook]:
    """Return `lab` and then `notebook7`: for a test that must hold in both."""
    opener: Callable[..., OpenNotebook] = request.getfixturevalue(request.param)
    return opener
