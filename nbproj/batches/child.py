"""One run of a batch: its request, and the files that it runs in."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

from nbproj.backends.backend import RunRequest
from nbproj.batches.identity import point_tag
from nbproj.batches.key import Keys
from nbproj.batches.plan import Plan
from nbproj.batches.record import PARENT_TAG, POINT_TAG
from nbproj.batches.space import Point
from nbproj.errors import SourceError
from nbproj.progress import Progress
from nbproj.request import varied
from nbproj.sources import temporary
from nbproj.sources.source import Checkout

__all__ = ["own_checkout", "request_of"]


def request_of(plan: Plan, base: RunRequest, point: Point, parent: str, keys: Keys, progress: Progress) -> RunRequest:
    """Return the request of one run of a batch.

    Parameters
    ----------
    plan : Plan
        The batch.
    base : RunRequest
        What its runs have in common, in the checkout of this one.
    point : Point
        Which of them.
    parent : str
        The run that stands for the batch.
    keys : Keys
        By which equal runs are known.
    progress : Progress
        Told how the run goes on.

    Raises
    ------
    ParameterError
        A value is wrong.
    """
    order = plan.order(point)
    request = varied(base, order)
    # What lies in a copy of the checkout is what lies in the checkout.
    keyed = request if base.project.root == plan.request.project.root else varied(plan.request, order)
    tags = {**request.tags, PARENT_TAG: parent, POINT_TAG: point_tag(point.index, plan.digest(point)), **keys.tags(keyed)}
    # The driver carries other runs, too: whoever stops this one may not end it.
    return dataclasses.replace(request, tags=tags, progress=progress, sole=False)


@contextlib.contextmanager
def own_checkout(request: RunRequest) -> Iterator[RunRequest]:
    """Give a run files of its own where the project was fetched: a copy of the checkout, which goes with the run. A local folder is run in place.

    Raises
    ------
    SourceError
        The files cannot be copied.
    """
    checkout = request.checkout
    if checkout.temporary is None:
        yield request
        return
    folder = temporary.make()
    try:
        try:
            shutil.copytree(checkout.temporary, folder, symlinks=True, dirs_exist_ok=True)
        except (OSError, shutil.Error) as error:
            msg = f"the project's files cannot be copied for a run: {getattr(error, 'strerror', None) or error}"
            raise SourceError(msg) from error
        with dataclasses.replace(checkout, root=_moved(checkout.root, checkout, folder), temporary=folder) as own:
            yield dataclasses.replace(request, checkout=own, project=dataclasses.replace(request.project, root=own.root))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _moved(path: Path, checkout: Checkout, folder: Path) -> Path:
    assert checkout.temporary is not None  # noqa: S101 - by the caller
    return folder / path.relative_to(checkout.temporary)
