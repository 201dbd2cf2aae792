"""Images: the one that a project names, pulled where it is missing; the kernel above it; the project's files above that."""

from __future__ import annotations

import contextlib
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from nbproj.containers import LABEL, complaint
from nbproj.environments.docker.building import alone, build
from nbproj.environments.docker.files import archive, content_of, project_files
from nbproj.environments.docker.registry import pull
from nbproj.environments.docker.reports import Report
from nbproj.environments.places import environments_folder
from nbproj.errors import EnvironmentPreparationError
from nbproj.progress import Event, Progress

if TYPE_CHECKING:
    import docker

__all__ = ["CODE", "base_image", "image_or_none", "kernel_image", "project_image", "project_tag"]

CODE: Final = "/mlflow/projects/code"
"""Where a container has the project (the seeds' "Docker container environment")."""

_TREE: Final = f"tree{CODE}"
_CONTENT: Final = "nbproj.content"
_NAME: Final = "nbproj.name"
"""The name that an image was made for, which it loses to the next one."""
_OLD: Final = "1h"
"""An image without a name that is older than this belongs to nobody who is building it just now."""
_FORM: Final = "1"
"""Another one for each way in which project layers are made, so that an image of an older way is not taken for one of this."""
_LONGEST_NAME: Final = 100
_KERNEL: Final = "ipykernel"
_PYTHON: Final = "p=$(command -v python || command -v python3)"
_PROBE: Final = f"""{_PYTHON} || exit 3; "$p" -c "import importlib.util as u, sys; sys.exit(0 if u.find_spec('{_KERNEL}') else 4)\""""
_NO_PYTHON, _NO_KERNEL = 3, 4


def base_image(client: docker.DockerClient, name: str, progress: Progress, *, auth: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - docker-py's image
    """Return the image of a name; one that is not on this machine is pulled.

    Parameters
    ----------
    client : DockerClient
        The engine.
    name : str
        With registry path, tag or digest where given.
    progress : Progress
        Told what is pulled.
    auth : mapping, optional
        `username`, `password` and `registry`, as `docker login` takes them; the user's own logins by default.

    Raises
    ------
    EnvironmentPreparationError
        There is no such image, or it may not be pulled.
    """
    found = image_or_none(client, name)
    if found is None:
        pull(client, name, progress, auth)
        found = client.images.get(name)
    return found


def kernel_image(client: docker.DockerClient, base: Any, progress: Progress, *, label: str) -> Any:  # noqa: ANN401 - docker-py's images
    """Return an image with what a notebook's kernel needs: the one given, or one with ipykernel above it.

    Parameters
    ----------
    client : DockerClient
        The engine.
    base : Image
        The project's own.
    progress : Progress
        Told of what is installed.
    label : str
        The run's container, by which what is started to look into the image is found should this process die.

    Raises
    ------
    EnvironmentPreparationError
        There is no Python in it, or ipykernel cannot be installed.
    """
    number = base.id.rpartition(":")[2]
    name = f"nbproj-kernel:{number[:24]}"
    known = environments_folder() / ".images" / number  # there when the image was looked into, and has a kernel
    if known.exists():
        return base
    above = image_or_none(client, name)
    if above is not None:
        return above
    code, told = _probe(client, base, label)
    if code == 0:
        with contextlib.suppress(OSError):
            known.parent.mkdir(exist_ok=True)
            known.touch()
        return base
    shown = next(iter(base.tags), base.short_id)
    if code != _NO_KERNEL:
        why = "no python is on its PATH" if code == _NO_PYTHON else told or f"its Python ends with exit code {code}"
        msg = f"image {shown} cannot run a notebook: {why}"
        raise EnvironmentPreparationError(msg)
    with alone(name, progress):
        above = image_or_none(client, name)
        if above is not None:  # another process has made it meanwhile
            return above
        progress(Event("note", f"{_KERNEL} is not in {shown}: it is put on top for this notebook"))
        report = Report(progress, f"installing {_KERNEL} above {shown}")
        report.begin()
        user = base.attrs.get("Config", {}).get("User") or "0"
        install = f'{_PYTHON}; "$p" -m pip install --no-cache-dir --disable-pip-version-check {_KERNEL}'
        return build(client, name, f"FROM {base.id}\nUSER 0\nRUN {install}\nUSER {user}\n", lambda _tar: {}, report)


def _probe(client: docker.DockerClient, image: Any, label: str) -> tuple[int, str]:  # noqa: ANN401 - docker-py's image
    import docker

    container = client.api.create_container(
        image.id,
        entrypoint=["/bin/sh", "-c", _PROBE],
        labels={LABEL: label},
        network_disabled=True,
        host_config=client.api.create_host_config(network_mode="none"),
    )
    try:
        client.api.start(container["Id"])
        code = int(client.api.wait(container["Id"])["StatusCode"])
        return code, client.api.logs(container["Id"]).decode("utf-8", "replace").strip().rpartition("\n")[2]
    except docker.errors.APIError as error:
        return 125, complaint(error)
    finally:
        client.api.remove_container(container["Id"], force=True, v=True)


def project_tag(name: str, commit: str | None, *, dirty: bool) -> str:
    """Return the name of a project's image: `<name>:<short commit>`, with a mark for what differs from the commit.

    Examples
    --------
    >>> project_tag("My Project", "4a74a11ce9d0", dirty=False), project_tag("wine", "4a74a11ce9d0", dirty=True)
    ('my-project:4a74a11', 'wine:4a74a11-dirty')
    """
    repository = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_NAME].strip("-") or "project"
    return f"{repository}:{commit[:7] + ('-dirty' if dirty else '') if commit else 'latest'}"


