"""Kernelspecs, read where they lie: Jupyter's own client would import IPython to find the first of them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Spec", "plain_spec"]


@dataclass(frozen=True, slots=True)
class Spec:
    """A kernelspec, in the words of Jupyter's own."""

    resource_dir: str
    argv: list[str] = field(default_factory=list)
    language: str = ""
    env: dict[str, str] = field(default_factory=dict)
    interrupt_mode: str = "signal"
    metadata: dict[str, Any] = field(default_factory=dict)


def plain_spec(name: str) -> Spec | None:
    """Return a kernelspec that lies on Jupyter's path and is plain; None where Jupyter's client has to look, or to say what is wrong.

    Parameters
    ----------
    name : str
        Its name, in any case.
    """
    from jupyter_core.paths import jupyter_path

    for parent in jupyter_path("kernels"):
        try:
            folders = [entry for entry in os.listdir(parent) if entry.lower() == name.lower()]
        except OSError:
            continue
        for folder in folders:
            path = Path(parent, folder, "kernel.json")
            if path.is_file():
                return _read(path)
    return None


def _read(path: Path) -> Spec | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    kinds = {"argv": list, "language": str, "env": dict, "interrupt_mode": str, "metadata": dict}
    if not isinstance(content, dict) or not all(isinstance(content[key], kind) for key, kind in kinds.items() if key in content):
        return None
    spec = Spec(str(path.parent), **{key: content[key] for key in kinds if key in content})
    plain = all(isinstance(word, str) for word in (*spec.argv, *spec.env, *spec.env.values())) and spec.interrupt_mode in {"signal", "message"}
    return spec if plain and spec.argv and not spec.metadata.get("kernel_provisioner") else None
