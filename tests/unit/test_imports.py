"""What an import may cost: `import nbproj`, and every module below the front doors, leave the heavy libraries alone."""

import json
import os
import pkgutil
import subprocess
import sys

import pytest

import nbproj

HEAVY = {
    "IPython",
    "anywidget",
    "docker",
    "git",
    "ipywidgets",
    "jupyter_server",
    "markdown_it",
    "mlflow",
    "nbclient",
    "nbformat",
    "pandas",
    "papermill",
    "pygments",
    "sqlalchemy",
}
IN_A_JUPYTER_SERVER = ("nbproj.server.app", "nbproj.server.routes.")
"""Beginnings of the modules that only a Jupyter server imports: tests/server looks at what they bring."""
IN_PYTEST = ("nbproj.testing.backends",)
"""What only pytest imports, which is heavy itself."""
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(nbproj.__path__, "nbproj.")
    if not module.name.endswith("__main__") and not module.name.startswith((*IN_A_JUPYTER_SERVER, *IN_PYTEST))
)


FORKS = """
import importlib, json, os, sys

def imported(name):
    "Return the top-level modules that a process holds which has imported a module and nothing of nbproj before, or the error."
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
            told = sorted({loaded.partition(".")[0] for loaded in sys.modules})
        except BaseException as error:
            told = repr(error)
        os.write(writer, json.dumps(told).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        told = json.load(file)
    os.waitpid(child, 0)
    return told

names = sys.argv[1:]
for name in os.environ["BEFORE"].split():
    importlib.import_module(name)
print(json.dumps({name: imported(name) for name in names}))
"""
"""A fresh interpreter for each module would start hundreds of times. Forked off from one that holds nothing of nbproj, each is as fresh."""
BEFORE = """
argparse asyncio base64 concurrent.futures configparser ctypes dataclasses datetime difflib email.message getpass gzip hashlib html http.client
importlib.metadata inspect ipaddress locale logging multiprocessing platform queue secrets shlex shutil socket sqlite3 ssl subprocess tarfile tempfile
textwrap threading tomllib typing unicodedata urllib.request uuid zipfile
"""
"""Parts of Python's own library that nearly all modules need."""


@pytest.fixture(scope="module")
def imported_by() -> dict[str, list[str] | str]:
    """Return, for every module, the top-level modules that a process holds which has imported it and nothing before."""
    names = ["nbformat", "nbproj", *MODULES]
    done = subprocess.run([sys.executable, "-S", "-c", FORKS, *names], capture_output=True, text=True, check=True, timeout=280, env=environment())
    return json.loads(done.stdout)


def environment() -> dict[str, str]:
    """Return an environment in which an interpreter finds our packages without what `site` and its .pth files load by themselves."""
    return {**os.environ, "BEFORE": BEFORE, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_the_question_finds_a_heavy_library_when_there_is_one(imported_by):
    assert "nbformat" in imported_by["nbformat"]


@pytest.mark.parametrize("module", ["nbproj", *MODULES])
def test_import_leaves_heavy_libraries_alone(module, imported_by):
    told = imported_by[module]
    assert isinstance(told, list), f"{module} cannot be imported: {told}"
    assert not set(told) & HEAVY
