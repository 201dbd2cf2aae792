"""Packages made on the spot: wheels of a few lines in a folder that installers look into, and folders of packages that build themselves."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_BACKEND = """
import pathlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name, version = "{name}", "{version}"
    info = f"{{name}}-{{version}}.dist-info"
    file = f"{{name}}-{{version}}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / file, "w") as archive:
        archive.write("{name}.py")
        archive.writestr(f"{{info}}/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n{requires}")
        archive.writestr(f"{{info}}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(f"{{info}}/RECORD", "")
    pathlib.Path("written-while-building").touch()
    return file
"""

_HURDLE = """
import time

def build_wheel(*arguments, build=build_wheel):
    while pathlib.Path({wait!r}).exists():
        pathlib.Path({begun!r}).touch()
        time.sleep(0.02)
    return build(*arguments)
"""


def wheel(folder: Path, name: str, version: str, *, requires: Sequence[str] = (), source: str = "", python: str = "", padding: int = 0) -> Path:
    """Write a wheel with one module that tells its version; `padding` bytes make it heavy."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    files = {
        f"{name}.py": (source or f"__version__ = {version!r}\n").encode(),
        f"{info}/METADATA": "\n".join([*lines, *([f"Requires-Python: {python}"] if python else []), ""]).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if padding:
        files[f"{name}.data.bin"] = bytes(padding)
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in files.items()) + f"{info}/RECORD,,\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, data in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(inside, data)
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def package(folder: Path, name: str, version: str = "1.0", *, requires: Sequence[str] = (), source: str = "") -> Path:
    """Write the folder of a package that needs nothing else to be built: its backend lies in it."""
    folder.mkdir(parents=True, exist_ok=True)
    needs = "".join(f"Requires-Dist: {one}\\n" for one in requires)
    (folder / "backend.py").write_text(_BACKEND.format(name=name, version=version, requires=needs))
    (folder / f"{name}.py").write_text(source or f"__version__ = {version!r}\n")
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "{version}"\ndependencies = {list(requires)!r}\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    return folder


@dataclass(frozen=True)
class Hurdle:
    """A package whose build goes on until it is let through: what is to happen in the middle of a build happens there, however busy the machine is.

    Parameters
    ----------
    folder : Path
        Where its two files are: outside the project, whose content decides which environment it is.
    """

    folder: Path

    def put(self, into: Path) -> None:
        """Write the package."""
        package(into, into.name)
        self._wait.touch()
        with (into / "backend.py").open("a") as backend:
            backend.write(_HURDLE.format(wait=str(self._wait), begun=str(self._begun)))

    def reach(self, process: subprocess.Popen) -> None:
        """Wait until a process has come to it."""
        deadline = time.monotonic() + 120
        while not self._begun.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def clear(self) -> None:
        """Let builds through."""
        self._wait.unlink()

    @property
    def _wait(self) -> Path:
        return self.folder / "wait"

    @property
    def _begun(self) -> Path:
        return self.folder / "begun"


def wheelhouse(folder: Path) -> Path:
    """Fill a folder with the packages that the tests use."""
    wheel(folder, "tiny", "1.0")
    wheel(folder, "tiny", "2.0")
    wheel(folder, "upper", "1.0", requires=["tiny>=2"])
    wheel(folder, "heavy", "1.0", padding=30_000_000)
    wheel(folder, "future", "1.0", python=">=3.99")
    return folder
