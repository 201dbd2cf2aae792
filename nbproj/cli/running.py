"""`nbproj run`, and its options: one definition for every front door."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from nbproj.cli.answer import carried
from nbproj.cli.group import Renamed

__all__ = ["run"]


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `run`; one definition for every front door."""
    options = [
        click.argument("uri"),
        click.option("-e", "--entry-point", metavar="ENTRY", help="Entry point, or the path of a script or notebook in the project. Default: main."),
        click.option("-v", "--version", metavar="VERSION", help="Commit, branch or tag of a Git project."),
        click.option("-P", "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated."),
        click.option("-f", "--params-file", metavar="PARAMS.yaml", help="Parameters from a YAML or JSON file; -P wins."),
        click.option("--experiment-name", metavar="NAME", help="Experiment, created when absent."),
        click.option("--experiment-id", metavar="ID", help="Experiment by its id."),
        click.option("--run-name", metavar="NAME", help="Name of the run."),
        click.option("--run-id", metavar="ID", help="Continue this run instead of creating one."),
        click.option("--tracking-uri", metavar="URI", help="The tracking store. Default: MLFLOW_TRACKING_URI, else the nearest mlflow.db."),
        click.option("--env-manager", metavar="local|uv|virtualenv|conda", help="How the environment is made. Default: what the project asks for."),
        click.option("--locked", metavar="RUN_ID", help="In exactly the packages of that run, or of the run whose id begins so."),
        click.option("--no-conda", is_flag=True, help="Same as --env-manager local."),
        click.option("--env-file", metavar="FILE", help="Environment variables for the run, as NAME=VALUE lines."),
        click.option("--kernel", metavar="NAME", help="Kernel of a notebook. Default: the notebook's own."),
        click.option("--output", type=click.Path(path_type=Path), metavar="FILE.ipynb", help="Copy of the executed notebook."),
        click.option("--html", is_flag=True, help="Keep the executed notebook as a page of HTML too; of one that fails it is always kept."),
        click.option("--allow-errors", is_flag=True, help="Run a notebook on after a cell that fails; the run fails all the same."),
        click.option("--timeout", type=float, metavar="S", help="Seconds after which the run is ended and fails."),
        click.option("-b", "--backend", "-m", "--mode", cls=Renamed, metavar="BACKEND", help="Who runs it. Default: local."),
        click.option("-c", "--backend-config", "--cluster-spec", cls=Renamed, metavar="CONFIG.json|JSON", help="The backend's configuration."),
        click.option("--git-username", envvar="MLFLOW_GIT_USERNAME", metavar="USER", help="For a Git server that asks."),
        click.option("--git-password", envvar="MLFLOW_GIT_PASSWORD", metavar="PASSWORD", help="Better given by MLFLOW_GIT_PASSWORD."),
        click.option("--detach", is_flag=True, help="Return at once; a process of its own carries the run (nbproj logs -f, nbproj stop)."),
        click.option("--json", "as_json", is_flag=True, help="Print the run as JSON; the program's output goes to standard error."),
        click.option("-q", "--quiet", is_flag=True, help="Print the program's output only, and why a run failed."),
        click.option(
            "-A", "--docker-args", multiple=True, metavar="NAME[=VALUE]", help="An argument of docker run, for a docker_env; may be repeated."
        ),
        click.option(
            "--build-image/--no-build-image", default=None, help="Put a docker_env's project into an image (the default), or mount it read-only."
        ),
        click.option("--storage-dir", envvar="MLFLOW_TMP_DIR", metavar="DIR", help="Where downloads of parameters are kept. Default: a cache."),
        click.option("--as-notebook", is_flag=True, help="Run a script or Markdown file as the notebook that jupytext sees in it."),
        click.option("--reuse", is_flag=True, help="Return an equal run that has finished instead: same parameters, environment and source."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command(short_help="Run an entry point of a project.")
@_run_options
def run(*, as_json: bool, quiet: bool, **options: Any) -> None:  # noqa: ANN401 - click hands over what is declared above
    """Run an entry point of a project.

    URI is a folder, a Git address, a zip file or a notebook; #sub/dir names a folder inside.
    """
    from nbproj.console import Console
    from nbproj.options import order_from_options
    from nbproj.runner import carry_out

    order = order_from_options(options)
    with Console(quiet=quiet, program_to_stderr=as_json) as console:
        code = carried(
            console,
            lambda: carry_out(order, console, sole=True),
            detached=not order.synchronous,
            as_json=as_json,
            quiet=quiet,
        )
    sys.exit(code)
