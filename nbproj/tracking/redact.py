"""What may never be written: secret values are masked in texts and streams, credentials in addresses."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import quote, quote_plus, unquote, urlsplit

__all__ = ["MASK", "Redactor", "StreamRedactor", "mask_url", "secrets_in", "secrets_of"]

MASK = "***"

_SECRET_NAME = re.compile(
    r"(TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIALS?|(^|_)PAT|(API|ACCESS|SECRET|PRIVATE|ACCOUNT|STORAGE|SIGNING|ENCRYPTION)_?KEY|CONNECTION_STRING)$",
    re.IGNORECASE,
)
_PUBLIC_NAMES = {"NBPROJ_OWNER_TOKEN"}  # names a process, opens nothing
_TRIVIAL = {"changeme", "default", "disabled", "enabled", "example", "password", "secret", "undefined"}
_SHORTEST_FOUND = 6
"""Characters under which a value from the environment is taken for a flag, not for a secret. Declared secrets have no such limit."""
_SHORTEST_ENCODED = 6
"""Characters under which the encoded forms of a secret are not looked for: they would be found everywhere."""
_SHORTEST_NUMBER = 10

_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^\s/?#\"'<>\\@]*(?:@[^\s/?#\"'<>\\@]*)*)@(?=[^\s/?#\"'<>\\@])")
_QUERY = re.compile(
    r"(?P<name>[?&;](?:[\w.-]*(?:token|password|passwd|secret|signature|credential|api[_-]?key|access[_-]?key)[\w.-]*|sig|key|pwd)=)[^&\s\"'<>#]+",
    re.IGNORECASE,
)


def mask_url(text: str) -> str:
    """Return a text in which no URL holds credentials: user and password, or a token in the query.

    A user name alone stays where it is no secret (ssh, git).

    Examples
    --------
    >>> mask_url("cannot clone https://eva:s3cret@example.org/x.git")
    'cannot clone https://***@example.org/x.git'
    >>> mask_url("ssh://git@example.org/x.git and https://example.org/?token=abc&page=2")
    'ssh://git@example.org/x.git and https://example.org/?token=***&page=2'
    """
    if "://" not in text:
        return text

    def userinfo(found: re.Match[str]) -> str:
        harmless = ":" not in found["user"] and ("ssh" in found["scheme"].lower() or found["scheme"].lower() == "git")
        return found.group() if harmless else f"{found['scheme']}://{MASK}@"

    return _QUERY.sub(lambda found: found["name"] + MASK, _USERINFO.sub(userinfo, text))


def secrets_in(text: str) -> list[str]:
    """Return what `mask_url` masks in a text and programs may print by itself: passwords, and tokens in the query.

    Examples
    --------
    >>> secrets_in("https://eva:pa55%2Fword@example.org/x?sig=a1b2c3&page=2")
    ['pa55%2Fword', 'pa55/word', 'a1b2c3', 'a1b2c3']
    """
    if "://" not in text:
        return []
    found = [match["user"].partition(":")[2] or match["user"] for match in _USERINFO.finditer(text)]
    # `key=` may be the name of a file as well.
    found += [match.group().partition("=")[2] for match in _QUERY.finditer(text) if match["name"][1:].lower() != "key="]
    return [form for secret in found for form in (secret, unquote(secret)) if _is_secret(form)]


def _base64_forms(secret: bytes) -> set[str]:
    # Inside a longer text ("user:secret") the encoding depends on where the secret starts, modulo three; the characters it shares with its
    # neighbours are left out.
    forms = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret).decode()
        first = (before * 8 + 5) // 6
        last = (before + len(secret)) * 8 // 6
        forms |= {encoded[first:last], encoded[first:last].replace("+", "-").replace("/", "_")}
    return forms


def _in_json(text: str, *, ascii_only: bool = False) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _forms(secret: str) -> set[str]:
    """Return a secret in the spellings in which a program may print it."""
    forms = {secret, secret.strip()}
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:  # a key in PEM form is printed indented, or with other line ends
        forms |= {line for line in lines if len(line) >= _SHORTEST_ENCODED and not line.startswith("-----")}
    for form in list(forms):
        raw = form.encode("utf-8", "surrogatepass")
        shown = {_in_json(form, ascii_only=True), _in_json(form), repr(form)[1:-1]}
        forms |= {*shown, escape(form), shlex.quote(form).strip("'")}
        forms |= {_in_json(one) for one in shown}  # the value of a cell, as a notebook's file holds it
        forms |= {quote(raw, safe=""), quote(raw), quote_plus(raw)}
        if len(form) >= _SHORTEST_ENCODED:
            forms |= _base64_forms(raw)
    return {form for form in forms if form}


class StreamRedactor:
    """Masks secrets in bytes that arrive in pieces; what it returns does not depend on where they were cut.

    Held back is only what may be the beginning of a secret, so that a prompt or a progress bar is seen at once.

    Parameters
    ----------
    forms : sequence of bytes
        What is masked; longer forms win over shorter ones that start at the same place.
    """

    def __init__(self, forms: Iterable[bytes]) -> None:
        self._forms = sorted(set(forms), key=lambda form: (-len(form), form))
        self._pattern = re.compile(b"|".join(map(re.escape, self._forms))) if self._forms else None
        self._beginnings = {form[:length] for form in self._forms for length in range(1, len(form))}
        self._longest = max(map(len, self._beginnings), default=0)
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown after some more bytes; with no secrets, the same object."""
        if self._pattern is None:
            return data
        return self._masked(self._pending + data if self._pending else data, final=False)

    def flush(self) -> bytes:
        """Return what was held back: the stream has ended, or a reader must see all of it now."""
        return self._masked(self._pending, final=True)

    def _held_from(self, data: bytes, start: int) -> int:
        for length in range(min(self._longest, len(data) - start), 0, -1):
            if data[-length:] in self._beginnings:
                return len(data) - length
        return len(data)

    def _masked(self, data: bytes, *, final: bool) -> bytes:
        if self._pattern is None or not data:
            return data
        held = len(data) if final else self._held_from(data, 0)
        # Most data holds no secret at all, and a search for one string is several times faster than the pattern.
        if not any(form in data for form in self._forms):
            self._pending = data[held:]
            return data if held == len(data) else data[:held]
        shown, position = [], 0
        for found in self._pattern.finditer(data):
            if found.start() >= held:
                break
            shown += [data[position : found.start()], MASK.encode()]
            position = found.end()
            if position > held:  # what was held back belongs to this secret; look again behind it
                held = self._held_from(data, position)
        held = max(held, position)
        shown.append(data[position:held])
        self._pending = data[held:]
        return b"".join(shown)


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """Return what an environment holds under names that speak of secrets, and passwords in addresses.

    Examples
    --------
    >>> secrets_of({"GITHUB_TOKEN": "ghp_123456", "USE_TOKEN": "true", "SITE": "https://eva:pa55word@example.org"})
    ['ghp_123456', 'pa55word', 'pa55word']
    """
    found = []
    for name, value in environ.items():
        if name in _PUBLIC_NAMES:
            continue
        if _SECRET_NAME.search(name) and _is_secret(value):
            found.append(value)
        elif "://" in value and "@" in value:
            try:
                password = urlsplit(value).password
            except ValueError:
                continue
            if password and _is_secret(password):
                found += [password, unquote(password)]
    return found


