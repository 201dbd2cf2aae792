"""YAML documents: places, limits, and texts as they were written."""

import os
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbproj.errors import NbprojError, ProjectError
from nbproj.project.document import parse_document, read_document


def problem(text):
    with pytest.raises(ProjectError) as caught:
        parse_document(text, "MLproject")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1", "MLproject:1:3: is not YAML: did not find expected ',' or ']'"),
        ("a: b: c", "MLproject:1:5: is not YAML: mapping values are not allowed in this context"),
        ("a:\n\t- x", "MLproject:2:1: is not YAML: a tab indents this line. Indent with spaces"),
        ("a: *b", "MLproject:1:4: there is no anchor '&b' before '*b'"),
        ("a: &a [*a]", "MLproject:1:8: '*a' stands inside what it names"),
        ("a: &a {b: {c: *a}}", "MLproject:1:15: '*a' stands inside what it names"),
        ("a: \0", "MLproject:1:4: holds the character U+0000, which YAML does not allow"),
        ("é: é\nü: \x07", "MLproject:2:4: holds the character U+0007, which YAML does not allow"),
        ("a: 1\n---\nb: 2", "MLproject:2:1: a second document begins here ('---'), where one is expected"),
        ("a: !!python/object/apply:os.system [ls]", "MLproject:1:4: the tag '!!python/object/apply:os.system' is not understood"),
        ("a: !mine x", "MLproject:1:4: the tag '!mine' is not understood"),
        ("[" * 50_000, "MLproject:1:101: is nested more than 100 deep"),
        ("- " * 50_000, "MLproject:1:201: is nested more than 100 deep"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(text, message):
    assert problem(text) == message


def bomb(levels, width):
    names = [f"n{level}" for level in range(levels)]
    first = f"{names[0]}: &{names[0]} [{','.join(['x'] * width)}]\n"
    return first + "".join(f"{one}: &{one} [{','.join([f'*{before}'] * width)}]\n" for before, one in pairwise(names))


@pytest.mark.parametrize("text", [bomb(9, 9), bomb(60, 2), bomb(3, 300), bomb(9, 9).replace("[", "{a: [").replace("]", "]}")])
def test_an_alias_bomb_is_refused_at_once(text):
    start = time.perf_counter()
    assert "values once its aliases are followed" in problem(text)
    assert time.perf_counter() - start < 20  # followed, they take hours


def test_a_chain_of_aliases_counts_as_depth():
    text = "n0: &n0 [x]\n" + "".join(f"n{level}: &n{level} [*n{level - 1}]\n" for level in range(1, 300))
    assert "nested more than 100 deep" in problem(text)


def test_aliases_are_followed_where_they_are_few():
    assert parse_document("a: &x {b: 1}\nc: *x", "f").plain() == {"a": {"b": 1}, "c": {"b": 1}}


def test_merge_keys_give_way_to_what_is_written_and_to_the_earlier_source():
    text = "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nboth: {<<: [*one, *two], a: 0}"
    assert parse_document(text, "f").plain()["both"] == {"a": 0, "b": 1, "c": 2}


def test_a_key_twice_is_refused_where_the_mapping_is_read():
    node = parse_document("a: 1\nb: 2\n'a': 3", "MLproject")
    with pytest.raises(ProjectError, match="MLproject:3:1: 'a' stands twice in the file; the first is in line 1"):
        node.fields("the file")


def test_a_key_that_is_a_list_is_refused():
    with pytest.raises(ProjectError, match="MLproject:1:3: a key of the file is a list"):
        parse_document("? [a]\n: 1", "MLproject").fields("the file")


@pytest.mark.parametrize("written", ["1_000", "0.10", ".5", "yes", "012", "1e-3", "2026-01-31", "~x", "0x1F", "1:30"])
def test_a_scalar_keeps_its_text(written):
    assert parse_document(f"a: {written}", "f").fields("f")["a"].value.text == written


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1_000", 1000),
        ("-0.5", -0.5),
        (".inf", float("inf")),
        ("no", False),
        ("On", True),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("2026-01-31", "2026-01-31"),
        ("0x1F", "0x1F"),
        ("[1, [a]]", [1, ["a"]]),
        ("2" * 5000, "2" * 5000),
    ],
)
def test_plain_values(written, value):
    found = parse_document(f"a: {written}", "f").plain()["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["", "\n\n# nothing\n", "---\n", "~", "null"])
def test_nothing_is_no_document(text):
    assert parse_document(text, "f") is None


def test_places_count_lines_and_columns_from_one():
    node = parse_document("a: 1\r\nb:\r\n  - ü: x\r\n", "f").fields("f")["b"].value.items[0]
    assert (str(node.place), str(node.pairs[0].value.place)) == ("f:3:5", "f:3:8")


@given(st.text(alphabet=st.sampled_from(list("ab:-[]{}&*!|>'\"#%@`,? \n\t1.~<é\0\ud800")), max_size=60))
def test_any_text_is_a_document_or_one_line_with_a_place(text):
    message = "MLproject:"
    try:
        node = parse_document(text, "MLproject")
        if node is not None:
            node.plain()
    except NbprojError as error:
        message = str(error)
    assert message.startswith("MLproject:")
    assert "\n" not in message


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(alphabet="ab1: -#'\"é\n", max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1), inner, max_size=3),
    )
)
def test_what_another_writer_writes_is_read_as_it_was(value):
    import yaml

    node = parse_document(yaml.safe_dump({"value": value}, allow_unicode=True), "f")
    assert node.plain() == {"value": value}


# --- files


def test_a_byte_order_mark_is_tolerated(tmp_path):
    (tmp_path / "MLproject").write_bytes(b"\xef\xbb\xbfname: x\n")
    assert read_document(tmp_path / "MLproject").plain() == {"name": "x"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"name: caf\xe9\n", "MLproject:1:10: is not UTF-8. Save it as UTF-8"),
        (b"a: 1\nb: \xff", "MLproject:2:4: is not UTF-8. Save it as UTF-8"),
        ("name: x".encode("utf-16"), "MLproject:1:1: is not UTF-8. Save it as UTF-8"),
        (b"a: 1\n" * 300_000, "MLproject: is larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path, data, message):
    (tmp_path / "MLproject").write_bytes(data)
    with pytest.raises(ProjectError) as caught:
        read_document(tmp_path / "MLproject")
    assert str(caught.value) == message


def test_a_file_of_one_mebibyte_is_read_in_bounded_time(tmp_path):
    line = "key{0}: {{a: [1, 2, 3], b: text}}\n"
    text = "".join(line.format(number) for number in range(10_000))
    (tmp_path / "MLproject").write_text(text)
    start = time.perf_counter()
    assert len(read_document(tmp_path / "MLproject").pairs) == 10_000
    assert time.perf_counter() - start < 20


@pytest.mark.timeout(30)
def test_a_pipe_or_folder_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "MLproject")
    with pytest.raises(ProjectError, match="MLproject: is not a file"):
        read_document(tmp_path / "MLproject")
    with pytest.raises(ProjectError, match=r"is not a file|cannot be read"):
        read_document(tmp_path)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ProjectError, match="MLproject: cannot be read: No such file"):
        read_document(tmp_path / "MLproject")
