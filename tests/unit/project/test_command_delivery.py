"""Hostile values through real shells: each arrives as exactly one word, and nothing else ever runs."""

from __future__ import annotations

import random
import shlex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from receiver import Receiver

from nbproj.errors import TemplateError
from nbproj.project.command import Template
from nbproj.project.model import Parameter

HOSTILE = [
    "", " ", "  a  b ", "\t", "\n", "\n\n", "a\nb\n", "\r\n", "'", '"', "''", '""', "'\"'\"'", "\"'\"", "\\", "\\\\", "a\\", "\\'", '\\"',
    "\\\n", "`", "$", "$$", "touch PWNED", "; touch PWNED", "; touch PWNED;", "\ntouch PWNED\n", "& touch PWNED &", "| touch PWNED",
    "|| touch PWNED", "&& touch PWNED", "`touch PWNED`", "$(touch PWNED)", "${x:-$(touch PWNED)}", "$((a[$(touch PWNED)]))", "a[$(touch PWNED)]",
    "x[$(touch PWNED)]=1", "<(touch PWNED)", ">(touch PWNED)", "> PWNED", ">PWNED", "2>PWNED", "'; touch PWNED; '", '"; touch PWNED; "',
    "'\"; touch PWNED; \"'", "\"'; touch PWNED; '\"", "\\'; touch PWNED; \\'", '\\"; touch PWNED; \\"', "')touch PWNED(", '"$(touch PWNED)"',
    "'$(touch PWNED)'", "\\$(touch PWNED)", "\\\\$(touch PWNED)", "\\`touch PWNED\\`", "$'\\x27'; touch PWNED", '$"$(touch PWNED)"',
    "){touch PWNED", "}; touch PWNED; {", "); touch PWNED; (", ")) touch PWNED ((", "fi; touch PWNED", "done; touch PWNED", "EOF\ntouch PWNED",
    "#", "# comment", "a #b", "*", "?", "[a-z]*", "{a,b}", "{1..3}", "~", "~root", "~/x", "!", "!!", "!$", "^a^b", "A=b", "PATH=/", "-c", "-e",
    "--", "-", "-rf", "--help", "-ctouch PWNED", "%s%n", "%n", "\\0", "\\x00", "\\c", "&1", "1", "2", "0", "<", ">", "<<EOF", "<<<x", "a,b",
    "a=b", "=", "==", "=ls", ":", "::", "@", "+", ".", "/", "eval", "if", "then", "in", "do", "é", "日本語", "🎉", "\u202e", "\u2028", "\xa0",
    "\ufeff", "á", "\x01", "\x07", "\x1b[31m", "\x7f", "\x80", "\x9f", "\x0b\x0c", "{x}", "{{x}}", "{", "}", "%", "^", "{0}", "x" * 2000,
    "'" * 60, '"' * 60, "\\" * 61, "$" * 99, "`" * 99, "\n" * 50,
]  # fmt: skip
PIECES = [*"'\"\\$`;&|<>(){}[]*?~!#\n\t =:,-%", "$(", "touch PWNED", " ", "a", "${", "\\\\", "'\"'", "EOF", "é", "🎉", "\x01", "\r"]
SHELLS = ("bash", "sh", "dash")


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    return Receiver.build(tmp_path_factory.mktemp("receiver"))


def hostile_values(count: int, seed: int) -> list[str]:
    choose = random.Random(seed)
    return [*HOSTILE, *("".join(choose.choices(PIECES, k=choose.randint(1, 9))) for _ in range(count - len(HOSTILE)))]


def quoted(text: str, quote: str) -> str:
    """Write a text with placeholders as one word, as a project's author would."""
    if quote == "'":
        return "'" + text.replace("'", "'\\''") + "'"
    return '"' + "".join(f"\\{letter}" if letter in '\\$`"' else letter for letter in text) + '"'


# How one placeholder is written, and what stands around its value in the word that arrives.
WORDS = {
    "bare": ("{}", "", ""),
    "glued": ("--x={}", "--x=", ""),
    "in the middle": ("pre{}post", "pre", "post"),
    "single-quoted": ("'{}'", "", ""),
    "double-quoted": ('"{}"', "", ""),
    "in a double-quoted sentence": ('"it\'s {} here"', "it's ", " here"),
    "in a single-quoted sentence": ("'say \"{}\" twice'", 'say "', '" twice'),
    "behind a quote": ("'a'{}\"b\"", "a", "b"),
    "behind an escape": ("\\${}".replace("$", "$x"), "$x", ""),
}
# Where the command with these words stands.
SETTINGS = {
    "alone": "{}",
    "behind another command": "true && {}\n",
    "in a subshell": "( {} )",
    "in a group": "{{ {}; }}",
    "in a condition": "if true; then {}; fi",
    "in a substitution": "true $({})",
    "in a quoted substitution": 'true "$({})"',
    "in a substitution in a substitution": 'true "a $(true "$({})") b"',
    "behind wrappers": "env A=1 nice -n 1 {}",
}
NESTINGS = ["", "bash'", 'bash"', "sh'", 'sh"', "dash'", 'dash"', "bash' bash'", "bash\" bash'", "bash' sh\"", 'sh" dash"', "sh' sh'"]


