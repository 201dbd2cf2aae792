"""What a project and its caller ask of Docker beside the image: volumes, variables, a user, arguments of `docker run`."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from nbproj.errors import EnvironmentPreparationError, UsageError
from nbproj.project.model import DockerSpec, Place

__all__ = ["Arguments", "bind", "host_variables", "volumes"]

_OPTION: Final = "(?:ro|rw|z|Z|cached|delegated|consistent|nocopy|r?shared|r?slave|r?private)"
_OPTIONS: Final = re.compile(f"{_OPTION}(?:,{_OPTION})*")
_VOLUME_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")
_OURS: Final = {"rm", "d", "detach", "sig-proxy", "i", "interactive"}
_OURS_WITH_VALUE: Final = {"detach-keys", "cidfile", "pull", "a", "attach"}
"""What concerns the way in which `docker run` itself pulls, waits and shows: here nbproj does."""


def volumes(spec: DockerSpec, root: Path, place: Place | None = None) -> list[str]:
    """Return a project's volumes as arguments of `docker run`: relative folders start at the project's root.

    Parameters
    ----------
    spec : DockerSpec
        The declaration.
    root : Path
        The project's folder.
    place : Place, optional
        Where it stands.

    Raises
    ------
    EnvironmentPreparationError
        One is none, or names a folder that is not there: Docker would make it, and it would belong to root.

    Examples
    --------
    >>> volumes(DockerSpec("image", volumes=("kept:/data", "/:/host:ro")), Path("/project"))
    ['--volume', 'kept:/data', '--volume', '/:/host:ro']
    """
    return [word for text in spec.volumes for word in _volume(text, root, place)]


def _volume(text: str, root: Path, place: Place | None) -> list[str]:
    source, *rest = text.split(":")
    target = rest[0] if rest else source
    if len(rest) > 2 or not source or not PurePosixPath(target).is_absolute() or (rest[1:] and not _OPTIONS.fullmatch(rest[1])):  # noqa: PLR2004 - source, target, options
        msg = f"volume {text!r} is none: it is written /here:/there or /here:/there:ro"
        raise EnvironmentPreparationError(msg, place=place)
    if not rest:
        return ["--volume", text]
    if source.startswith((".", "~", "/")):
        return _bound(text, source, rest, root, place)
    if not _VOLUME_NAME.fullmatch(source):
        msg = f"volume {text!r}: {source!r} is neither a path, which begins with '/' or './', nor the name of a volume"
        raise EnvironmentPreparationError(msg, place=place)
    return ["--volume", text]


def _bound(text: str, source: str, rest: Sequence[str], root: Path, place: Place | None) -> list[str]:
    """Return a volume that is a path of this machine."""
    try:
        here = root / Path(source).expanduser()
        found = here.exists()
    except (OSError, RuntimeError, ValueError) as error:  # not permitted; no such user's home; a NUL
        msg = f"volume {text!r}: {error}"
        raise EnvironmentPreparationError(msg, place=place) from error
    if not found:
        msg = f"volume {text!r}: there is no {here} on this machine"
        raise EnvironmentPreparationError(msg, place=place)
    path, options = os.path.normpath(here), rest[1:]
    if ":" not in path:
        return ["--volume", ":".join([path, *rest])]
    # The project's own folder has a colon, with which --volume cannot be written, and --mount has other options.
    if options not in ([], ["ro"], ["rw"]):
        msg = f"volume {text!r}: of {path}, which has a colon, only ':ro' and ':rw' can be asked"
        raise EnvironmentPreparationError(msg, place=place)
    return bind(path, rest[0], writable=options != ["ro"])


def bind(source: str, target: str, *, writable: bool) -> list[str]:
    """Return a mount as arguments of `docker run`, whatever characters the paths have.

    Parameters
    ----------
    source : str
        Path of this machine.
    target : str
        Path in the container.
    writable : bool
        Whether it may be changed there.

    Examples
    --------
    >>> bind("/a,b:c", "/d", writable=False)
    ['--mount', 'type=bind,"source=/a,b:c",target=/d,readonly']
    """
    line = io.StringIO()
    fields = ["type=bind", f"source={source}", f"target={target}", *([] if writable else ["readonly"])]
    csv.writer(line, lineterminator="").writerow(fields)
    return ["--mount", line.getvalue()]


def host_variables(spec: DockerSpec, environ: Mapping[str, str], place: Place | None = None) -> dict[str, str]:
    """Return a project's own variables: the new ones, and those that it copies from the host.

    Raises
    ------
    EnvironmentPreparationError
        The host has no such variable; all that are missing are named.

    Examples
    --------
    >>> host_variables(DockerSpec("image", environment=(("NEW", "1"), "COPIED")), {"COPIED": "2"})
    {'NEW': '1', 'COPIED': '2'}
    """
    missing = [name for name in spec.environment if isinstance(name, str) and name not in environ]
    if missing:
        what = "variable" if len(missing) == 1 else "variables"
        msg = f"docker_env copies the {what} {', '.join(missing)} from this machine, where {'it is' if len(missing) == 1 else 'they are'} not set"
        raise EnvironmentPreparationError(msg, place=place, hint=f"Set {'it' if len(missing) == 1 else 'them'}, or give a value in docker_env")
    return dict((name, environ[name]) if isinstance(name, str) else name for name in spec.environment)


class Arguments:
    """Arguments of `docker run`, the project's and then the caller's, which win.

    Parameters
    ----------
    words : iterable of str
        As a shell would hand them over.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words: list[str] = []
        self.ignored: list[str] = []
        left = iter(words)
        for word in left:
            name, has_value, _ = word.lstrip("-").partition("=")
            if not word.startswith("-") or name not in _OURS | _OURS_WITH_VALUE:
                self.words.append(word)
                continue
            self.ignored.append(word)
            if name in _OURS_WITH_VALUE and not has_value:
                next(left, None)

    @classmethod
    def of(cls, project: Sequence[str], given: Mapping[str, object] | None) -> Arguments:
        """Return a project's and a caller's arguments: `{"memory": "2g", "init": True, "e": ["A=1", "B=2"]}` as mlflow renders it.

        Raises
        ------
        UsageError
            A name is none.

        Examples
        --------
        >>> Arguments.of(["--gpus", "all"], {"memory": "2g", "read-only": True, "v": ["/a:/a", "/b:/b"]}).words
        ['--gpus', 'all', '--memory', '2g', '--read-only', '-v', '/a:/a', '-v', '/b:/b']
        >>> Arguments.of(["--pull", "always", "--init"], {"rm": True}).ignored
        ['--pull', '--rm']
        """
        found = cls(project)
        for name, value in (given or {}).items():
            if not re.fullmatch(r"[A-Za-z0-9][\w-]*", str(name)):
                msg = f"-A {name}: this is not the name of an option of docker run. Write it without '--', as -A memory=2g"
                raise UsageError(msg)
            option = f"--{name}" if len(str(name)) > 1 else f"-{name}"
            if name in _OURS | _OURS_WITH_VALUE:
                found.ignored.append(option)
                continue
            for one in value if isinstance(value, list | tuple) else (value,):
                if one is True or one is None:
                    found.words.append(option)
                elif one is not False:
                    found.words += [option, str(one)]
        return found

    def value(self, *names: str) -> str | None:
        """Return the last value of an option, by any of its names.

        Examples
        --------
        >>> Arguments(["--network=none", "--memory", "2g"]).value("network", "net")
        'none'
        """
        found = None
        for index, word in enumerate(self.words):
            for name in names:
                option = f"--{name}" if len(name) > 1 else f"-{name}"
                if word == option and index + 1 < len(self.words):
                    found = self.words[index + 1]
                elif word.startswith(f"{option}="):
                    found = word.partition("=")[2]
        return found
