"""A conda channel made on the spot, and a conda to use it with: real packages, a real solver, real activation scripts, no network.

A Python of the channel is a package of a few hundred bytes: a `pyvenv.cfg` and links to a Python of this machine, so that each environment has
packages of its own.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import SHARED
from filelock import FileLock
from interpreters import Interpreter, inspect, others

PROGRAM = Path(__file__).with_name("conda_program.py")
OWN_CONDA = os.environ.get("MLFLOW_CONDA_HOME")
"""A conda of the developer's: the tests use it in place of the program over py-rattler."""
_PLACEHOLDER = "/opt/placeholder_placeholder_placeholder"
_ASK = "import ensurepip, pathlib; print(next(pathlib.Path(ensurepip.__file__).parent.glob('_bundled/pip-*.whl')))"
_MADE = 1_700_000_000


@dataclass
class Package:
    """A package to be written.

    Parameters
    ----------
    name, version : str
        Its name and version.
    subdir : str
        `noarch`, or the platform's.
    noarch : str, optional
        `generic` or `python`.
    depends : sequence of str
        What it needs.
    programs : sequence of str
        Entry points that conda makes programs of.
    files : dict of str to bytes
        Its files by path.
    links : dict of str to str
        Symbolic links by path.
    """

    name: str
    version: str
    subdir: str = "noarch"
    noarch: str | None = "generic"
    depends: Sequence[str] = ()
    programs: Sequence[str] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    @property
    def index(self) -> dict[str, object]:
        """What the channel tells of it."""
        told = {"name": self.name, "version": self.version, "build": "0", "build_number": 0, "depends": list(self.depends), "subdir": self.subdir}
        if self.noarch:
            told["noarch"] = self.noarch
        if self.name == "python":
            told["python_site_packages_path"] = f"lib/python{'.'.join(self.version.split('.')[:2])}/site-packages"
        return {**told, "license": "BSD-3-Clause", "timestamp": _MADE * 1000}

    def write(self, channel: Path) -> None:
        """Write it and add it to the channel's index."""
        paths = [self._path(name) for name in sorted({*self.files, *self.links})]
        told = {
            "info/index.json": self.index,
            "info/paths.json": {"paths": paths, "paths_version": 1},
            "info/about.json": {},
            **({"info/link.json": self._link()} if self.noarch == "python" else {}),
        }
        listed = "".join(f"{path['_path']}\n" for path in paths)
        prefixed = "".join(f'"{_PLACEHOLDER}" text "{path["_path"]}"\n' for path in paths if "prefix_placeholder" in path)
        info = {
            **{name: json.dumps(value).encode() for name, value in told.items()},
            "info/files": listed.encode(),
            "info/has_prefix": prefixed.encode(),
        }
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, data in {**info, **self.files}.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mtime, entry.mode = len(data), _MADE, 0o755 if name.startswith("bin/") else 0o644
                archive.addfile(entry, io.BytesIO(data))
            for name, target in self.links.items():
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname, entry.mtime = tarfile.SYMTYPE, target, _MADE
                archive.addfile(entry)
        data = bz2.compress(buffer.getvalue(), 1)
        folder = channel / self.subdir
        file = f"{self.name}-{self.version}-0.tar.bz2"
        (folder / file).write_bytes(data)
        index = json.loads((folder / "repodata.json").read_bytes())
        index["packages"][file] = {**self.index, "md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        (folder / "repodata.json").write_text(json.dumps(index))

    def _path(self, name: str) -> dict[str, object]:
        data = self.files.get(name, b"")
        known = {"_path": name, "path_type": "softlink" if name in self.links else "hardlink"}
        sums = {"sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)}
        moved = {"file_mode": "text", "prefix_placeholder": _PLACEHOLDER} if _PLACEHOLDER.encode() in data else {}
        return {**known, **sums, **moved}

    def _link(self) -> dict[str, object]:
        return {"noarch": {"type": "python", "entry_points": list(self.programs)}, "package_metadata_version": 1}


def platform() -> str:
    """Return the channel's name of this platform."""
    from rattler import Subdir

    return str(Subdir.current())


def python(interpreter: Interpreter) -> Package:
    """Return a package of a Python of this machine."""
    minor = "{}.{}".format(*interpreter.minor)
    real = os.path.realpath(interpreter.path)
    settings = f"home = {Path(real).parent}\ninclude-system-site-packages = false\nversion = {interpreter}\n"
    return Package(
        "python",
        str(interpreter),
        subdir=platform(),
        noarch=None,
        files={"pyvenv.cfg": settings.encode(), f"lib/python{minor}/site-packages/README.txt": b"packages\n"},
        links={f"bin/python{minor}": real, "bin/python3": f"python{minor}", "bin/python": f"python{minor}"},
    )


def pip(interpreter: Interpreter) -> Package:
    """Return a package of the pip that a Python brings along."""
    wheel = subprocess.run([interpreter.path, "-I", "-c", _ASK], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    with zipfile.ZipFile(wheel) as archive:
        files = {f"site-packages/{name}": archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    version = Path(wheel).name.split("-")[1]
    return Package("pip", version, noarch="python", depends=["python >=3.8"], programs=["pip = pip._internal.cli.main:main"], files=files)


def _module(name: str, version: str, source: str, **more: Sequence[str]) -> Package:
    """Return a Python package of one module."""
    info = f"site-packages/{name}-{version}.dist-info"
    files = {
        f"site-packages/{name}.py": source.encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/INSTALLER": b"conda\n",
        f"{info}/RECORD": f"{name}.py,,\n".encode(),
    }
    return Package(name, version, noarch="python", depends=["python >=3.8", *more.get("depends", ())], programs=more.get("programs", ()), files=files)


def _examples() -> list[Package]:
    activate = 'export DEMO_HOME="$CONDA_PREFIX/share/demo" LD_LIBRARY_PATH="$CONDA_PREFIX/lib:$LD_LIBRARY_PATH"\nunset DEMO_GONE_PATH\necho noise\n'
    demo = {
        "etc/conda/activate.d/demo.sh": activate.encode(),
        "etc/conda/env_vars.d/demo.json": b'{"DEMO_VAR": "of the package"}',
        "share/demo/where.txt": f"{_PLACEHOLDER}/here\n".encode(),
        "bin/.demo-post-link.sh": b'#!/bin/sh\necho linked > "$PREFIX/share/linked.txt"\n',
    }
    # Its script lets a test see that a build goes on, and end it there: a build that has the name of a file waits until that is gone.
    slow = {"bin/.slow-post-link.sh": b'#!/bin/sh\ntouch "$PREFIX/begun"\nwhile [ -e "$HOLD" ]; do sleep 0.1; done\ntouch "$PREFIX/ended"\n'}
    return [
        Package("demo", "1.0", files={"share/demo/old.txt": b"old\n"}),
        Package("demo", "1.2", files=demo),
        _module("tiny", "1.0", "__version__ = '1.0'\n"),
        _module(
            "demo_cli", "0.3", "def main():\n    print('the program of a package')\n", depends=["demo >=1.1"], programs=["demo-cli = demo_cli:main"]
        ),
        Package("demo-data", "1", depends=["demo >=1.1"], files={"share/data.txt": b"1\n"}),
        Package("conflict", "1", depends=["demo <1.1"], files={"share/conflict.txt": b"1\n"}),
        Package("slow", "1", files=slow),
        Package("failing", "1", files={"etc/conda/activate.d/failing.sh": b"echo no such licence >&2\nexit 3\n"}),
    ]


def channel() -> Path:
    """Return the folder of the channel, made once for this machine."""
    own = inspect(sys.executable)
    assert own is not None
    known = hashlib.sha256(Path(__file__).read_bytes() + sys.version.encode() + sys.base_prefix.encode()).hexdigest()[:12]
    folder = SHARED / f"conda-channel-{known}"
    SHARED.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "made").exists():
            for subdir in ("noarch", platform()):
                (folder / subdir).mkdir(parents=True, exist_ok=True)
                empty = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": {}, "removed": [], "repodata_version": 1}
                (folder / subdir / "repodata.json").write_text(json.dumps(empty))
            for interpreter in (own, *others()):
                python(interpreter).write(folder)
            for package in (pip(own), *_examples()):
                package.write(folder)
            (folder / "made").touch()
    return folder


def address() -> str:
    """Return the address of the channel."""
    return channel().as_uri()


def conda_home(folder: Path, name: str = "conda") -> Path:
    """Return a folder with a `conda` in `bin`: the tests' program over py-rattler."""
    program = folder / "bin" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{PROGRAM}" "{folder}" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def without_conda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every conda of this machine off PATH."""
    folders = os.environ["PATH"].split(os.pathsep)
    names = ("conda", "mamba", "micromamba")
    monkeypatch.setenv("PATH", os.pathsep.join(one for one in folders if not any((Path(one) / name).exists() for name in names)))


@pytest.fixture(params=["a conda", "py-rattler"])
def conda(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make environments by a conda that is called, then by py-rattler; return which."""
    without_conda(monkeypatch)
    if request.param == "a conda":
        monkeypatch.setenv("MLFLOW_CONDA_HOME", OWN_CONDA or str(conda_home(tmp_path / "conda")))
    return request.param


def describe(root: Path, *packages: str, more: str = "", channels: str | None = None) -> Path:
    """Write a project's conda.yaml; return the project."""
    root.mkdir(exist_ok=True)
    listed = "".join(f"  - {package}\n" for package in packages)
    (root / "conda.yaml").write_text(f"name: ours\nchannels: [{channels or address()}]\ndependencies:\n{listed}{more}")
    return root
