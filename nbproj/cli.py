"""The command line: `nbproj run`, `show`, `check`. It parses, calls one public function, and shows what comes back."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from nbproj.errors import NbprojError, UsageError
from nbproj.progress import Event

__all__ = ["main"]

_NOT_YET = {
    "detach": "--detach",
    "html": "--html",
    "as_notebook": "--as-notebook",
    "reuse": "--reuse",
}


def _pairs(_context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            msg = f"{value!r} is not NAME=VALUE"
            raise click.BadParameter(msg, param=parameter)
        if name in pairs:
            msg = f"{name!r} is given twice"
            raise click.BadParameter(msg, param=parameter)
        pairs[name] = text
    return pairs


def _docker_args(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> dict[str, str | bool]:
    return {name: text if equals else True for name, equals, text in (value.partition("=") for value in values)}


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `run`; one definition for every front door."""
    options = [
        click.argument("uri"),
        click.option("-e", "--entry-point", metavar="ENTRY", help="Entry point, or the path of a script or notebook in the project. Default: main."),
        click.option("-v", "--version", metavar="VERSION", help="Commit, branch or tag of a Git project."),
        click.option("-P", "--param", "parameters", multiple=True, metavar="NAME=VALUE", callback=_pairs, help="A parameter; may be repeated."),
        click.option("-f", "--params-file", type=click.Path(dir_okay=False), metavar="PARAMS.yaml", help="Parameters from a YAML or JSON file."),
        click.option("-A", "--docker-args", multiple=True, metavar="NAME[=VALUE]", callback=_docker_args, help="An argument for docker run."),
        click.option("--experiment-name", metavar="N", help="Experiment, created when absent."),
        click.option("--experiment-id", metavar="I", help="Experiment by its id."),
        click.option("-b", "--backend", "-m", "--mode", default="local", metavar="BACKEND", help="Who runs it. Default: local."),
        click.option("-c", "--backend-config", "--cluster-spec", metavar="CONFIG.json|JSON", help="The backend's configuration."),
        click.option("--env-manager", metavar="local|uv|virtualenv|conda", help="How the environment is made. Default: what the project asks for."),
        click.option("--no-conda", is_flag=True, help="Same as --env-manager local."),
        click.option("--storage-dir", envvar="MLFLOW_TMP_DIR", metavar="DIR", help="Folder for downloads."),
        click.option("--run-id", metavar="ID", help="Continue this run instead of creating one."),
        click.option("--run-name", metavar="NAME", help="Name of the run."),
        click.option("--build-image/--no-build-image", default=None, help="Copy the project into the image, or mount it."),
        click.option("--env-file", type=click.Path(dir_okay=False), metavar="FILE", help="Environment variables for the run, as NAME=VALUE lines."),
        click.option("--kernel", metavar="NAME", help="Kernel of a notebook. Default: the notebook's own."),
        click.option("--timeout", type=float, metavar="S", help="Seconds after which the run is ended and fails."),
        click.option("--detach", is_flag=True, help="Return at once."),
        click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.ipynb", help="Copy of the executed notebook."),
        click.option("--html", is_flag=True, help="Keep the executed notebook as HTML too."),
        click.option("--as-notebook", is_flag=True, help="Run a py:percent script as a notebook."),
        click.option("--reuse", is_flag=True, help="Return an equal finished run instead."),
        click.option("--tracking-uri", metavar="URI", help="The tracking store. Default: MLFLOW_TRACKING_URI, else the nearest mlflow.db."),
        click.option("--git-username", envvar="MLFLOW_GIT_USERNAME", metavar="USER", help="For a Git server that asks."),
        click.option("--git-password", envvar="MLFLOW_GIT_PASSWORD", metavar="PASSWORD", help="Better given by MLFLOW_GIT_PASSWORD."),
        click.option("--json", "as_json", is_flag=True, help="Print the run as JSON; the program's output goes to standard error."),
        click.option("-q", "--quiet", is_flag=True, help="Print the program's output only."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="nbproj", prog_name="nbproj")
def nbproj() -> None:
    """Run notebooks and MLflow Projects again, anywhere, with other parameters, and see what came out."""
    from nbproj.housekeeping import tidy

    tidy(_note)


def _note(event: Event) -> None:
    if event.step == "note":
        click.echo(f"note: {event.text}", err=True)


@nbproj.command()
@_run_options
def run(as_json: bool, quiet: bool, **options: Any) -> None:  # noqa: ANN401, FBT001 - click hands over what is declared above
    """Run an entry point of a project.

    URI is a folder, a Git address, a zip file or a notebook; #sub/dir names a folder inside.
    """
    from nbproj.console import Console
    from nbproj.execution.signals import STOPS
    from nbproj.options import order_from_options
    from nbproj.record import RunFailed
    from nbproj.runner import execute

    for name, flag in _NOT_YET.items():
        if options.pop(name):
            msg = f"{flag} is not there yet in this version of nbproj"
            raise UsageError(msg)
    with Console(quiet=quiet, program_to_stderr=as_json) as console:
        order = order_from_options(options)
        try:
            result = execute(order, console)
        except RunFailed as failure:
            _show(console, failure.run, as_json=as_json)
            sys.exit(failure.exit_code)
        except STOPS as stop:
            if stop.run is not None:
                _show(console, stop.run, as_json=as_json)
            sys.exit(stop.exit_code)
    _show(console, result, as_json=as_json)


def _show(console: Any, run_: Any, *, as_json: bool) -> None:  # noqa: ANN401 - Console and Run, imported late
    console.block(run_.summary(width=console.width))
    if as_json:
        click.echo(json.dumps(run_.to_dict(), indent=2))


@nbproj.command()
@click.argument("uri", default=".")
@click.option("-e", "--entry-point", metavar="ENTRY", help="Show this one only.")
@click.option("-v", "--version", metavar="VERSION", help="Commit, branch or tag of a Git project.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show(uri: str, entry_point: str | None, version: str | None, *, as_json: bool) -> None:
    """Show entry points and parameters of a project; nothing of it is executed."""
    from nbproj.console import Console
    from nbproj.inspection import inspect_project

    with Console(quiet=as_json) as console:
        inspection = inspect_project(uri, version, entry_point=entry_point, progress=console)
    click.echo(json.dumps(inspection.to_dict(), indent=2) if as_json else inspection.text(width=console.width))


@nbproj.command()
@click.argument("uri", default=".")
@click.option("-v", "--version", metavar="VERSION", help="Commit, branch or tag of a Git project.")
@click.option("--strict", is_flag=True, help="Refuse unknown keys and types too.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(uri: str, version: str | None, *, strict: bool, as_json: bool) -> None:
    """Check that a project can be read and its entry points run; nothing of it is executed."""
    from nbproj.inspection import inspect_project

    inspection = inspect_project(uri, version, strict=strict)
    problems = inspection.problems()
    if as_json:
        click.echo(json.dumps({"version": 1, "ok": not problems, "problems": problems, "warnings": list(inspection.project.warnings)}, indent=2))
    else:
        for line in [*problems, *(f"warning: {warning}" for warning in inspection.project.warnings)]:
            click.echo(line, err=True)
        count = len(inspection.project.entry_points)
        if not problems:
            click.echo(f"{inspection.project.name}: {count} entry point{'' if count == 1 else 's'}, no problem found")
    if problems:
        sys.exit(120)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with the exit codes of docs/contract.md, section 2.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = f"nbproj {given[0]}" if given and not given[0].startswith("-") else "nbproj"
    try:
        nbproj.main(given, prog_name="nbproj", standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except NbprojError as error:
        click.echo(str(error) if error.place is not None else f"{name}: {error}", err=True)
        if error.hint:
            click.echo(error.hint, err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(f"{name}: interrupted", err=True)
        sys.exit(130)
