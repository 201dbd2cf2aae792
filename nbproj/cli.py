"""The command line: `nbproj run`, `show`, `check`, `doctor`. It parses, calls one public function, and shows what comes back."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from nbproj.errors import NbprojError, RunError, UsageError, on_this_platform, one_line, suggestion
from nbproj.progress import Event

__all__ = ["main"]

_ORDER = ("run", "show", "check", "doctor", "completion")
_PLANNED = ("batch", "runs", "logs", "stop", "rerun", "env", "cache", "export", "init", "trust")


class _Group(click.Group):
    """Commands in the order of their use; what is planned is said to be so, and a project in place of a command is understood."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        known = super().list_commands(ctx)
        return sorted(known, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:  # click would answer with an empty line
            raise _stopped(130) from error

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in _PLANNED:
            msg = f"{name} is not there yet in this version of nbproj"
            raise UsageError(msg)
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            todo = f" To run that project: nbproj run {name}" if "/" in name or Path(name).exists() else suggestion(name, self.commands)
            msg = f"there is no command {name!r}.{todo or ' See nbproj --help'}"
            raise UsageError(msg)
        return super().resolve_command(ctx, args)


class _Renamed(click.Option):
    """An option with names from MLflow's older documentation, which work and are not advertised."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        return (record[0].replace(", -m", "").replace(", --mode", "").replace(", --cluster-spec", ""), record[1]) if record else None


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `run`; one definition for every front door. Hidden is what is not there yet: it is answered in one line."""
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
        click.option("--no-conda", is_flag=True, help="Same as --env-manager local."),
        click.option("--env-file", metavar="FILE", help="Environment variables for the run, as NAME=VALUE lines."),
        click.option("--kernel", metavar="NAME", help="Kernel of a notebook. Default: the notebook's own."),
        click.option("--output", type=click.Path(path_type=Path), metavar="FILE.ipynb", help="Copy of the executed notebook."),
        click.option("--timeout", type=float, metavar="S", help="Seconds after which the run is ended and fails."),
        click.option("-b", "--backend", "-m", "--mode", cls=_Renamed, default="local", metavar="BACKEND", help="Who runs it. Default: local."),
        click.option("-c", "--backend-config", "--cluster-spec", cls=_Renamed, metavar="CONFIG.json|JSON", help="The backend's configuration."),
        click.option("--git-username", envvar="MLFLOW_GIT_USERNAME", metavar="USER", help="For a Git server that asks."),
        click.option("--git-password", envvar="MLFLOW_GIT_PASSWORD", metavar="PASSWORD", help="Better given by MLFLOW_GIT_PASSWORD."),
        click.option("--json", "as_json", is_flag=True, help="Print the run as JSON; the program's output goes to standard error."),
        click.option("-q", "--quiet", is_flag=True, help="Print the program's output only, and why a run failed."),
        click.option("-A", "--docker-args", multiple=True, hidden=True),
        click.option("--build-image/--no-build-image", default=None, hidden=True),
        click.option("--storage-dir", envvar="MLFLOW_TMP_DIR", hidden=True),
        click.option("--detach", is_flag=True, hidden=True),
        click.option("--html", is_flag=True, hidden=True),
        click.option("--as-notebook", is_flag=True, hidden=True),
        click.option("--reuse", is_flag=True, hidden=True),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=_Group, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="nbproj", prog_name="nbproj")
@click.pass_context
def nbproj(context: click.Context) -> None:
    """Run notebooks and MLflow Projects again, anywhere, with other parameters, and see what came out.

    \b
    nbproj show notebooks/diabetes
    nbproj run notebooks/diabetes -e train -P alpha=0.3
    nbproj run https://example.org/team/wine.git#train -v v2 -P alpha=0.3
    """  # noqa: D301 - click's mark of lines that stay as they are
    from nbproj.housekeeping import tidy

    if context.invoked_subcommand is None:  # every click shows the help then, and each ends with another exit code
        click.echo(context.get_help(), err=True)
        sys.exit(UsageError.exit_code)
    tidy(_note)


def _note(event: Event) -> None:
    if event.step == "note":
        click.echo(f"note: {one_line(event.text)}", err=True)


@nbproj.command(short_help="Run an entry point of a project.")
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

    order = order_from_options(options)
    with Console(quiet=quiet, program_to_stderr=as_json) as console:
        code = 0
        try:
            result: Any = execute(order, console)
        except RunFailed as failure:
            result, code = failure.run, failure.exit_code
            if quiet:
                _complain("nbproj run", failure)
        except STOPS as stop:
            result, code = stop.run, stop.exit_code
            if result is None:
                raise _stopped(code) from stop
        console.block(result.summary(width=console.width))
        if as_json:
            console.answer(json.dumps(result.to_dict(), indent=2))
    sys.exit(code)


