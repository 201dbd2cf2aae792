"""JupyterLab and Notebook 7 as their users have them: one server that serves both, and a notebook open in a page of a real browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import nbformat.v4
import psutil
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

SECONDS = 120
SCREENSHOTS = Path(__file__).parent / "ui" / "screenshots"
PASSED_ON = ("LANG", "LC_ALL", "PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
# By front end, and by what is above the notebook in it: its address.
ADDRESSES = {"lab": "lab/tree", "notebook7": "notebooks"}

# What a test's code asks of the front end goes through its own commands: buttons and menus are not what is tested.
PANEL = """const app = window.jupyterapp; const panel = app.shell.currentWidget; const notebook = panel.content;"""
READY = """() => { const app = window.jupyterapp; const panel = app && app.shell && app.shell.currentWidget;
    return !!(panel && panel.content && panel.content.model && panel.content.widgets.length && panel.isVisible
              && panel.content.widgets.length === panel.content.model.cells.length); }"""
KERNEL = """() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"""
WITHOUT_ANIMATION = "*, *::before, *::after { transition: none !important; animation: none !important; caret-color: transparent !important; }"


@dataclass(frozen=True, slots=True)
class Jupyter:
    """A Jupyter server that serves JupyterLab and Notebook 7.

    Parameters
    ----------
    root : Path
        The folder that it serves.
    url : str
        Its address, with a slash at the end.
    token : str
        What it asks for.
    pid : int
        Its process.
    """

    root: Path
    url: str
    token: str
    pid: int


@contextmanager
def serving(
    folder: Path, *, stores: Path | None = None, panel: Path | None = None, python: Path | None = None, workspace: Path | None = None
) -> Iterator[Jupyter]:
    """Run a server with folders, settings and a home of its own; its kernels have these, too.

    Parameters
    ----------
    folder : Path
        An empty folder for all of it.
    stores : Path, optional
        Blueprints of stores, which make the first run of a kernel as quick as the second.
    panel : Path, optional
        The panel for JupyterLab as it was built; without one there is none.
    python : Path, optional
        The interpreter of an environment that nbproj is installed in: what is there, and nothing else, decides what is served.
    workspace : Path, optional
        The layout that JupyterLab opens with.
    """
    home, runtime, config, settings = (folder / name for name in ("home", "runtime", "config", "settings"))
    root = folder / "served"
    for one in (home, root, config / "labconfig", settings / "@jupyterlab/notebook-extension"):
        one.mkdir(parents=True)
    if stores is not None and stores.is_dir():
        shutil.copytree(stores, home / ".cache/nbproj/stores")
    if python is None:
        (config / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": {"jpserver_extensions": {"nbproj": panel is not None}}}))
    if panel is not None:
        shutil.copytree(panel, folder / "data/labextensions/nbproj")
    # News come from the network, and the picture that a start shows stands before what is looked for.
    disabled = {f"@jupyterlab/apputils-extension:{name}": True for name in ("announcements", "splash")}
    (config / "labconfig/page_config.json").write_text(json.dumps({"disabledExtensions": disabled}))
    # All cells are in the page, also those that are out of sight; and every notebook starts its kernel at once.
    (settings / "@jupyterlab/notebook-extension/tracker.jupyterlab-settings").write_text(json.dumps({"windowingMode": "none"}))
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} if python is None else {"PATH": str(python.parent)}
    environment |= {
        "HOME": str(home),
        "IPYTHONDIR": str(home / ".ipython"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_CONFIG_NOSYSTEM": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    token = "of-the-test"
    command = [
        *(
            str(python or sys.executable),
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            "--port=0",
            f"--ServerApp.root_dir={root}",
        ),
        *(f"--IdentityProvider.token={token}", "--ServerApp.terminals_enabled=False", "--LabApp.expose_app_in_browser=True"),
        *("--JupyterNotebookApp.expose_app_in_browser=True", "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
    ]
    with (folder / "server.log").open("wb") as log:
        if workspace is not None:
            call = [*command[:3], "workspaces", "import", str(workspace)]
            subprocess.run(call, env=environment, cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=SECONDS, check=True)
        process = subprocess.Popen(command, env=environment, cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        file = runtime / f"jpserver-{process.pid}.json"
        deadline = time.monotonic() + SECONDS
        while not (file.exists() and file.read_bytes().endswith(b"}")):
            assert process.poll() is None, (folder / "server.log").read_text()
            assert time.monotonic() < deadline, (folder / "server.log").read_text()
            time.sleep(0.05)
        yield Jupyter(root, json.loads(file.read_bytes())["url"].replace("localhost", "127.0.0.1"), token, process.pid)
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        for left in family:
            with suppress(psutil.NoSuchProcess):  # most are ending just now, with the server
                left.kill()


@dataclass
class OpenNotebook:
    """A notebook that is open in JupyterLab or Notebook 7.

    Parameters
    ----------
    kind : str
        `lab` or `notebook7`.
    page : Page
        The browser's page, as playwright has it.
    file : Path
        The notebook; its folder is the test's own, and where the kernel starts.
    jupyter : Jupyter
        The server.
    beyond : list of str
        Addresses outside this machine that the page asked for; they were refused.
    errors : list of str
        Exceptions that nobody caught in the page.
    """

    kind: str
    page: Page
    file: Path
    jupyter: Jupyter
    beyond: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the notebook lies."""
        return self.file.parent

    def open(self, *, kernel: bool = True) -> OpenNotebook:
        """Open the notebook and wait until its cells are there, and a kernel is, unless none is wanted."""
        path = self.file.relative_to(self.jupyter.root).as_posix()
        workspace = f"lab/workspaces/{self.folder.name}/tree" if self.kind == "lab" else ADDRESSES[self.kind]
        # On a machine under load a sheet of the theme may not come in time; the front end says so in a dialog, and goes on without.
        complaint = self.page.get_by_role("dialog").filter(has_text="Error Loading Theme")
        self.page.add_locator_handler(complaint, lambda dialog: dialog.get_by_role("button").last.click())
        self.page.goto(f"{self.jupyter.url}{workspace}/{path}?token={self.jupyter.token}")
        self.page.wait_for_function(READY)
        self.page.add_style_tag(content=WITHOUT_ANIMATION)
        if kernel:
            self.page.wait_for_function(KERNEL)
        return self

    def theme(self, name: str) -> None:
        """Switch to `light` or `dark`."""
        self.page.evaluate("(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", THEMES[name])
        light = "true" if name == "light" else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
        # The sheet of the theme arrives after its name.
        self.page.wait_for_function(
            """(dark) => { const value = getComputedStyle(document.body).getPropertyValue('--jp-layout-color1').trim();
               return value && (dark ? /#111|#212121/.test(value) : /white|#fff/.test(value)); }""",
            arg=name == "dark",
        )

    def run(self, index: int) -> Locator:
        """Execute one cell, wait for its end, and return what is below it."""
        code = f"async (index) => {{ {PANEL} notebook.activeCellIndex = index; await app.commands.execute('notebook:run-cell'); }}"
        self.page.evaluate(code, index)
        return self.output(index)

    def run_all(self) -> None:
        """Execute all cells, one after the other, and wait for the end of the last."""
        self.page.evaluate(f"async () => {{ {PANEL} await app.commands.execute('notebook:run-all-cells'); }}")

    def run_code(self, source: str) -> Locator:
        """Put a cell below the last one, execute it, and return what is below it."""
        code = f"""(source) => {{ {PANEL}
            panel.model.sharedModel.addCell({{cell_type: 'code', source}});
            return notebook.widgets.length - 1; }}"""
        return self.run(int(self.page.evaluate(code, source)))

    def output(self, index: int) -> Locator:
        """Return what is below a cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-Cell-outputWrapper")

    def save(self) -> nbformat.NotebookNode:
        """Save the notebook and return what the file holds now."""
        self.page.evaluate(f"async () => {{ {PANEL} await panel.context.save(); }}")
        return nbformat.read(self.file, 4)

    def shut_down(self) -> None:
        """End the notebook's kernel."""
        self.page.evaluate(f"async () => {{ {PANEL} await panel.sessionContext.shutdown(); }}")

    def violations(self, within: str = ".jp-OutputArea-output") -> list[str]:
        """Return what axe finds wrong with a part of the page: a line for each kind."""
        found = Axe().run(self.page, context=within)
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]} {one['nodes'][0].get('failureSummary', '')[:400]}"
            for one in found.response["violations"]
        ]

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """Take a picture of the page, or of a part of it, into the folder of screenshots, which Git ignores."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}-{self.kind}.png"
        (of or self.page).screenshot(path=path)
        return path


def write_notebook(file: Path, cells: Sequence[str]) -> Path:
    """Write a notebook of code cells; a text that begins with `# %% [markdown]` is prose."""
    document = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(source.partition("\n")[2], id=f"cell-{number}")
            if source.startswith("# %% [markdown]")
            else nbformat.v4.new_code_cell(source, id=f"cell-{number}")
            for number, source in enumerate(cells)
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}},
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(nbformat.writes(document), encoding="utf-8")
    return file
