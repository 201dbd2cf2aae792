"""A batch before it runs: its points, all of them checked, and what each run of them has in common."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nbproj.backends.backend import Backend, RunRequest
from nbproj.batches.axis import Axis
from nbproj.batches.identity import batch_key, point_digest
from nbproj.batches.order import BatchOrder
from nbproj.batches.space import Point, Space
from nbproj.configuration.settings import Settings
from nbproj.display.facts import cut
from nbproj.identity.key import outputs_of
from nbproj.order import Order, plain
from nbproj.progress import Progress
from nbproj.project.directory import find_entry_point, load_project
from nbproj.project.model import EntryPoint
from nbproj.project.parameters import resolve_all
from nbproj.project.remote import Remote
from nbproj.request import resolve_request
from nbproj.sources.source import Checkout
from nbproj.supply import remotes_in
from nbproj.tracking.redact import mask_url
from nbproj.tracking.store import Store

__all__ = ["Plan"]

_LABEL: Final = 100
_VALUE: Final = 30
_VALUES: Final = 50
_VALUES_TEXT: Final = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch that can be carried out.

    Parameters
    ----------
    asked : BatchOrder
        What the caller asks for.
    space : Space
        Its points.
    request : RunRequest
        The request of its first point.
    varying : tuple of str
        Names of the parameters that differ between points.
    secret : frozenset of str
        Names of those whose values are kept nowhere.
    """

    asked: BatchOrder
    space: Space
    request: RunRequest
    varying: tuple[str, ...]
    secret: frozenset[str]

    @classmethod
    def make(
        cls,
        asked: BatchOrder,
        checkout: Checkout,
        backend: Backend,
        open_store: Callable[[], Store],
        progress: Progress,
        chosen: Settings,
    ) -> Plan:
        """Return the plan that an order means.

        Parameters
        ----------
        asked : BatchOrder
            What the caller asks for.
        checkout : Checkout
            The project's files.
        backend : Backend
            Who carries the runs.
        open_store : callable
            Opens the tracking store; called last, when everything else is known to be right.
        progress : Progress
            Told of remarks.
        chosen : Settings
            The user's configuration.

        Raises
        ------
        NbprojError
            Whatever is wrong with any point, in one line; no run exists.
        """
        project = load_project(checkout.root, notebook=checkout.notebook)
        entry_point = find_entry_point(project, asked.order.entry_point, as_notebook=asked.order.as_notebook)
        space = asked.space
        space.points(entry_point, root=project.root)
        secret = frozenset(parameter.name for parameter in entry_point.parameters if parameter.secret)
        first = _order(asked.order, space, space.point(0))
        request = resolve_request(first, checkout, backend, open_store, progress, chosen=chosen)
        return cls(asked, space, request, tuple(name for name in space.varying if name not in secret), secret)

    def outputs(self) -> list[Path]:
        """Return where the runs write, as their parameters say: no part of the project's source."""
        entry_point, order, root = self.request.entry_point, self.asked.order, self.request.project.root
        if all(parameter.exists for parameter in entry_point.parameters):
            return []
        found: dict[Path, None] = {}
        for index in range(self.space.size):
            values = self.space.point(index).parameters
            resolved = resolve_all(entry_point, values, base=order.base, root=root, bases=self.space.bases)
            found.update(dict.fromkeys(outputs_of(entry_point, resolved)))
        return list(found)

    def remotes(self) -> list[Remote]:
        """Return the addresses whose files any run needs; a value is looked at once, however many points it is part of."""
        space, entry_point = self.space, self.request.entry_point
        names = {one.name for one in entry_point.parameters if one.exists and "path" in {one.type, one.item}}
        given = [{axis.name: value} for axis in space.axes if axis.name in names for value in axis]
        given += [{name: row[name] for name in names & row.keys()} for row in (space.table.rows if space.table is not None else ())]
        found: dict[Remote, None] = {}
        for values in given:
            alone = EntryPoint(entry_point.name, [one for one in entry_point.parameters if one.name in values])
            resolved = resolve_all(alone, values, base=self.asked.order.base, root=self.request.project.root, bases=space.bases)
            found.update(dict.fromkeys(remotes_in(resolved.values.values())))
        return list(found)

    @property
    def key(self) -> str:
        """What identifies the batch in its store."""
        request = self.request
        return batch_key(request.checkout.uri, request.entry_point, self.space, self.asked.name, self.secret)

    def order(self, point: Point) -> Order:
        """Return the order of one run."""
        return dataclasses.replace(_order(self.asked.order, self.space, point), run_name=self.label(point))

    def label(self, point: Point) -> str:
        """Return what tells a point from the others, for people."""
        parts = (f"{name}={cut(mask_url(str(plain(point.parameters[name]))), _VALUE)}" for name in self.varying if name in point.parameters)
        return cut(" ".join(parts), _LABEL) or self.request.entry_point.name

    def digest(self, point: Point) -> str:
        """Return what identifies a point in its batch, whatever the driver."""
        return point_digest(point, self.request.entry_point, self.space, self.secret)

    def parameters(self) -> dict[str, str]:
        """Return what the record of the batch itself shows of its parameters, by name: a value, or what stands for many."""
        table = self.space.table
        columns = dict.fromkeys(table.columns, table.name) if table is not None else {}
        shown = {**columns, **{axis.name: _values(axis) for axis in self.space.axes}}
        return {name: text for name, text in shown.items() if name not in self.secret}


def _values(axis: Axis) -> str:
    """Return all values of an axis in one text: forms as they were written."""
    parts = (segment.form or ", ".join(str(plain(value)) for value in itertools.islice(segment.values, _VALUES)) for segment in axis.segments)
    return cut(mask_url(", ".join(itertools.islice(parts, _VALUES))), _VALUES_TEXT)


def _order(order: Order, space: Space, point: Point) -> Order:
    return dataclasses.replace(order, parameters=dict(point.parameters), bases=space.bases, synchronous=True)
