"""Runs the suites, each in a process of its own, and ends with a table of what ran and what did not, with the reason.

`python tests/suites.py` runs everything that `make test` promises; names on the command line choose. The exit code is 1 when anything failed.
With CI=true a skipped test is a failure, unless its reason starts with "platform:" and so speaks of a machine that is not this one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import apt
import interpreters

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = {
    "ruff check": [BIN / "ruff", "check", "."],
    "ruff format": [BIN / "ruff", "format", "--check", "."],
    "mypy": [BIN / "mypy"],
    "floors": [BIN / "lint-imports"],
}
SUITES = ("unit", "kernel", "environments", "backends", "server", "distribution", "ui")
BOTH_CORES = ["-n", "2", "--dist", "loadgroup"]  # each test has a home and ports of its own; those that share what is dear are groups
UNIT = [*BOTH_CORES, "tests/unit"]
FOLDERS = {name: [*BOTH_CORES, f"tests/{name}"] for name in SUITES}
FOLDERS |= {"environments": [*FOLDERS["environments"], "--ignore=tests/environments/docker"], "docker": [*BOTH_CORES, "tests/environments/docker"]}
SECONDS = 3600  # for one suite; a hang ends as a failure with a table, not as a cancelled job
NO_TESTS = 5  # pytest's exit code when it collected nothing


@dataclass
class Outcome:
    """What became of a suite."""

    suite: str
    result: str  # passed, FAILED, not run
    detail: str = ""
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list)


def call(command: Sequence[str | Path]) -> int:
    """Run a command in a process group of its own and end the whole group when its time is up; return its exit code."""
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            return process.wait(SECONDS)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                print(f"not through after {SECONDS} s: ended", flush=True)
                return 124
            raise


def heading(text: str) -> None:
    """Print a line that separates two suites."""
    print(f"\n{f' {text} ':-^100}", flush=True)


def lint() -> Outcome:
    """Run the checks of style, types and floors; all of them, also when the first fails."""
    heading("lint")
    start = time.monotonic()
    failed = []
    for name, command in CHECKS.items():
        print(f"{name}:", flush=True)
        if call(command):
            failed.append(name)
    detail = f"failed: {', '.join(failed)}" if failed else ", ".join(CHECKS)
    return Outcome("lint", "FAILED" if failed else "passed", detail, time.monotonic() - start)


def read_report(file: Path) -> tuple[str, list[str]]:
    """Return the counts of a JUnit report as words, and the reasons of its skipped tests."""
    root = ET.parse(file).getroot()
    suites = list(root.iter("testsuite"))
    total, failures, errors, skipped = (sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "failures", "errors", "skipped"))
    counts = {"passed": total - failures - errors - skipped, "failed": failures, "errors": errors, "skipped": skipped}
    reasons = [f"{case.get('name')}: {skip.get('message')}" for case in root.iter("testcase") for skip in case.findall("skipped")]
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count), reasons


def judge(suite: str, code: int, counts: str, reasons: list[str], *, strict: bool) -> Outcome:
    """Return what a suite's exit code and counts mean; strict refuses tests skipped for what this machine could have."""
    if code == NO_TESTS:
        return Outcome(suite, "not run", "nothing there yet")
    avoidable = [reason for reason in reasons if not reason.partition(": ")[2].startswith("platform:")]
    if strict and avoidable and code == 0:
        return Outcome(suite, "FAILED", f"{counts}; in CI nothing may be skipped", reasons=reasons)
    return Outcome(suite, "FAILED" if code else "passed", counts or f"pytest ended with {code}", reasons=reasons)


def run_pytest(suite: str, arguments: list[str], python: Path = BIN / "python") -> Outcome:
    """Run one suite in a pytest of its own."""
    if not any((ROOT / argument).rglob("*.py") for argument in arguments if (ROOT / argument).is_dir()):
        return Outcome(suite, "not run", "nothing there yet")
    heading(suite)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        code = call([python, "-m", "pytest", "-q", f"--junitxml={report}", *arguments])
        counts, reasons = read_report(report) if report.exists() else ("", [])
    outcome = judge(suite, code, counts, reasons, strict=os.environ.get("CI") == "true")
    outcome.seconds = time.monotonic() - start
    return outcome


def other_pythons(found: Mapping[interpreters.Interpreter, Future[Path]]) -> list[Outcome]:
    """Run the unit tests on the oldest and the newest Python of this machine, in environments that are made meanwhile."""
    own = f"unit on {sys.version_info.major}.{sys.version_info.minor}"
    if not found:
        return [Outcome("unit on other Pythons", "not run", f"no other Python from 3.11 is installed; this one is {own.removeprefix('unit on ')}")]
    outcomes = []
    for interpreter, environment in found.items():
        suite = f"unit on {interpreter}"
        try:
            python = environment.result()
        except subprocess.SubprocessError as error:
            outcomes.append(Outcome(suite, "FAILED", f"its environment could not be made: {error}"))
            continue
        outcomes.append(run_pytest(suite, UNIT, python))
    return outcomes


def cluster_programs() -> Outcome:
    """Build what the real Kubernetes of the tests runs, unless this machine has it already: minutes of computing that no test may wait for."""
    start = time.monotonic()
    command = ["nice", BIN / "python", "-m", "kubernetes_cluster.programs"]
    done = subprocess.run(command, cwd=ROOT / "tests", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    if done.returncode:
        told = (done.stdout + done.stderr).strip().splitlines()[-1:]
        return Outcome("programs of Kubernetes", "FAILED" if os.environ.get("CI") == "true" else "not run", " ".join(told), seconds)
    return Outcome("programs of Kubernetes", "passed", "built" if "Building" in done.stdout else "there from before", seconds)


def everything() -> list[Outcome]:
    """Run what `make test` promises."""
    lacking = apt.provide()
    outcomes = [Outcome("apt packages", "not run", lacking)] if lacking else []
    with ThreadPoolExecutor(2) as pool:
        programs = pool.submit(cluster_programs)
        environments = {interpreter: pool.submit(interpreters.environment, interpreter) for interpreter in interpreters.others()}
        outcomes += [lint(), run_pytest("doctests", ["--doctest-modules", "nbproj"])]
        for name, arguments in FOLDERS.items():
            if name == "backends":
                outcomes.append(programs.result())
            outcomes.append(run_pytest(name, arguments))
            if name == "unit":
                outcomes += other_pythons(environments)
    return [*outcomes, Outcome("benchmarks", "not run", "they compare with peers: make bench")]


def table(outcomes: list[Outcome]) -> str:
    """Return the closing table as text."""
    width = max(len(outcome.suite) for outcome in outcomes)
    lines = []
    for outcome in outcomes:
        duration = f"{outcome.seconds:.0f} s" if outcome.seconds else ""
        lines.append(f"{outcome.suite:<{width}}  {outcome.result:<7}  {duration:>6}  {outcome.detail}")
        lines += [f"{'':<{width}}    skipped: {reason}" for reason in outcome.reasons]
    return "\n".join(lines)


def main(names: list[str]) -> int:
    """Run the named suites, or everything, and print the table."""
    known = {"lint": lint, "benchmarks": lambda: run_pytest("benchmarks", ["-s", "tests/benchmarks"])}
    known |= {name: lambda name=name: run_pytest(name, FOLDERS[name]) for name in FOLDERS}
    if "backends" in names:
        cluster_programs()
    if unknown := [name for name in names if name not in known]:
        print(f"no suite {unknown[0]!r}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    outcomes = [known[name]() for name in names] if names else everything()
    heading("suites")
    print(table(outcomes), flush=True)
    return 1 if any(outcome.result == "FAILED" for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
