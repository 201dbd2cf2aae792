"""The keys of the points of a batch: what they have in common is read once, however many points there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from nbproj.backends.backend import RunRequest
from nbproj.identity.digests import Digests
from nbproj.identity.key import PARAMETERS, Ground, ground_of, point_key

__all__ = ["Keys"]


class Keys:
    """Keys of requests that differ in their parameters only; a context manager.

    Parameters
    ----------
    request : RunRequest
        Any of them.
    outputs : iterable of Path
        What the other ones write in the project (`nbproj.identity.key.outputs_of` of each): no part of its source.
    """

    def __init__(self, request: RunRequest, *, outputs: Iterable[Path] = ()) -> None:
        self.ground: Ground = ground_of(request, outputs=outputs)
        self._digests = Digests(PARAMETERS)

    def __enter__(self) -> Self:
        self._digests.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._digests.__exit__(kind, error, trace)

    @property
    def manifest(self) -> Mapping[str, str]:
        """The digests of the project's files, by path; `nbproj.identity.manifest.changed_files` compares two of these."""
        return self.ground.manifest

    def of(self, request: RunRequest) -> str:
        """Return the key of a request: what its run gets as the tag `nbproj.key`."""
        return point_key(self.ground, request.entry_point, request.resolved, digests=self._digests)

    def tags(self, request: RunRequest) -> dict[str, str]:
        """Return the tags by which the run of a request can be reused later: its key among them."""
        return self.ground.tags(self.of(request))
