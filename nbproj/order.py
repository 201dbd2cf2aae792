"""What a caller asks for: an order, which unlike a request can be wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nbproj.errors import BackendError, UsageError, suggestion
from nbproj.sources.source import Credentials
from nbproj.tracking.folders import working_folder

__all__ = ["ENV_MANAGERS", "Order"]

ENV_MANAGERS = {"local": "system", "uv": "uv", "virtualenv": "uv", "conda": "conda"}
"""The kinds of environments by the names that `--env-manager` has for them."""

_TAG_NAME = re.compile(r"[/\w.\- :]{1,250}")  # MLflow's rule


@dataclass(frozen=True, slots=True)
class Order:
    """What a caller asks for, in the words of `nbproj.run`, which documents them.

    Unlike a request, an order can be wrong.
    """

    uri: str
    entry_point: str | None = None
    version: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    docker_args: Mapping[str, object] | None = None
    experiment_name: str | None = None
    experiment_id: str | None = None
    backend: str = "local"
    backend_config: Mapping[str, object] | str | None = None
    storage_dir: str | None = None
    run_id: str | None = None
    run_name: str | None = None
    env_manager: str | None = None
    build_image: bool | None = None
    docker_auth: Mapping[str, object] | None = None
    timeout: float | None = None
    kernel: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None
    tracking_uri: str | None = None
    credentials: Credentials | None = None
    base: Path = field(default_factory=working_folder)
    bases: Mapping[str, Path] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what is wrong whatever the project holds.

        Raises
        ------
        UsageError, BackendError
            One line.
        """
        if self.experiment_name is not None and self.experiment_id is not None:
            msg = "give an experiment by name or by id, not both"
            raise UsageError(msg)
        if self.timeout is not None and (isinstance(self.timeout, bool) or not isinstance(self.timeout, int | float)):
            msg = f"timeout must be a number of seconds, not {self.timeout!r}"
            raise UsageError(msg)
        own = next((name for name in self.tags if name.startswith("nbproj.")), None)
        if own is not None:
            msg = f"tag {own!r}: tags that begin with 'nbproj.' are nbproj's own record of the run. Choose another name"
            raise UsageError(msg)
        odd = next((name for name in self.tags if not _TAG_NAME.fullmatch(name)), None)
        if odd is not None:
            msg = f"tag {odd!r}: a tag's name may hold letters, digits, spaces and '_', '-', '.', ':', '/' only"
            raise UsageError(msg)
        if self.timeout is not None and not self.timeout > 0:
            msg = f"timeout must be more than 0 seconds, not {self.timeout:g}"
            raise UsageError(msg)
        if self.env_manager is not None and self.env_manager not in ENV_MANAGERS:
            near = suggestion(self.env_manager, ENV_MANAGERS)
            msg = f"there is no environment manager {self.env_manager!r}.{near} Known: {', '.join(ENV_MANAGERS)}"
            raise UsageError(msg)
        if self.docker_args or self.docker_auth or self.build_image is not None:
            msg = "docker environments are not there yet in this version of nbproj: leave the docker options (-A, --build-image) out"
            raise BackendError(msg)
        self.config()
        if self.output is not None and self.output.suffix != ".ipynb":
            msg = f"--output {self.output} must end in .ipynb: it is where the executed notebook goes"
            raise UsageError(msg)

    def config(self) -> Mapping[str, object]:
        """Return the backend's configuration, read from a file or a JSON text where it is one.

        Raises
        ------
        UsageError
            It is not a JSON object, or there is no such file.
        """
        given = self.backend_config
        if given is None or isinstance(given, Mapping):
            return dict(given or {})
        where = "backend configuration"
        text = given
        if given.endswith(".json"):
            where = given
            try:
                text = (self.base / given).read_text()
            except (OSError, UnicodeDecodeError) as error:
                msg = f"backend configuration {given} cannot be read: {getattr(error, 'strerror', None) or error}"
                raise UsageError(msg) from error
        try:
            value = json.loads(text)
        except ValueError as error:
            msg = f"{where}: not JSON: {error}"
            raise UsageError(msg) from error
        if not isinstance(value, dict):
            msg = f"{where}: a JSON object is expected"
            raise UsageError(msg)
        return value
