"""Requirements as pip's files write them, read by us: what is harmless is passed on in a file, what is not is refused, nothing becomes an option.

Reading gives the same requirements whatever the order, the comments and the layout, so that they can identify an environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from nbproj.environments.blame import blamed
from nbproj.errors import EnvironmentPreparationError
from nbproj.paths import inside
from nbproj.project.model import Place

__all__ = ["Line", "Requirements", "of_texts", "read_file", "read_lines"]

_COMMENT: Final = re.compile(r"(^|\s)#.*$")
_HASH: Final = re.compile(r"\s+--hash[ =]([a-z0-9]+:[0-9a-f]+)")
_ARCHIVE: Final = re.compile(r"\.(whl|zip|tar\.gz|tar\.bz2|tgz)$")
_LONG: Final = {"-r": "--requirement", "-c": "--constraint", "-i": "--index-url", "-f": "--find-links", "-e": "--editable"}
_ADDRESSES: Final = ("--index-url", "--extra-index-url", "--find-links")
_SWITCHES: Final = ("--no-index", "--pre", "--require-hashes", "--prefer-binary")
_CHOICES: Final = ("--no-binary", "--only-binary")
_SCHEMES: Final = ("https", "git+https", "git+ssh", "file", "git+file")
_NEAR: Final = {"localhost", "127.0.0.1", "::1"}
_MOST_BYTES: Final = 1 << 20
_DEEPEST: Final = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A requirement.

    Parameters
    ----------
    text : str
        As an installer reads it in a file; for a package of the project, its path.
    key : str
        The same for what means the same.
    local : Path, optional
        A package that is part of the project.
    extras : str
        Extras of that package, as `[a,b]`.
    """

    text: str
    key: str
    local: Path | None = None
    extras: str = ""


@dataclass(frozen=True, slots=True)
class Requirements:
    """What files of requirements say, in all.

    Parameters
    ----------
    lines : tuple of Line
        What is to be installed.
    constraints : tuple of Line
        Bounds on what is installed anyway.
    options : tuple of Line
        Options that such a file may hold, in their order.
    switches : frozenset of str
        Those without a value that the installer takes on its command line.
    """

    lines: tuple[Line, ...] = ()
    constraints: tuple[Line, ...] = ()
    options: tuple[Line, ...] = ()
    switches: frozenset[str] = frozenset()

    def __add__(self, other: Requirements) -> Requirements:
        return Requirements(
            (*self.lines, *other.lines), (*self.constraints, *other.constraints), (*self.options, *other.options), self.switches | other.switches
        )

    def key(self) -> list[object]:
        """Return what identifies them; of the options the order counts, of the rest it does not."""
        return [
            sorted({line.key for line in self.lines}),
            sorted({line.key for line in self.constraints}),
            list(dict.fromkeys(option.key for option in self.options)),
            sorted(self.switches),
        ]


def read_file(name: str, root: Path, *, place: Place | None = None, depth: int = 0) -> Requirements:
    """Return what a file of requirements says, with the files that it names.

    Parameters
    ----------
    name : str
        Its path in the project.
    root : Path
        The project's folder, which nothing leaves.
    place : Place, optional
        Where the file is named.
    depth : int
        How many files stand above it.

    Raises
    ------
    EnvironmentPreparationError
        It cannot be read, names itself, leaves the project, or holds what is refused; with file and line.
    """
    if depth > _DEEPEST:
        msg = f"{name!r}: files of requirements that name each other, more than {_DEEPEST} deep"
        raise EnvironmentPreparationError(msg, place=place)
    path = _inside(root, name, place)
    try:
        data = path.read_bytes() if path.is_file() else b""
        if not path.is_file() or len(data) > _MOST_BYTES:
            msg = f"there is no file {name!r}" if not path.exists() else f"{name!r} is no file of requirements"
            raise EnvironmentPreparationError(msg, place=place)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{name!r} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
        raise EnvironmentPreparationError(msg, place=place) from error
    return read_lines(_joined(text, name), root, folder=str(Path(name).parent), depth=depth)


def read_lines(lines: Iterable[tuple[str, Place]], root: Path, *, folder: str = ".", depth: int = 0) -> Requirements:
    """Return what lines of requirements say.

    Parameters
    ----------
    lines : iterable of (str, Place)
        Each with where it stands.
    root : Path
        The project's folder.
    folder : str
        The folder, in the project, that the paths of `-r` and `-c` start from.
    depth : int
        How many files stand above them.

    Raises
    ------
    EnvironmentPreparationError
        As `read_file`.

    Examples
    --------
    >>> place = Place("requirements.txt", 1)
    >>> read_lines([("Scikit_Learn >= 1.5  # trees", place)], Path()).lines[0].key
    'scikit-learn>=1.5'
    >>> read_lines([("numpy; touch x", place)], Path())
    Traceback (most recent call last):
    nbproj.errors.EnvironmentPreparationError: requirements.txt:1: 'numpy; touch x' is no requirement
    """
    total = Requirements()
    for raw, place in lines:
        if not raw.isprintable() and any(not (c.isprintable() or c == "\t") for c in raw):
            msg = f"{raw!r} holds a line break or a control character"
            raise EnvironmentPreparationError(msg, place=place)
        text = _COMMENT.sub("", raw).strip()
        if text.startswith("-"):
            total += _option(text, root, folder, place, depth)
        elif text:
            total += Requirements((_requirement(text, root, place),))
    return total


def _joined(text: str, name: str) -> list[tuple[str, Place]]:
    found: list[tuple[str, Place]] = []
    begun, start = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        start = start or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            begun += line[:-1] + " "
            continue
        found.append((begun + line, Place(name, start)))
        begun, start = "", 0
    return [*found, (begun, Place(name, start))] if begun else found


