"""The IPython extension: `%load_ext nbproj` adds the magics, `%unload_ext nbproj` leaves nothing of them behind.

Nothing heavy is imported before a magic is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]

_HELP = """Run an entry point of a project, and show what came out.

%mlrun URI [-e ENTRY] [-P NAME=VALUE]... and the other options of `nbproj run` (`%mlrun --help` lists them).

URI is a folder, a Git address, a zip file or a notebook. The cell waits until the run has ended; Interrupt ends the run cleanly.
A value that is wholly in braces is an expression of this notebook: `-P alpha={best.alpha}` hands over the object itself.
Nothing else in the line is expanded.

    %mlrun . -e train -P alpha=0.5
    run = %mlrun https://example.org/team/wine.git#train -v v2 -P alpha={alpha}

Returns the Run. A run that fails stops Run All with one line.
"""


def _commands() -> dict[str, click.Command]:
    from nbproj.cli import run

    return {"mlrun": run}


def load(shell: InteractiveShell) -> None:
    """Register the magics and their completion in a shell.

    Parameters
    ----------
    shell : InteractiveShell
        The shell that ran `%load_ext nbproj`.
    """
    from nbproj.completion.magic import register

    def mlrun(line: str) -> object:
        from nbproj.magics.mlrun import run_line

        return run_line(line, shell)

    mlrun.__doc__ = _HELP
    # What IPython's own decorator sets: `{...}` in the line is ours to expand. Importing the decorator would import its magics.
    vars(mlrun)["_ipython_magic_no_var_expand"] = True
    shell.magics_manager.register_function(mlrun, magic_kind="line", magic_name="mlrun")
    register(shell, _commands)


def unload(shell: InteractiveShell) -> None:
    """Take everything back that `load` added.

    Parameters
    ----------
    shell : InteractiveShell
        The shell that ran `%unload_ext nbproj`.
    """
    from nbproj.completion.magic import unregister

    shell.magics_manager.magics["line"].pop("mlrun", None)
    unregister(shell)