def _stopped(code: int) -> RunError:
    error = RunError("interrupted" if code == 130 else "terminated")  # noqa: PLR2004 - 128 + INT
    error.exit_code = code
    return error


@nbproj.command(short_help="Show entry points and parameters of a project.")
@click.argument("uri", default=".")
@click.option("-e", "--entry-point", metavar="ENTRY", help="Show this one only.")
@click.option("-v", "--version", metavar="VERSION", help="Commit, branch or tag of a Git project.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, for programs.")
def show(uri: str, entry_point: str | None, version: str | None, *, as_json: bool) -> None:
    """Show entry points and parameters of a project; nothing of it is executed."""
    from nbproj.console import Console
    from nbproj.inspection import inspect_project

    with Console() as console:
        inspection = inspect_project(uri, version, entry_point=entry_point, progress=console)
        for warning in inspection.project.warnings:
            console.line(f"warning: {warning}")
        console.answer(json.dumps(inspection.to_dict(), indent=2) if as_json else inspection.text(width=console.width))


@nbproj.command(short_help="Check that a project can be read and its entry points run.")
@click.argument("uri", default=".")
@click.option("-v", "--version", metavar="VERSION", help="Commit, branch or tag of a Git project.")
@click.option("--strict", is_flag=True, help="Refuse unknown keys and types too.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON, for programs.")
def check(uri: str, version: str | None, *, strict: bool, as_json: bool) -> None:
    """Check that a project can be read and its entry points run; nothing of it is executed."""
    from nbproj.console import Console
    from nbproj.inspection import check_project

    with Console() as console:
        verdict = check_project(uri, version, strict=strict, progress=console)
        for line in [*verdict.problems, *(f"warning: {warning}" for warning in verdict.warnings)]:
            console.line(line)
        if as_json:
            console.answer(json.dumps(verdict.to_dict(), indent=2))
        elif verdict.ok:
            console.answer(f"{verdict.summary}, no problem found")
    sys.exit(verdict.exit_code)


@nbproj.command(short_help="Say what is there, what is missing, and what to do.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, for programs.")
def doctor(*, as_json: bool) -> None:
    """Say what is there of all that runs can use, what is missing, and what to do; a line each.

    Ends with 1 when something is missing that runs on this machine need.
    """
    from nbproj.console import Console
    from nbproj.display.doctor import findings_json, findings_text, is_fit
    from nbproj.doctor.examination import examine

    with Console() as console:
        findings = examine()
        console.answer(json.dumps(findings_json(findings), indent=2) if as_json else findings_text(findings))
    sys.exit(0 if is_fit(findings) else 1)


@nbproj.command(short_help="Print the script by which a shell completes nbproj.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script by which a shell completes commands, options, entry points and parameters.

    bash and zsh: source <(nbproj completion bash), in ~/.bashrc or ~/.zshrc. fish: nbproj completion fish | source, in config.fish.
    """
    from nbproj.completion.shell import script

    click.echo(script(shell), nl=False)


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
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = f"nbproj {given[0]}" if given and given[0] in nbproj.commands else "nbproj"
    try:
        on_this_platform()
        nbproj.main(given, prog_name="nbproj", standalone_mode=False)
    except click.ClickException as error:
        _refuse(name, UsageError(_told(error, name)), given)
    except NbprojError as error:
        _refuse(name, error, given)
    except (KeyboardInterrupt, click.Abort):
        _refuse(name, _stopped(130), given)


def _told(error: click.ClickException, name: str) -> str:
    todo = f" See {name} --help"
    if isinstance(error, click.NoSuchOption):
        return f"there is no option {error.option_name!r}.{suggestion(error.option_name, error.possibilities or ()) or todo}"
    text = error.format_message().rstrip(".")
    return f"{text[:1].lower()}{text[1:]}.{todo}"


def _complain(name: str, error: NbprojError) -> None:
    click.echo(str(error) if error.place is not None else f"{name}: {error}", err=True)
    if error.hint:
        click.echo(error.hint, err=True)


def _refuse(name: str, error: NbprojError, given: Sequence[str]) -> NoReturn:
    """End with an error: a line for people, and where JSON was asked for a document for programs."""
    _complain(name, error)
    if "--json" in given:
        click.echo(json.dumps({"version": 1, "error": error.to_dict()}, indent=2))
    sys.exit(error.exit_code)
