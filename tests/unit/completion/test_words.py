"""Lines as shells read them."""

from __future__ import annotations

import shlex

import hypothesis
import hypothesis.strategies as st
import pytest

from nbproj.completion.words import quoted, read


@pytest.mark.parametrize(
    ("line", "words", "text"),
    [
        ("a b", ["a"], "b"),
        ("a b ", ["a", "b"], ""),
        ("a ''", ["a"], ""),
        ("a '' ", ["a", ""], ""),
        (r"a b\ c", ["a"], "b c"),
        ("a 'b c", ["a"], "b c"),
        ('a "b \\"c', ["a"], 'b "c'),
        ("a 'b\\' c", ["a", "b\\"], "c"),
        ("a b=c:d", ["a"], "b=c:d"),
        ("a; b c", ["b"], "c"),
        ("a | b c", ["b"], "c"),
        ("a 2>x b", ["a"], "b"),
        ("a >x b", ["a"], "b"),
        ("a >>x b", ["a"], "b"),
        ("a 2>&1 b", ["a"], "b"),
        ("a \\\n b", ["a"], "b"),
    ],
)
def test_words_of_a_line(line, words, text):
    typed = read(line)
    assert (typed.words, typed.text) == (words, text)


def test_what_the_shell_replaces_is_known():
    assert read("a $x").live
    assert read('a "$x').live
    assert read("a `x").live
    assert not read("a '$x").live
    assert not read(r"a \$x").live
    assert not read("a $x", operators=False).live


def test_variables_of_earlier_words_are_replaced(monkeypatch):
    monkeypatch.setenv("PROJECT", "my project")
    assert read("a $PROJECT b").words == ["a", "my project"]
    assert read("a '$PROJECT' b").words == ["a", "$PROJECT"]


def test_fish_has_escapes_within_single_quotation_marks():
    assert read(r"a 'it\'s", fish=True).text == "it's"


@hypothesis.given(st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r"), min_size=1), st.sampled_from(["", "'", '"']))
def test_what_is_quoted_is_one_word_again(text, quote):
    assert read(f"a {quote}{quoted(text, quote)}{quote} ").words == ["a", text]
    line = f"a {quote}{quoted(text, quote, operators=False)}{quote}"
    assert read(f"{line} ", operators=False).words == shlex.split(line) == ["a", text]


@hypothesis.given(st.text())
def test_any_line_can_be_read(line):
    typed = read(line)
    assert all(isinstance(word, str) for word in typed.words)
