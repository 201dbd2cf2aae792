"""The end of a program's output as a terminal would show it, in bounded memory: progress bars that rewrite their line, colours, cursor movements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from nbproj.display.colour import PLAIN, css, render
from nbproj.display.html import Markup, clean, element, escape
from nbproj.display.line import Line, Span, is_narrow

__all__ = ["Screen", "spans_html", "spans_text", "tail_of"]

_PIECE = 1 << 20
_PENDING = 4096  # a sequence that is longer is none
_WINDOW = 24  # rows that absolute positions count in
_MOST = 1 << 16  # characters of a piece that are played one by one; what comes faster than anybody reads is not
_LANDMARK = re.compile("[\n\r\x1b]")
_STRING = "\x1b[\\]PX^_][^\x07\x1b\x9c\n\x18\x1a]{0,4096}"
_TOKEN = re.compile(
    "[^\x00-\x1f\x7f-\x9f]+"  # text
    "|\x1b\\[[0-?]*[ -/]*[@-~]"  # a control sequence
    f"|{_STRING}(?:\x07|\x1b\\\\|\x9c)?"  # a title, a hyperlink: dropped whole
    "|\x1b[ -/]*[0-Z\\\\^-~]"  # other escapes
    "|\x1b|([\x00-\x1a\x1c-\x1f\x7f-\x9f])\\1*"  # one control character as often as it comes
)
_UNFINISHED = re.compile(f"(?:\x1b(?:\\[[0-?]*[ -/]*|[ -/]*)|{_STRING}\x1b?)\\Z")
_HARMLESS = re.compile("\x1b\\[[0-9;:]*[mK]")  # looks and erasures within a line
_OTHER_CONTROLS = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Screen:
    r"""The last lines of a terminal.

    Parameters
    ----------
    rows : int
        Lines that are kept.
    limit : int
        Columns that are kept; a longer line is cut, it does not wrap.

    Examples
    --------
    >>> screen = Screen()
    >>> screen.feed("10%\r\x1b[32m100%\x1b[0m\ndone")
    >>> print(screen.text())
    100%
    done
    """

    def __init__(self, rows: int = 200, limit: int = 400) -> None:
        self._rows = rows
        self._limit = limit
        self._lines = [Line()]
        self._row = self._column = 0
        self._look = PLAIN
        self._pending = ""

    def feed(self, text: str) -> None:
        """Take the next piece of output; sequences may be split anywhere."""
        for start in range(0, len(text), _PIECE):
            self._feed(text[start : start + _PIECE])

    def _feed(self, text: str) -> None:
        text = self._whole_sequences(self._skipped(self._pending + text))
        if text.count("\r") > self._rows:
            text = "\n".join(self._rewritten(line) for line in text.split("\n"))
        if len(text) > _MOST:
            text = self._end_of(text)
        for match in _TOKEN.finditer(text):
            piece = match[0]
            if piece[0] >= " " and not "\x7f" <= piece[0] <= "\x9f":
                self._column = self._lines[self._row].put(self._column, piece if piece.isascii() else clean(piece), self._look, self._limit)
            elif piece[0] == "\x1b":
                self._escape(piece)
            else:
                self._control(piece[0], len(piece))

    def _control(self, character: str, count: int) -> None:
        if character in "\n\x0b\x0c":
            for _ in range(count):
                self._newline()
        elif character == "\r":
            self._column = 0
        elif character == "\b":
            self._column = max(self._column - count, 0)
        elif character == "\t":
            self._column = min((self._column // 8 + count) * 8, self._limit)

    def _whole_sequences(self, text: str) -> str:
        """Return a text without the sequence that is not finished at its end; the next piece begins with it."""
        self._pending = ""
        start = max(len(text) - _PENDING - 2, 0)
        unfinished = _UNFINISHED.search(text, start) if text.find("\x1b", start) >= 0 else None
        if unfinished is None:
            return text
        self._pending = unfinished[0] if len(unfinished[0]) <= _PENDING else ""
        return text[: unfinished.start()]

    def _skipped(self, text: str) -> str:
        """Return a text without the lines that would have scrolled away at its end, if they can have no effect on what stays."""
        cut = len(text)
        for _ in range(self._rows + 1):
            cut = text.rfind("\n", 0, cut)
            if cut < 0:
                return text
        if self._row != len(self._lines) - 1:
            return text
        head = text[:cut]
        if "\x1b" in head:
            harmless = _HARMLESS.findall(head)
            if len(harmless) != head.count("\x1b"):
                return text
            for sequence in harmless:
                if sequence[-1] == "m":
                    self._look = render(self._look, sequence[2:-1])
        self._lines = [Line()]
        self._row = self._column = 0
        return text[cut + 1 :]

    def _rewritten(self, line: str) -> str:
        """Return a line that is rewritten many times with only those versions that leave something to see."""
        if line.count("\r") < 3 or _OTHER_CONTROLS.search(line) or not is_narrow(line.replace("\r", "")):  # noqa: PLR2004 - not worth it
            return line
        first, *versions = line.split("\r")
        kept: list[str] = []
        covered = 0
        for version in reversed(versions):
            if len(version) > covered:
                kept.append(version)
                covered = len(version)
                if covered >= self._limit:
                    break
        # A last empty version leaves the cursor at the line's beginning.
        return "\r".join([first, *reversed(kept), *([""] if not versions[-1] else [])])

    def _end_of(self, text: str) -> str:
        """Return the end of a long text, from where a line or a sequence begins; what stands above it may keep what it would have overwritten."""
        cut = len(text) - _MOST
        landmark = _LANDMARK.search(text, cut)
        self._look = PLAIN
        if text.find("\n", 0, cut) >= 0:
            self._newline()
        return text[landmark.start() if landmark else cut :]

    def _newline(self) -> None:
        self._row += 1
        self._column = 0
        if self._row == len(self._lines):
            self._lines.append(Line())
            if len(self._lines) > self._rows:
                del self._lines[0]
                self._row -= 1

    def _escape(self, sequence: str) -> None:
        if sequence[1:2] == "[" and len(sequence) > 2:  # noqa: PLR2004 - the introducer and a final character
            if sequence[2] in "<=>?":
                return
            if sequence[-1] == "m":
                self._look = render(self._look, sequence[2:-1])
                return
            action = _ACTIONS.get(sequence[-1])
            if action is not None:
                numbers = [int(part[:4]) if part.isascii() and part.isdigit() else 0 for part in sequence[2:-1].split(";")[:2]]
                action(self, numbers)
        elif sequence == "\x1bc":
            self._look = PLAIN
            self._clear([2])
        elif sequence == "\x1bM":
            self._up([1])

    def _go(self, row: int, column: int | None = None) -> None:
        bottom = max(len(self._lines), _WINDOW) - 1
        self._row = min(max(row, 0), bottom)
        self._lines.extend(Line() for _ in range(self._row + 1 - len(self._lines)))
        if column is not None:
            self._column = min(max(column, 0), self._limit)

    def _up(self, numbers: Sequence[int]) -> None:
        self._go(self._row - max(numbers[0], 1))

    def _down(self, numbers: Sequence[int]) -> None:
        self._go(self._row + max(numbers[0], 1))

    def _forward(self, numbers: Sequence[int]) -> None:
        self._go(self._row, self._column + max(numbers[0], 1))

    def _back(self, numbers: Sequence[int]) -> None:
        self._go(self._row, self._column - max(numbers[0], 1))

    def _next_line(self, numbers: Sequence[int]) -> None:
        self._go(self._row + max(numbers[0], 1), 0)

    def _previous_line(self, numbers: Sequence[int]) -> None:
        self._go(self._row - max(numbers[0], 1), 0)

    def _to_column(self, numbers: Sequence[int]) -> None:
        self._go(self._row, max(numbers[0], 1) - 1)

    def _to_row(self, numbers: Sequence[int]) -> None:
        self._go(max(len(self._lines) - _WINDOW, 0) + min(max(numbers[0], 1), _WINDOW) - 1)

    def _to(self, numbers: Sequence[int]) -> None:
        self._to_row(numbers)
        self._to_column(numbers[1:] or [1])

    def _erase_line(self, numbers: Sequence[int]) -> None:
        line = self._lines[self._row]
        if numbers[0] == 0:
            line.erase(self._column)
        elif numbers[0] == 1:
            line.erase(0, self._column + 1)
        else:
            line.erase(0)

    def _clear(self, numbers: Sequence[int]) -> None:
        if numbers[0] == 0:
            self._lines[self._row].erase(self._column)
            del self._lines[self._row + 1 :]
        elif numbers[0] == 1:
            for line in self._lines[: self._row]:
                line.erase(0)
            self._lines[self._row].erase(0, self._column + 1)
        else:
            self._lines = [Line()]
            self._row = 0

    def tail(self, lines: int = 12, width: int = 200) -> list[list[Span]]:
        """Return the last lines that show something.

        Parameters
        ----------
        lines, width : int
            How many at most, and how many columns of each.
        """
        shown = [line.spans(width) for line in self._lines]
        while shown and not shown[-1]:
            shown.pop()
        return shown[-lines:]

    def text(self, lines: int = 12, width: int = 200) -> str:
        """Return the last lines as plain text; no character in it moves a cursor."""
        return spans_text(self.tail(lines, width))

    def html(self, lines: int = 12, width: int = 200) -> Markup:
        """Return the last lines as the content of a `pre`: colours and weights as inline styles."""
        return spans_html(self.tail(lines, width))


_ACTIONS: dict[str, Callable[[Screen, Sequence[int]], None]] = {
    "A": Screen._up,  # noqa: SLF001 - the class's own table
    "B": Screen._down,  # noqa: SLF001 - as above
    "C": Screen._forward,  # noqa: SLF001 - as above
    "D": Screen._back,  # noqa: SLF001 - as above
    "E": Screen._next_line,  # noqa: SLF001 - as above
    "F": Screen._previous_line,  # noqa: SLF001 - as above
    "G": Screen._to_column,  # noqa: SLF001 - as above
    "H": Screen._to,  # noqa: SLF001 - as above
    "J": Screen._clear,  # noqa: SLF001 - as above
    "K": Screen._erase_line,  # noqa: SLF001 - as above
    "d": Screen._to_row,  # noqa: SLF001 - as above
    "f": Screen._to,  # noqa: SLF001 - as above
}


def spans_text(lines: Iterable[Iterable[Span]]) -> str:
    """Return lines of spans as plain text."""
    return "\n".join("".join(span.text for span in line) for line in lines)


def spans_html(lines: Iterable[Iterable[Span]]) -> Markup:
    """Return lines of spans as the content of a `pre`."""
    shown = ["".join(element("span", span.text, style=css(span.look)) if css(span.look) else escape(span.text) for span in line) for line in lines]
    return Markup("\n".join(shown))


def tail_of(text: str, lines: int = 12, width: int = 200) -> list[list[Span]]:
    r"""Return the last lines of a whole output, as a terminal shows them.

    Examples
    --------
    >>> spans_text(tail_of("one\ntwo\nthree\n", lines=2))
    'two\nthree'
    """
    screen = Screen(max(lines * 2, 50))
    screen.feed(text)
    return screen.tail(lines, width)
