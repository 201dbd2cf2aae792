"""What bash, zsh and fish ask and are answered. Each gets a script of a few lines, which hands over the line that is being typed.

bash splits words at every `=` and `:`, keeps the quoting, and replaces only what stands behind the last split; it is told the missing part of the
word, quoted as the word is. zsh and fish take whole words and quote them by themselves; fish does not
tell what stands behind the cursor.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from typing import Final

import click

from nbproj.completion.candidate import Candidate
from nbproj.completion.line import candidates
from nbproj.completion.words import Typed, quoted, read

__all__ = ["SHELLS", "VARIABLE", "answer", "script"]

VARIABLE: Final = "_NBPROJ_COMPLETE"
"""In the environment of the program when a shell asks; holds the shell's name."""

_SECONDS = 3.0
"""After which the shell is let go without an answer."""
_TICK = 0.1

_FILES = "files"  # the shell completes a file's name by itself
_CLOSING = "closing"  # bash puts the quotation mark and the space by itself
_LISTING = {"33", "63", "64"}  # bash's COMP_TYPE when it shows a list

_BASH = r"""# Completion of nbproj in bash; in ~/.bashrc: source <(nbproj completion bash)
_nbproj_complete() {
    local answer line program="${1/#\~\//$HOME/}"
    COMPREPLY=()
    answer=$(_NBPROJ_COMPLETE=bash _NBPROJ_BEFORE="${COMP_LINE:0:COMP_POINT}" _NBPROJ_AFTER="${COMP_LINE:COMP_POINT}" \
        _NBPROJ_WORD="$2" _NBPROJ_TYPE="$COMP_TYPE" COLUMNS="${COLUMNS:-80}" "$program" 2>/dev/null </dev/null) || return 0
    {
        IFS= read -r line
        case $line in
            files) compopt -o default +o nospace 2>/dev/null ;;
            closing) compopt +o nospace 2>/dev/null ;;
        esac
        while IFS= read -r line; do
            [[ -n $line ]] && COMPREPLY+=("$line")
        done
    } <<<"$answer"
    return 0
}
complete -o nospace -o nosort -F _nbproj_complete nbproj 2>/dev/null || complete -o nospace -F _nbproj_complete nbproj
"""

_ZSH = r"""#compdef nbproj
# Completion of nbproj in zsh; in ~/.zshrc, behind compinit: source <(nbproj completion zsh)
_nbproj() {
    local answer line text help current=$PREFIX raw=$PREFIX separator=$'\x1f' program=${~words[1]}
    local -a before after parts shown ending
    local -i width=0
    before=("${(@Q)words[2,CURRENT-1]}")
    after=("${(@Q)words[CURRENT+1,-1]}")
    case $compstate[quote] in
        '') current=${(Q)PREFIX} ;;
        \') raw= ;;
    esac
    answer=$(_NBPROJ_COMPLETE=zsh _NBPROJ_BEFORE=${(pj:$separator:)before} _NBPROJ_AFTER=${(pj:$separator:)after} \
        _NBPROJ_WORD=$current _NBPROJ_RAW=$raw $program 2>/dev/null </dev/null) || return 1
    [[ -z $answer ]] && return 1
    if [[ $answer == files ]]; then
        compset -P '*='
        _files
        return
    fi
    for line in "${(@f)answer}"; do
        parts=("${(@ps:\t:)line}")
        (( $#parts[2] > width )) && width=$#parts[2]
    done
    for line in "${(@f)answer}"; do
        parts=("${(@ps:\t:)line}")
        text=$parts[2] help=$parts[3] ending=()
        [[ $parts[1] == open ]] && ending=(-S '')
        if [[ -n $help ]]; then
            shown=("${(r:width:)text}  $help")
            compadd -V nbproj -l -d shown "${ending[@]}" -- "$text"
        else
            compadd -V nbproj "${ending[@]}" -- "$text"
        fi
    done
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _nbproj "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }
    compdef _nbproj nbproj
fi
"""

_FISH = r"""# Completion of nbproj in fish; in ~/.config/fish/completions/nbproj.fish: nbproj completion fish | source
function __nbproj_complete
    set -l program (commandline -opc 2>/dev/null)[1]
    set -lx _NBPROJ_COMPLETE fish
    set -lx _NBPROJ_BEFORE (commandline -pc | string collect)
    type -q -- $program; or set program nbproj
    $program 2>/dev/null </dev/null
end
complete -c nbproj -f -k -a '(__nbproj_complete)'
complete -c nbproj -F -n 'string match -q "*\$*" -- (commandline -ct)'
"""

_SCRIPTS: Final[Mapping[str, str]] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}

SHELLS: Final = tuple(_SCRIPTS)
"""The shells there are scripts for."""


def script(shell: str) -> str:
    """Return what a shell is to read once, to complete `nbproj` from then on.

    Parameters
    ----------
    shell : str
        One of `SHELLS`.

    Examples
    --------
    >>> "complete -c nbproj" in script("fish")
    True
    """
    return _SCRIPTS[shell]


