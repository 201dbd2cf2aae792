"""Other users of this machine: whoever runs the tests as root can be one of whom the machine knows no name."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ANOTHER = 12345 if os.geteuid() == 0 else os.geteuid()
"""The number of a user who is not root."""


def as_another(*groups: int) -> list[str]:
    """Return the beginning of a command that another user runs; of root's rights it keeps only to read, because tests lie in root's folders."""
    python = [sys.executable, "-B"]
    if os.geteuid() != 0:
        return python
    listed = [f"--groups={','.join(map(str, groups))}"] if groups else ["--clear-groups"]
    rights = [f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
    return ["setpriv", f"--reuid={ANOTHER}", f"--regid={ANOTHER}", *listed, *rights, "env", "-u", "USER", "-u", "LOGNAME", *python]


def give(*folders: Path) -> None:
    """Give folders with all that is in them to that user, and let others pass through what is above."""
    if os.geteuid() == 0:
        for folder in folders:
            for above in folder.parents:
                if Path(tempfile.gettempdir()) in above.parents:
                    above.chmod(above.stat().st_mode | 0o011)
            for path in (folder, *folder.rglob("*")):
                os.chown(path, ANOTHER, ANOTHER, follow_symlinks=False)
