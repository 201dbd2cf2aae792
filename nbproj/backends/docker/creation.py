"""A container, created and not started: by Docker's own client, which knows every argument of `docker run`.

No variable's value is among its words, which everybody on the machine can read.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nbproj.containers import LABEL
from nbproj.environments.docker.provider import find_client
from nbproj.environments.docker.wishes import Arguments
from nbproj.errors import EnvironmentPreparationError
from nbproj.paths import writing

__all__ = ["Creation", "ImageGoneError"]

_SECONDS: Final = 120.0
_LINE: Final = 30_000
"""Bytes of a line that the client certainly reads whole."""
_NOISE: Final = ("See 'docker", "Usage:", "Run 'docker")


class ImageGoneError(EnvironmentPreparationError):
    """The image was there a moment ago."""


@dataclass(frozen=True, slots=True)
class Creation:
    """What a container is created from.

    Parameters
    ----------
    address : str
        The engine.
    name : str
        The container's name and label.
    image : str
        Id of the image.
    command : sequence of str
        What runs in it.
    words : sequence of str
        Arguments of ours.
    arguments : Arguments
        The project's and the caller's, which win.
    variables : mapping of str to str
        Its whole environment, beside what the image says.
    folder : Path
        The run's private folder.
    labels : mapping of str to str
        By which people find it.
    """

    address: str
    name: str
    image: str
    command: Sequence[str]
    words: Sequence[str]
    arguments: Arguments
    variables: Mapping[str, str] = field(repr=False)
    folder: Path
    labels: Mapping[str, str] = field(default_factory=dict)

    def create(self) -> str:
        """Create the container; return its id.

        Raises
        ------
        ImageGoneError
            There is no such image any more.
        EnvironmentPreparationError
            Docker refuses it.
        """
        file = self.folder / "variables"
        listed, environment = self._environment()
        labels = {LABEL: self.name, **self.labels}
        own = [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
        try:
            with writing(file):
                file.touch(mode=0o600)
                file.write_text("".join(f"{name}={value}\n" for name, value in listed.items()), encoding="utf-8")
            own += ["--env-file", str(file), *(word for name in self.variables if name not in listed for word in ("--env", name))]
            argv = [
                find_client(),
                "create",
                "--pull",
                "never",
                "--name",
                self.name,
                *own,
                *self.words,
                *self.arguments.words,
                self.image,
                *self.command,
            ]
            return self._called(argv, environment)
        finally:
            file.unlink(missing_ok=True)

    def stray(self) -> EnvironmentPreparationError:
        """Return what is wrong when Docker takes another image than this one."""
        msg = f"the arguments of docker run hold a word too many, which Docker takes for the image: {' '.join(self.arguments.words)}"
        return EnvironmentPreparationError(msg, hint="A value belongs behind an option that takes one")

    def _environment(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the variables for the file, which holds single lines, and the client's own environment, which holds the others."""
        listed: dict[str, str] = {}
        environment = {**os.environ, "DOCKER_HOST": self.address}
        for name, value in self.variables.items():
            if _is_line(value):
                listed[name] = value
            elif name in os.environ and os.environ[name] != value:
                # The client would read it as its own: PATH, HOME, DOCKER_HOST ...
                msg = f"variable {name} of the container has several lines, which a variable of that name cannot have"
                raise EnvironmentPreparationError(msg)
            else:
                environment[name] = value
        return listed, environment

    def _called(self, argv: Sequence[str], environment: Mapping[str, str]) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - no shell; what the user and the project ask for is what is meant
                argv, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            msg = f"Docker has not created the container within {_SECONDS:.0f} s"
            raise EnvironmentPreparationError(msg) from None
        except OSError as error:
            msg = f"docker cannot be started: {error.strerror or error}"
            raise EnvironmentPreparationError(msg) from error
        told = done.stderr.decode("utf-8", "replace")
        if done.returncode:
            lines = [line.strip() for line in told.splitlines() if line.strip() and not line.strip().startswith(_NOISE)]
            why = "; ".join(lines).removeprefix("Error response from daemon: ").removeprefix("Error: ") or f"exit code {done.returncode}"
            if "No such image" in why and self.image in why:
                raise ImageGoneError(why)
            if "No such image" in why:
                raise self.stray()
            msg = f"the container cannot be created: {why}"
            raise EnvironmentPreparationError(msg)
        return done.stdout.decode().strip().splitlines()[-1]


def _is_line(value: str) -> bool:
    try:
        return len(value.encode()) < _LINE and not {"\n", "\r"} & set(value)
    except UnicodeEncodeError:
        return False
