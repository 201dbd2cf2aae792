"""Commands that really run in bash: output, exit codes, endings."""

from __future__ import annotations

import os
import time

import pytest

from nbproj.errors import EnvironmentPreparationError
from nbproj.execution.process import Guard
from nbproj.execution.script import ScriptExecution, command_for_script
from nbproj.processes import group_lives
from nbproj.tracking.redact import Redactor


@pytest.fixture
def guard():
    """A guard for one test."""
    with Guard() as one:
        yield one


@pytest.fixture
def begin(guard, tmp_path):
    """Return a function that starts a command."""

    def _begin(command: str, *, secrets: tuple[str, ...] = (), **environment: str) -> ScriptExecution:
        groups: list[int] = []
        execution = ScriptExecution(
            command,
            environment={**os.environ, **environment},
            cwd=tmp_path,
            log=tmp_path / "output.log",
            mask=Redactor(secrets).stream(),
            guard=guard,
            started=groups.append,
        )
        execution.start()
        execution.group = groups[0]
        return execution

    return _begin


def follow(execution: ScriptExecution, seconds: float = 30.0) -> str:
    """Take all events; return the output."""
    text, deadline = "", time.monotonic() + seconds
    while execution.outcome is None:
        assert time.monotonic() < deadline, "it does not end"
        event = execution.next(0.5)
        if event is not None and event.step == "output":
            text += event.text
    return text


@pytest.mark.parametrize(("command", "code", "reason"), [("true", 0, ""), ("exit 7", 7, "exit code 7"), ("kill -9 $$", 137, "ended by signal 9")])
def test_the_exit_code_is_the_programs_own(begin, command, code, reason):
    execution = begin(command)
    follow(execution)
    assert (execution.outcome.exit_code, execution.outcome.reason) == (code, reason)


def test_output_and_errors_come_in_order_and_are_kept(begin, tmp_path):
    execution = begin("echo one; echo two >&2; printf three")
    assert follow(execution) == "one\ntwo\nthree"
    assert (tmp_path / "output.log").read_text() == "one\ntwo\nthree"
    assert (tmp_path / "output.log").stat().st_mode & 0o777 == 0o600


def test_output_comes_while_the_program_runs(begin, tmp_path):
    execution = begin(f"echo early; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    deadline = time.monotonic() + 60
    text = ""
    while "early" not in text:
        assert time.monotonic() < deadline
        event = execution.next(0.5)
        text += event.text if event is not None and event.step == "output" else ""
    assert execution.outcome is None
    (tmp_path / "go").touch()
    follow(execution)


def test_bytes_that_are_no_text_are_kept_as_they_are_and_shown_as_marks(begin, tmp_path):
    execution = begin(r"printf '\xff\xfeabc\xc3'; sleep 0.1; printf '\xa9'")
    assert follow(execution) == "\ufffd\ufffdabc\u00e9"
    assert (tmp_path / "output.log").read_bytes() == b"\xff\xfeabc\xc3\xa9"


def test_a_secret_is_masked_also_where_it_comes_in_two_pieces(begin, tmp_path):
    execution = begin("printf 'a hunter'; sleep 0.2; printf 'two b'", secrets=("huntertwo",))
    assert "hunter" not in follow(execution)
    assert b"hunter" not in (tmp_path / "output.log").read_bytes()


def test_what_a_command_leaves_in_the_background_ends_with_it(begin):
    execution = begin("sleep 60 & echo done")
    started = time.monotonic()
    assert follow(execution) == "done\n"
    assert time.monotonic() - started < 30
    assert not group_lives(execution.group)
    assert execution.outcome.exit_code == 0


def test_a_cancelled_command_leaves_nobody_and_says_so(begin):
    execution = begin("sleep 60 & sleep 60")
    execution.cancel()
    follow(execution)
    assert execution.outcome.cancelled
    assert not group_lives(execution.group)


def test_a_program_that_floods_its_output_can_be_cancelled(begin):
    execution = begin("yes")
    time.sleep(0.3)
    execution.cancel()
    follow(execution)
    assert execution.outcome.cancelled


def test_a_full_disk_is_said_once_and_does_not_end_the_program(begin, guard, tmp_path):
    execution = ScriptExecution(
        "for i in 1 2 3; do echo $i; sleep 0.05; done",
        environment=dict(os.environ),
        cwd=tmp_path,
        log=type(tmp_path)("/dev/full"),
        mask=Redactor().stream(),
        guard=guard,
        started=lambda _group: None,
    )
    execution.start()
    notes, text = [], ""
    while execution.outcome is None:
        event = execution.next(0.5)
        if event is not None:
            notes += [event.text] if event.step == "note" else []
            text += event.text if event.step == "output" else ""
    assert notes == ["output could not be kept: No space left on device"]
    assert text == "1\n2\n3\n"
    assert execution.outcome.exit_code == 0


def test_no_bash_is_one_line(begin):
    with pytest.raises(EnvironmentPreparationError, match="no bash on PATH"):
        begin("true", PATH="/nonexistent")


def test_sixty_megabytes_pass_through_in_bounded_memory(begin, tmp_path):
    import resource

    execution = begin("head -c 60000000 /dev/zero | tr '\\0' x")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = 0
    while execution.outcome is None:
        event = execution.next(0.5)
        count += len(event.text) if event is not None and event.step == "output" else 0
    assert count == 60_000_000 == (tmp_path / "output.log").stat().st_size
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000, "kB more than before"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("train.py", "python train.py"),
        ("-x.py", "python ./-x.py"),
        ("a b/run it.sh", "bash 'a b/run it.sh'"),
    ],
)
def test_a_script_runs_by_the_program_of_its_kind(script, expected):
    assert command_for_script(script) == expected


def test_an_r_script_receives_its_arguments(begin, tmp_path):
    import shutil

    if shutil.which("Rscript") is None:
        pytest.skip("no Rscript: apt-get install r-base-core")
    (tmp_path / "it's.R").write_text('cat(commandArgs(trailingOnly = TRUE), sep = "|")\n')
    execution = begin(command_for_script("it's.R") + " --alpha 0.5")
    assert follow(execution).endswith("--alpha|0.5")
    assert execution.outcome.exit_code == 0