def _inside(root: Path, name: str, place: Place | None) -> Path:
    with blamed(place):
        return inside(root, name, what="the file")


def _option(text: str, root: Path, folder: str, place: Place, depth: int) -> Requirements:
    parts = re.match(r"(-[rcief](?=[^-])|--?[a-z-]+)[ \t=]*(.*)$", text)
    name, value = (parts[1], parts[2].strip()) if parts else (text, "")
    name = _LONG.get(name, name)
    if name in {"--requirement", "--constraint"} and value and not re.search(r"\s", value):
        if re.match(r"[a-z+]+://", value):
            msg = f"{value}: a file of requirements from elsewhere. Put it in the project"
            raise EnvironmentPreparationError(msg, place=place)
        read = read_file(str(Path(folder) / value), root, place=place, depth=depth + 1)
        return read if name == "--requirement" else Requirements(constraints=(*read.lines, *read.constraints), options=read.options)
    if name == "--editable" and value:
        return Requirements((_requirement(value, root, place),))
    if name in _SWITCHES and not value:
        return Requirements(switches=frozenset({name}))
    if name in _CHOICES and re.fullmatch(r":all:|:none:|[\w.,-]+", value):
        return Requirements(options=(Line(f"{name}={value}", f"{name}={value}"),))
    if name in _ADDRESSES and value and not re.search(r"\s", value):
        return Requirements(options=(_address(name, value, root, place),))
    what = (
        "is refused: it would trust a server that cannot prove who it is" if name == "--trusted-host" else "is no option for a file of requirements"
    )
    msg = f"{name!r} {what}"
    raise EnvironmentPreparationError(msg, place=place, hint="what concerns this machine belongs into pip's or uv's own settings")


def _address(name: str, value: str, root: Path, place: Place) -> Line:
    """Return an option that says where packages come from."""
    parts = urlsplit(value)
    if len(parts.scheme) > 1 and parts.scheme != "file":
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _NEAR):
            msg = f"{name}: packages come by https://, or from a folder of the project, not by {parts.scheme}://"
            raise EnvironmentPreparationError(msg, place=place, hint="what concerns this machine belongs into pip's or uv's own settings")
        return Line(f"{name}={value}", f"{name}={value}")
    from nbproj.environments.content import content_key

    path = _inside(root, unquote(parts.path) if parts.scheme else value, place)
    if not path.exists():
        msg = f"{name}: there is no folder {value!r} in the project"
        raise EnvironmentPreparationError(msg, place=place)
    return Line(f"{name}={path.as_uri()}", f"{name}=local:{content_key(path)}")


def _requirement(text: str, root: Path, place: Place) -> Line:
    hashes = _HASH.findall(f" {text}")
    bare = _HASH.sub("", f" {text}").strip()
    if re.search(r"(^|\s)--?\w", bare):
        msg = f"{text!r}: beside a package stands --hash, and no other option"
        raise EnvironmentPreparationError(msg, place=place)
    suffix = "".join(f" --hash={one}" for one in sorted(hashes))
    if _is_path(bare, root):
        return _package(bare, root, place)
    if re.match(r"[A-Za-z+]+://|[a-z]+\+", bare):
        _check_url(bare, root, place)
        return Line(bare + suffix, bare + suffix)
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        known = Requirement(bare)
    except InvalidRequirement:
        msg = f"{text!r} is no requirement"
        raise EnvironmentPreparationError(msg, place=place) from None
    if known.url is not None:
        if known.url.startswith("file:") and _is_path(unquote(urlsplit(known.url).path), root):
            return _package(unquote(urlsplit(known.url).path), root, place)
        _check_url(known.url, root, place)
    known.name = canonicalize_name(known.name)
    return Line(str(known) + suffix, str(known) + suffix)


def _is_path(text: str, root: Path) -> bool:
    bare = re.sub(r"\[[\w.,\s-]*\]$", "", text)
    return bare.startswith((".", "/")) or (
        not re.search(r"[@:\s]", bare) and (_ARCHIVE.search(bare) is not None or ("/" in bare and (root / bare).exists()))
    )


def _package(text: str, root: Path, place: Place) -> Line:
    """Return a package that is part of the project: a folder, a wheel or an archive."""
    from nbproj.environments.content import content_key

    found = re.fullmatch(r"(.*?)(\[[\w.,\s-]+\])?", text)
    bare, extras = (found[1], found[2] or "") if found else (text, "")
    path = _inside(root, bare, place)
    installable = path.is_file() or any((path / name).is_file() for name in ("pyproject.toml", "setup.py"))
    if not installable:
        msg = f"{bare!r} is no package: neither an archive nor a folder with a pyproject.toml or setup.py"
        raise EnvironmentPreparationError(msg, place=place)
    return Line(bare, f"local:{path.name if path.is_file() else ''}{extras}:{content_key(path)}", local=path, extras=extras)


def _check_url(url: str, root: Path, place: Place) -> None:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme in {"http", "git+http"} and parts.hostname in _NEAR:
        return
    if scheme not in _SCHEMES:
        msg = f"{scheme or 'that'}:// is no way to get a package. Known: {', '.join(_SCHEMES)}"
        raise EnvironmentPreparationError(msg, place=place)
    if scheme in {"file", "git+file"}:
        _inside(root, unquote(parts.path).partition("@")[0], place)


def of_texts(texts: Sequence[str], root: Path, place: Place) -> Requirements:
    """Return requirements that a notebook or script lists in itself: packages only, no options.

    Raises
    ------
    EnvironmentPreparationError
        One is no requirement.
    """
    return Requirements(tuple(_requirement(text.strip(), root, place) for text in texts if text.strip()))
