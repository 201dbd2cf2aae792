"""What a run needs from elsewhere: the files of its `path` parameters, fetched before it exists.

A run whose data cannot be had is no run: as with a project that cannot be fetched, nothing is recorded, and the caller gets one line. It is also only
then known by its content whether an equal run has finished already.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbproj.backends.backend import Backend, RunRequest
from nbproj.backends.command import command_of
from nbproj.backends.confines import Confines
from nbproj.order import Order
from nbproj.progress import Progress
from nbproj.project.conversion import text_of
from nbproj.project.parameters import Resolved
from nbproj.project.remote import Remote
from nbproj.sources.remote.downloads import Downloads, downloads_folder
from nbproj.tracking.artifactload import artifact_loader

__all__ = ["at_hand", "open_downloads", "remotes_in", "supplied"]


def open_downloads(order: Order) -> Downloads:
    """Return what fetches the files of an order and keeps them while it is carried out, a context manager."""
    return Downloads(lambda: downloads_folder(order.storage_dir, order.base))


def remotes_in(values: Iterable[object]) -> list[Remote]:
    """Return the addresses among values, those in lists too.

    Examples
    --------
    >>> remotes_in(["s3://bucket/text", Remote("s3://bucket/x"), [Remote("gs://bucket/y"), Path("/z")]])
    ['s3://bucket/x', 'gs://bucket/y']
    """
    return [one for value in values for one in (value if isinstance(value, list) else [value]) if isinstance(one, Remote)]


def at_hand(resolved: Resolved, paths: Mapping[str, Path]) -> Resolved:
    """Return values with the paths of what was fetched in place of addresses; the record keeps the values as they were given.

    Parameters
    ----------
    resolved : Resolved
        The values.
    paths : mapping of str to Path
        Where each address is.

    Examples
    --------
    >>> given = Resolved({"data": Remote("s3://b/x")}, {"data": "s3://b/x"}, tracked={"data": "s3://b/x"})
    >>> here = at_hand(given, {"s3://b/x": Path("/cache/x")})
    >>> here.values, here.words, here.tracked
    ({'data': PosixPath('/cache/x')}, {'data': '/cache/x'}, {'data': 's3://b/x'})
    """
    changed = {name: _here(value, paths) for name, value in resolved.values.items() if remotes_in([value])}
    words = {name: text_of(value) for name, value in changed.items() if resolved.words.get(name) is not None}
    return dataclasses.replace(resolved, values={**resolved.values, **changed}, words={**resolved.words, **words}) if changed else resolved


def _here(value: object, paths: Mapping[str, Path]) -> object:
    if isinstance(value, list):
        return [_here(one, paths) for one in value]
    return paths[value] if isinstance(value, Remote) else value


def supplied(request: RunRequest, backend: Backend, downloads: Downloads, progress: Progress, further: Iterable[Remote] = ()) -> RunRequest:
    """Return a request whose files are all here.

    Parameters
    ----------
    request : RunRequest
        Checked and resolved; everything else about it is known to be right.
    backend : Backend
        Who carries it out. Where it sees only the project (`confines`) nothing is fetched, since its programs could not read it.
    downloads : Downloads
        Fetches them.
    progress : Progress
        Told of what takes long.
    further : iterable of Remote
        What other runs of the same batch need.

    Raises
    ------
    ParameterError
        The backend's programs could not read a file; nothing was fetched, no run exists.
    SourceError
        A file could not be had; no run exists.
    """
    further = list(further)
    confines: Confines | None = getattr(backend, "confines", None)
    if confines is not None:
        entry_point, root = request.entry_point, request.project.root
        confines.check(entry_point, request.resolved.values, root)
        for address in further:
            confines.inside(" or ".join(one.name for one in entry_point.parameters if "path" in {one.type, one.item}), address, root)
    wanted = [*remotes_in(request.resolved.values.values()), *further]
    if not wanted:
        return request
    brought = downloads.bring(wanted, artifact_loader(request.store.uri), request.store.uri, progress)
    resolved = at_hand(request.resolved, brought)
    command = command_of(request.entry_point, resolved)
    tags = {**request.tags, **({"nbproj.command": command} if command is not None else {})}
    return dataclasses.replace(request, resolved=resolved, command=command, tags=tags, brought=brought)
