"""How IPython shows a project and an entry point: formatters that an opened front door registers in a shell.

Nothing is imported for it, neither IPython nor what is shown: a shell looks types up by name.
"""

from __future__ import annotations

import shutil
from typing import Any

__all__ = ["register", "unregister"]

_MODULE = "nbproj.project.model"


def register(shell: Any) -> None:  # noqa: ANN401 - IPython's InteractiveShell, which is not imported here
    """Make a shell show projects and entry points.

    Parameters
    ----------
    shell : InteractiveShell
        The shell that loads the extension; twice does no harm.
    """
    formatter = _formatter(shell)
    if formatter is None:
        return

    def width() -> int:
        return 100 if hasattr(shell, "kernel") else shutil.get_terminal_size((100, 24)).columns

    def project(value: Any, **_wanted: object) -> dict[str, Any]:  # noqa: ANN401 - a Project
        from nbproj.display.project_card import project_bundle

        return project_bundle(value, width=width())

    def entry_point(value: Any, **_wanted: object) -> dict[str, Any]:  # noqa: ANN401 - an EntryPoint
        from nbproj.display.project_card import entry_point_bundle

        return entry_point_bundle(value, width=width())

    formatter.for_type_by_name(_MODULE, "Project", project)
    formatter.for_type_by_name(_MODULE, "EntryPoint", entry_point)


def unregister(shell: Any) -> None:  # noqa: ANN401 - as above
    """Take back what `register` did.

    Parameters
    ----------
    shell : InteractiveShell
        The shell that unloads the extension.
    """
    formatter = _formatter(shell)
    if formatter is not None:
        for name in ("Project", "EntryPoint"):
            formatter.pop(f"{_MODULE}.{name}", None)


def _formatter(shell: Any) -> Any:  # noqa: ANN401 - as above
    display = getattr(shell, "display_formatter", None)
    return getattr(display, "mimebundle_formatter", None)