class Redactor:
    """Masks secret values wherever they appear: as they are, URL-quoted, in base64, in JSON, as Python or a shell would print them.

    Parameters
    ----------
    secrets : iterable of str
        Values that may not be shown. Each is masked, however short; only white space is not.

    Examples
    --------
    >>> Redactor(["s3cret/x"]).text("curl https://example.org/?key=s3cret%2Fx # s3cret/x")
    'curl https://example.org/?key=*** # ***'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        self._pattern: re.Pattern[str] | None = None
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Mask further values from now on; streams that were opened before know nothing of them.

        Examples
        --------
        >>> redactor = Redactor()
        >>> redactor.add("0123abcd")
        >>> redactor.text("the token is 0123abcd")
        'the token is ***'
        """
        forms = {*self._forms, *(form for secret in secrets if secret.strip() for form in _forms(secret))}
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if self._forms else None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], extra: Iterable[str] = ()) -> Redactor:
        """Return a redactor for what an environment holds under names that speak of secrets, passwords in addresses, and further values.

        Values that are short, a small number, or a trivial word are left: masking them would make output unreadable and protect nothing.

        Parameters
        ----------
        environ : mapping of str to str
            The environment.
        extra : iterable of str
            Declared secrets, masked in any case.

        Examples
        --------
        >>> Redactor.from_environment({"GITHUB_TOKEN": "ghp_123456", "USE_TOKEN": "true"}).text("ghp_123456 is true")
        '*** is true'
        """
        return cls([*extra, *secrets_of(environ)])

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str) -> str:
        """Return a text with every secret masked; the same object when there is none."""
        if self._pattern is None or not any(form in text for form in self._forms):
            return text
        return self._pattern.sub(MASK, text)

    def stream(self) -> StreamRedactor:
        """Return a redactor for one stream of bytes in UTF-8."""
        return StreamRedactor(form.encode("utf-8", "surrogateescape" if _is_escaped(form) else "surrogatepass") for form in self._forms)


def _is_escaped(text: str) -> bool:
    # Bytes that are no UTF-8 arrive in os.environ as these; in a stream they are the bytes again.
    return any("\udc80" <= character <= "\udcff" for character in text)


def _is_secret(value: str) -> bool:
    short = len(value) < (_SHORTEST_NUMBER if value.isdigit() else _SHORTEST_FOUND)
    return not short and value.lower() not in _TRIVIAL
