"""What a caller asks for: an order, which unlike a request can be wrong; and its form as plain values, for another process and for the record."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from nbproj.configuration.settings import Settings
from nbproj.errors import UsageError, suggestion
from nbproj.sources.source import Credentials
from nbproj.tracking.folders import working_folder

__all__ = ["ENV_MANAGERS", "UNNAMED_BACKEND", "Order", "plain"]


class _Unnamed(str):
    """A text that stands where the caller gave none, so that the user's configuration may say another."""

    __slots__ = ()


UNNAMED_BACKEND: Final = _Unnamed("local")
"""Who carries a run for which neither the caller nor the configuration names anybody."""

ENV_MANAGERS = {"local": "system", "uv": "uv", "virtualenv": "uv", "conda": "conda"}
"""The kinds of environments by the names that `--env-manager` has for them."""

_PRIVATE = ("credentials", "docker_auth", "reuse", "run_id", "synchronous", "tracking_uri", "output")
"""What is not kept with a run: secrets, and what would write over what the first run made, or return it."""

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
    backend: str = UNNAMED_BACKEND
    backend_config: Mapping[str, object] | str | None = None
    storage_dir: str | None = None
    synchronous: bool = True
    run_id: str | None = None
    run_name: str | None = None
    env_manager: str | None = None
    locked: str | None = None
    build_image: bool | None = None
    docker_auth: Mapping[str, object] | None = None
    timeout: float | None = None
    kernel: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None
    html: bool = False
    allow_errors: bool = False
    as_notebook: bool = False
    reuse: bool = False
    tracking_uri: str | None = None
    credentials: Credentials | None = None
    base: Path = field(default_factory=working_folder)
    bases: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def called(
        cls,
        uri: str | os.PathLike[str],
        entry_point: str | None,
        *,
        parameters: Mapping[str, object] | None = None,
        tags: Mapping[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - the other fields
    ) -> Order:
        """Return the order that a call from Python means: nothing that was passed in is kept as it is, or changed.

        Examples
        --------
        >>> Order.called(Path("wine"), "train", parameters={"alpha": 0.3}, experiment_id=7).experiment_id
        '7'
        """
        texts = {name: str(more[name]) for name in ("experiment_id", "run_name") if more.get(name) is not None}
        return cls(
            os.fspath(uri),
            str(entry_point) if entry_point is not None else None,
            parameters={str(name): value for name, value in (parameters or {}).items()},
            tags={str(name): str(value) for name, value in (tags or {}).items()},
            **{**more, **texts},
        )

    def to_document(self) -> dict[str, object]:
        """Return the order as values that JSON holds, secrets included: for the driver of a detached run, over a private pipe.

        Examples
        --------
        >>> order = Order("project", "train", parameters={"alpha": 0.3, "data": Path("x.csv")})
        >>> Order.from_document(json.loads(json.dumps(order.to_document()))).parameters
        {'alpha': 0.3, 'data': 'x.csv'}
        """
        values = {one.name: plain(getattr(self, one.name)) for one in fields(self) if one.name != "credentials"}
        return {**values, "credentials": asdict(self.credentials) if self.credentials is not None else None}

    def to_record(self, uri: str, secret: Collection[str] = ()) -> dict[str, object]:
        """Return what is kept with the run, so that it can be started again from anywhere; without secrets, and without what is as by default.

        Parameters
        ----------
        uri : str
            Where the project is, in words that mean the same everywhere.
        secret : collection of str
            Names of parameters whose values are not kept.
        """
        default = Order(uri).to_document()
        kept = {name: value for name, value in self.to_document().items() if name not in _PRIVATE and not _same(value, default[name])}
        parameters = {name: plain(value) for name, value in self.parameters.items() if name not in secret}
        return {**kept, "uri": uri, "base": str(self.base), **({"parameters": parameters} if parameters else {})}

    @classmethod
    def from_document(cls, values: Mapping[str, object]) -> Order:
        """Return the order that plain values mean.

        Raises
        ------
        ValueError
            They mean none.
        """
        known = {one.name for one in fields(cls)}
        given: dict[str, object] = {name: value for name, value in values.items() if name in known and value is not None}
        try:
            for name in {"output", "base"} & given.keys():
                given[name] = Path(str(given[name]))
            if "bases" in given:
                given["bases"] = {name: Path(path) for name, path in dict(given["bases"]).items()}  # type: ignore[call-overload]  # refused below if it is no mapping
            if "credentials" in given:
                given["credentials"] = Credentials(**given["credentials"])  # type: ignore[arg-type]
            given["uri"] = str(given["uri"])
            return cls(**given)  # type: ignore[arg-type]  # a value of a wrong type is refused where it is used
        except (TypeError, KeyError, ValueError) as error:
            msg = f"no order: {error}"
            raise ValueError(msg) from error

    def configured(self, chosen: Settings) -> Order:
        """Return the order with the user's own defaults where the caller asked for nothing.

        The experiment and the kernel come later: there the program and the notebook have a word before the configuration.

        Examples
        --------
        >>> order = Order("project", timeout=5).configured(Settings(timeout=60, env_manager="local"))
        >>> order.timeout, order.env_manager
        (5, 'local')
        """
        changes: dict[str, Any] = {
            name: getattr(chosen, name)
            for name in ("env_manager", "storage_dir", "timeout")
            if not (name == "env_manager" and self.locked is not None)  # what the caller asked for, in other words
            if getattr(self, name) is None and getattr(chosen, name) is not None
        }
        if isinstance(self.backend, _Unnamed):
            changes["backend"] = chosen.backend or str(self.backend)
            # Made for the backend that the configuration means, and for no other.
            changes |= {"backend_config": chosen.backend_config} if self.backend_config is None else {}
        return replace(self, **changes)

    def check(self) -> None:
        """Refuse what is wrong whatever the project holds.

        Raises
        ------
        UsageError
            One line.
        """
        if self.experiment_name is not None and self.experiment_id is not None:
            msg = "give an experiment by name or by id, not both"
            raise UsageError(msg)
        self._check_timeout()
        own = next((name for name in self.tags if name.startswith("nbproj.")), None)
        if own is not None:
            msg = f"tag {own!r}: tags that begin with 'nbproj.' are nbproj's own record of the run. Choose another name"
            raise UsageError(msg)
        odd = next((name for name in self.tags if not _TAG_NAME.fullmatch(name)), None)
        if odd is not None:
            msg = f"tag {odd!r}: a tag's name may hold letters, digits, spaces and '_', '-', '.', ':', '/' only"
            raise UsageError(msg)
        if self.env_manager is not None and self.env_manager not in ENV_MANAGERS:
            near = suggestion(self.env_manager, ENV_MANAGERS)
            msg = f"there is no environment manager {self.env_manager!r}.{near} Known: {', '.join(ENV_MANAGERS)}"
            raise UsageError(msg)
        odd = next((name for name in ("docker_args", "docker_auth") if not isinstance(getattr(self, name) or {}, Mapping)), None)
        if odd is not None:
            msg = f"{odd} must be a mapping of names to values"
            raise UsageError(msg)
        if self.locked is not None and self.env_manager in {"local", "conda"}:
            msg = f"--locked rebuilds a run's environment, and --env-manager {self.env_manager} asks for another: leave one of them out"
            raise UsageError(msg)
        if self.reuse and self.run_id is not None:
            msg = "--reuse looks for a finished run, and --run-id continues one: leave one of them out"
            raise UsageError(msg)
        self.config()
        if self.output is not None and self.output.suffix != ".ipynb":
            msg = f"--output {self.output} must end in .ipynb: it is where the executed notebook goes"
            raise UsageError(msg)

    def _check_timeout(self) -> None:
        if self.timeout is not None and (isinstance(self.timeout, bool) or not isinstance(self.timeout, int | float)):
            msg = f"timeout must be a number of seconds, not {self.timeout!r}"
            raise UsageError(msg)
        if self.timeout is not None and not self.timeout > 0:
            msg = f"timeout must be more than 0 seconds, not {self.timeout:g}"
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


def _same(value: object, default: object) -> bool:
    """Return whether a value asks for nothing but the default; a plain `False`, where the default is to be asked, asks for something."""
    return value == default or (not isinstance(value, bool) and not value and not default)


def plain(value: object) -> object:
    """Return a value as JSON holds it; what JSON has no word for becomes a text, which a declared type understands."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    item = getattr(value, "item", None)  # numpy's scalars
    inner = item() if callable(item) and not getattr(value, "shape", ()) else value
    return inner if isinstance(inner, bool | int | float | str) else str(value)
