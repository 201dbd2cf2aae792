"""The command line, one module for each family of commands. A command parses, calls one public function, and shows what comes back."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from nbproj.cli.answer import refuse, stopped, told
from nbproj.cli.authoring import export, init
from nbproj.cli.batches import batch
from nbproj.cli.caching import cache
from nbproj.cli.configuring import adopt, generate_config
from nbproj.cli.environments import env
from nbproj.cli.group import Group
from nbproj.cli.machine import completion, doctor
from nbproj.cli.projects import check, show
from nbproj.cli.records import logs, rerun, runs, stop
from nbproj.cli.running import run
from nbproj.cli.trusting import trust
from nbproj.errors import NbprojError, UsageError, on_this_platform, one_line
from nbproj.progress import Event

__all__ = ["batch", "main", "run"]


@click.group(cls=Group, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="nbproj", prog_name="nbproj")
@click.option("--generate-config", "generate", is_flag=True, help="Write a configuration file with every key as a comment.")
@click.option("-y", "--yes", is_flag=True, help="Replace the one that is there.")
@click.pass_context
def nbproj(context: click.Context, *, generate: bool, yes: bool) -> None:
    """Run notebooks and MLflow Projects again, anywhere, with other parameters, and see what came out.

    \b
    nbproj show notebooks/diabetes
    nbproj run notebooks/diabetes -e train -P alpha=0.3
    nbproj run https://example.org/team/wine.git#train -v v2 -P alpha=0.3
    """  # noqa: D301 - click's mark of lines that stay as they are
    from nbproj.housekeeping import tidy

    if generate or yes:
        if context.invoked_subcommand is not None or not generate:
            msg = "--generate-config stands alone, or with -y"
            raise UsageError(msg)
        generate_config(yes=yes)
        return
    if context.invoked_subcommand is None:  # every click shows the help then, and each ends with another exit code
        click.echo(context.get_help(), err=True)
        sys.exit(UsageError.exit_code)
    adopt(context.invoked_subcommand)
    tidy(_note, jobs=context.invoked_subcommand != "run")  # which may have come to take one up itself


def _note(event: Event) -> None:
    if event.step == "note":
        click.echo(f"note: {one_line(event.text)}", err=True)


for _command in (run, batch, show, check, runs, logs, stop, rerun, env, cache, export, init, trust, doctor, completion):
    nbproj.add_command(_command)


GARBAGE: Final = 50_000
"""Objects between two looks for garbage. Imports make a million that stay: at Python's own 700, a sixth of a short command goes into looking."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with the exit codes of docs/contract.md, section 2.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.
    """
    if "_NBPROJ_COMPLETE" in os.environ:  # a shell asks, in the words of its script
        from nbproj.completion.shell import answer

        click.echo(answer(nbproj), nl=False)
        sys.exit()
    gc.set_threshold(GARBAGE)
    atexit.register(gc.freeze)  # the process ends anyway: its last look for garbage would take half a second
    given = list(sys.argv[1:] if arguments is None else arguments)
    program = "jupyter nbproj" if os.path.basename(sys.argv[0]) == "jupyter-nbproj" else "nbproj"  # noqa: PTH119 - a word, not a path
    name = f"{program} {given[0]}" if given and given[0] in nbproj.commands else program
    try:
        on_this_platform()
        nbproj.main(given, prog_name=program, standalone_mode=False)
    except click.ClickException as error:
        refuse(name, UsageError(told(error, name)), given)
    except NbprojError as error:
        refuse(name, error, given)
    except (KeyboardInterrupt, click.Abort):
        refuse(name, stopped(130), given)
