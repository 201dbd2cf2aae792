"""The line behind a magic that runs something: its words, and the options that they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbproj.errors import UsageError
from nbproj.magics.expansion import words

if TYPE_CHECKING:
    import click

__all__ = ["options_of"]


def options_of(line: str, command: click.Command, result: str) -> dict[str, Any] | None:
    """Return the options that a line means; None when it asked for help, which is printed.

    Parameters
    ----------
    line : str
        What stands behind the magic.
    command : click.Command
        The magic's definition.
    result : str
        What comes back from it, as a message calls it.

    Raises
    ------
    UsageError
        The line is not well-formed.
    """
    import click

    name = str(command.name)
    try:
        typed = words(line)
    except ValueError as error:
        msg = f"{name}: {error}: close what was opened, or write it in the other kind of quotes"
        raise UsageError(msg) from error
    try:
        context = command.make_context(name, typed)
    except click.exceptions.Exit:
        return None
    except click.ClickException as error:
        msg = f"{name}: {error.format_message()} Try: {name} --help"
        raise UsageError(msg) from error
    options = dict(context.params)
    if options.pop("as_json") or options.pop("quiet"):
        msg = f"{name}: --json and --quiet are for the command line; here the {result} itself comes back: {result.lower()} = {name} ..."
        raise UsageError(msg)
    if options["uri"] is not None and options["stale_ok"]:
        msg = f"{name}: --stale-ok is for this notebook, and another project is named: leave one of them out"
        raise UsageError(msg)
    return options
