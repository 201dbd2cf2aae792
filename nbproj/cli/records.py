"""`nbproj runs`, `logs`, `stop` and `rerun`: runs found again, from any terminal."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from nbproj.cli.answer import carried

__all__ = ["logs", "rerun", "runs", "stop"]

_RUN = click.argument("run_id", metavar="RUN")
_STORE = click.option("--tracking-uri", metavar="URI", help="The tracking store. Default: wherever the run is.")


@click.command(short_help="List runs, the newest first.")
@click.option("--active", is_flag=True, help="Only those that run now, also in other stores.")
@click.option("--failed", is_flag=True, help="Only those that failed or were killed.")
@click.option("--experiment", metavar="NAME|ID", help="Only those of an experiment.")
@click.option("--filter", metavar="TEXT", default="", help="A filter in MLflow's language: metrics.rmse < 60 and params.alpha = '0.3'.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many at most.")
@click.option("--tracking-uri", metavar="URI", help="The tracking store. Default: MLFLOW_TRACKING_URI, else the nearest mlflow.db.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, for programs.")
def runs(*, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click hands over what is declared above
    """List the runs of a store, the newest first. RUN in other commands is an id of this list, or its beginning."""
    from nbproj.console import Console
    from nbproj.records import runs as find

    with Console() as console:
        found = find(progress=console, **options)
        if as_json:
            console.answer(json.dumps(found.to_list(), indent=2))
        else:
            console.answer(found.text(width=console.width))
            console.line(f"store: {found.store}")


@click.command(short_help="Show what a run has printed.")
@_RUN
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option(
    "--html", "page", is_flag=False, flag_value=".", metavar="[PATH]", help="Write its executed notebook as a page of HTML instead; - prints it."
)
@_STORE
def logs(run_id: str, *, follow: bool, page: str | None, tracking_uri: str | None) -> None:
    """Show what a run has printed so far, or in all; or write its executed notebook as a page."""
    from nbproj.console import Console
    from nbproj.following import follow as watch
    from nbproj.records import get_run

    with Console() as console:
        run = get_run(run_id, tracking_uri=tracking_uri, progress=console)
        if page is not None:
            if follow:
                run.wait()
            console.answer(run.html() if page == "-" else str(run.html(page)))
            return
        for event in watch(run, wait=follow):
            if event.step in {"note", "output"}:
                console(event)
        if follow:
            console.block(run.summary(width=console.width))


@click.command(short_help="End a run.")
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@_STORE
def stop(run_ids: tuple[str, ...], *, tracking_uri: str | None) -> None:
    """End runs that this host carries, and say how they ended. One that has ended is left as it is."""
    from nbproj.console import Console
    from nbproj.records import get_run

    with Console() as console:
        for run_id in run_ids:
            run = get_run(run_id, tracking_uri=tracking_uri, progress=console)
            if run.has_ended():
                console.answer(f"run {run.run_id[:8]} has ended already: {run.status}")
                continue
            run.cancel()
            console.answer(f"run {run.run_id[:8]} stopped: {run.status}")


@click.command(short_help="Run an earlier run's entry point once more.")
@_RUN
@click.option("-P", "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A value in place of the earlier one; may be repeated.")
@click.option("--run-name", metavar="NAME", help="Name of the new run.")
@click.option("--timeout", type=float, metavar="S", help="Seconds after which it is ended and fails.")
@click.option("--detach", is_flag=True, help="Return at once; a process of its own carries the run.")
@_STORE
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON; the program's output goes to standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Print the program's output only, and why a run failed.")
def rerun(run_id: str, *, parameters: tuple[str, ...], detach: bool, as_json: bool, quiet: bool, **options: Any) -> None:  # noqa: ANN401 - as above
    """Run an earlier run's entry point once more, with its parameters, in its experiment."""
    from nbproj.console import Console
    from nbproj.options import parameter_pairs
    from nbproj.records import rerun as again

    values = parameter_pairs(parameters)
    with Console(quiet=quiet, program_to_stderr=as_json) as console:
        code = carried(
            console,
            lambda: again(run_id, values, synchronous=not detach, progress=console, sole=not detach, **options),
            detached=detach,
            as_json=as_json,
            quiet=quiet,
        )
    sys.exit(code)
