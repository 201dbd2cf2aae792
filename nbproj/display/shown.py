"""What a live card has shown already, and the cell's result need not show again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

__all__ = ["ShownOnce"]


class ShownOnce(ABC):
    """The rich display of a value, for IPython; a subclass says what is shown with `bundle`.

    Examples
    --------
    >>> class Answer(ShownOnce):
    ...     def bundle(self):
    ...         return {"text/plain": "42", "text/html": "<b>42</b>"}
    ...
    ...     def __repr__(self):
    ...         return "<Answer>"
    >>> answer = Answer().shown()
    >>> answer._repr_mimebundle_(), sorted(answer._repr_mimebundle_())
    ({'text/plain': '<Answer>'}, ['text/html', 'text/plain'])
    """

    _was_shown = False

    @abstractmethod
    def bundle(self) -> dict[str, Any]:
        """Return the value for display, by MIME type."""

    def shown(self) -> Self:
        """Return the value itself, which a live card has just shown: the cell's result need not show it again."""
        self._was_shown = True
        return self

    def _repr_mimebundle_(self, **_wanted: object) -> dict[str, Any]:
        # IPython asks for this to show the value of a cell.
        if self._was_shown:
            self._was_shown = False
            return {"text/plain": repr(self)}
        return self.bundle()
