import base64
import itertools
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbproj.tracking.redact import MASK, Redactor, StreamRedactor, mask_url

pieces = st.text("ab*=", min_size=0, max_size=6)
secrets = st.lists(st.text("ab=", min_size=1, max_size=5), max_size=4)


def stream(redactor: StreamRedactor, chunks) -> bytes:
    return b"".join([*(redactor.feed(chunk) for chunk in chunks), redactor.flush()])


@given(st.lists(pieces, max_size=12), secrets)
@example(["ab", "c"], ["ab", "bc"])
@example(["a", "b"], ["a", "ab"])
def test_a_stream_is_masked_the_same_wherever_it_is_cut(chunks, hidden):
    text = "".join(chunks)
    redactor = Redactor(hidden)
    assert stream(redactor.stream(), [chunk.encode() for chunk in chunks]).decode() == redactor.text(text)


@given(
    st.text(max_size=30),
    st.lists(st.text(min_size=4, max_size=12).filter(lambda text: text.strip() and not set(text) <= set(MASK)), min_size=1, max_size=3),
)
def test_no_declared_secret_is_left_in_a_text_that_holds_it(around, hidden):
    shown = Redactor(hidden).text(around + around.join(hidden) + around)
    left = [secret for secret in hidden if secret in shown]
    # Masking can put two pieces side by side that happen to spell a secret only if the mask itself is part of one.
    assert not [secret for secret in left if "*" not in secret]


@given(st.binary(max_size=200), st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=4), st.lists(st.integers(0, 200), max_size=8))
def test_bytes_of_any_kind_lose_only_the_secrets(data, hidden, cuts):
    borders = sorted({0, len(data), *(cut for cut in cuts if cut <= len(data))})
    chunks = [data[start:end] for start, end in itertools.pairwise(borders)]
    whole, cut = StreamRedactor(hidden), StreamRedactor(hidden)
    assert stream(cut, chunks) == stream(whole, [data])


@pytest.mark.parametrize("secret", ["s3cr&t/va lue\"'", "päss wörd", "line one of it\nline two of it", "back\\slash\ttab"])
def test_a_secret_is_masked_in_every_spelling_a_program_prints(secret):
    redactor = Redactor([secret])
    raw = secret.encode()
    for spelling in (secret, quote(secret), quote(secret, safe=""), json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret)):
        shown = redactor.text(f"before {spelling} after")
        assert MASK in shown
        assert spelling.strip("\"'") not in shown
    for before in (b"", b"u", b"us", b"user:"):
        for encoded in (base64.b64encode(before + raw + b":x"), base64.urlsafe_b64encode(before + raw)):
            assert MASK in redactor.text(encoded.decode())


def test_a_short_declared_secret_is_masked_too():
    assert Redactor(["7"]).text("pin 7") == "pin ***"


def test_white_space_is_no_secret():
    assert not Redactor(["", "  ", "\n"])


def test_without_secrets_the_same_objects_are_returned():
    redactor, data, text = Redactor(), b"some output", "some text"
    assert redactor.text(text) is text
    assert redactor.stream().feed(data) is data


def test_a_prompt_is_shown_at_once_unless_a_secret_may_have_begun():
    redactor = Redactor(["s3cret"]).stream()
    assert redactor.feed(b"name? ") == b"name? "
    assert redactor.feed(b"key: s3c") == b"key: "
    assert redactor.feed(b"ond") == b"s3cond"


def test_names_that_speak_of_secrets_are_found_in_the_environment():
    environ = {
        "MLFLOW_TRACKING_TOKEN": "tok-123456",
        "MLFLOW_TRACKING_PASSWORD": "pass-123456",
        "AWS_SECRET_ACCESS_KEY": "aws-123456",
        "OPENAI_API_KEY": "sk-123456",
        "DATABASE_URL": "postgresql://eva:db-123456@host/x",
        "MLFLOW_TRACKING_URI": "https://eva:uri-123456@host",
    }
    shown = Redactor.from_environment(environ, ["extra"]).text("tok-123456 pass-123456 aws-123456 sk-123456 db-123456 uri-123456 extra")
    assert shown == " ".join([MASK] * 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("USE_TOKEN", "true"),
        ("MAX_TOKEN", "4096"),
        ("APP_SECRET", "changeme"),
        ("GPG_KEY", "E3FF2839C048B25C084DEBE9B26995E310250568"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("NBPROJ_OWNER_TOKEN", "0123456789abcdef"),
        ("HOME", "/home/eva"),
        ("HALF_URL", "http://[bad@"),
    ],
)
def test_harmless_variables_stay_readable(name, value):
    assert Redactor.from_environment({name: value}).text(value) == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://eva:pw@host/x", "https://***@host/x"),
        ("https://ghp_token@host/x.git", "https://***@host/x.git"),
        ("https://eva:p@ss@host/x", "https://***@host/x"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("git+ssh://git@host/x", "git+ssh://git@host/x"),
        ("ssh://eva:pw@host/x", "ssh://***@host/x"),
        ("see https://host/@scope/x and eva@host", "see https://host/@scope/x and eva@host"),
        ("https://h/?X-Amz-Signature=abc&a=1", "https://h/?X-Amz-Signature=***&a=1"),
        ("https://h/b?sv=1&sig=abc%3D", "https://h/b?sv=1&sig=***"),
        ("no address", "no address"),
    ],
)
def test_addresses_lose_their_credentials(text, shown):
    assert mask_url(text) == shown


def test_a_stream_with_secrets_is_masked_at_a_speed_that_output_does_not_notice():
    redactor = Redactor([f"secret-value-number-{number}" for number in range(5)]).stream()
    chunk = (b"epoch 17 loss 0.1234 accuracy 0.98 some ordinary text of a program\n" * 1000)[:65536]
    start = time.process_time()
    for _ in range(200):
        redactor.feed(chunk)
    assert 200 * len(chunk) / (time.process_time() - start) > 30e6
