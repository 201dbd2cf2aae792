"""Templates in which a value could run, be split or become an option of something that runs: all are refused, and say why in one line."""

from __future__ import annotations

import pytest

from nbproj.errors import TemplateError
from nbproj.project.command import Template
from nbproj.project.model import Parameter, Place

PARAMETERS = [Parameter("x"), Parameter("y")]
REFUSED = {
    "places that are read twice": [
        "echo `ls {x}`", 'echo "`ls {x}`"', "cat <<E\n{x}\nE", "cat <<'E'\n{x}\nE", "cat <<< {x}", "ls # {x}", "ls $( true # {x}\n)",
    ],
    "arithmetic": [
        "echo $(({x}))", "echo $((1 + {x}))", "(({x}))", "let {x}", "let a={x}", "[[ {x} -gt 1 ]]", "[[ a == {x} ]]",
        "for ((i=0; i<{x}; i++)); do :; done", "echo $[{x}]",
    ],
    "expansions": [
        "echo ${{a:-{x}}}", "echo ${{a[{x}]}}", "a[{x}]=1", "a=({x})", "echo ${x}", 'echo "${x}"', "echo $a{x}", 'echo "$a{x}"', "echo $\\\n{x}",
        "echo $a\\\n{x}",
    ],
    "quotes that end otherwise": [
        "echo \\{x}", 'echo "\\{x}"', "echo $'{x}'", 'echo $"{x}"', "echo '{x}", 'echo "{x}', "echo $({x}", "echo {x})",
    ],
    "what expands with a value": [
        "echo {{a,{x}}}", "echo {{1..{x}}}", "echo ~{x}", "echo {x}~", "echo a=~{x}", "echo [{x}]",
    ],
    "redirections that take numbers": [
        "echo {x}> f", "echo {x}<f", "echo a >&{x}", "cat <&{x}", "echo 1{x}>f",
    ],
    "the program itself": [
        "{x}", "{x} a", "./{x}", "'{x}' a", "bin/{x} a", "A=1 {x}", "env {x} ls", "env A=1 {x}", "nohup {x}", "exec {x}", "command {x}",
        "time {x}", "$({x})", "$P {x}", '"$P" {x}', "env 'A=b' {x}", 'env "A=b" {x}', 'env "$D/A=b" {x}', 'env "$A=b" {x}', "env -- A=b {x}",
        "sudo 'A=b' {x}", "nice -5 {x}", "timeout 5 {x}", "exec -a {x} ls", "exec -a n {x}", "stdbuf -oL {x}",
    ],
    "variables of the shell": [
        "a={x}", "a={x}; eval $a", "a+={x}", "PATH={x} ls", "LD_PRELOAD={x} ls", "BASH_ENV={x} bash a.sh", "env PS4={x} bash -x a.sh",
        "RANDOM={x}", "IFS={x} read a",
    ],
    "builtins that evaluate": [
        "eval {x}", "eval 'echo {x}'", "trap {x} EXIT", "source {x}", ". {x}", "alias a={x}", "export {x}", "export a={x}", "declare {x}",
        "declare -i a={x}", "local a={x}", "typeset {x}", "readonly {x}", "read {x}", "unset {x}", "printf -v {x} a", "printf {x}",
        "printf {x} a", "printf '%n' {x}", "test -v {x}", "[ -v {x} ]", "[ {x} {y} ]", "[ {x} = a -o {y} = b ]", "[ $a = {x} ]", "mapfile {x}",
        "wait -p {x}", "builtin eval {x}", "command eval {x}", "command -v {x}", "set {x}", "shift {x}", "exit {x}", "printf {{-v,a}} {x}",
        "[ {x} = {y}",
    ],
    "compound commands that cannot be followed": [
        "case {x} in a) ls;; esac", "case a in {x}) ls;; esac", "f() {{ ls {x}; }}; f", "function f {{ ls {x}; }}", "coproc cat {x}",
        "select a in {x}; do :; done", "for a in {x}; do eval $a; done", "for a in {x}; do ls; done", "shopt -s extglob; ls {x}",
        "set -k; ls {x}", "builtin set -k\nls {x}", "alias l=eval\nl {x}",
    ],
    "programs that read their arguments again": [
        "ssh host ls {x}", "su -c 'ls {x}'", "watch ls {x}", "parallel ls ::: {x}", "xargs ls {x}", "make A={x}", "A={x} make",
        "script -c 'ls {x}'", "env -S {x}", "env -S'ls {x}'", "tmux new {x}", "flock f -c 'ls {x}'", "sqlite3 a.db \"select '{x}'\"",
        "sudo -s {x}", "busybox sh -c 'ls {x}'", "hatch run ls {x}", "at now {x}",
    ],
    "program texts": [
        "python -c 'print({x})'", "python3.12 -uc \"print('{x}')\"", "perl -e 'print {x}'", "ruby -e 'p {x}'", "node -e '{x}'",
        "Rscript -e 'f({x})'", "awk '{{print {x}}}'", "awk -f {x}", "sed 's/a/{x}/' f", "sed -e 's/a/{x}/' f", "jq {x}", "env python -c '{x}'",
        "conda run python -c '{x}'", "find . -exec python -c '{x}' \\;", "psql -c \"select '{x}'\"", 'duckdb --command "select {x}"',
        'osascript -e "say {x}"',
    ],
    "options of interpreters": [
        "python {x}", "python -u {x}", "python -m {x}", "python -W {x} a.py", "python -X{x} a.py", "bash {x} {y}", "bash -c {x}", "bash -{x} a",
        "bash -o {x} a.sh", "sh {x}", "perl -e 'print' {x}", "perl -Ilib {x}", "perl -I lib {x}", "sed p {x}", "sed p f {x}", "node {x}",
        "node --require a {x}", "Rscript {x}", 'python "$A" {x}', "python $A a.py {x}", "sh \"$@\"-c 'ls {x}'", "sh \"$A\" 'ls {x}'",
        'awk "$A" {x}', "awk -F $A 'p' {x}", "python ./$(ls {x})", "bash <(echo {x})", "bash -- <(echo {x})", "bash < <(echo {x})", "uv run {x}",
        "uv run --with a {x}", "conda run -n e {x} {y}", "mpirun {x}", "mpirun -n 2 {x}", "timeout {x} {y}", "torchrun --standalone {x}",
        "docker run {x}", "python {{-c,}} {x}", "python *c {x}", "python -m timeit {x}", "python -mpdb {x}", "ipython -c {x}",
    ],
    "options of programs that run something": [
        "tar {x}", "tar xf a.tar {x}", "rsync {x} {y}", "git clone {x}", "git -c {x} log", "find {x}", "find . {x} {y}",
        "find . -exec ls {x} \\;", "zip a {x}", "scp {x} h:",
    ],
    "values that flow into a shell": [
        "echo {x} | sh", "echo {x} | bash -s", "echo {x} | python", "echo {x} | python -", "echo {x} | env bash", "echo {x} | xargs ls",
        "echo {x} | tee f | sudo sh", "echo {x} | bash /dev/stdin", "(echo {x}) | sh", "echo {x} | (sh)", "echo {x} > >(sh)",
        "{{ sh; }} < <(echo {x})", "exec < <(echo {x}); sh", "echo {x} | . /dev/stdin", "bash < {x}", "env A=$(echo {x}) ls",
        'echo {x} | while read l; do sh -c "$l"; done', 'echo {x} | sh -c "$(cat)"', "echo {x} | mapfile a",
    ],
    "nested shells": [
        'bash -c "ls `a` {x}"', 'bash -c "ls $A {x}"', 'bash -c "ls $(echo {x})"', 'bash -c "$A"{x}', "bash -c 'echo `ls {x}`'",
        "bash -c 'eval {x}'", "bash -c '{x}'", 'bash -c "echo \\`ls {x}\\`"', "bash -c 'echo $(({x}))'", "bash -c 'ls # {x}'",
        "bash -c \"bash -c 'eval {x}'\"", "bash -c 'cat <<< {x}'", "zsh -c 'ls {x}'", "ksh -c 'ls {x}'", "fish -c 'ls {x}'", "bash -ic 'ls {x}'",
        "sh -c 'ls {x} &> f'", "sh -c 'cat <(ls {x})'", "sh -c '[[ a ]] && ls {x}'", "bash -O extglob -c 'ls {x}'",
        "docker exec c sh -c 'ls {x}'", "find . -exec sh -c 'eval {x}' \\;", "bash -c 'ls \"\\{x}\"'", "bash -c 'ls \\{x}'",
        'bash -c "ls \\\\{x}"', "bash -c ls\\ \\\\{x}", "bash -c *' {x}'", "find . -name '*.csv' -exec sh -c 'receive \"$1\"' _ ./{x} \\;",
        "bash +c 'ls {x}'", "bash -ooc pipefail errexit 'ls {x}'", "bash {{-c,}} {x}", "sh \"$@\"-c 'ls {x}'",
    ],
    "arguments of a nested shell that it splits or evaluates": [
        "bash -c 'ls $1' _ {x}", "bash -c 'eval \"$1\"' _ {x}", "bash -c '$1' _ {x}", "bash -c '\"$1\"' _ {x}", "bash -c 'ls $@' _ {x}",
        "bash -c 'ls \"$*\"' _ {x}", "bash -c 'ls ${{1}}' _ {x}", "bash -c 'ls \"${{1:-a}}\"' _ {x}", "bash -c 'echo $(($1))' _ {x}",
        "bash -c '[[ \"$1\" -gt 1 ]]' _ {x}", "bash -c 'a=$1; ls \"$a\"' _ {x}", "bash -c 'for a; do $a; done' _ {x}",
        "bash -c 'for a in \"$@\"; do $a; done' _ {x}", "bash -c 'bash -c \"$1\"' _ {x}", "bash -c 'python \"$1\"' _ {x}",
        "bash -c 'eval \"ls \\$1\"' _ {x}", "bash -c 'ls `echo $1`' _ {x}", "bash -c 'ls $0' {x}", "bash -c 'trap \"ls \\$1\" EXIT' _ {x}",
        "A={x} bash -c 'ls $A'", "env A={x} sh -c 'eval \"$A\"'", "A={x} bash -c '[[ A -gt 1 ]]'", "A={x} bash -c 'echo $((A))'",
        "A={x} bash -c 'let A+1'", "A={x} bash -c 'declare -i B; B=A'", "A={x} docker exec c bash -c 'ls $A'", "A={x} bash -c 'echo ${{a[A]}}'",
        "A={x} bash -c 'bash -c \"ls \\$A\"'",
    ],
    "variables that hold what a command was given": [
        "mkdir {x} && cd $_", 'mkdir {x} && cd "$_"', "echo {x}; $_", 'echo {x}; ls "${{_}}"', 'ls {x}; eval "$BASH_COMMAND"',
        "cd {x} && ls $PWD", 'cd {x} && bash -c "ls $PWD {y}"', "command cd {x}; ls ${{PWD}}", "bash -c 'cd \"$1\" && ls $PWD' _ {x}",
        "bash -c 'ls \"$_\"' _ {x}",
    ],
}  # fmt: skip
ROWS = [pytest.param(text, id=f"{kind}: {text}") for kind, texts in REFUSED.items() for text in texts]


@pytest.mark.parametrize("text", ROWS)
def test_a_template_that_cannot_be_proven_safe_is_refused_in_one_line_with_its_place(text):
    with pytest.raises(TemplateError) as caught:
        Template.parse(text, PARAMETERS, place=Place("MLproject", 7, 15))
    message = str(caught.value)
    assert message.startswith("MLproject:7:15: command, line ")
    assert "\n" not in message
    assert caught.value.place == Place("MLproject", 7, 15)
    assert caught.value.exit_code == 120


@pytest.mark.parametrize("text", ROWS)
def test_the_same_command_with_text_for_a_placeholder_is_the_authors_own_business(text):
    plain = text.replace("{x}", "a").replace("{y}", "b")
    assert Template.parse(plain, PARAMETERS).fill({}) == plain.replace("{{", "{").replace("}}", "}")