def project_image(client: docker.DockerClient, base: Any, root: Path, tag: str, progress: Progress) -> tuple[Any, str]:  # noqa: ANN401 - as above
    """Return an image that holds a project's files at `CODE`, and its name; built unless one with the same content has the name already.

    Parameters
    ----------
    client : DockerClient
        The engine.
    base : Image
        What it is built on.
    root : Path
        The project's folder.
    tag : str
        Its name; an older image of that name is removed when nobody uses it. A name that an image of somebody else has gets `nbproj-` in front.
    progress : Progress
        Told that it is built.

    Raises
    ------
    EnvironmentPreparationError
        A file cannot be read, or the engine cannot build.
    """
    report = Report(progress, f"building the image {tag}")
    files = project_files(root)
    total = sum(file.size for file in files)

    def looking(done: int) -> None:
        report.tell("looking for changes", done=done, total=total)

    def collecting(done: int) -> None:
        report.tell("collecting the files", done=done, total=total)

    def fill(into: tarfile.TarFile) -> dict[str, str]:
        for place in (*reversed(PurePosixPath(CODE).parents), PurePosixPath(CODE)):
            folder = tarfile.TarInfo(f"tree{place}")
            # The project's own folder, too, can be written by whoever the container runs as.
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777 if str(place) == CODE else 0o755
            into.addfile(folder)
        return {_CONTENT: f"{_FORM}:{base.id}:{archive(files, into, _TREE, collecting)}", _NAME: tag}

    key = f"{_FORM}:{base.id}:{content_of(files, _TREE, looking)}"
    before, tag = _ours(client, tag)
    if before is not None and before.labels.get(_CONTENT) == key:
        return before, tag
    with alone(tag, progress):
        before, tag = _ours(client, tag)
        if before is not None and before.labels.get(_CONTENT) == key:  # another process has made it meanwhile
            return before, tag
        report.begin()
        built = build(client, tag, f"FROM {base.id}\nCOPY tree /\nWORKDIR {CODE}\n", fill, report)
        if before is not None and before.id != built.id:
            _sweep(client, tag)
    return built, tag


def _ours(client: docker.DockerClient, tag: str) -> tuple[Any, str]:
    """Return the image that has a project's name now, if any, and the name: another one where the image is somebody else's."""
    found = image_or_none(client, tag)
    if found is not None and _CONTENT not in found.labels:
        tag = f"nbproj-{tag}"
        found = image_or_none(client, tag)
    return found, tag


def image_or_none(client: docker.DockerClient, name: str) -> Any:  # noqa: ANN401 - as above
    """Return the image of a name; None when this machine has none."""
    import docker

    try:
        return client.images.get(name)
    except docker.errors.ImageNotFound:
        return None


def _sweep(client: docker.DockerClient, tag: str) -> None:
    """Remove the images of projects that have lost their name and that no container uses: those of this name, also from before, and old ones.

    Not all of them: the engine makes an image before it gives it its name, and in between it would be taken from under another project's build.
    Of this name nobody else makes one now.
    """
    import docker

    with contextlib.suppress(docker.errors.APIError):
        for one in client.api.images(filters={"dangling": True, "label": f"{_NAME}={tag}"}):
            with contextlib.suppress(docker.errors.APIError):  # a container uses it
                client.api.remove_image(one["Id"])
    with contextlib.suppress(docker.errors.APIError):  # such as: another one is sweeping
        client.images.prune(filters={"dangling": True, "label": _CONTENT, "until": _OLD})