def nested(text: str, nesting: str) -> str:
    for level in reversed(nesting.split()):
        text = f"{level[:-1]} -c {quoted(text, level[-1])}"
    return text


def deliver(receiver: Receiver, template: str, values: list[str]) -> list[list[str]]:
    parameters = [Parameter(f"v{index}") for index in range(len(values))]
    words = {f"v{index}": value for index, value in enumerate(values)}
    return receiver.run(Template.parse(template, parameters).fill(words))


@pytest.mark.parametrize("nesting", NESTINGS)
def test_thousands_of_hostile_values_arrive_as_exactly_one_word_in_every_position(receiver, nesting):
    values = hostile_values(600, seed=len(nesting))
    for index, (word, before, after) in enumerate(WORDS.values()):
        part = values[index::3]  # every value meets three ways of writing, every way meets two hundred values
        for start in range(0, len(part), 67):
            some = part[start : start + 67]
            text = "receive " + " ".join(word.replace("{}", f"{{v{number}}}") for number in range(len(some)))
            assert deliver(receiver, nested(text, nesting), some) == [[f"{before}{value}{after}" for value in some]]
    assert not receiver.pwned


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("nesting", ["", 'bash"', "sh'", "bash' sh\""])
def test_hostile_values_arrive_wherever_the_command_stands(receiver, setting, nesting):
    for word, before, after in WORDS.values():
        text = "receive " + " ".join(word.replace("{}", f"{{v{number}}}") for number in range(len(HOSTILE)))
        text = nested(SETTINGS[setting].replace("{}", text), nesting)
        assert deliver(receiver, text, HOSTILE) == [[f"{before}{value}{after}" for value in HOSTILE]]
    assert not receiver.pwned


VALUES = st.one_of(
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)
LITERALS = st.sampled_from(["a", "b c", "it's", 'say "x"', "$x", "back\\slash", "`", "#", "; :", "{y}", "é", "~", "*", "|", "--k="])
QUOTES = st.sampled_from(["'", '"', ""])


@st.composite
def words(draw):
    """A word as its author writes it, with numbered holes, and its parts: text or the number of a value."""
    parts, written = [], ""
    for _ in range(draw(st.integers(1, 3))):
        quote = draw(QUOTES)
        inside = [draw(st.one_of(LITERALS, st.integers(0, 2))) for _ in range(draw(st.integers(1, 2)))]
        if quote == "":
            # A backslash in front of every literal character is the third way to quote.
            written += "".join(f"{{v{part}}}" if isinstance(part, int) else "".join(_brace(f"\\{letter}") for letter in part) for part in inside)
        else:
            written += quote + "".join(f"{{v{part}}}" if isinstance(part, int) else _brace(quoted(part, quote)[1:-1]) for part in inside) + quote
        parts += inside
    return written, parts


def _brace(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


@st.composite
def commands(draw, depth=3):
    """A command text and the calls of `receive` that it makes, in order."""
    kind = draw(st.sampled_from(["receive", "receive", "sh", "substitution", "sequence", "compound", "argument"])) if depth else "receive"
    if kind == "sequence":
        first, calls = draw(commands(depth - 1))
        second, more = draw(commands(depth - 1))
        return first + draw(st.sampled_from([" ; ", "\n", " && ", "\n\n", " ;\n "])) + second, calls + more
    if kind == "compound":
        text, calls = draw(commands(depth - 1))
        around = draw(
            st.sampled_from(
                ["( {} )", "{{ {}\n}}", "if true; then {}\nfi", "if false; then :; else {}\nfi", "for i in 1; do {}\ndone", "! ( {} ) || :"]
            )
        )
        return around.replace("{}", text), calls
    written = [draw(words()) for _ in range(draw(st.integers(0, 3)))]
    arguments = "".join(f" {text}" for text, _ in written)
    call = [parts for _, parts in written]
    if kind == "sh":
        text, calls = draw(commands(depth - 1))
        return f"{draw(st.sampled_from(SHELLS))} -c {quoted(text, draw(st.sampled_from(_QUOTES)))}", calls
    if kind == "argument":
        text = draw(st.sampled_from(['receive "$1"', "receive a \"${{1}}\" 'b'", 'receive "x$1"']))
        prefix = [["a"]] if " a " in text else []
        word, parts = draw(words())
        before = ["x"] if '"x' in text else []
        return f"{draw(st.sampled_from(SHELLS))} -c {quoted(text, _QUOTES[0])} _ {word}", [[*prefix, [*before, *parts], *([["b"]] if prefix else [])]]
    if kind == "substitution":
        text, calls = draw(commands(depth - 1))
        return f'receive{arguments} "p$( {text}\n)s"', [*calls, [*call, ["ps"]]]
    return f"receive{arguments}", [call]


_QUOTES = ["'", '"']


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
)
@given(command=commands(), values=st.lists(VALUES, min_size=3, max_size=3))
def test_a_template_of_any_depth_is_accepted_and_delivers_exactly(receiver, command, values):
    text, calls = command
    template = Template.parse(text, [Parameter(f"v{index}") for index in range(3)])
    expected = [["".join(values[part] if isinstance(part, int) else part for part in word) for word in call] for call in calls]
    assert receiver.run(template.fill({f"v{index}": value for index, value in enumerate(values)})) == expected
    assert not receiver.pwned


