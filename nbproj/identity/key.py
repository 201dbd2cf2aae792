"""The key of a run: the same for runs of the same entry point, with the same parameters, environment and source, and for no others.

It has two parts. The ground is what all runs of one entry point at one time have in common - the project's files among it - and is made once for
any number of runs. The point is the values of the parameters: converted to their types, so that `0.5` and `5e-1` are the same, and a `path` by the
content that lies there. Secrets are not part of it, and nothing of them is kept: they say how a program gets in, not what it computes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from nbproj.backends.backend import RunRequest
from nbproj.environments.system import python_folder
from nbproj.identity.digests import Digests
from nbproj.identity.manifest import is_left_out, source_manifest
from nbproj.paths import is_inside
from nbproj.project.conversion import text_of
from nbproj.project.model import EntryPoint, EnvironmentSpec, Parameter
from nbproj.project.parameters import Resolved
from nbproj.tracking.blueprint import artifact_root
from nbproj.tracking.location import database_path

__all__ = ["CHEAP_BYTES", "KEY_TAG", "PARAMETERS", "PARTS_TAG", "Ground", "ground_of", "outputs_of", "point_key"]

KEY_TAG: Final = "nbproj.key"
"""The tag that holds a run's key."""

PARAMETERS: Final = "parameters"
"""The memory of what `path` parameters name: `Digests(PARAMETERS)`."""

CHEAP_BYTES: Final = 32 << 20
"""What a run without reuse may read for its key."""

PARTS_TAG: Final = "nbproj.key.parts"
"""The tag that holds the digests of a run's source and environment: by these it is told in what two runs differ."""

_FORMAT: Final = 1
_CHEAP_FILES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Ground:
    """What the runs of one entry point have in common.

    Parameters
    ----------
    digest : str
        Of all of it.
    source : str
        Of the project's files.
    environment : str
        Of the environment's specification.
    manifest : mapping of str to str
        The digests of the files, by path.
    root : Path
        The project's folder.
    """

    digest: str
    source: str
    environment: str
    manifest: Mapping[str, str] = field(repr=False)
    root: Path

    def tags(self, key: str) -> dict[str, str]:
        """Return the tags by which a run is found equal, or not: its key, and what that is made of."""
        return {KEY_TAG: key, PARTS_TAG: f"{self.source} {self.environment}"}


def ground_of(request: RunRequest, *, outputs: Iterable[Path] = (), cheap: bool = False) -> Ground:
    """Return what a request has in common with every other one that differs in its parameters only. Reads the project's files.

    Parameters
    ----------
    request : RunRequest
        Of any of the runs.
    outputs : iterable of Path
        Files and folders that other runs write; those of this request are known (`outputs_of`).
    cheap : bool
        Read no more than a run without reuse can bear.

    Raises
    ------
    BudgetSpentError
        It would not be cheap.
    """
    root, entry_point = request.project.root, request.entry_point
    fresh = request.checkout.temporary is not None
    leave_out = [*_of_store(request.store.uri), *outputs_of(entry_point, request.resolved), *outputs]
    leave_out += [request.output] if request.output is not None else []
    with Digests(None if fresh else str(root), budget=CHEAP_BYTES if cheap else None) as digests:
        manifest = source_manifest(
            root, fresh=fresh, own=entry_point.notebook, leave_out=leave_out, digests=digests, most=_CHEAP_FILES if cheap else None
        )
    source = _digest(sorted(manifest.items()))
    environment = _digest([*_environment(request.environment, root), request.kernel])
    runs = [entry_point.name, entry_point.command, entry_point.script, entry_point.notebook, entry_point.cells]
    docker = {name: str(value) for name, value in request.docker.arguments.items()} if request.environment.kind == "docker" else {}
    return Ground(_digest([_FORMAT, runs, source, environment, docker]), source, environment, manifest, root)


