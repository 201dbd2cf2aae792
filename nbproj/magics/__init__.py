"""The IPython extension: `%load_ext nbproj` adds the magics, `%unload_ext nbproj` leaves nothing of them behind.

Nothing heavy is imported before a magic is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbproj.magics.extension import Extension

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]


def load(shell: InteractiveShell) -> None:
    """Add the magics, the declarations and their completion to a shell. May be called twice.

    Parameters
    ----------
    shell : InteractiveShell
        The shell that ran `%load_ext nbproj`.
    """
    unload(shell)
    Extension(shell).attach()


def unload(shell: InteractiveShell) -> None:
    """Take everything back that `load` added.

    Parameters
    ----------
    shell : InteractiveShell
        The shell that ran `%unload_ext nbproj`.
    """
    attached = Extension.of(shell)
    if attached is not None:
        attached.detach()
