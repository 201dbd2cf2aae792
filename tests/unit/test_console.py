"""What a real terminal shows: each test runs a program of events in a pseudo-terminal and reads the screen it leaves."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from nbproj.console import Console
from nbproj.progress import Event

FULL = Path("/dev/full")
PROLOGUE = """
import sys, threading, time
from nbproj import console as module
from nbproj.console import Console
from nbproj.progress import Event
module.TICK_SECONDS = 0.05
class Clock:  # goes on when it is told to, and waits until the status has been drawn anew since: a machine that is busy changes nothing
    now, looks = 0.0, 0
    def monotonic(self):
        self.looks += 1
        return self.now
    def go(self, seconds):
        self.now += seconds
        before = self.looks
        while self.looks < before + 4:  # the beat looks once, and once more when it draws
            time.sleep(0.01)
CHECKED = Event("checked", data={"entry_point": "train", "uri": "wine", "commit": "0123456789"})
CREATED = Event("created", data={"run_id": "abcdef0123456789"})
"""


class Screen:
    """As much of a terminal as the console and simple programs use: a line at the bottom that is written, returned to and erased."""

    def __init__(self, columns: int) -> None:
        self.lines = [""]
        self.column = 0
        self.columns = columns
        self.seen: list[str] = []

    def feed(self, text: str) -> None:
        for piece in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.|\n", text, re.DOTALL):
            if piece == "\n":
                self.lines.append("")
            elif piece == "\r":
                self.column = 0
            elif piece == "\x1b[K":
                self.seen.append(self.lines[-1])
                self.lines[-1] = self.lines[-1][: self.column]
            elif not piece.startswith("\x1b"):
                assert piece.isprintable(), repr(piece)
                if self.column == self.columns:
                    self.lines.append("")
                    self.column = 0
                line = self.lines[-1].ljust(self.column)
                self.lines[-1] = line[: self.column] + piece + line[self.column + 1 :]
                self.column += 1


@dataclass
class Shown:
    """What a program left: the screen's lines, all that was ever erased from its last line, the bytes, what went to a pipe."""

    lines: list[str]
    erased: list[str]
    raw: str
    piped: str
    code: int


@pytest.fixture
def terminal() -> Callable[..., Shown]:
    """Return a function that runs a program in a terminal of its own."""

    def run(program: str, *, columns: int = 80, pipe: bool = False, act: Callable[[int, int], None] | None = None, **environment: str) -> Shown:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        variables = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
        process = subprocess.Popen(
            [sys.executable, "-c", PROLOGUE + textwrap.dedent(program)],
            stdin=slave,
            stdout=subprocess.PIPE if pipe else slave,
            stderr=slave,
            env={**variables, "TERM": "xterm", "PYTHONUTF8": "1", **environment},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - nothing else runs in this process meanwhile
        )
        os.close(slave)
        pieces: list[bytes] = []

        def read() -> None:
            while True:
                try:
                    piece = os.read(master, 65536)
                except OSError:  # the program has ended
                    return
                if not piece:
                    return
                pieces.append(piece)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            if act is not None:
                act(master, process.pid)
            piped = process.communicate(timeout=60)[0] if pipe else b""
            code = process.wait(60)
        finally:
            process.kill()
            process.wait(60)
            reader.join(60)
            os.close(master)
        raw = b"".join(pieces).decode()
        screen = Screen(columns)
        screen.feed(raw)
        return Shown([line.rstrip() for line in screen.lines], screen.seen, raw, piped.decode(), code)

    return run


def test_the_status_ticks_while_nothing_comes_and_leaves_nothing_behind(terminal):
    shown = terminal("""
        module.time = clock = Clock()
        with Console() as console:
            console(Event("fetching", "fetching wine"))
            clock.go(1)
            clock.go(1)
        assert threading.enumerate() == [threading.main_thread()]
        print("after")
    """)
    assert shown.code == 0, shown.raw
    assert next(line for line in shown.erased if line) == "fetching wine"
    assert {"fetching wine (1 s)", "fetching wine (2 s)"} <= set(shown.erased)
    assert shown.lines == ["after", ""]


def test_a_failure_ends_the_clock_and_clears_the_line(terminal):
    shown = terminal("""
        try:
            with Console() as console:
                console(Event("fetching", "fetching wine"))
                raise KeyError
        except KeyError:
            print("after")
        assert threading.enumerate() == [threading.main_thread()]
    """)
    assert (shown.code, shown.lines) == (0, ["after", ""])


