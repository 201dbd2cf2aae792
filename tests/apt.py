"""The Debian packages that the tests use: which are missing, and how they are had."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

LIST = Path(__file__).with_name("apt-packages.txt")


def wanted(text: str) -> list[str]:
    """Return the names of a list of packages, one a line, `#` starting a comment."""
    return [name for line in text.splitlines() if (name := line.partition("#")[0].strip())]


def missing(names: list[str]) -> list[str]:
    """Return the packages that are not installed."""
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *names], capture_output=True, text=True, check=False
    )
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def provide() -> str:
    """Install what is missing where that is possible; return what a reader should know, or an empty string when nothing is missing."""
    names = wanted(LIST.read_text(encoding="utf-8"))
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        return f"not a Debian machine; the tests expect what these packages hold: {', '.join(names)}"
    lacking = missing(names)
    if not lacking:
        return ""
    if os.geteuid() != 0:
        return f"not root; please: apt install {' '.join(lacking)}"
    print(f"Installing {', '.join(lacking)}", flush=True)
    # RUNLEVEL=1: a server package must not start its service on this machine.
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    # A mirror may fail once, and another program may be installing something just now.
    apt = ["apt-get", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=600"]
    for command in ([*apt, "update", "-qq"], [*apt, "install", "-qq", "-y", "--no-install-recommends", *lacking]):
        done = subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=1800)
        if done.returncode:
            print(done.stdout, done.stderr, sep="\n", flush=True)
    lacking = missing(names)
    return f"apt-get could not install {', '.join(lacking)}" if lacking else ""
