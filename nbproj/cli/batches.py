"""`nbproj batch`: many runs of one entry point. What it has in common with `nbproj run` is defined there."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from typing import Any, Final

import click

from nbproj.cli.answer import stopped
from nbproj.cli.running import run

__all__ = ["batch"]

_AS_RUN: Final = (
    *("uri", "entry_point", "version", "experiment_name", "experiment_id", "tracking_uri", "env_manager", "no_conda", "env_file", "kernel", "html"),
    *("allow_errors", "as_notebook", "backend", "backend_config", "docker_args", "build_image", "storage_dir", "git_username", "git_password"),
)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that are the batch's own. Hidden is what is not there yet: it is answered in one line."""
    options = [
        click.option(
            "-P", "--param", "parameters", multiple=True, metavar="NAME=VALUES", help="A value, or many: range(10), logspace(-4,0,9). Again: more."
        ),
        click.option("-f", "--params-file", metavar="ROWS.csv", help="A point in each row: csv, json, yaml or parquet; combined with -P."),
        click.option("--seed", type=int, default=0, metavar="N", help="Chooses the values of uniform, loguniform and normal. Default: 0."),
        click.option("-j", "--workers", type=int, metavar="N", help="How many runs at once. Default: one for each core."),
        click.option("--retries", type=int, default=0, metavar="N", help="How often a point that fails is tried again at once."),
        click.option("--on-error", metavar="continue|stop", default="continue", help="stop: nothing starts any more after a point has failed."),
        click.option("--max-failures", type=int, metavar="N", help="Nothing starts any more after so many points have failed."),
        click.option("--timeout", type=float, metavar="S", help="Seconds after which a single run is ended and fails."),
        click.option("--name", metavar="NAME", help="Name of the batch; another name is another batch."),
        click.option("--fresh", is_flag=True, help="Begin a new batch, even if there is one to go on with."),
        click.option("--keep", is_flag=True, help="Go on although the project has changed; what has finished stays as it is."),
        click.option("--metric", metavar="NAME", help="What the runs are ordered by where they are shown."),
        click.option("--direction", metavar="minimize|maximize", default="minimize", help="Which end of the metric is the best. Default: minimize."),
        click.option("--kernel-start", metavar="auto|fork|spawn", default="auto", help="How the kernels of notebooks come into being."),
        click.option("--detach", is_flag=True, help="Return at once; a process of its own carries the batch (nbproj logs -f, nbproj stop)."),
        click.option("-y", "--yes", is_flag=True, help="Do not ask before many runs are started."),
        click.option("--json", "as_json", is_flag=True, help="Print the batch as JSON."),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing but what is wrong."),
        click.option("--trials", hidden=True),
        click.option("--sampler", hidden=True),
        click.option("--pruner", hidden=True),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command(short_help="Run an entry point many times, with many parameters.")
@_options
def batch(*, parameters: tuple[str, ...], yes: bool, as_json: bool, quiet: bool, **options: Any) -> None:  # noqa: ANN401 - click hands over what is declared above
    """Run an entry point once for every combination of parameters. The same command again does what has not finished yet.

    \b
    nbproj batch notebooks/diabetes -e train -P 'alpha=logspace(-4,0,10)' -P 'seed=range(20)' -j 2
    nbproj batch . -e train -P lr=0.1 -P lr=0.2 --params-file rows.csv
    """  # noqa: D301 - click's mark of lines that stay as they are
    from nbproj.batches.carrying import carry_batch
    from nbproj.batches.order import LARGE
    from nbproj.console import Console
    from nbproj.execution.signals import STOPS
    from nbproj.options import assignments, batch_from_options

    asked = batch_from_options(options, assignments(parameters))
    if asked.space.size > LARGE and not yes and sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm(f"{asked.space.describe()}. Start them?", abort=True, err=True)
    code = 0
    with Console(quiet=quiet, program_to_stderr=as_json) as console:
        try:
            result: Any = carry_batch(asked, console, sole=True)
        except STOPS as stop:
            result, code = stop.run, stop.exit_code
            if result is None:
                raise stopped(code) from stop
        if not asked.synchronous:
            console.leave(result.run)
        else:
            console.block(result.summary(width=console.width))
            counts = result.counts
            code = code or int(counts["finished"] < counts["points"])
        if as_json:
            console.answer(json.dumps(result.to_dict(), indent=2))
        elif not asked.synchronous:
            console.answer(result.batch_id)
    sys.exit(code)


_shared = {parameter.name: copy.copy(parameter) for parameter in run.params}
batch.params[:0] = [_shared[name] for name in _AS_RUN]