def answer(program: click.Command, environ: Mapping[str, str] | None = None) -> str:
    r"""Return what the script of a shell is answered, by what it has put into the environment.

    Whatever happens, the answer comes within seconds: a folder on a server that does not answer ends the process instead.

    Parameters
    ----------
    program : click.Command
        The command line's definition.
    environ : mapping of str to str, optional
        The environment; this process's by default.

    Returns
    -------
    str
        Candidates, one a line, in the form that the script expects; empty when there are none.

    Examples
    --------
    >>> program = click.Command("nbproj", params=[click.Option(["--level"], type=click.Choice(["low", "high"]))])
    >>> answer(program, {"_NBPROJ_COMPLETE": "fish", "_NBPROJ_BEFORE": "nbproj --level l"})
    'low\n'
    """
    environment = os.environ if environ is None else environ
    speak = _DIALECTS.get(environment.get(VARIABLE, ""))
    if speak is None:
        return ""
    answered = threading.Event()
    threading.Thread(target=_watch, args=(answered,), daemon=True).start()
    try:
        return speak(program, environment)
    finally:
        answered.set()


def _watch(answered: threading.Event) -> None:
    """Give up when the time is over. Counted in steps: while the machine stands still, nothing is asked that could not answer."""
    for _ in range(round(_SECONDS / _TICK)):
        if answered.wait(_TICK):
            return
    _give_up()


def _give_up() -> None:
    """End this process, whatever it waits for, and what it has started."""
    import psutil

    try:
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    finally:
        os._exit(0)


def _bash(program: click.Command, environ: Mapping[str, str]) -> str:
    typed = read(environ.get("_NBPROJ_BEFORE", ""))
    if typed.live or typed.redirected:
        return _FILES
    after = _behind(environ)
    found = candidates(program, typed.words[1:], typed.text, after)
    if typed.quote and len(found) == 1 and found[0].unfinished:
        # readline closes the quotation mark behind a single answer, also where the word goes on
        found = candidates(program, typed.words[1:], found[0].text, after) or found
    standing = _standing(typed, environ.get("_NBPROJ_WORD", ""))
    found = [one for one in found if one.text.startswith(standing)]
    texts = [quoted(one.text[len(standing) :], typed.quote) for one in found]
    manner = _CLOSING if typed.quote and len(found) == 1 and not found[0].unfinished else ""
    if len(found) > 1 and environ.get("_NBPROJ_TYPE") in _LISTING and any(one.help for one in found):
        texts = _listed(texts, found, int(environ.get("COLUMNS") or 80))
    elif not typed.quote:
        texts = [text if one.unfinished else f"{text} " for text, one in zip(texts, found, strict=True)]
    return "\n".join([manner, *texts, ""])


def _behind(environ: Mapping[str, str]) -> list[str]:
    """Return the words behind the cursor; the rest of the word that it is in does not count."""
    before, after = environ.get("_NBPROJ_BEFORE", ""), environ.get("_NBPROJ_AFTER", "")
    if not after.strip():
        return []
    typed = read(before)
    within = bool(typed.raw) or not after[0].isspace()
    return read(f"{before}{after} ").words[len(typed.words) + within :]


def _standing(typed: Typed, replaced: str) -> str:
    """Return the part of the word that bash leaves standing, without quoting: what is in front of the text that it replaces."""
    raw = typed.raw
    return read(raw[: len(raw) - len(replaced)]).text if raw.endswith(replaced) else ""


def _listed(texts: list[str], found: list[Candidate], columns: int) -> list[str]:
    """Return texts with their help behind them, each as wide as the terminal, so that bash puts one on a line."""
    width = max(map(len, texts))
    return [
        f"{text:<{width}}  {one.help}"[: columns - 1].ljust(columns // 2 + 1) if one.help else text for text, one in zip(texts, found, strict=True)
    ]


def _zsh(program: click.Command, environ: Mapping[str, str]) -> str:
    word, raw = environ.get("_NBPROJ_WORD", ""), environ.get("_NBPROJ_RAW", "")
    if read(raw).live:
        return _FILES
    before, after = (_split(environ.get(name, "")) for name in ("_NBPROJ_BEFORE", "_NBPROJ_AFTER"))
    found = candidates(program, [_replaced(one) for one in before], word, after)
    return "".join(f"{'open' if one.unfinished else 'done'}\t{one.text}\t{one.help}\n" for one in found)


def _split(joined: str) -> list[str]:
    return joined.split("\x1f") if joined else []


def _replaced(word: str) -> str:
    return os.path.expandvars(word) if "$" in word else word


def _fish(program: click.Command, environ: Mapping[str, str]) -> str:
    typed = read(environ.get("_NBPROJ_BEFORE", ""), fish=True)
    if typed.live or typed.redirected:
        return ""
    found = candidates(program, typed.words[1:], typed.text, ())
    return "".join(f"{one.text}\t{one.help}\n" if one.help else f"{one.text}\n" for one in found)


_DIALECTS: Final[Mapping[str, Callable[[click.Command, Mapping[str, str]], str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
