"""Several values of one parameter, as a form takes them: `0.1, 0.2`, a list, or a form such as `range(10)`."""

from __future__ import annotations

import json

from nbproj.batches.forms import read_form

__all__ = ["values_of"]


def values_of(text: str, name: str = "") -> str | list[object]:
    """Return what a text stands for: itself if it is a form, the elements of a list, else what its commas separate.

    Raises
    ------
    ValueError
        It begins as a form and is none.

    Examples
    --------
    >>> values_of("0.1, 0.2"), values_of("range(3)"), values_of('["a, b", "c"]')
    (['0.1', '0.2'], 'range(3)', ['a, b', 'c'])
    """
    if read_form(text, name, 0) is not None:
        return text
    try:
        listed = json.loads(text)
    except ValueError:
        listed = None
    if isinstance(listed, list):
        return listed
    return [part.strip() for part in text.split(",") if part.strip()]