def test_a_whole_run_reads_well(terminal):
    shown = terminal("""
        with Console() as console:
            for event in [CHECKED, Event("creating"), CREATED, Event("preparing", "preparing the system environment"), Event("prepared"),
                          Event("started", data={"pid": 1}), Event("output", "one\\n"), Event("output", "two"), Event("ending"), Event("settled")]:
                console(event)
            console.block("FINISHED  train  1.2 s\\n  store  here")
    """)
    assert shown.lines == ["running train of wine at 01234567, run abcdef01", "one", "two", "FINISHED  train  1.2 s", "  store  here", ""]
    steps = ["opening the tracking store", "creating the run", "preparing the system environment", "starting train", "train runs"]
    told = [line for line in shown.erased if line]
    assert [line for line in dict.fromkeys(told) if line in steps] == steps


def test_the_programs_open_line_is_closed_and_is_not_the_place_for_a_status(terminal):
    shown = terminal("""
        module.time = clock = Clock()
        with Console() as console:
            console(CHECKED)
            console(CREATED)
            console(Event("started"))
            console(Event("output", "Password: "))
            clock.go(1.3)
            console(Event("note", "something"))
            clock.go(1.3)
            console(Event("output", "more\\n"))
    """)
    assert shown.lines == ["running train of wine at 01234567, run abcdef01", "Password: ".rstrip(), "note: something", "more", ""]
    assert not any(line.startswith("Password") for line in shown.erased)
    assert any(re.fullmatch(r"train runs \(\d s\)", line) for line in shown.erased)


def test_a_bar_that_the_program_draws_is_left_alone(terminal):
    shown = terminal("""
        with Console() as console:
            console(CHECKED)
            console(Event("started"))
            for share in range(0, 101, 10):
                console(Event("output", f"\\r{share:3}%|{'#' * (share // 10)}"))
                time.sleep(0.12)
            console(Event("output", "\\n"))
            console.block("FINISHED")
    """)
    assert shown.lines == ["100%|##########", "FINISHED", ""]
    assert not any("%|" in line and "runs" in line for line in shown.erased)


def test_a_colour_that_the_program_leaves_open_does_not_reach_our_lines(terminal):
    shown = terminal("""
        with Console() as console:
            console(Event("output", "\\x1b[31mred\\n"))
            console.block("FAILED  train")
            console(Event("output", "\\x1b[32mgreen\\x1b[0m\\n"))
            console.line("plain")
    """)
    assert "\x1b[0m\x1b[1;31mFAILED\x1b[0m  train" in shown.raw
    assert "green\x1b[0m\r\n\r\x1b[Kplain" in shown.raw


@pytest.mark.parametrize("columns", [10, 40, 80])
def test_a_status_never_takes_a_second_line(columns, terminal):
    shown = terminal(
        """
        with Console() as console:
            console(Event("fetching", "fetching https://example.org/" + "long/" * 40 + "漢字" * 40, done=1, total=3))
            time.sleep(1.3)
        print("after")
        """,
        columns=columns,
    )
    assert shown.lines == ["after", ""]
    assert max(map(len, shown.erased)) < columns


def test_fetching_says_how_far_and_keeps_its_clock(terminal):
    shown = terminal("""
        module.time = clock = Clock()
        with Console() as console:
            for done in (1, 2, 3):
                console(Event("fetching", f"fetching wine: {done} MB", done=done, total=4))
                clock.go(0.5)
    """)
    told = [line for line in dict.fromkeys(shown.erased) if line]
    assert told[0] == "fetching wine: 1 MB, 25 %"
    assert told[-1] == "fetching wine: 3 MB, 75 % (1 s)"


def test_control_characters_of_a_project_do_not_move_the_cursor(terminal):
    shown = terminal("""
        with Console() as console:
            console(Event("checked", data={"entry_point": "a\\x1b[2Jb", "uri": "w\\rine"}))
            console(CREATED)
            console(Event("note", "new\\nline\\x07"))
            console(Event("cell", "cell 1 of 2\\x1b[5A"))
    """)
    assert shown.lines == ["running a [2Jb of w ine, run abcdef01", "note: new line", ""]


def test_behind_a_pipe_no_status_stands_where_its_reader_may_write(terminal):
    shown = terminal(
        """
        with Console() as console:
            console(CHECKED)
            console(CREATED)
            console(Event("started"))
            console(Event("output", "to the pipe\\n"))
            time.sleep(1.3)
            console.block("FINISHED")
        """,
        pipe=True,
    )
    assert shown.piped == "to the pipe\n"
    assert shown.lines == ["running train of wine at 01234567, run abcdef01", "FINISHED", ""]
    assert not any("runs" in line for line in shown.erased)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_colour_is_left_out_where_it_is_not_wanted(environment, terminal):
    shown = terminal("with Console() as console: console.block('FINISHED')", **environment)
    assert "\x1b[1;32m" in terminal("with Console() as console: console.block('FINISHED')").raw
    assert "m" not in "".join(re.findall(r"\x1b\[[0-9;]*(.)", shown.raw))


