"""From a request to a container that waits for its start, and to the execution that starts it."""

from __future__ import annotations

import dataclasses
import getpass
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nbproj.backends.backend import RunRequest, Workplace
from nbproj.backends.command import command_of
from nbproj.backends.docker.creation import Creation, ImageGoneError
from nbproj.backends.docker.leftovers import remove_at_the_end, remove_leftovers
from nbproj.backends.docker.mounts import HOME, OUTPUT_FOLDER, RESULTS_FILE, Mounts
from nbproj.backends.docker.outreach import open_outreach
from nbproj.backends.notebook import notebook_execution
from nbproj.containers import connected, engine_address, reference
from nbproj.environments.docker.images import CODE, project_image, project_tag
from nbproj.environments.docker.provider import DockerEnvironments
from nbproj.environments.docker.wishes import Arguments, host_variables, volumes
from nbproj.environments.environment import Environment
from nbproj.errors import EntryPointError, EnvironmentPreparationError
from nbproj.execution.container import ContainerKernel, ContainerOrder, kernel_command, own_environment, port_words, shell_command
from nbproj.execution.execution import Execution
from nbproj.paths import sockets_folder, writing
from nbproj.progress import Event
from nbproj.project.model import DockerSpec
from nbproj.project.parameters import Resolved
from nbproj.tracking.owner import TOKEN_VARIABLE
from nbproj.tracking.redact import secrets_of

if TYPE_CHECKING:
    import docker

__all__ = ["submit_to_docker"]

_SECONDS = 600.0


def submit_to_docker(request: RunRequest, workplace: Workplace) -> Execution:
    """Make the image, create the container, and return what starts it.

    Parameters
    ----------
    request : RunRequest
        Whose environment is a `docker_env`.
    workplace : Workplace
        What the run is given.

    Raises
    ------
    EnvironmentPreparationError
        The image or the container cannot be had.
    """
    if request.kernel is not None:
        msg = "--kernel names a kernel of this machine, and the notebook runs in a container: leave it out"
        raise EntryPointError(msg)
    address = engine_address()
    name = f"nbproj-{workplace.variables[TOKEN_VARIABLE][:16]}"
    recorded = reference(address, name)
    workplace.contained(recorded)
    # The attendant removes what it has started. This is for everything before that, and for an attendant that was killed.
    workplace.resources.callback(remove_at_the_end, recorded, request.progress)
    remove_leftovers(address)
    request.progress(Event("preparing", "preparing the docker environment"))
    environment = DockerEnvironments(request.docker.auth, name).prepare(
        request.environment, request.project.root, request.progress, kernel=request.command is None
    )
    description = workplace.folder / "environment.txt"
    with writing(description):
        description.write_text(environment.description, encoding="utf-8")
    with connected(address, timeout=_SECONDS) as client:
        return _Submission(client, address, name, request, workplace, environment).execution()


