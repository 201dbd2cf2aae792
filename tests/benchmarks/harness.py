"""Measures two programs side by side: whole processes, or calls in warm ones, in turn, so that what else the machine does touches both alike.

Only ratios of medians mean something; the absolute numbers belong to one machine at one moment.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Sample:
    """One measurement: wall time, and the peak memory of the largest process (0 where it was not taken)."""

    seconds: float
    memory: int = 0


@dataclass
class Comparison:
    """The measurements of ours and of a peer."""

    what: str
    peer: str
    ours: list[Sample] = field(default_factory=list)
    theirs: list[Sample] = field(default_factory=list)

    @staticmethod
    def middle(samples: Sequence[Sample]) -> Sample:
        """Return the medians."""
        return Sample(statistics.median(s.seconds for s in samples), int(statistics.median(s.memory for s in samples)))

    @property
    def wall(self) -> float:
        """Our time in units of theirs."""
        return self.middle(self.ours).seconds / self.middle(self.theirs).seconds

    @property
    def memory(self) -> float:
        """Our peak memory in units of theirs."""
        assert all(sample.memory for sample in (*self.ours, *self.theirs)), "a process was smaller than the one that measures: its peak is unknown"
        return self.middle(self.ours).memory / self.middle(self.theirs).memory

    def row(self) -> str:
        """Return a line for the table."""
        ours, theirs = self.middle(self.ours), self.middle(self.theirs)
        times = f"{ours.seconds * 1000:8.0f} ms {theirs.seconds * 1000:8.0f} ms {self.wall:6.2f}x"
        known = all(sample.memory for sample in (*self.ours, *self.theirs))
        memory = f"{ours.memory / MEGABYTE:6.0f} MB {theirs.memory / MEGABYTE:6.0f} MB {self.memory:6.2f}x" if known else ""
        return f"{self.what:<40} {self.peer:<22} {len(self.ours):>3} {times} {memory}".rstrip()


HEADING = f"{'what':<40} {'against':<22} {'n':>3} {'ours':>11} {'theirs':>11} {'time':>7} {'ours':>9} {'theirs':>9} {'memory':>7}"


def side_by_side(comparison: Comparison, ours: Callable[[], Sample], theirs: Callable[[], Sample], *, rounds: int) -> Comparison:
    """Measure in turn, ours, theirs, ours, theirs, ..., after one round that counts for nothing."""
    ours(), theirs()
    for _ in range(rounds):
        comparison.ours.append(ours())
        comparison.theirs.append(theirs())
    return comparison


def whole_process(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> Sample:
    """Run a program from its start to its end; the memory is that of the largest process among it and those it waited for."""
    with (cwd / "benchmark.log").open("w+b") as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        assert process.returncode == 0, f"{command} ended with {process.returncode}:\n{log.read().decode(errors='replace')}"
    # Linux carries the peak of a process over to the program it becomes: below our own size the number would be ours, not the program's.
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Sample(seconds, 0 if usage.ru_maxrss <= floor else usage.ru_maxrss * UNIT)


def own_clock(command: Sequence[str | Path], answer: Path, *, cwd: Path, env: Mapping[str, str]) -> Sample:
    """Run a program that measures something itself and writes the seconds to a file; the memory is as in `whole_process`."""
    answer.unlink(missing_ok=True)
    whole = whole_process(command, cwd=cwd, env=env)
    return Sample(float(answer.read_text()), whole.memory)


class WarmProcess:
    """A Python that has imported what it needs and waits to be told to do one thing again; a context manager that ends it.

    Parameters
    ----------
    python : Path
        The interpreter.
    prepare, call : str
        Statements: those that run once, and the one that is measured.
    """

    LOOP = """
import json, os, sys, time
told, sys.stdin = sys.stdin, open(os.devnull)
answers = os.fdopen(os.dup(1), "w")  # what the measured call prints goes elsewhere
os.dup2(2, 1)
{prepare}
for _line in told:
    start = time.perf_counter()
    {call}
    print(json.dumps(time.perf_counter() - start), file=answers, flush=True)
"""

    def __init__(self, python: Path, prepare: str, call: str, *, cwd: Path, env: Mapping[str, str]) -> None:
        self.log = (cwd / "benchmark.log").open("w+b")
        code = self.LOOP.format(prepare=prepare, call=call)
        self.process = subprocess.Popen([python, "-c", code], cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)

    def call(self) -> Sample:
        """Have it done once, and return how long it took by the process's own clock."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.log.seek(0)
            raise AssertionError(self.log.read().decode(errors="replace"))
        return Sample(json.loads(answer))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.kill()
        self.process.communicate(timeout=20)
        self.log.close()
