"""What a shell shows, runs and survives while somebody presses the tab key."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path

import pytest


def plain(shown: str) -> str:
    """Return what a terminal shows without the sequences that move the cursor and colour the text."""
    return re.sub(r"\x1b(\[[0-9;?>]*[A-Za-z]|[()][A-Z0-9]|[=>])", "", shown)


def test_a_list_tells_what_the_choices_mean(terminal):
    terminal.seen()
    line = terminal.type("nbproj run project -e train -P \t\t")
    shown = plain(terminal.seen(1))
    assert line.startswith("nbproj run project -e train -P")
    assert "Strength of the penalty; 'none' is 0 (required float)" in shown
    # What must be given comes first, then the order in which the project tells them.
    names = dict.fromkeys(re.findall(r"\b(alpha|mode|data|verbose|server|token)=", shown))
    assert set(names) == {"alpha", "mode", "data", "verbose", "server"}
    assert next(iter(names)) == "alpha"
    if terminal.shell != "fish":  # which fills columns
        assert list(names) == ["alpha", "mode", "data", "verbose", "server"]


def test_options_are_told_with_their_help(terminal):
    terminal.seen()
    terminal.type("nbproj run project --env\t\t\t")
    assert "How the environment is made" in plain(terminal.seen(1))


def test_words_behind_the_cursor_count(terminal):
    left = "\x1b[D" * len(" -e train -P alpha=1")
    line = terminal.type(f"nbproj run project -P mo -e train -P alpha=1{left}\t")
    told = terminal.shell != "fish"  # which hands over what stands in front of the cursor
    assert line == f"nbproj run project -P mo{'de=' if told else ''} -e train -P alpha=1"


def test_what_a_project_says_is_never_run(terminal, folder):
    for keys in (
        "-e it\t",
        "-e hostile -P note=\\;\t",
        "-e hostile -P note=\\$\t",
        "-e hostile -P note=\\`\t",
        "-e hostile -P 'note=$\t",
        '-e hostile -P "note=;\t',
    ):
        line = terminal.type(f"nbproj run project {keys}")
        assert "PWNED" in line, keys
        words = shlex.split(line)
        assert [word for word in words if "PWNED" in word] in (["it's $(touch PWNED)"], *([f"note={one}"] for one in NOTES)), line
        terminal.run(f"{line.replace('nbproj run project', 'true', 1)}")
    assert not list(folder.rglob("PWNED"))


NOTES = ("; touch PWNED", "$(touch PWNED)", "`touch PWNED`")


def test_a_variable_is_the_shells_own(terminal):
    line = terminal.type("nbproj run project -e train -P data=$OUTSIDE/uniq\t")
    assert line.rstrip().endswith("/unique.txt")


def test_a_redirection_is_the_shells_own(terminal):
    assert terminal.type("nbproj run project > uniq\t").rstrip() == "nbproj run project > unique.txt"


def test_a_command_behind_another_one(terminal):
    assert terminal.type("true && nbproj run project -e tr\t") == "true && nbproj run project -e train "


def test_the_program_may_be_called_by_its_path(terminal, program):
    assert terminal.type(f"{program} run project -e tr\t") == f"{program} run project -e train "


@pytest.mark.parametrize("mlproject", ["{", "entry_points: [", "name: " + "x" * 2_000_000, "entry_points: {train: 7}", "\x00\xff"])
def test_a_project_that_cannot_be_read_makes_no_noise(mlproject, terminal, folder):
    (folder / "broken").mkdir(exist_ok=True)
    (folder / "broken/MLproject").write_text(mlproject, encoding="latin-1")
    terminal.seen()
    assert terminal.type("nbproj run broken -e zz\t") == "nbproj run broken -e zz"
    shown = plain(terminal.seen())
    assert "Traceback" not in shown
    assert "rror" not in shown


def test_names_that_a_terminal_would_act_on_are_not_offered(terminal, folder):
    (folder / "evil").mkdir(exist_ok=True)
    (folder / "evil/MLproject").write_text('entry_points: {"ab\\e]0;x\\a": {command: "true"}, "ab\\nc": {command: "true"}, abc: {command: "true"}}\n')
    (folder / "evil/a\x1b[31m\nb.ipynb").write_text("{}")
    assert terminal.type("nbproj run evil -e a\t") == "nbproj run evil -e abc "


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_does_not_answer_is_given_up_and_ended(shell, terminal_with, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec /bin/sleep 60\n")
    (tmp_path / "bin/git").chmod(0o755)
    path = f"{tmp_path}/bin"
    terminal = terminal_with(shell, f"set -gx PATH {path} $PATH" if shell == "fish" else f"export PATH={path}:$PATH")
    start = time.monotonic()
    assert terminal.type("nbproj run project -v fea\t") == "nbproj run project -v fea"
    assert time.monotonic() - start < 28
    process = Path("/proc", (tmp_path / "pid").read_text().strip(), "cmdline")
    while process.exists() and process.read_bytes():
        assert time.monotonic() - start < 50
        time.sleep(0.05)


BEFORE = {
    "bash with bash-completion": ("bash", "source /usr/share/bash-completion/bash_completion"),
    "bash that does not split at colons": ("bash", "COMP_WORDBREAKS=${COMP_WORDBREAKS//:}"),
    "bash that does not split at equals signs": ("bash", "COMP_WORDBREAKS=${COMP_WORDBREAKS//=}"),
    "bash that lists at once": ("bash", "bind 'set show-all-if-ambiguous on'"),
    "bash that stops at errors": ("bash", "set -u"),
    "zsh after compinit": ("zsh", "autoload -Uz compinit; compinit -i"),
    "zsh that splits words": ("zsh", "setopt sh_word_split ksh_arrays no_unset"),
    "zsh that corrects": ("zsh", "autoload -Uz compinit; compinit -i; zstyle ':completion:*' completer _complete _approximate"),
}


@pytest.mark.parametrize("habit", BEFORE)
def test_users_have_habits(habit, terminal_with):
    terminal = terminal_with(*BEFORE[habit])
    assert terminal.type("nbproj run project -e train -P server=db:5433\t") == "nbproj run project -e train -P server=db:5433=x "
    assert terminal.type("nbproj run project -e train -P al\t") == "nbproj run project -e train -P alpha="
    assert terminal.type("nbproj run project -e train -P data=my\\ data/\t") == r"nbproj run project -e train -P data=my\ data/day\ 1.csv "
    assert terminal.type("nbproj run project -e train -P server=\t") == "nbproj run project -e train -P server=db:543"