class _Submission:
    """One container on its way."""

    def __init__(
        self, client: docker.DockerClient, address: str, name: str, request: RunRequest, workplace: Workplace, environment: Environment
    ) -> None:
        self._client, self._address, self._name = client, address, name
        self._request, self._workplace, self._environment = request, workplace, environment
        assert request.environment.docker is not None  # noqa: S101 - the environment was prepared from it
        self._spec: DockerSpec = request.environment.docker
        self._arguments = Arguments.of(self._spec.args, request.docker.arguments)
        self._mounts = Mounts()

    def execution(self) -> Execution:
        """Create the container; return what starts it."""
        request, workplace = self._request, self._workplace
        for word in self._arguments.ignored:
            request.progress(Event("note", f"{word} is left out: nbproj itself waits for the container, and removes it"))
        resolved = self._mounts.place(request.entry_point, request.resolved)
        self._own_folders()
        network = self._arguments.value("network", "net")
        own = {**self._home(), **self._project_variables(), **self._variables()}
        outreach = open_outreach(self._client, request, workplace, own, self._mounts, network)
        words, variables = [*self._words(), *outreach.words], outreach.variables
        if request.command is None:
            return self._notebook(resolved, words, variables)
        from nbproj.execution.script import ScriptExecution

        command = command_of(request.entry_point, resolved)
        order = self._order(words, shell_command(str(command)), variables)
        with writing(workplace.folder):
            argv = order.command()
        return ScriptExecution(
            argv,
            environment=own_environment(),
            cwd=request.project.root,
            log=workplace.log,
            mask=workplace.stream_mask(),
            guard=workplace.guard,
            started=workplace.started,
            judge=order.judge,
        )

    def _notebook(self, resolved: Resolved, words: Sequence[str], variables: dict[str, str]) -> Execution:
        request, workplace = self._request, self._workplace
        sockets = sockets_folder(workplace.folder)
        with writing(sockets):
            sockets.mkdir(mode=0o700, exist_ok=True)
            self._open_to_others(sockets)
        self._mounts.add(sockets, PurePosixPath(sockets), writable=True)
        inside = PurePosixPath(CODE) / PurePosixPath(str(request.entry_point.notebook)).parent
        # Its parent is the container's first process, and is there as long as the container.
        variables = {**variables, "JPY_PARENT_PID": "1"}
        file, ports = sockets / "kernel.json", self._needs_ports()
        words = [*words, "--workdir", str(inside), *(port_words() if ports else ())]
        order = self._order(words, kernel_command(file), variables)
        order = dataclasses.replace(order, kernel=file, ports=ports, shared=self._chosen)
        with writing(workplace.folder):
            kernel = ContainerKernel.of(order)
        values = {**resolved.values, **resolved.extra}
        return notebook_execution(request, workplace, kernel, values=values, cwd=request.project.root, environment=own_environment())

    def _needs_ports(self) -> bool:
        """Whether the kernel has to be spoken to through ports: its sockets are in a virtual machine, or belong to another user.

        Raises
        ------
        EnvironmentPreparationError
            Then it needs a network of its own.
        """
        beyond = sys.platform != "linux" or "Docker Desktop" in str(self._client.info().get("OperatingSystem"))
        if not beyond and (not self._chosen or os.getuid() == 0):
            return False
        network = self._arguments.value("network", "net")
        if network in {"none", "host"}:
            msg = f"a notebook in a container is spoken to through ports here, which --network={network} does not have. Leave it out, or run a script"
            raise EnvironmentPreparationError(msg)
        return True

    def _order(self, words: Sequence[str], command: Sequence[str], variables: dict[str, str]) -> ContainerOrder:
        """Create the container; once more, if another run has replaced the image meanwhile."""
        run_id = self._workplace.variables["MLFLOW_RUN_ID"]
        for attempt in (1, 2):
            image, tag, extra = self._image()
            mounts = self._mounts.words()
            creation = Creation(
                self._address,
                self._name,
                image,
                command,
                [*mounts, *extra, *words],
                self._arguments,
                variables,
                self._workplace.folder,
                {"nbproj.run": run_id, "nbproj.project": self._request.project.name},
            )
            try:
                container = creation.create()
            except ImageGoneError as error:
                if attempt == 1:
                    continue
                raise EnvironmentPreparationError(str(error)) from error
            if self._client.api.inspect_container(container)["Image"] != image:
                raise creation.stray()
            break
        self._request.store.set_tags(run_id, {"mlflow.docker.image.uri": tag, "mlflow.docker.image.id": image})
        self._request.progress(Event("prepared", data={"environment": "docker", "fingerprint": self._environment.fingerprint, "image": tag}))
        return ContainerOrder(self._address, str(self._client.api.api_version), container, self._workplace.folder)

    def _image(self) -> tuple[str, str, list[str]]:
        """Return the image to run, its name, and the words that bring the project into it where it is not in it."""
        request = self._request
        base = self._client.images.get(self._environment.image)
        if request.docker.build:
            checkout = request.checkout
            tag = project_tag(request.project.name, checkout.commit, dirty=checkout.dirty)
            image, tag = project_image(self._client, base, request.project.root, tag, request.progress)
            return str(image.id), tag, []
        whole = Mounts()
        whole.add(request.project.root, PurePosixPath(CODE))
        return str(base.id), self._spec.image, whole.words()

    def _words(self) -> list[str]:
        words = ["--init", "--workdir", CODE, "--log-driver", "none", "--user", self._user]
        return words + volumes(self._spec, self._request.project.root, self._request.environment.declared)

    @property
    def _user(self) -> str:
        """The project's choice, else the caller, so that what the program leaves belongs to the caller."""
        if self._spec.user is not None:
            return self._spec.user
        rootless = any("rootless" in str(one) for one in self._client.info().get("SecurityOptions") or ())
        return "0:0" if rootless else f"{os.getuid()}:{os.getgid()}"  # a rootless engine's root is the caller

    @property
    def _chosen(self) -> bool:
        return self._spec.user is not None or self._arguments.value("user", "u") is not None

    def _own_folders(self) -> None:
        folder = self._workplace.folder
        results = Path(self._workplace.variables["NBPROJ_RESULTS_FILE"])
        with writing(folder):
            for path in (folder / "out", results):
                self._open_to_others(path)
            if not self._chosen:
                (folder / "home").mkdir(mode=0o700, exist_ok=True)
                self._mounts.add(folder / "home", HOME, writable=True)
        self._mounts.add(folder / "out", OUTPUT_FOLDER, writable=True)
        self._mounts.add(results, RESULTS_FILE, writable=True)

    def _open_to_others(self, path: Path) -> None:
        """Let another user of the container write there; on this machine the folder around it stays closed to others."""
        if self._chosen:
            path.chmod(0o777 if path.is_dir() else 0o666)

    def _variables(self) -> dict[str, str]:
        found = {**self._workplace.variables, "NBPROJ_OUTPUT_DIR": str(OUTPUT_FOLDER), "NBPROJ_RESULTS_FILE": str(RESULTS_FILE)}
        if "NBPROJ_NOTEBOOK" in found:
            found["NBPROJ_NOTEBOOK"] = str(PurePosixPath(CODE) / str(self._request.entry_point.notebook))
        return found

    def _home(self) -> dict[str, str]:
        """Return what makes the caller, of whom the image knows nothing, a user with a home and a name. Who was chosen has those of the image."""
        if self._chosen:
            return {}
        name = str(os.getuid())  # on a machine that has no name for it either
        with suppress(KeyError, OSError):
            name = getpass.getuser()
        return {"HOME": str(HOME), "USER": name, "LOGNAME": name}

    def _project_variables(self) -> dict[str, str]:
        found = host_variables(self._spec, os.environ, self._request.environment.declared)
        for secret in secrets_of(found):
            self._workplace.hide(secret)
        return found
