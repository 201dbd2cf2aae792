"""`nbproj doctor` and `nbproj completion`: what this machine has, and how its shells complete."""

from __future__ import annotations

import json
import sys

import click

__all__ = ["completion", "doctor"]


@click.command(short_help="Say what is there, what is missing, and what to do.")
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


@click.command(short_help="Print the script by which a shell completes nbproj.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script by which a shell completes commands, options, entry points and parameters.

    bash and zsh: source <(nbproj completion bash), in ~/.bashrc or ~/.zshrc. fish: nbproj completion fish | source, in config.fish.
    """
    from nbproj.completion.shell import script

    click.echo(script(shell), nl=False)
