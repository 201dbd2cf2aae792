"""What a store can hold: texts without what a database chokes on, cut where it would refuse, in batches it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

__all__ = ["MAX_PARAM", "MAX_TAG", "batches", "held", "held_items"]

MAX_PARAM = 6000
"""Characters of a parameter's value that MLflow keeps."""

MAX_TAG = 8000
"""Characters of a tag's value that MLflow keeps."""

MAX_BYTES = 900_000
"""What one batch may weigh; MLflow's servers refuse requests over 1 MB."""

_UNHOLDABLE = re.compile("[\x00\ud800-\udfff]")


def held(text: str, limit: int) -> str:
    r"""Return a text as a store can hold it.

    NUL, which PostgreSQL refuses, becomes its visible sign; half a surrogate pair, which is no text in UTF-8, the replacement character. What is
    longer than the limit is cut, and says so.

    Examples
    --------
    >>> held("a\0b", 10)
    'a␀b'
    >>> held("x" * 100, 40)
    'xxxxxxxxxxxxxxx... [cut: 100 characters]'
    """
    clean = _UNHOLDABLE.sub(lambda found: "\u2400" if found.group() == "\0" else "\ufffd", text)
    if len(clean) <= limit:
        return clean
    mark = f"... [cut: {len(text)} characters]"
    return clean[: max(limit - len(mark), 0)] + mark


def held_items(values: Mapping[str, str], limit: int) -> list[tuple[str, str]]:
    """Return names and values as a store can hold them."""
    return [(held(name, 250), held(value, limit)) for name, value in values.items()]


def batches(items: Iterable[tuple[str, str]], size: int) -> Iterator[list[tuple[str, str]]]:
    """Yield items in lists of at most `size`, and of at most `MAX_BYTES` as JSON.

    Examples
    --------
    >>> [len(batch) for batch in batches([("a", "b")] * 5, 2)]
    [2, 2, 1]
    """
    batch: list[tuple[str, str]] = []
    weight = 0
    for item in items:
        own = len(json.dumps(item)) + 32
        if batch and (len(batch) == size or weight + own > MAX_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(item)
        weight += own
    if batch:
        yield batch
