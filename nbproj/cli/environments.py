"""`nbproj env`: environments made, listed, locked, offered to Jupyter, removed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from nbproj.errors import UsageError

__all__ = ["env"]

_URI = click.argument("uri", default=".")
_ENTRY = click.option("-e", "--entry-point", metavar="ENTRY", help="The environment of this one, where it has its own.")
_VERSION = click.option("-v", "--version", metavar="VERSION", help="Commit, branch or tag of a Git project.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")


@click.group(short_help="Make, list, lock and remove the environments of projects.", invoke_without_command=True)
@click.pass_context
def env(context: click.Context) -> None:
    """Make, list, lock and remove the environments of projects.

    They are built once and kept in a cache. ENVIRONMENT is a key of the list, or its beginning, or a project.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        sys.exit(UsageError.exit_code)


@env.command("list", short_help="List what is kept.")
@_JSON
def list_(*, as_json: bool) -> None:
    """List the environments that are kept: size, last use, how many runs used them."""
    from nbproj.console import Console
    from nbproj.stock import environments

    with Console() as console:
        found = environments()
        console.answer(json.dumps(found.to_list(), indent=2) if as_json else found.text(width=console.width))


@env.command(short_help="Make a project's environment.")
@_URI
@_ENTRY
@_VERSION
@click.option("--env-manager", metavar="uv|virtualenv|conda", help="How it is made. Default: what the project asks for.")
@click.option("--kernel/--no-kernel", default=None, help="With a notebook's kernel. Default: where the entry point is a notebook.")
@_JSON
def create(uri: str, *, entry_point: str | None, version: str | None, env_manager: str | None, kernel: bool | None, as_json: bool) -> None:
    """Make the environment of a project, so that its first run need not wait; one that is there is looked at and left."""
    from nbproj.console import Console
    from nbproj.preparation import prepare_environment

    with Console() as console:
        made = prepare_environment(uri, entry_point, version, env_manager=env_manager, kernel=kernel, progress=console)
        known = {"key": made.key, "kind": made.kind, "python": made.python, "fingerprint": made.fingerprint, "folder": str(made.folder or "")}
        console.answer(json.dumps(known, indent=2) if as_json else f"{made.key[:12] or made.kind}  {made.python or made.image}")


@env.command(short_help="Show all that is known about one.")
@click.argument("environment", metavar="ENVIRONMENT|URI", default=".")
@_ENTRY
@_JSON
def show(environment: str, *, entry_point: str | None, as_json: bool) -> None:
    """Show an environment: its packages, its size, the runs that used it, whether it is still what was built."""
    from nbproj.console import Console
    from nbproj.stock import environments

    with Console() as console:
        found = environments(environment, entry_point)
        console.answer(json.dumps(found.to_dict(), indent=2) if as_json else found.details())


@env.command(short_help="Remove environments.")
@click.argument("environments", metavar="ENVIRONMENT...", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Also those that a run uses now.")
def remove(environments: tuple[str, ...], *, force: bool) -> None:
    """Remove environments, and those that stand on them; the next run that needs one builds it again."""
    from nbproj.console import Console
    from nbproj.stock import remove_environments

    with Console() as console:
        console.answer("\n".join(f"{key[:12]} removed" for key in remove_environments(environments, force=force)))


@env.command(short_help="Remove what was not used for long.")
@click.option("--older-than", metavar="TIME", default="30d", show_default=True, help="Not used since then: 12h, 30d, 2w; 0 for all.")
def gc(older_than: str) -> None:
    """Remove the environments that were not used for long, and what is broken. What a run or a kernel uses stays."""
    from nbproj.console import Console
    from nbproj.stock import tidy_environments

    with Console() as console:
        gone, stay = tidy_environments(older_than)
        console.answer(gone.text(width=console.width) + " removed" if gone.found else "nothing removed")
        if stay.found:
            console.line(f"{len(stay.found)} as old stay: a run or a kernel in Jupyter uses them")


@env.command(short_help="Print the exact packages of an environment.")
@click.argument("uri", metavar="URI|ENVIRONMENT", default=".")
@_ENTRY
@_VERSION
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write them there instead.")
def lock(uri: str, *, entry_point: str | None, version: str | None, output: Path | None) -> None:
    """Print the exact packages of an environment as a file of requirements; it is made if need be."""
    from nbproj.console import Console
    from nbproj.paths import write_atomically, writing
    from nbproj.preparation import lock_environment

    with Console() as console:
        text = lock_environment(uri, entry_point, version, progress=console)
        if output is None:
            console.answer(text.rstrip("\n"))
            return
        with writing(output):
            write_atomically(output, text)
        console.answer(str(output))


@env.command(short_help="Offer a project's environment as a kernel in Jupyter.")
@_URI
@_ENTRY
@click.option("--name", metavar="NAME", help="Name of the kernel. Default: nbproj- and the project's.")
@click.option("--title", metavar="TEXT", help="What JupyterLab shows. Default: the project's name.")
def kernel(uri: str, *, entry_point: str | None, name: str | None, title: str | None) -> None:
    """Write a kernelspec, so that the project's environment can be chosen in JupyterLab; it is made if need be."""
    from nbproj.console import Console
    from nbproj.preparation import install_kernel

    with Console() as console:
        console.answer(str(install_kernel(uri, entry_point, name=name, title=title, progress=console)))
