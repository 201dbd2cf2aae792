"""The programs of a Kubernetes control plane and of one node, built from Debian's source package.

No registry that the tests may assume has them ready. Debian has the source with everything it needs, and a Go that builds it without a network: about
ten minutes of one core, once, and 3 GB of disk meanwhile, of which 350 MB stay. They are kept in the folder that the tests of this machine share; a
marker says that they are complete.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock
from full_mlflow import CACHE

FOLDER = CACHE / "kubernetes"
NAMES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")
TOOLS = ("golang-go", "jq", "rsync", "dpkg-dev", "make", "xz-utils")
"""Debian packages that only the building needs; they are not asked for while the programs are there."""
APT = ("apt-get", "-o", "Acquire::Retries=3")
"""A mirror may fail once."""
BUILD_SECONDS = 3000
_LISTS = ("/etc/apt/sources.list", "/etc/apt/sources.list.d")


class ProgramsError(RuntimeError):
    """The programs cannot be had here; the message says why."""


def programs() -> Path:
    """Return the folder of the programs, building them when they are not there.

    Raises
    ------
    ProgramsError
        They cannot be built here.
    """
    target = FOLDER / "bin"
    with FileLock(f"{FOLDER}.lock", timeout=BUILD_SECONDS):
        if not (target / "complete").exists():
            if os.geteuid() != 0 or shutil.which("apt-get") is None:
                msg = "the programs of Kubernetes are built from Debian's source package, as root: run `make test` once as root, or keep its cache"
                raise ProgramsError(msg)
            FOLDER.mkdir(parents=True, exist_ok=True)
            _install()
            source = _source()
            _build(source, target)
            shutil.rmtree(source.parent, ignore_errors=True)
    return target


def _run(command: list[str], folder: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """Run a step; its last words are in the error."""
    done = subprocess.run(
        command, cwd=folder, env=environment or _plain(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    if done.returncode:
        msg = f"{' '.join(command[:4])} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"
        raise ProgramsError(msg)
    return done.stdout


def _plain() -> dict[str, str]:
    return os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}


def _install() -> None:
    _update()
    _run([*APT, "-o", "DPkg::Lock::Timeout=600", "install", "-qq", "-y", "--no-install-recommends", *TOOLS])


def _update(*options: str) -> None:
    """Read the lists of packages. A repository of somebody else's that does not answer, or has no sources, is no reason to stop here."""
    with contextlib.suppress(ProgramsError):
        _run([*APT, *options, "update", "-qq"])


def _source() -> Path:
    """Return the unpacked source; the lists of sources are copies in a folder of ours, so that the machine's own stay as they are."""
    folder = FOLDER / "source"
    shutil.rmtree(folder, ignore_errors=True)
    lists, state = folder / "sources.list.d", folder / "lists"
    lists.mkdir(parents=True)
    (state / "partial").mkdir(parents=True)
    for place in map(Path, _LISTS):
        for path in sorted(place.glob("*")) if place.is_dir() else [place] if place.exists() else []:
            text = path.read_text()
            if path.suffix == ".sources":
                (lists / path.name).write_text(re.sub(r"(?m)^Types:.*$", "Types: deb-src", text))
            elif path.suffix == ".list":
                (lists / path.name).write_text(re.sub(r"(?m)^deb ", "deb-src ", text))
    options = ["-o", f"Dir::Etc::SourceParts={lists}", "-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::State::Lists={state}"]
    _update(*options)
    _run([*APT, *options, "-o", "APT::Sandbox::User=root", "source", "--download-only", "kubernetes"], folder)
    description = next(iter(folder.glob("kubernetes_*.dsc")), None)
    if description is None:
        msg = "apt-get brought no source package of Kubernetes"
        raise ProgramsError(msg)
    _run(["dpkg-source", "-x", "--no-check", description.name, "tree"], folder)
    return folder / "tree"


def _build(source: Path, target: Path) -> None:
    # Such as 1.20.5+really1.20.2-1.1: what it is stands behind "really".
    description = next(iter(source.parent.glob("*.dsc"))).read_text()
    version = re.search(r"^Version: (?:\S*really)?(?:\d+:)?(\d+)\.(\d+)\.(\d+)", description, re.MULTILINE)
    major, minor, patch = version.groups() if version else ("1", "20", "2")
    inside = source / ".go" / "src" / "k8s.io"
    inside.mkdir(parents=True)
    (inside / "kubernetes").symlink_to("../../..")
    environment = _plain() | {
        "CGO_ENABLED": "0",
        "GOPATH": str(source / ".go"),
        "GOFLAGS": "-p=2",
        "GOLDFLAGS": "-s -w",
        "HOME": str(source.parent),
        "KUBE_GIT_TREE_STATE": "clean",
        "KUBE_GIT_COMMIT": "debian",
        "KUBE_GIT_VERSION": f"v{major}.{minor}.{patch}",
        "KUBE_GIT_MAJOR": major,
        "KUBE_GIT_MINOR": minor,
    }
    target.mkdir(exist_ok=True)
    for name in NAMES:
        print(f"Building {name}", flush=True)
        _run(["make", f"WHAT=cmd/{name}"], source, environment)
        built = next(path for path in source.glob(f"_output/**/bin/**/{name}") if path.is_file() and not path.is_symlink())
        shutil.copy2(built, target / name)
    (target / "complete").touch()


if __name__ == "__main__":
    try:
        print(programs())
    except ProgramsError as error:
        sys.exit(str(error))
