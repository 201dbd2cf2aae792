"""The template's own syntax, what is appended to it, and the commands that projects really have."""

from __future__ import annotations

import shlex

import pytest
from receiver import Receiver

from nbproj.errors import TemplateError
from nbproj.project.command import Template
from nbproj.project.model import Parameter, Place

X = Parameter("x")
Y = Parameter("y")


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    return Receiver.build(tmp_path_factory.mktemp("receiver"))


def refusal(text, *parameters):
    with pytest.raises(TemplateError) as caught:
        Template.parse(text, parameters)
    return str(caught.value)


def test_names_are_distinct_and_in_order_of_appearance():
    assert Template.parse("a {y} {x} {y}", [X, Y]).names == ("y", "x")


def test_doubled_braces_are_braces_for_the_shell():
    assert Template.parse("awk '{{print $1}}' {x}", [X]).fill({"x": "f"}) == "awk '{print $1}' f"


@pytest.mark.parametrize("name", ["my-p", "a.b", "0", "_", "A.b-c_9"])
def test_every_name_that_may_be_declared_may_stand_in_a_placeholder(name):
    assert Template.parse(f"ls {{{name}}}", [Parameter(name)]).fill({name: "1"}) == "ls 1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ls {z}", "line 1, column 4: {z} is not a declared parameter. Declare it"),
        ("ls {alhpa}", "Did you mean 'alpha'?"),
        ("ls {x.real}", "{x.real}: only the name may stand in a placeholder, as in {x}"),
        ("ls {x[0]}", "{x[0]}: only the name may stand in a placeholder, as in {x}"),
        ("ls {x!r}", "{x!r}: only the name may stand in a placeholder, as in {x}"),
        ("ls {x:>5}", "{x:>5}: only the name may stand in a placeholder, as in {x}"),
        ("ls {}", "{} is not a placeholder: write '{{' and '}}'"),
        ("ls { x }", "write '{{' and '}}'"),
        ("awk '{print $1}' {x}", "write '{{' and '}}'"),
        ("ls {x", "line 1, column 4: this '{' is not closed: write '{{'"),
        ("ls x}", "line 1, column 5: single '}': write '}}'"),
        ("ls\nls {x}\nls {z}", "line 3, column 4: {z} is not a declared parameter"),
        ("ls\r\nls {z}", "line 2, column 4: {z}"),
        ("ls \0", "NUL"),
        ("ls {token}", "{token} is a secret, and others can see arguments: the program finds it in the environment variable HF_TOKEN"),
    ],
)
def test_a_malformed_placeholder_is_refused_with_what_to_write(text, words):
    message = refusal(text, X, Parameter("alpha"), Parameter("token", secret=True, env="HF_TOKEN"))
    assert words in message
    assert "\n" not in message


def test_what_follows_a_dot_is_a_name_where_that_is_declared():
    assert Template.parse("ls {a.b}", [Parameter("a"), Parameter("a.b")]).names == ("a.b",)


def test_a_flag_is_a_word_or_no_word_at_all(receiver):
    template = Template.parse("receive a {verbose} b", [Parameter("verbose", "bool", flag="--verbose")])
    assert receiver.run(template.fill({"verbose": "--verbose"})) == [["a", "--verbose", "b"]]
    assert receiver.run(template.fill({"verbose": None})) == [["a", "b"]]


@pytest.mark.parametrize("text", ["ls --v={f}", "ls '{f}'", 'ls "{f}"', "ls > {f}", "A={f} ls", "[ {f} ]", "ls a{f}"])
def test_a_flag_that_is_not_a_whole_argument_is_refused(text):
    assert "a flag is there or not" in refusal(text, Parameter("f", "bool", flag="--f"))


def test_a_flag_may_be_an_argument_of_a_nested_shell(receiver):
    template = Template.parse("bash -c 'receive a {f} b'", [Parameter("f", "bool", flag="--f")])
    assert receiver.run(template.fill({"f": None})) == [["a", "b"]]
    assert receiver.run(template.fill({"f": "--f"})) == [["a", "--f", "b"]]


