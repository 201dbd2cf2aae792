"""A build by the engine: what goes in, what is told meanwhile, and that nothing is left of one that fails."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, Final

from nbproj.containers import complaint
from nbproj.environments.buildlock import BuildLock
from nbproj.environments.docker.reports import Report
from nbproj.environments.places import environments_folder
from nbproj.errors import EnvironmentPreparationError, one_line
from nbproj.progress import Progress

if TYPE_CHECKING:
    import docker

__all__ = ["alone", "build"]

_LAST_LINES: Final = 4
_STYLE: Final = re.compile(r"\x1b\[[0-9;]*m")  # what a step writes to standard error comes in red
_LAYER: Final = re.compile(r"---> ([0-9a-f]{12,64})")
_MARKS: Final = ("Step ", "--->", "Removing intermediate", "Successfully ")
_PIECE: Final = 1 << 16


@contextlib.contextmanager
def alone(tag: str, progress: Progress) -> Iterator[None]:
    """Hold what lets one process of this user at a time make the image of a name; wait for others, and tell so.

    Raises
    ------
    EnvironmentPreparationError
        The lock cannot be made.
    """
    try:
        folder = environments_folder() / ".images"
        folder.mkdir(exist_ok=True)
        lock = BuildLock(folder / f"{hashlib.sha256(tag.encode()).hexdigest()[:24]}.lock")
        lock.acquire(progress)
    except OSError as error:
        msg = f"image {tag} cannot be built: {error.filename}: {error.strerror or error}"
        raise EnvironmentPreparationError(msg) from error
    try:
        yield
    finally:
        lock.release()


def build(client: docker.DockerClient, tag: str, dockerfile: str, fill: Callable[[tarfile.TarFile], Mapping[str, str]], report: Report) -> Any:  # noqa: ANN401 - docker-py's image
    """Return an image that is built now.

    Parameters
    ----------
    client : DockerClient
        The engine.
    tag : str
        The name that it gets.
    dockerfile : str
        What is done.
    fill : callable
        Adds the files to an archive; returns the image's labels.
    report : Report
        Told how far it is.

    Raises
    ------
    EnvironmentPreparationError
        The files cannot be collected, or a step fails, which is told with its last lines. No image without a name is left.
    """
    import docker

    with tempfile.TemporaryFile(prefix="nbproj-image-") as context:
        try:
            with tarfile.open(fileobj=context, mode="w", format=tarfile.PAX_FORMAT) as tar:
                text = dockerfile.encode()
                entry = tarfile.TarInfo("Dockerfile")
                entry.size, entry.mode = len(text), 0o644
                tar.addfile(entry, io.BytesIO(text))
                labels = dict(fill(tar))
            context.flush()
        except OSError as error:
            msg = f"the files for image {tag} cannot be collected in {tempfile.gettempdir()}: {error.strerror or error}"
            raise EnvironmentPreparationError(msg) from error
        size = context.tell()
        context.seek(0)
        steps = _Steps(report)
        try:
            lines = client.api.build(
                fileobj=_Sent(context, size, report),  # type: ignore[arg-type]  # what is read from it is sent, and nothing else is done with it
                custom_context=True,
                tag=tag,
                rm=True,
                forcerm=True,
                decode=True,
                labels=labels,
            )
            steps.follow(lines)
        except docker.errors.APIError as error:
            steps.refused = complaint(error)
        except BaseException:
            _discard(client, steps.layers)
            raise
    if steps.refused:
        _discard(client, steps.layers)
        msg = f"image {tag} cannot be built: {one_line(steps.refused)}"
        raise EnvironmentPreparationError(msg)
    # By its id: another machine's or user's build may have taken the name since.
    return client.images.get(steps.image or tag)


class _Sent:
    """A file on its way to the engine."""

    def __init__(self, stream: IO[bytes], size: int, report: Report) -> None:
        self._stream, self._size, self._report = stream, size, report
        self._sent = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_PIECE):
            yield piece

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self._sent += len(piece)
        self._report.tell("handing the files over", done=self._sent, total=self._size)
        return piece


class _Steps:
    """What an engine tells of a build."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.image = ""
        self.refused = ""
        self.layers: list[str] = []

    def follow(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Follow it to its end, also after an error: the connection is free then."""
        last: list[str] = []
        kept, first = False, True
        for line in lines:
            said = _STYLE.sub("", str(line.get("stream") or "")).strip()
            if made := _LAYER.fullmatch(said):
                if not first and not kept:  # the first one is what it is built upon
                    self.layers.append(made[1])
                kept = first = False
            kept = kept or said == "---> Using cache"
            if said.startswith("Step "):
                last = []
            elif said and not said.startswith(_MARKS):
                last = [*last, *filter(None, map(str.strip, said.splitlines()))][-_LAST_LINES:]
                self._report.tell(last[-1][:100])
            self.image = str((line.get("aux") or {}).get("ID") or self.image)
            if "error" in line:
                self.refused = "; ".join([*last, str(line["error"]).strip()])


def _discard(client: docker.DockerClient, layers: list[str]) -> None:
    """Remove what a build has made that came to no end."""
    import docker
    import requests

    for layer in reversed(layers):
        with contextlib.suppress(docker.errors.APIError, requests.RequestException):  # it has a name, or another image stands on it
            if not client.images.get(layer).tags:
                client.images.remove(layer)
