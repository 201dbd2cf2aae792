"""The closing table of `make test` tells the truth about what ran."""

import os
import subprocess
import sys
import textwrap

import interpreters
import pytest
import suites


@pytest.fixture
def report(tmp_path):
    """Return what pytest itself reports of a file of tests: exit code, counts, reasons."""

    def run(text):
        file = tmp_path / "test_it.py"
        file.write_text(textwrap.dedent(text))
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--rootdir={tmp_path}",
            "-c",
            "/dev/null",
            "--junitxml=report.xml",
            str(file),
        ]
        plain = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # none is needed for these tests, and loading them takes a second
        code = subprocess.run(command, cwd=tmp_path, env=plain, capture_output=True, check=False, timeout=60).returncode
        return code, *suites.read_report(tmp_path / "report.xml")

    return run


SKIPPING = """
    import pytest
    def test_well(): pass
    def test_left_out(): pytest.skip("{reason}")
"""


def test_a_suite_without_tests_is_not_run_and_fails_nothing(report):
    outcome = suites.judge("ui", *report("x = 1"), strict=True)
    assert (outcome.result, outcome.detail) == ("not run", "nothing there yet")


def test_a_failing_test_fails_its_suite(report):
    outcome = suites.judge("unit", *report("def test_wrong(): assert False\ndef test_well(): pass"), strict=False)
    assert (outcome.result, outcome.detail) == ("FAILED", "1 passed, 1 failed")


def test_in_ci_a_skip_for_a_missing_tool_fails_its_suite(report):
    result = report(SKIPPING.format(reason="no ssh here"))
    assert suites.judge("unit", *result, strict=True).result == "FAILED"
    assert suites.judge("unit", *result, strict=False).result == "passed"


def test_in_ci_a_skip_for_another_platform_passes_and_is_told(report):
    outcome = suites.judge("unit", *report(SKIPPING.format(reason="platform: macOS only")), strict=True)
    assert (outcome.result, outcome.detail) == ("passed", "1 passed, 1 skipped")
    assert "platform: macOS only" in suites.table([outcome])


def test_a_suite_that_hangs_is_ended_with_all_it_started(monkeypatch, capsys):
    monkeypatch.setattr(suites, "SECONDS", 1)
    assert suites.call(["sh", "-c", "sleep 60 & sleep 60"]) == 124
    assert "ended" in capsys.readouterr().out


def test_unknown_suite_is_a_usage_error_that_names_the_known_ones(capsys):
    assert suites.main(["unti"]) == 2
    assert "unit" in capsys.readouterr().err


def test_the_oldest_and_newest_python_are_chosen_in_their_latest_patch():
    found = [interpreters.Interpreter(version, str(version)) for version in [(3, 13, 0), (3, 11, 2), (3, 12, 1), (3, 11, 7), (3, 13, 9)]]
    assert [other.version for other in interpreters.ends(found, own=(3, 12))] == [(3, 11, 7), (3, 13, 9)]
    assert [other.version for other in interpreters.ends(found, own=(3, 11))] == [(3, 13, 9)]
    assert interpreters.ends([], own=(3, 11)) == []


def test_an_interpreter_that_is_too_old_or_no_python_is_not_found(tmp_path):
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\necho 3 10 1 final cpython\n")
    shim.chmod(0o755)
    assert interpreters.inspect(str(shim)) is None
    assert interpreters.inspect(str(tmp_path / "absent")) is None
    assert interpreters.inspect(sys.executable).minor == sys.version_info[:2]
