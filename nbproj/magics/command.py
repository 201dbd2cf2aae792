"""The options of `%mlrun` and `%mlbatch`: the command line's, but that the notebook itself is what runs when nothing is named."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Final

import click

__all__ = ["batch_command", "magic_command"]

# What prints for programs and pipes; understood, so that it can be said what to do instead.
FOR_PROGRAMS: Final = frozenset({"as_json", "quiet"})
HELP: Final = """Run an entry point of a project, and show what came out.

URI is a folder, a Git address, a zip file or a notebook; without it this notebook is run, as it is saved. A value that is wholly in braces is an
expression of this notebook: -P alpha={best.alpha}.
"""


BATCH_HELP: Final = """Run an entry point once for every combination of parameters, and show what came out.

URI is a folder, a Git address, a zip file or a notebook; without it this notebook is run, as it is saved. A value that is wholly in braces is an
expression of this notebook, and may be a list: -P alpha={alphas}. The same line again does what has not finished yet.
"""


def batch_command(unnamed: Callable[[], str] | None = None) -> click.Command:
    """Return the definition of `%mlbatch`, made from the command line's.

    Parameters
    ----------
    unnamed : callable, optional
        Returns the project that is meant when none is named: for the tab key.
    """
    from nbproj.cli import batch

    return _of(batch, "%mlbatch", BATCH_HELP, unnamed)


def magic_command(unnamed: Callable[[], str] | None = None) -> click.Command:
    """Return the definition of `%mlrun`, made from the command line's.

    Parameters
    ----------
    unnamed : callable, optional
        Returns the project that is meant when none is named: for the tab key.
    """
    from nbproj.cli import run

    return _of(run, "%mlrun", HELP, unnamed)


def _of(command: click.Command, name: str, text: str, unnamed: Callable[[], str] | None) -> click.Command:
    params = [copy.copy(parameter) for parameter in command.params if parameter.name != "yes"]  # nobody is asked in a notebook
    for parameter in params:
        if parameter.name == "uri":
            parameter.required = False
            parameter.default = unnamed
        if parameter.name in FOR_PROGRAMS and isinstance(parameter, click.Option):
            parameter.hidden = True
    params.append(click.Option(["--stale-ok"], is_flag=True, help="Run this notebook as it is saved, even if it is older than what was run here."))
    return click.Command(name, params=params, help=text, short_help=command.short_help)