TOKENS = [
    "{v0}", "{v1}", "{v0}", "{v1}", " ", " ", " ", "\n", ";", "|", "<", ">", "(", ")", "'", '"', "\\", "`", "$", "#", "~", "*", "=", "[", "]",
    "-", "1", "a", "/", ":", ",", "{{", "}}", "$(", "$((", "))", "((", "<(", ">(", "${{", "$HOME", "${{HOME}}", "$'", '$"', "<<", "<<<", "<<E\n",
    "\nE\n", "&&", "||", "&>", ">&", "2>&1", "\\\n", '"$1"', "$1", '"$@"', "$@", "receive ", "receive ", "receive ", "receive a ", "bash -c ",
    "sh -c ", "dash -c ", "bash -c '", 'bash -c "', " _ ", "eval ", "env ", "env A=", "A=", "exec ", "command ", "builtin ", "if true; then ",
    "; fi", "for i in ", "; do ", "; done", "case a in a) ", ";; esac", "! ", "time ", "[[ ", " ]]", "[ ", " ]", "test ", "printf ", "echo ",
    "xargs ", "trap ", "python -c ", "export ", "declare ", "read ", "f() {{ ", "coproc ", "let ", "set -- ", "shift; ", "-c ", "-- ", "./",
    "--x=", "\t", "-v ", "/dev/stdin", "python3 ", "perl -e ", "find . -exec ", "nice ", "timeout 5 ",
]  # fmt: skip
ATTACKS = [
    "touch PWNED", ";touch PWNED;", "$(touch PWNED)", "`touch PWNED`", "'$(touch PWNED)'", '"$(touch PWNED)"', "a[$(touch PWNED)]",
    "\ntouch PWNED\n", "';touch PWNED;'", "\\';touch PWNED;\\'", '";touch PWNED;"', "x\\", "\\", "'", '"', "", "a b", "*", "~", "-c",
    "-ctouch PWNED", "--", "-", "1", "2", "=", "A=b", "A=", "#", ")", "(", ";", "\n", "$", "EOF", "E", "{", "}", "<(touch PWNED)", "eval", "if",
    "-e",
]  # fmt: skip


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]
)
@given(tokens=st.lists(st.sampled_from(TOKENS), min_size=1, max_size=9), values=st.tuples(st.sampled_from(ATTACKS), st.sampled_from(ATTACKS)))
def test_shell_soup_is_refused_or_a_hostile_value_makes_no_difference(receiver, tokens, values):
    """The same template with marks for values says what should arrive; a hostile value must arrive in the marks' places, and change nothing else."""
    text = "receive " + "".join(tokens)
    try:
        template = Template.parse(text, [Parameter("v0"), Parameter("v1")])
    except TemplateError:
        return
    if not template.names or "$$" in text:
        return
    marks = receiver.run(template.fill({"v0": "mArK0", "v1": "mArK1"}))
    calls = receiver.run(template.fill({"v0": values[0], "v1": values[1]}))
    assert not receiver.pwned
    if any(mark in text for mark in ("[ ", "test ", "<", "find")) or (">" in text and "" in values):
        return  # what runs depends on the value as such: it is compared, or names a file
    # The ends of a pipe write in any order.
    assert sorted(calls) == sorted([word.replace("mArK0", values[0]).replace("mArK1", values[1]) for word in call] for call in marks)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_harmless_value_gives_the_text_that_mlflow_gives(shell):
    value = "az-AZ_09@%+=:,./"
    text = f"{shell} -c 'receive --x={{v}} \"{{v}}\" {{v}}' && receive {{v}}"
    assert Template.parse(text, [Parameter("v")]).fill({"v": value}, {"k": value}) == text.format(v=shlex.quote(value)) + f" --k {value}"
