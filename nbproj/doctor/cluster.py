"""Kubernetes: whether its client is installed, and which cluster a run would go to. No cluster is asked."""

from __future__ import annotations

import os
from importlib import metadata, util
from pathlib import Path
from typing import Final

from nbproj.display.doctor import Finding

__all__ = ["cluster"]

_FOR: Final = "for runs with -b kubernetes"
_INSIDE: Final = "KUBERNETES_SERVICE_HOST"


def cluster() -> Finding:
    """Look for the client and for a kubeconfig.

    Examples
    --------
    >>> cluster().name
    'kubernetes'
    """
    if util.find_spec("kubernetes") is None:
        return Finding("kubernetes", "missing", "its client is not installed", f"pip install 'nbproj[kubernetes]' {_FOR}")
    client = f"client {metadata.version('kubernetes')}"
    files = [Path(name).expanduser() for name in os.environ.get("KUBECONFIG", "~/.kube/config").split(os.pathsep) if name]
    there = [path for path in files if path.is_file()]
    if not there:
        if _INSIDE in os.environ:
            return Finding("kubernetes", "ok", f"{client}, the cluster that this process runs in")
        return Finding("kubernetes", "missing", f"{client}, no {files[0] if files else 'kubeconfig'}", f"Set KUBECONFIG {_FOR}")
    import yaml

    context = ""
    for path in there:
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            return Finding("kubernetes", "warning", f"{client}, {path} cannot be read", f"Mend it, or set KUBECONFIG {_FOR}")
        context = context or str((document or {}).get("current-context") or "" if isinstance(document, dict) else "")
    if not context:
        return Finding("kubernetes", "ok", f"{client}, no current context: name one as kube-context")
    return Finding("kubernetes", "ok", f"{client}, context {context}")
