"""The group of commands: their order, and options with older names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nbproj.cli.answer import stopped
from nbproj.errors import UsageError, suggestion

__all__ = ["Group", "Renamed"]

_ORDER = ("run", "batch", "show", "check", "runs", "logs", "stop", "rerun", "env", "cache", "export", "init", "trust", "doctor", "completion")


class Group(click.Group):
    """Commands in the order of their use; a project in place of a command is understood."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of their use."""
        known = super().list_commands(ctx)
        return sorted(known, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        """Carry out a command; an interruption is one line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:  # click would answer with an empty line
            raise stopped(130) from error

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant, or refuse with what was probably meant."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            todo = f" To run that project: nbproj run {name}" if "/" in name or Path(name).exists() else suggestion(name, self.commands)
            msg = f"there is no command {name!r}.{todo or ' See nbproj --help'}"
            raise UsageError(msg)
        return super().resolve_command(ctx, args)


class Renamed(click.Option):
    """An option with names from MLflow's older documentation, which work and are not advertised."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the line of help, without the older names."""
        record = super().get_help_record(ctx)
        return (record[0].replace(", -m", "").replace(", --mode", "").replace(", --cluster-spec", ""), record[1]) if record else None