def point_key(ground: Ground, entry_point: EntryPoint, resolved: Resolved, *, digests: Digests | None = None) -> str:
    """Return the key of a run.

    Parameters
    ----------
    ground : Ground
        As `ground_of` returns it for this entry point.
    entry_point : EntryPoint
        What runs.
    resolved : Resolved
        Its parameters.
    digests : Digests, optional
        What reads the files that `path` parameters name, for who makes many keys, or may not read much.

    Raises
    ------
    BudgetSpentError
        More would have to be read than the digests allow.
    """
    if digests is None and any(parameter.type in {"path", "list"} and parameter.exists for parameter in entry_point.parameters):
        with Digests(PARAMETERS) as own:
            return point_key(ground, entry_point, resolved, digests=own)
    reader = digests if digests is not None else Digests(None)
    values = {
        parameter.name: _told(parameter, resolved.values[parameter.name], ground.root, reader)
        for parameter in entry_point.parameters
        if parameter.name in resolved.values
    }
    return _digest([ground.digest, values, dict(resolved.extra)])


def outputs_of(entry_point: EntryPoint, resolved: Resolved) -> list[Path]:
    """Return where a run writes, as its parameters say: the `path` parameters that need not exist.

    Examples
    --------
    >>> entry_point = EntryPoint("main", [Parameter("model", "path", exists=False)])
    >>> outputs_of(entry_point, Resolved(values={"model": Path("/work/model.pkl")}))
    [PosixPath('/work/model.pkl')]
    """
    values = [resolved.values.get(parameter.name) for parameter in entry_point.parameters if not parameter.exists]
    return [path for value in values for path in (value if isinstance(value, list) else [value]) if isinstance(path, Path)]


def _digest(value: object) -> str:
    text = json.dumps(value, default=text_of, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _environment(spec: EnvironmentSpec, root: Path) -> list[object]:
    """Return what a specification says: what came of it is no part of it."""
    told: list[object] = [spec.kind, spec.file, spec.python, spec.dependencies, dataclasses.asdict(spec.docker) if spec.docker else None]
    if spec.kind == "system":  # its specification is the place
        return [*told, str(python_folder(os.environ)), list(sys.version_info[:2])]
    # Git may ignore the file.
    return [*told, Digests(None).of(root / spec.file) if spec.file is not None else None]


def _told(parameter: Parameter, value: object, root: Path, digests: Digests) -> object:
    """Return a value as it counts: a path by what lies there, or, if it is an output or a place, by its name, in the project from there on."""
    if isinstance(value, list):
        return [_told(parameter, one, root, digests) for one in value]
    if isinstance(value, Path):
        return ["content", *_content(value, digests)] if parameter.exists else ["place", _placed(str(value), root)]
    if isinstance(value, str) and "uri" in {parameter.type, parameter.item} and value.startswith("/"):
        return ["place", _placed(value, root)]
    if isinstance(value, Mapping):
        return ["mapping", value]
    return value


def _placed(text: str, root: Path) -> str:
    return f"project:{os.path.relpath(os.path.realpath(text), os.path.realpath(root))}" if is_inside(root, Path(text)) else text


def _content(path: Path, digests: Digests) -> list[object]:
    """Return what lies at a path: of a file its content and what its name ends in, by which programs know its format; of a folder its files."""
    real = Path(os.path.realpath(path))
    if not real.is_dir():
        return [path.suffix, digests.of(real)]
    files = {}
    for parent, folders, names in os.walk(real):
        inner = os.path.relpath(parent, real)
        folders[:] = [name for name in folders if not is_left_out(f"{inner}/{name}/")]
        found = [os.path.normpath(os.path.join(inner, name)) for name in names]  # noqa: PTH118 - one call each, for thousands
        files.update({name: digests.of(real / name) for name in found if not is_left_out(name)})
    return ["folder", _digest(files)]


def _of_store(uri: str) -> Collection[Path]:
    """Return the files of a store on this machine: in the project they change with every run."""
    database = database_path(uri)
    if database is not None:
        named = [database, *(database.with_name(database.name + ending) for ending in ("-wal", "-shm", "-journal"))]
        return [*named, *_local(artifact_root(database))]
    return _local(uri)


def _local(uri: str) -> list[Path]:
    if uri.startswith("file:"):
        return [Path(unquote(urlsplit(uri).path))]
    return [Path(uri)] if uri.startswith("/") else []
