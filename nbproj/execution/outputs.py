"""What a cell shows, as a notebook holds it: streams joined, displays updated, cleared where asked, bounded with a note."""

from __future__ import annotations

from typing import Any, Final

from nbproj.execution.connection import Message

__all__ = ["CellOutputs", "Displays"]

CELL_BYTES: Final = 10_000_000
"""What one cell may leave in the executed notebook. The log of the run keeps all that it printed."""
NOTEBOOK_BYTES: Final = 60_000_000
"""What all cells may leave together: more would be a file that nothing opens."""
_OVERHEAD: Final = 100
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_RESULTS: Final = frozenset({"display_data", "execute_result", "update_display_data"})


class Displays:
    """What all cells of a notebook have in common: displays that any of them may update, and the room that is left.

    Parameters
    ----------
    room : int
        Bytes that all outputs may take together.
    """

    def __init__(self, room: int = NOTEBOOK_BYTES) -> None:
        self.room = room
        self._by_id: dict[str, list[tuple[CellOutputs, dict[str, Any]]]] = {}

    def remember(self, name: str, cell: CellOutputs, output: dict[str, Any]) -> None:
        """Remember an output that may be updated."""
        self._by_id.setdefault(name, []).append((cell, output))

    def forget(self, cell: CellOutputs) -> None:
        """Forget the displays of a cell that was cleared."""
        for name, shown in list(self._by_id.items()):
            self._by_id[name] = [pair for pair in shown if pair[0] is not cell]

    def update(self, name: str, content: dict[str, Any]) -> None:
        """Show something else in every output of that name."""
        for cell, output in self._by_id.get(name, ()):
            output["data"], output["metadata"] = _bundle(content)
            cell.changed = True


class CellOutputs:
    r"""The outputs of one cell.

    Parameters
    ----------
    displays : Displays
        Of the notebook.
    room : int
        Bytes that they may take.

    Examples
    --------
    >>> outputs = CellOutputs(Displays())
    >>> outputs.print("stdout", "10 %\r20 %")
    >>> outputs.print("stdout", "\rdone\n")
    >>> outputs.notebook()
    [{'output_type': 'stream', 'name': 'stdout', 'text': ['done\n']}]
    """

    def __init__(self, displays: Displays, room: int = CELL_BYTES) -> None:
        self._displays = displays
        self._room = room
        self._used = 0
        self._lost = 0
        self._outputs: list[dict[str, Any]] = []
        self._clear_next = False
        self.count: int | None = None
        self.changed = False
        self.trace: list[str] = []

    def take(self, message: Message) -> tuple[str, str]:
        """Take a message; return the stream and the text that it prints, which is to be shown and logged."""
        kind = message.type
        if kind == "stream":
            content = message.content
            text = str(content.get("text", ""))
            name = str(content.get("name", "stdout"))
            self.print(name, text)
            return name, text
        if kind in _RESULTS:
            if kind != "update_display_data" and not self._fits(message.size + _OVERHEAD):
                return "", ""
            self._display(kind, message.content)
        elif kind == "error":
            content = message.content
            self.trace = [str(line) for line in content.get("traceback", ())]
            self._clear_if_asked()
            told = {name: str(content.get(name, "")) for name in ("ename", "evalue")}
            self._outputs.append({"output_type": "error", **told, "traceback": self.trace})
            self.changed = True
        elif kind == "clear_output":
            if message.content.get("wait"):
                self._clear_next = True
            else:
                self._clear()
        elif kind == "execute_input":
            self.count = message.content.get("execution_count")
            self.changed = True
        return "", ""

    def print(self, name: str, text: str) -> None:
        """Add to a stream; the last one of that name goes on where nothing came between."""
        self._clear_if_asked()
        if not self._fits(len(text) + _OVERHEAD // 10):
            return
        last = self._outputs[-1] if self._outputs else {}
        if last.get("output_type") != "stream" or last.get("name") != name:
            last = {"output_type": "stream", "name": name, "text": []}
            self._outputs.append(last)
        last["text"].append(text)

    def _display(self, kind: str, content: dict[str, Any]) -> None:
        name = (content.get("transient") or {}).get("display_id")
        if name:
            self._displays.update(name, content)
        if kind == "update_display_data":
            return
        self._clear_if_asked()
        data, metadata = _bundle(content)
        output: dict[str, Any] = {"output_type": kind, "data": data, "metadata": metadata}
        if kind == "execute_result":
            output["execution_count"] = content.get("execution_count")
        if name:
            self._displays.remember(name, self, output)
        self._outputs.append(output)

    def _fits(self, size: int) -> bool:
        self.changed = True
        if size > self._left and not self._lost:
            self._tidy()
        if self._lost or size > self._left:  # what comes after a gap would look as if there was none
            self._lost += size
            return False
        self._used += size
        self._displays.room -= size
        return True

    @property
    def _left(self) -> int:
        return min(self._room - self._used, self._displays.room)

    def _tidy(self) -> None:
        """Make room: of a line that was overwritten only the last state is seen."""
        for output in self._outputs:
            if output["output_type"] == "stream":
                before = sum(map(len, output["text"]))
                output["text"] = [_last_states("".join(output["text"]))]
                self._give_back(before - len(output["text"][0]))

    def _give_back(self, size: int) -> None:
        self._used -= size
        self._displays.room += size

    def _clear_if_asked(self) -> None:
        if self._clear_next:
            self._clear()

    def _clear(self) -> None:
        self._clear_next = False
        self._outputs.clear()
        self._displays.forget(self)
        self._give_back(self._used)
        self._lost = 0
        self.changed = True

    def notebook(self) -> list[dict[str, Any]]:
        """Return the outputs as a notebook's file holds them."""
        self._tidy()
        found = []
        for output in self._outputs:
            if output["output_type"] == "stream":
                found.append({**output, "text": _lines("".join(output["text"]))})
            elif "data" in output:
                found.append({**output, "data": {kind: _value(kind, value) for kind, value in output["data"].items()}})
            else:
                found.append(output)
        if self._lost:
            note = f"\nThis cell showed {self._lost / 1e6:.1f} MB more, which the notebook does not hold. The log of the run has what it printed.\n"
            found.append({"output_type": "stream", "name": "stderr", "text": _lines(note)})
        return found


def _bundle(content: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is shown; without the view of a widget, whose state no reader will have, where there is something else to read."""
    data, metadata = dict(content.get("data") or {}), dict(content.get("metadata") or {})
    if len(data) > 1:
        data.pop(_WIDGET, None)
    return data, metadata


def _last_states(text: str) -> str:
    """Return a text without what its own carriage returns wrote over."""
    return "\n".join(_last_state(line) for line in text.split("\n")) if "\r" in text else text


def _last_state(line: str) -> str:
    return line[line.rstrip("\r").rfind("\r") + 1 :]


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _value(kind: str, value: object) -> object:
    """Return a value of a bundle as nbformat writes it: text as lines, JSON as it is."""
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    return _lines(value) if isinstance(value, str) and not is_json else value
