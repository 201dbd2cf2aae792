"""What every test stands on: a home, a store and a working folder of its own, and a machine that is reached only on loopback.

The tests start real programs, so the isolation is in environment variables and is inherited by whatever a test starts.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

HOME = Path.home()
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or HOME / ".cache")
SHARED = Path(os.environ.get("NBPROJ_TEST_CACHE") or CACHE / "nbproj-tests")
"""What is costly to make and the same for every test: fonts that matplotlib found, environments of peers, the blueprint of a store."""
MAKER = Path(__file__).parent.parent / "nbproj" / "tracking" / "blueprint.py"
BLUEPRINTS = SHARED / f"stores-{hashlib.sha256(MAKER.read_bytes()).hexdigest()[:12]}"
"""What the program keeps after its first run with a version of MLflow; the tests of that first run have a cache folder of their own."""

FOREIGN = (
    "CONDA_",
    "DATABRICKS_",
    "GIT_",
    "IPYTHON",
    "JPY_",
    "JUPYTER",
    "KUBE",
    "MLFLOW_",
    "MPL",
    "NBPROJ_",
    "PAPERMILL_",
    "PYTHONDONTWRITEBYTECODE",
    "SBATCH_",
    "SLURM",
    "SSH_",
    "XDG_",
    "_MLFLOW_",
)
"""Beginnings of the variables by which the developer's own machine could decide a test."""

DEAR = {
    "cluster": "session",
    "floods": "module",
    "imported_by": "module",
    "kept_panel": "module",
    "live": "module",
    "long_running": "module",
    "machine": "module",
    "mlflow_server": "session",
    "slurm_cluster": "session",
    "terminal": "module",
}
"""Fixtures that take seconds to make, and how long each is kept: their tests stay together, as two processes of tests would make two of them."""

# A caller under nohup ignores HUP, one in the background of a shell INT, and so would every program that a test starts to see what they do.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# Two cores under load make a deadline in milliseconds a matter of luck; pytest-timeout catches what hangs.
hypothesis.settings.register_profile("nbproj", deadline=None, print_blob=True)
hypothesis.settings.load_profile("nbproj")


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of one dear fixture to one process of tests, where there are several (`--dist loadgroup`)."""
    for item in items:
        for name in DEAR.keys() & getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(name if DEAR[name] == "session" else f"{name} of {item.path.stem}"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to start where tests that belong together would be given to both processes: versions of pytest and xdist did that without a word."""
    if getattr(session.config.option, "loadgroup", False) and any(
        one.get_closest_marker("xdist_group") and "@" not in one.nodeid for one in session.items
    ):
        pytest.exit("this pytest and this pytest-xdist do not keep the tests of a group together: pip install 'pytest<9.2'", returncode=3)


def tool_settings() -> dict[str, str]:
    """Return where package managers find the user's caches and settings, which a HOME of its own would hide from them."""
    files = {
        "PIP_CONFIG_FILE": [HOME / ".config/pip/pip.conf", HOME / ".pip/pip.conf"],
        "UV_CONFIG_FILE": [HOME / ".config/uv/uv.toml"],
        "NPM_CONFIG_USERCONFIG": [HOME / ".npmrc"],
    }
    folders = {"PIP_CACHE_DIR": CACHE / "pip", "UV_CACHE_DIR": CACHE / "uv", "PYENV_ROOT": HOME / ".pyenv"}
    found = {name: str(path) for name, paths in files.items() for path in paths if path.exists()}
    found |= {name: str(path) for name, path in folders.items()}
    return {name: value for name, value in found.items() if name not in os.environ}


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the test a home of its own, start it in an empty folder there, and yield the home."""
    folder = tmp_path_factory.mktemp("home", numbered=True)
    for name, value in tool_settings().items():
        monkeypatch.setenv(name, value)
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    own = {
        "HOME": folder,
        "XDG_CACHE_HOME": folder / ".cache",
        "XDG_CONFIG_HOME": folder / ".config",
        "XDG_DATA_HOME": folder / ".local/share",
        "XDG_STATE_HOME": folder / ".local/state",
        "IPYTHONDIR": folder / ".ipython",
        "GIT_CONFIG_GLOBAL": folder / ".gitconfig",
        "MPLCONFIGDIR": SHARED / "matplotlib",  # finding the fonts of a machine takes seconds
    }
    fixed = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    for name, value in {**own, **fixed}.items():
        monkeypatch.setenv(name, str(value))
    (folder / ".gitconfig").write_text("[user]\n\tname = A Tester\n\temail = tester@example.org\n[init]\n\tdefaultBranch = main\n", encoding="utf-8")
    (folder / "work").mkdir()
    monkeypatch.chdir(folder / "work")
    stores = folder / ".cache" / "nbproj" / "stores"
    if BLUEPRINTS.is_dir():
        shutil.copytree(BLUEPRINTS, stores)
    yield folder
    for made in stores.glob("*.sql"):
        if not (BLUEPRINTS / made.name).exists():
            BLUEPRINTS.mkdir(parents=True, exist_ok=True)
            beside = BLUEPRINTS.with_name(f"{BLUEPRINTS.name}-{os.getpid()}")
            shutil.copyfile(made, beside)
            beside.replace(BLUEPRINTS / made.name)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse connections from the test's own process to addresses on the Internet, and fail the test that tried."""
    tried: list[str] = []
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            try:
                beyond = ipaddress.ip_address(address[0]).is_global
            except ValueError:  # a name
                beyond = address[0] != "localhost"
            if beyond:
                tried.append(f"{address[0]}:{address[1]}")
                msg = f"a test may not reach {address[0]}"
                raise ConnectionRefusedError(msg)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield
    if tried:
        pytest.fail(f"connections to the Internet: {', '.join(tried)}")
