"""The page of an executed notebook, made from its file: when a run ends, and whenever somebody asks for it later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from nbproj.display.quantity import size
from nbproj.errors import RunError

__all__ = ["page_facts", "page_of"]

_MOST_BYTES: Final = 200_000_000
"""More than what an execution lets all outputs of a notebook take; what is larger was not made by one."""


def page_facts(run_id: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Return what a page says of the run that its notebook does not: which run it is, and which commit. No path: pages are sent to others.

    Examples
    --------
    >>> page_facts("0123abcd", {"mlflow.source.git.commit": "4a74a11ce9", "mlflow.source.git.dirty": "true"})
    {'run': '0123abcd', 'commit': '4a74a11ce9, changed since'}
    """
    commit = tags.get("mlflow.source.git.commit")
    changed = ", changed since" if tags.get("mlflow.source.git.dirty") == "true" else ""
    return {"run": run_id, **({"commit": f"{commit[:12]}{changed}"} if commit else {})}


def page_of(notebook: Path, facts: Mapping[str, str]) -> str:
    """Return an executed notebook as a page of HTML.

    Parameters
    ----------
    notebook : Path
        The file; whatever is in it.
    facts : mapping of str to str
        Further facts for the head of the page.

    Raises
    ------
    RunError
        No page can be made of it.
    """
    try:
        document = _document(notebook)
        from nbproj.display.page.notebook import notebook_page

        return notebook_page(document, name=notebook.name, facts=facts)
    except Exception as error:  # whatever a notebook holds, its run is not worse for it
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        msg = f"{notebook.name} cannot be shown as HTML: {reason}"
        raise RunError(msg) from error


def _document(notebook: Path) -> Mapping[str, Any]:
    taken = notebook.stat().st_size
    if taken > _MOST_BYTES:
        msg = f"it has {size(taken)}"
        raise ValueError(msg)
    document = json.loads(notebook.read_bytes())
    if isinstance(document, dict) and isinstance(document.get("cells"), list):
        return document
    msg = "it is no notebook of format 4"
    raise ValueError(msg)
