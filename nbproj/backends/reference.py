"""How a run's record names the job that carries it elsewhere, so that whoever comes later finds it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Final, Self

from nbproj.tracking.settlement import JOB_TAG

__all__ = ["Reference"]

_READ: Final[Mapping[object, Callable[[Any], object]]] = {
    "str": str,
    "int": int,
    "float": float,
    "str | None": lambda value: None if value is None else str(value),
}
"""How the value of a field is read, by the field's type as it is written."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What names a job. A backend that takes up jobs again has a class of its own above this one: its name, and fields of plain types."""

    backend: ClassVar[str]

    def to_json(self) -> str:
        """Return it as a text."""
        return json.dumps({"backend": self.backend, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the reference that a text holds.

        Raises
        ------
        ValueError
            It holds none, or another backend's.
        """
        read = {one.name: _READ[one.type] for one in fields(cls)}
        try:
            values = json.loads(text)
            if values["backend"] == cls.backend:
                return cls(**{name: value(values[name]) for name, value in read.items()})
        except (TypeError, KeyError) as error:
            msg = f"no job: {error}"
            raise ValueError(msg) from error
        msg = "no job of this backend"
        raise ValueError(msg)

    @classmethod
    def of_tags(cls, tags: Mapping[str, str]) -> Self | None:
        """Return what a run's tags name; None when they name no job of this backend."""
        try:
            return cls.from_json(tags.get(JOB_TAG, ""))
        except ValueError:
            return None