@pytest.mark.parametrize("text", ["ls --x={x}", "ls '{x}'", "ls > {x}"])
def test_no_value_in_a_part_of_a_word_is_an_error_and_not_an_empty_word(text):
    with pytest.raises(TemplateError, match="'x' has no value"):
        Template.parse(text, [X]).fill({"x": None})


def test_a_value_that_was_not_given_is_an_error_that_names_it():
    with pytest.raises(TemplateError, match=r"^MLproject:3:1: parameter 'x' of the command has no value$"):
        Template.parse("ls {x}", [X], place=Place("MLproject", 3, 1)).fill({})


@pytest.mark.parametrize(("value", "words"), [("a\0b", "NUL"), ("\ud800", "surrogate"), ("a\udc80", "surrogate")])
def test_a_value_that_no_program_can_receive_is_refused(value, words):
    template = Template.parse("ls {x}", [X])
    with pytest.raises(TemplateError, match=f"parameter 'x': .*{words}"):
        template.fill({"x": value})
    with pytest.raises(TemplateError, match=f"parameter 'k': .*{words}"):
        template.fill({"x": "1"}, {"k": value})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("receive a", "receive a --k 'v w'"),
        ("receive a\n", "receive a --k 'v w'\n"),
        ("receive a \n\n", "receive a --k 'v w' \n\n"),
        ("receive \\\n  a \\\n", "receive \\\n  a --k 'v w' \\\n"),
        ("receive a # why\n", "receive a --k 'v w' # why\n"),
        ("receive a#b", "receive a#b --k 'v w'"),
        ("receive a;", "receive a --k 'v w';"),
        ("receive a &", "receive a --k 'v w' &"),
        ("receive a > f", "receive a > f --k 'v w'"),
        ("receive a 2>&1", "receive a 2>&1 --k 'v w'"),
        ("cd . && receive a\r\n", "cd . && receive a --k 'v w'\n"),
        ("true | receive a", "true | receive a --k 'v w'"),
        ("receive 'a", None),
        ("receive a |", None),
        ("receive a &&\n", None),
        ("(receive a)", None),
        ("{{ receive a; }}", None),
        ("if true; then receive a; fi", None),
        ("for i in 1; do receive $i; done\n", None),
        ("case a in a) receive;; esac", None),
        ("cat <<E\nreceive a\nE\n", None),
        ("A=1", None),
        ("[[ a ]]", None),
        ("eval receive a", None),
        ("receive a | sh", None),
        ("python", None),
        ("sh", None),
        ("", None),
        ("# nothing\n", None),
    ],
)
def test_undeclared_parameters_stand_behind_the_last_word_or_are_refused(text, expected):
    template = Template.parse(text, [])
    assert template.fill({}) == text.replace("\r\n", "\n").replace("{{", "{").replace("}}", "}")
    if expected is None:
        with pytest.raises(TemplateError, match="parameter 'k' is not declared, and nothing can be appended to the command: "):
            template.fill({}, {"k": "v w"})
    else:
        assert template.fill({}, {"k": "v w"}) == expected


@pytest.mark.parametrize("key", ["", "a b", "a;b", "$(touch PWNED)", "é", "a=b", "a\n", "'"])
def test_an_undeclared_name_of_other_characters_is_refused(key):
    with pytest.raises(TemplateError, match="a name is made of letters"):
        Template.parse("ls", []).fill({}, {key: "1"})


def test_undeclared_parameters_arrive_whole_and_in_order(receiver):
    template = Template.parse("receive {x} # note\n", [X])
    text = template.fill({"x": "a'b"}, {"k": "$(touch PWNED)", "l.m-n": "", "n": "-1"})
    assert receiver.run(text) == [["a'b", "--k", "$(touch PWNED)", "--l.m-n", "", "--n", "-1"]]
    assert not receiver.pwned