def test_a_dumb_terminal_gets_no_status(terminal):
    shown = terminal(
        """
        with Console() as console:
            console(Event("fetching", "fetching wine"))
            time.sleep(0.3)
        """,
        TERM="dumb",
    )
    assert shown.raw == ""


def test_quiet_shows_the_programs_words_alone(terminal):
    shown = terminal("""
        with Console(quiet=True) as console:
            for event in [CHECKED, CREATED, Event("started"), Event("note", "note"), Event("output", "word\\n")]:
                console(event)
            time.sleep(0.3)
            console.block("FINISHED")
    """)
    assert shown.raw == "word\r\n"


def test_ctrl_c_leaves_neither_its_echo_nor_a_status(terminal, tmp_path):
    waits = tmp_path / "waits"

    def press(master: int, pid: int) -> None:
        deadline = time.monotonic() + 60
        while not waits.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.2)
        os.write(master, b"\x03")

    shown = terminal(
        f"""
        import pathlib
        try:
            with Console() as console:
                console(Event("fetching", "fetching wine"))
                pathlib.Path({str(waits)!r}).touch()
                time.sleep(30)
        except KeyboardInterrupt:
            print("interrupted")
        assert threading.enumerate() == [threading.main_thread()]
        """,
        act=press,
    )
    assert "^C" in shown.raw
    assert (shown.code, shown.lines) == (0, ["interrupted", ""])


def test_a_terminal_that_goes_away_does_not_end_the_run(terminal, tmp_path):
    shown = terminal(f"""
        import os, pathlib
        with Console() as console:
            for one in (1, 2):
                os.close(one)
            console(Event("output", "lost"))
            console.line("lost")
            console(Event("fetching", "lost"))
        pathlib.Path({str(tmp_path / "ended")!r}).touch()
    """)
    assert shown.code == 0
    assert (tmp_path / "ended").exists()
    assert "lost" not in shown.raw


@pytest.mark.skipif(not FULL.exists(), reason="platform: no device here is always full")
def test_a_full_disk_behind_the_output_is_said_once_and_does_not_end_the_run(tmp_path):
    program = PROLOGUE + textwrap.dedent("""
        with Console() as console:
            for number in range(3):
                console(Event("output", "word\\n"))
        print("still here", file=sys.stderr)
    """)
    with FULL.open("w") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stderr == "note: standard output cannot be written any more: No space left on device\nstill here\n"


@pytest.mark.skipif(not FULL.exists(), reason="platform: no device here is always full")
def test_an_answer_that_cannot_be_written_is_a_failure():
    with FULL.open("w") as full:
        command = [sys.executable, "-m", "nbproj", "show", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "nbproj show: standard output cannot be written: No space left on device\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_reason_to_fail(closed, tmp_path):
    program = PROLOGUE + textwrap.dedent("""
        with Console() as console:
            console(Event("output", "word\\n"))
            console.line("line")
            console.answer("answer")
    """)
    (tmp_path / "program.py").write_text(program)
    command = f'"{sys.executable}" "{tmp_path}/program.py" {closed}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr


def test_what_the_encoding_cannot_say_is_replaced(tmp_path):
    program = PROLOGUE + 'Console().answer("漢 é"); Console()(Event("output", "漢\\n"))'
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, timeout=60, check=False)
    assert (done.stdout.decode("latin-1"), done.stderr) == ("? é\n?\n", b"")


def test_the_width_is_that_of_the_terminal_on_standard_error(terminal):
    assert terminal("Console().line(str(Console().width))", columns=57, pipe=True).lines == ["57", ""]
    assert terminal("Console().line(str(Console().width))", columns=57, COLUMNS="33").lines == ["33", ""]


def test_without_a_terminal_nothing_but_text_is_written_and_no_thread_runs(capsys):
    before = set(threading.enumerate())  # one of an earlier test may end meanwhile
    with Console() as console:
        console(Event("checked", data={"entry_point": "train", "uri": "wine"}))
        console(Event("created", data={"run_id": "abcdef0123456789"}))
        console(Event("fetching", "fetching wine"))
        assert set(threading.enumerate()) <= before
        console(Event("output", "word"))
        console.block("FINISHED")
    captured = capsys.readouterr()
    assert captured.out == "word"
    assert captured.err == "running train of wine, run abcdef01\nFINISHED\n"
