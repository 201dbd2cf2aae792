"""Two executed notebooks, line by line: what was run, what came out, and where they differ."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from nbproj.display.html import clean
from nbproj.display.terminal import spans_text, tail_of

__all__ = ["difference", "lines_of"]

_MOST_LINES: Final = 4000
_WIDTH: Final = 400
_AROUND: Final = 3  # lines that are the same, shown around those that are not


def _joined(text: object) -> str:
    return "".join(str(part) for part in text) if isinstance(text, list) else str(text or "")


def _printed(output: Mapping[str, Any]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return _joined(output.get("text"))
    if kind == "error":
        return f"{output.get('ename')}: {output.get('evalue')}"
    data = output.get("data")
    data = data if isinstance(data, dict) else {}
    if "text/plain" in data:
        return _joined(data["text/plain"])
    return f"<{', '.join(sorted(map(str, data)))}>" if data else ""


def lines_of(text: str) -> list[str]:
    """Return a notebook as lines: of every cell a heading, its source, and below `Out` what it printed or returned as text.

    Raises
    ------
    ValueError
        It is no notebook.
    """
    document = json.loads(text)
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        msg = "it is no notebook"
        raise ValueError(msg)  # noqa: TRY004 - as the parser of JSON
    lines: list[str] = []
    for number, cell in enumerate((one for one in cells if isinstance(one, dict)), 1):
        lines += [f"# cell {number} ({cell.get('cell_type')})", *_joined(cell.get("source")).split("\n")]
        outputs = [one for one in cell.get("outputs") or () if isinstance(one, dict)]
        printed = "\n".join(filter(None, map(_printed, outputs)))
        if printed:
            lines += ["# Out", *spans_text(tail_of(printed[-200_000:], lines=_MOST_LINES, width=_WIDTH)).split("\n")]
    return [clean(line.expandtabs(4))[:_WIDTH] for line in lines[:_MOST_LINES]]


def difference(left: Sequence[str], right: Sequence[str]) -> list[dict[str, Any]]:
    """Return two texts in blocks: `same`, with how many lines were left out, or `changed`, with the lines of either side.

    Examples
    --------
    >>> [block["kind"] for block in difference(["a", "b"], ["a", "c"])]
    ['same', 'changed']
    """
    blocks: list[dict[str, Any]] = []
    matcher = difflib.SequenceMatcher(None, left, right)
    for group in matcher.get_grouped_opcodes(_AROUND):
        before = group[0][1] - (blocks[-1]["end"] if blocks else 0)
        for tag, begin, end, start, stop in group:
            block = {"kind": "same" if tag == "equal" else "changed", "left": list(left[begin:end]), "right": list(right[start:stop])}
            blocks.append({**block, "from": begin + 1, "to": start + 1, "skipped": before, "end": end})
            before = 0
    return blocks