REAL = [
    "python train.py {x}",
    "python train.py --alpha {x} --l1={y}",
    "python -m package.train --alpha {x}",
    "python -u -W ignore train.py '{x}' \"{y}\"",
    "python -c 'import sys; print(sys.argv)' {x}",
    "CUDA_VISIBLE_DEVICES={x} PYTHONHASHSEED={y} python train.py",
    "DATA_PATH={x} bash -c 'receive \"$DATA_PATH\"'",
    "Rscript --vanilla train.R {x} {y}",
    "Rscript -e 'mlflow::mlflow_source(\"train.R\")' --args {x}",
    "mkdir -p {x} && cp -r data {y}",
    "cd {x} && python train.py {y} > log.txt 2>&1",
    "set -euo pipefail; python train.py {x} | tee log.txt",
    "source venv/bin/activate && python train.py {x}",
    'eval "$(conda shell.bash hook)"; conda activate e; python train.py {x}',
    "conda run -n e python train.py {x}",
    "uv run train.py {x}",
    "uv run --frozen -- train {x}",
    "mpirun -n {x} python train.py {y}",
    "torchrun --standalone --nproc_per_node={x} train.py --lr {y}",
    "docker run --rm -v {x}:/data python:3 python train.py {y}",
    "timeout 60 python train.py {x}",
    "nohup env A={x} python train.py {y} &",
    "if [ -f {x} ]; then receive {x}; else receive {y}; fi",
    "[ {x} = a ] && receive {y}",
    "for i in 1 2 3; do python train.py --seed $i {x}; done",
    'python train.py {x} --out "${{OUT:-out}}/{y}"',
    "python train.py {x} --data $HOME/data --time $(date +%s)",
    "ls {x}/*.csv",
    "find . -name {x}",
    "find ./{x} -name '*.csv' -exec wc -l {{}} +",
    "git clone -- {x} && tar -xf {y}",
    "sort -- {x} | head -n {y}",
    "printf '%s\\n' {x} {y}",
    "awk -v a={x} '{{print a}}' data.csv",
    "sed -n 1p -- {x}",
    "perl -e 'print @ARGV' -- {x}",
    "bash run.sh {x}",
    "bash -- {x}",
    "bash -c 'receive \"$@\"' _ {x} {y}",
    'bash -lc "cd data && receive --x=\'{x}\' \\"{y}\\""',
    "papermill in.ipynb out.ipynb -p alpha {x} # note",
    "diff <(sort -- {x}) <(sort -- {y})",
    "! ( receive {x} ) || receive {y}",
    "~/conda/bin/python train.py {x}",
    '"$HOME/bin/python" train.py {x}',
    'cd {x} && python train.py --data "$PWD/data"',
    'env "A={x}" python train.py $EXTRA',
    "python -m pytest {x}",
    'python train.py --name "run-{x}-$(date +%F)" > {y}/log.txt 2>&1',
    "spark-submit --master local[2] job.py {x}",
]


@pytest.mark.parametrize("text", REAL)
def test_commands_that_projects_have_are_accepted_with_mlflows_text_for_harmless_values(text):
    template = Template.parse(text, [X, Y])
    assert template.fill({"x": "0.5", "y": "data/a.csv"}) == text.format(x=shlex.quote("0.5"), y=shlex.quote("data/a.csv"))


def test_braces_in_a_value_are_not_read_as_placeholders(receiver):
    assert receiver.run(Template.parse("receive {x} {y}", [X, Y]).fill({"x": "{y}", "y": "{{x}}"})) == [["{y}", "{{x}}"]]


def test_a_template_is_a_value_that_can_be_compared_and_hashed():
    one, other = (Template.parse("ls {x}", [X], place=place) for place in (None, Place("MLproject", 1)))
    assert one == other
    assert hash(one) == hash(other)
