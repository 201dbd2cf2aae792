"""What well-known programs do with their arguments, as far as a value could become code there.

Tables only; `proof` reads them. A program that stands in none of them receives its words as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = [
    "BINARY_TESTS",
    "BUILTINS",
    "CODE_OPTIONS",
    "HARMLESS_BUILTINS",
    "LAUNCHERS",
    "OPTION_RUNNERS",
    "OWN_VARIABLES",
    "PYTHON_REREADERS",
    "REREADERS",
    "SHELLS",
    "SHELLS_READ_HERE",
    "UNARY_TESTS",
    "WRAPPERS",
    "Interpreter",
    "Wrapper",
    "interpreter",
    "is_python",
]

OWN_VARIABLES: Final = re.compile(
    r"(BASH.*|BROWSER|COMP_.*|DYLD_.*|GCONV_PATH|.*EDITOR|ENV|EPOCH.*|FUNCNEST|GIT_.*|HISTCMD|IFS|_?(JAVA|JDK)_.*OPTIONS|LD_.*|LESS.*|LINENO|MAKE.*|MFLAGS"
    r"|NODE_OPTIONS|OPT(ARG|ERR|IND)|.*PAGER|PATH|PERL5.*|POSIXLY_CORRECT|PROMPT_COMMAND|PS[0-4]|PYTHON(BREAKPOINT|INSPECT|STARTUP|WARNINGS)|RANDOM"
    r"|RSYNC_.*|RUBYOPT|R_PROFILE.*|SECONDS|SHELL|SHELLOPTS|SRANDOM|TAR_OPTIONS|TIMEFORMAT|VISUAL|ZDOTDIR|_)"
)
"""Variables that a shell evaluates, or that make programs run something."""

SHELLS: Final = frozenset({"bash", "sh", "dash", "rbash", "zsh", "ksh", "ksh93", "mksh", "ash", "fish", "csh", "tcsh"})
SHELLS_READ_HERE: Final = frozenset({"bash", "sh", "dash"})

_AGAIN: Final = "lets a shell read its arguments again"
REREADERS: Final = {
    "eval": "runs its arguments",
    "source": "runs the file it is given",
    ".": "runs the file it is given",
    "trap": "runs its argument later",
    "alias": "runs its argument later",
    **dict.fromkeys(
        ("ssh", "rsh", "su", "runuser", "watch", "parallel", "script", "flock", "tmux", "screen", "xterm", "hatch", "pixi", "npm", "npx", "busybox"),
        _AGAIN,
    ),
    **dict.fromkeys(("at", "batch"), "lets a shell read its input"),
    **dict.fromkeys(("make", "gmake", "just", "invoke", "fab"), "fills its arguments into commands"),
    **dict.fromkeys(("expect", "m4", "dc", "ed", "ex", "vi", "vim", "emacs", "gdb", "sqlite3", "man"), "evaluates its arguments"),
    "xargs": "splits what it reads",
}
"""Programs before which no value is safe, and why."""

CODE_OPTIONS: Final = frozenset({"-c", "-e", "-q", "--eval", "--command", "--execute", "--exec", "--query", "--sql"})
"""Options behind which a sentence, in most programs, is a program text or a query."""

PYTHON_REREADERS: Final = frozenset({"timeit", "pdb", "IPython", "code", "cProfile", "profile", "trace"})
"""Modules that run the code, or the file, that they are given."""

HARMLESS_BUILTINS: Final = frozenset({":", "true", "false", "echo", "cd", "pwd"})
BUILTINS: Final = frozenset(
    {
        *(
            "bg",
            "bind",
            "break",
            "caller",
            "compgen",
            "complete",
            "compopt",
            "continue",
            "declare",
            "dirs",
            "disown",
            "enable",
            "exit",
            "export",
            "fc",
        ),
        *("fg", "getopts", "hash", "help", "history", "jobs", "kill", "let", "local", "logout", "mapfile", "popd", "pushd", "read", "readarray"),
        *("readonly", "return", "set", "shift", "shopt", "suspend", "times", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait"),
    }
)
UNARY_TESTS: Final = frozenset({"-e", "-f", "-d", "-r", "-w", "-x", "-s", "-n", "-z", "-L", "-h", "-p", "-S", "-b", "-c", "-u", "-g", "-k"})
BINARY_TESTS: Final = frozenset({"=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"})


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A program that runs the command behind its options and operands. `valued` options take the next word, `flags` none."""

    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    operands: int = 0
    assigns: bool = False


def _wrapper(flags: str = "", valued: str = "", *, operands: int = 0, assigns: bool = False) -> Wrapper:
    return Wrapper(frozenset(flags.split()), frozenset(valued.split()), operands, assigns)


