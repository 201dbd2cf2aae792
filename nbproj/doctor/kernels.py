"""The kernels that notebooks can run in, and those whose program is gone."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from nbproj.display.doctor import Finding

__all__ = ["kernels"]


def kernels() -> Finding:
    """Look at every kernel that Jupyter knows; none is started."""
    from jupyter_client.kernelspec import KernelSpecManager

    manager = KernelSpecManager()
    fit, broken = [], []
    for name in sorted(manager.find_kernel_specs()):
        try:
            program = manager.get_kernel_spec(name).argv[0]
        except Exception:  # noqa: BLE001 - whatever is in a kernel.json, it is that kernel which is broken
            broken.append(f"{name} (its kernel.json cannot be read)")
            continue
        if _is_there(program):
            fit.append(name)
        else:
            broken.append(f"{name} ({program} is gone)")
    if not fit:
        detail = f"broken: {', '.join(broken)}" if broken else "none"
        return Finding("kernels", "missing", detail, "Install ipykernel in this environment", needed=True)
    if broken:
        names = " ".join(one.partition(" ")[0] for one in broken)
        return Finding("kernels", "warning", f"{', '.join(fit)}; broken: {', '.join(broken)}", f"jupyter kernelspec remove {names}", needed=True)
    return Finding("kernels", "ok", ", ".join(fit), needed=True)


def _is_there(program: str) -> bool:
    # Jupyter runs a bare `python` as the Python that it runs in itself.
    if program in {"python", f"python{sys.version_info.major}", f"python{sys.version_info.major}.{sys.version_info.minor}"}:
        return True
    return Path(program).is_file() if Path(program).is_absolute() else shutil.which(program) is not None
