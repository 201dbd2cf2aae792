"""`nbproj --generate-config`: a configuration file to begin with."""

from __future__ import annotations

import sys

import click

__all__ = ["adopt", "generate_config"]


def adopt(command: str | None) -> None:
    """Take the user's configuration into this process; for the commands that help with a wrong one it may be wrong.

    Raises
    ------
    ConfigurationError
        A file or variable is wrong.
    """
    from nbproj.configuration.settings import ConfigurationError, carry, settings

    try:
        carry(settings())
    except ConfigurationError:
        if command not in {"doctor", "completion"}:
            raise


def generate_config(*, yes: bool) -> None:
    """Write the file, and say where it is; one that is there is replaced only after a question, or with `-y`.

    Raises
    ------
    UsageError
        There is one, and nobody to ask.
    """
    from nbproj.configuration.places import default_file
    from nbproj.configuration.template import write_template
    from nbproj.errors import UsageError, one_line

    path = default_file()
    if path.exists() and not yes:
        if not (sys.stdin and sys.stdin.isatty()):
            msg = f"{path} is there already: -y replaces it"
            raise UsageError(msg)
        if not click.confirm(f"{one_line(str(path))} is there already. Replace it?", err=True):
            sys.exit(1)
    write_template(path)
    click.echo(str(path))