WRAPPERS: Final = {
    "env": _wrapper("-i -0 - --ignore-environment", "-u --unset -C --chdir", assigns=True),
    "exec": _wrapper("-c -l", "-a"),
    "command": _wrapper("-p"),
    "builtin": _wrapper(),
    "nohup": _wrapper(),
    "time": _wrapper("-p -v", "-f -o"),
    "nice": _wrapper("", "-n --adjustment"),
    "timeout": _wrapper("--foreground --preserve-status -v", "-s -k --signal --kill-after", operands=1),
    "stdbuf": _wrapper("-oL -eL -iL -o0 -e0 -i0", "-o -e -i"),
    "setsid": _wrapper("-w -f -c --wait --fork --ctty"),
    "ionice": _wrapper("-t", "-c -n"),
    "chroot": _wrapper(operands=1),
    "sudo": _wrapper("-E -n -H", "-u -g", assigns=True),
}

_CONTAINER: Final = "-e -v -w --env --volume --workdir --name --env-file"
LAUNCHERS: Final = {
    name: (frozenset(words.split()), frozenset(valued.split()))
    for names, words, valued in (
        ("uv poetry pipenv pdm", "run", ""),
        ("conda mamba micromamba", "run", "-n -p --name --prefix"),
        ("docker podman", "run exec", _CONTAINER),
        ("kubectl singularity apptainer", "exec run", ""),
        ("accelerate", "launch", "--num_processes --num_machines --mixed_precision --config_file --main_process_port"),
        ("mpirun mpiexec", "", "-n -np --np -c -N -H --host --hostfile"),
        ("srun", "", "-n -N -c -G -p -t -J"),
        ("torchrun", "", "--nproc_per_node --nproc-per-node --nnodes --node_rank --node-rank --master_port --master-port"),
        ("deepspeed", "", "--num_gpus --num_nodes"),
        ("xvfb-run strace valgrind numactl chrt doas taskset", "", ""),
    )
    for name in names.split()
}
"""Programs that run a command somewhere behind their own options: the sub-commands that do, and the options that take the next word."""

OPTION_RUNNERS: Final = {
    "tar": frozenset({"-f", "-C", "-czf", "-xzf", "-cf", "-xf", "-tf", "-cvf", "-xvf", "-czvf", "-xzvf", "--directory"}),
    "git": frozenset({"-m", "-C", "--message"}),
    "sort": frozenset({"-o", "-k", "-t"}),
    "find": frozenset(
        {
            *("-name", "-iname", "-path", "-ipath", "-regex", "-newer", "-type", "-size", "-mtime", "-mmin", "-maxdepth", "-mindepth", "-user"),
            *("-group", "-perm"),
        }
    ),
    **dict.fromkeys(("rsync", "zip", "scp", "sftp", "pip", "pip3", "less"), frozenset[str]()),
}
"""Programs with options that run something, and their options that take the next word whatever it looks like."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that runs a file, or code in an argument.

    `code` options take code, `valued` ones another word, `flags` none. `first`: the first operand is code. `permutes`: options may follow operands.
    """

    code: frozenset[str]
    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    first: bool = False
    permutes: bool = False


def _language(code: str, flags: str = "", valued: str = "", *, first: bool = False, permutes: bool = False) -> Interpreter:
    return Interpreter(frozenset(code.split()), frozenset(flags.split()), frozenset(valued.split()), first=first, permutes=permutes)


_PYTHON: Final = Interpreter(frozenset())
_R_FLAGS: Final = "--vanilla --no-save --no-restore --slave --verbose --no-init-file --no-environ --no-site-file"
_AWK: Final = _language("-e --source", "", "-F -v -f", first=True)
_INTERPRETERS: Final = {
    **dict.fromkeys(("ipython", "ipython3", "guile"), _language("-c")),
    **dict.fromkeys(("osascript", "groovy", "scala", "elixir", "clojure", "racket"), _language("-e")),
    "perl": _language("-e -E", "-w -W -T"),
    "ruby": _language("-e", "-w"),
    "node": _language("-e -p --eval --print"),
    "nodejs": _language("-e -p --eval --print"),
    "bun": _language("-e --eval"),
    "php": _language("-r", "-q"),
    "lua": _language("-e", "-i"),
    "julia": _language("-e -E --eval --print"),
    "Rscript": _language("-e", _R_FLAGS),
    "octave": _language("--eval", permutes=True),
    "gnuplot": _language("-e", permutes=True),
    "tclsh": _language(""),
    "awk": _AWK,
    "gawk": _AWK,
    "mawk": _AWK,
    "sed": _language("-e --expression", "-n -i -E -r -s -u", "-f", first=True, permutes=True),
    "jq": _language("", "-r -c -n -s -e -S", first=True, permutes=True),
}
_PYTHON_NAME: Final = re.compile(r"(python|pypy)[0-9.]*")


def is_python(name: str) -> bool:
    """Whether a program is Python, whose options end with `-c` or `-m`."""
    return _PYTHON_NAME.fullmatch(name) is not None


def interpreter(name: str) -> Interpreter | None:
    """Return what is known of an interpreter, by its name, or None.

    Examples
    --------
    >>> interpreter("python3.12") is interpreter("python")
    True
    >>> interpreter("ls") is None
    True
    """
    return _PYTHON if is_python(name) else _INTERPRETERS.get(name)
