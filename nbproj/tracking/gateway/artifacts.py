"""Artifacts through the gateway: a client needs neither the files nor the credentials of the place where they lie."""

from __future__ import annotations

import os
import posixpath
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from nbproj.tracking.gateway.charge import Charge
from nbproj.tracking.gateway.refused import Refused, not_found
from nbproj.tracking.location import is_file_store

__all__ = ["Place", "fetch", "list_model", "list_place", "list_run", "place", "safe", "store"]

# ruff: noqa: ANN401 - as in runs.py

MOST_ENTRIES = 100_000
"""Names that one folder may hold to be listed."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


def safe(path: str) -> str:
    r"""Return a path that stays below where it starts, however it is spelled.

    Raises
    ------
    Refused
        It does not, or may not.

    Examples
    --------
    >>> safe("plots/a b.png")
    'plots/a b.png'
    >>> safe("plots/%252e%252e/%2e%2e/secret")
    Traceback (most recent call last):
    ...
    nbproj.tracking.gateway.refused.Refused: not a path of an artifact
    """
    spelled = path.strip("/") if not path.startswith("/") else path
    plain, before = spelled, ""
    while plain != before:  # whoever stores it may decode it once more
        plain, before = unquote(plain), plain
    for text in (spelled, plain):
        if _CONTROL.search(text) or re.match(r"[A-Za-z]:", text) or (text and any(part in {"", ".", ".."} for part in text.split("/"))):
            raise Refused(400, "INVALID_PARAMETER_VALUE", "not a path of an artifact", note="follow paths that lead out of the artifacts")
    return spelled


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder among the artifacts of a run or of a model.

    Parameters
    ----------
    root : str
        Where these artifacts really are.
    path : str
        The path below it; empty for all of them.
    """

    root: str
    path: str

    @property
    def local(self) -> Path | None:
        """The file or folder on this machine, None where the artifacts are elsewhere.

        Raises
        ------
        Refused
            A link leads out of the artifacts.
        """
        if not is_file_store(self.root):
            return None
        root = os.path.realpath(unquote(urlsplit(self.root).path) if self.root.startswith("file:") else self.root)
        found = os.path.realpath(os.path.join(root, self.path))  # noqa: PTH118 - beside realpath, which pathlib has not
        if os.path.commonpath([root, found]) != root:
            raise Refused(400, "INVALID_PARAMETER_VALUE", "not a path of an artifact", note="follow links that lead out of the artifacts")
        return Path(found)


def place(charge: Charge, address: str) -> Place:
    """Return what an address means: `EXPERIMENT/RUN/artifacts/PATH` or `EXPERIMENT/models/MODEL/artifacts/PATH`.

    Raises
    ------
    Refused
        It lies elsewhere.
    """
    parts = safe(address).split("/")
    if parts[0] == charge.experiment_id:
        if len(parts) > 3 and parts[1] == "models" and parts[3] == "artifacts":  # noqa: PLR2004 - the form above
            return Place(charge.model_root(parts[2]), "/".join(parts[4:]))
        if len(parts) > 2 and parts[2] == "artifacts":  # noqa: PLR2004 - the form above
            return Place(charge.run_root(parts[1]), "/".join(parts[3:]))
    msg = "there are no artifacts at this address"
    raise not_found(msg, note="speak of artifacts that are not the run's")


def _entries(charge: Charge, where: Place) -> list[Any]:
    if where.local is not None and not where.local.is_dir():
        return []
    found: list[Any] = charge.store.consult_artifacts("list artifacts", where.root, lambda repository: repository.list_artifacts(where.path or None))
    if len(found) > MOST_ENTRIES:
        raise Refused(400, "INVALID_PARAMETER_VALUE", f"the folder holds more than {MOST_ENTRIES} files: list what lies below it")
    return found


def list_run(charge: Charge, asked: Any) -> Any:
    """Return what lies in one folder of a run's artifacts."""
    run_id = charge.run(asked)
    answer = asked.Response(root_uri=charge.artifacts_of(run_id))
    answer.files.extend(one.to_proto() for one in _entries(charge, Place(charge.run_root(run_id), safe(asked.path))))
    return answer


def list_model(charge: Charge, asked: Any) -> Any:
    """Return what lies in one folder of a model."""
    model = charge.model(asked.model_id)
    answer = asked.Response(root_uri=charge.model_message(model).info.artifact_uri)
    where = Place(charge.model_root(asked.model_id), safe(asked.artifact_directory_path))
    answer.files.extend(one.to_proto() for one in _entries(charge, where))
    return answer


def list_place(charge: Charge, address: str) -> list[dict[str, Any]]:
    """Return what lies at an address: names relative to it, as MLflow's artifact service tells them."""
    told = []
    for one in _entries(charge, place(charge, address)):
        size = {} if one.is_dir else {"file_size": one.file_size}
        told.append({"path": posixpath.basename(one.path), "is_dir": one.is_dir, **size})
    return told


def store(charge: Charge, where: Place, file: Path) -> None:
    """Store a file that has arrived, under its own name, in the folder that its place names."""
    local, folder = where.local, posixpath.dirname(where.path) or None
    if local is not None and local.is_dir():
        raise Refused(400, "INVALID_PARAMETER_VALUE", "there is a folder of that name")
    charge.store.consult_artifacts("store an artifact", where.root, lambda repository: repository.log_artifact(str(file), folder))


def fetch(charge: Charge, where: Place, folder: Path) -> tuple[Path, bool]:
    """Return a file with the bytes of an artifact, and whether it is a copy that must be removed with its folder.

    Raises
    ------
    Refused
        There is no such file.
    """
    local = where.local
    if local is not None:
        if not where.path or not local.is_file():
            msg = f"there is no artifact {where.path!r}"
            raise not_found(msg)
        return local, False
    if not where.path or _entries(charge, where):
        raise Refused(400, "INVALID_PARAMETER_VALUE", "this is a folder: list it, and fetch its files")
    to = tempfile.mkdtemp(prefix="down-", dir=folder)
    return Path(
        charge.store.consult_artifacts("fetch an artifact", where.root, lambda repository: repository.download_artifacts(where.path, to))
    ), True
