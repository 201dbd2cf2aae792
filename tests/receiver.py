"""A real program, `receive`, that records its arguments, and real shells to run it from."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

# `sh` itself is the program: it starts in a millisecond, and its printf takes any bytes.
_PROGRAM = """#!/bin/sh
printf '%s\\0' "$#" "$@" >> "$RECEIVED"
"""


@dataclass(frozen=True)
class Receiver:
    """A folder with the program and an empty one to run in, where a file PWNED would show that a value ran."""

    folder: Path

    @classmethod
    def build(cls, folder: Path) -> Receiver:
        for name in ("bin", "work", "home"):
            (folder / name).mkdir(parents=True)
        program = folder / "bin" / "receive"
        program.write_text(_PROGRAM)
        program.chmod(0o755)
        return cls(folder)

    @property
    def pwned(self) -> bool:
        return any(self.folder.rglob("PWNED*"))

    def run(self, text: str, *, shell: str = "bash") -> list[list[str]]:
        """Run a text and return what each call of `receive` was given, in order."""
        received = self.folder / "received"
        received.write_bytes(b"")
        environment = {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.folder / "home"), "LC_ALL": "C.UTF-8"}
        subprocess.run(
            [shell, "-c", text],
            cwd=self.folder / "work",
            env={**environment, "RECEIVED": str(received)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        fields = received.read_bytes().decode().split("\0")[:-1]
        calls = []
        while fields:
            count = int(fields.pop(0))
            calls.append(fields[:count])
            del fields[:count]
        return calls
