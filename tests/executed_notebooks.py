"""Executed notebooks as nbproj saves them, for the tests of what is shown of one: a failed one of a reader's kind, and one that is out for harm."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

PAYLOADS = (
    "<script>window.pwned = 1</script>",
    '"><img src=x onerror="window.pwned = 1">',
    "</pre></section></main></body><script>window.pwned = 1</script>",
    "<svg onload='window.pwned = 1'><style>@import 'https://example.org/a.css'</style></svg>",
    "--></style></title></textarea></script><iframe srcdoc='<script>parent.pwned = 1</script>'></iframe>",
    "javascript:window.pwned=1//https://example.org/",
    "' onmouseover='window.pwned = 1' style='background:url(https://example.org/b.png)",
    "\x1b[31m<b onclick=window.pwned=1>\x1b]8;;https://example.org/\x1b\\link\x1b]8;;\x1b\\ \u202e\ud800\x00",
)
MARKUP = (
    *PAYLOADS,
    "<a href='javascript:window.pwned=1' id='cell-2' target='_top'>x</a><a href='data:text/html,<script>1</script>'>x</a>",
    "<form action='https://example.org/'><input autofocus onfocus='window.pwned=1'><button formaction='https://example.org/'>x</button></form>",
    "<link rel=stylesheet href='https://example.org/a.css'><meta http-equiv=refresh content='0;url=https://example.org/'><base href='https://example.org/'>",
    "<img src='https://example.org/a.png'><img srcset='https://example.org/a.png 2x'><picture><source srcset='https://example.org/a.png'></picture>",
    "<table background='https://example.org/a.png'><tr><td style='background-image:url(https://example.org/a.png)'>x</td></tr></table>",
    "<svg><a xlink:href='javascript:window.pwned=1'><text>x</text></a><use href='https://example.org/a.svg#b'/><image href='https://example.org/a.png'/></svg>",
    "<math><mtext></mtext><mglyph><style><!--</style><img title='--><img src=1 onerror=window.pwned=1>'></mglyph></math>",
    "<video poster='https://example.org/a.png' src='https://example.org/a.mp4'></video><object data='https://example.org/a'></object>",
    "<div style='position:fixed;top:0;left:0;width:100vw;height:100vh;z-index:9;background:red'>over everything</div>",
    "<noscript><p title='</noscript><img src=x onerror=window.pwned=1>'></noscript>",
)
"""What stands in HTML and Markdown that a notebook brings."""


def picture() -> str:
    """Return a red PNG of 2 by 2 points."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\xcc\x33\x33" * 2 for _ in range(2))
    head = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")).decode()


def code(source: str, *outputs: dict[str, Any], status: str = "completed", count: int | None = 1, **metadata: Any) -> dict[str, Any]:
    """Return a cell that was part of a run."""
    record = {"status": status, "duration": 0.25 if status in {"completed", "failed"} else None, "exception": status == "failed"}
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": {"papermill": record, **metadata},
        "outputs": list(outputs),
        "source": source.splitlines(keepends=True),
    }


def prose(source: str, **more: Any) -> dict[str, Any]:
    """Return a cell of Markdown."""
    return {"cell_type": "markdown", "metadata": {"papermill": {"status": "completed"}}, "source": source, **more}


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    """Return what was printed."""
    return {"output_type": "stream", "name": name, "text": text.splitlines(keepends=True)}


def shown(**data: Any) -> dict[str, Any]:
    """Return what was displayed; `__` stands for the slash of a type, `_` for a hyphen or a plus sign is written out by the caller."""
    return {"output_type": "display_data", "metadata": {}, "data": {name.replace("__", "/"): value for name, value in data.items()}}


def raised(name: str, value: str, *trace: str) -> dict[str, Any]:
    """Return an error."""
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": list(trace)}


TABLE = (
    "<div><style scoped>.dataframe tbody tr th { vertical-align: top; }</style>"
    '<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>alpha</th><th>rmse</th></tr></thead>'
    "<tbody><tr><th>0</th><td>0.1</td><td>58.8</td></tr></tbody></table></div>"
)
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#4a90d9"/></svg>'
TRACE = (
    "\x1b[31m-------\x1b[39m",
    "\x1b[31mKeyError\x1b[39m   Traceback (most recent call last)",
    "\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[5]\x1b[39m\x1b[32m, line 2\x1b[39m",
    "\x1b[32m----> \x1b[39m\x1b[32m2\x1b[39m fit[\x1b[33m'wine'\x1b[39m]",
    "\x1b[38;5;28;01mdef\x1b[39;00m \x1b[38;5;241m3\x1b[39m",
    "\x1b[31mKeyError\x1b[39m: 'wine'",
)


def failed() -> dict[str, Any]:
    """Return a notebook of which one cell failed, one did not run, and one belongs to another entry point."""
    other = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": "# entrypoint: report\nprint('another one')"}
    cells = [
        prose("# Wine\n\nHow *good* is it? See [the data](https://example.org/wine).\n\n| set | rows |\n|---|--:|\n| train | 1200 |\n\n> Public.\n"),
        code("# parameters\nalpha: float = 0.5  # how much to regularise\n"),
        code("# Parameters\nalpha = 0.3\n", count=2, tags=["injected-parameters"]),
        code(
            "def fit(a):\n    return {'x': a}  # nothing learned\n\n\nframe",
            shown(text__html=TABLE, text__plain="   alpha  rmse\n0    0.1  58.8"),
            printed("\x1b[32mround 1\x1b[0m 10 %\r\x1b[32mround 2\x1b[0m 20 %\n"),
            printed("a warning\n", "stderr"),
            count=3,
        ),
        code(
            "plot()",
            shown(image__png=picture(), text__plain="<Figure size 2x2 with 1 Axes>"),
            {"output_type": "display_data", "metadata": {}, "data": {"image/svg+xml": DRAWING, "text/plain": "a drawing"}},
            shown(text__markdown="**58.8** on average", text__plain="58.8"),
            shown(application__json={"rmse": 58.8}, text__plain="<IPython.core.display.JSON object>"),
            shown(application__javascript="alert(1)", text__plain="<IPython.core.display.Javascript object>"),
            count=4,
        ),
        other,
        prose("## Training\n"),
        code("# entrypoint: train\nfit['wine']", raised("KeyError", "'wine'", *TRACE), status="failed", count=5),
        code("print('after')", status="pending", count=None, nbproj={"status": "not run", "reason": "cell 7: KeyError: 'wine'"}),
        {"cell_type": "raw", "metadata": {"papermill": {"status": "completed"}}, "source": "as <b>it</b> is"},
    ]
    about = {"status": "failed", "exit_code": 1, "reason": "cell 7: KeyError: 'wine'", "cell": 7, "cells": 9, "entry_point": "train"}
    about |= {"kernel": "python3", "not_selected": [5], "version": "1"}
    mill = {"exception": True, "start_time": "2026-11-21T10:00:00.5+00:00", "end_time": "2026-11-21T10:00:02+00:00", "duration": 1.5}
    names = {"kernelspec": {"name": "python3", "language": "python"}, "language_info": {"name": "python"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {**names, "nbproj": about, "papermill": mill}, "cells": cells}


def hostile(payload: str) -> dict[str, Any]:
    """Return a notebook that holds a payload wherever it has a text."""
    texts = dict.fromkeys(("text/html", "text/markdown", "text/latex", "text/plain", "image/svg+xml", "application/javascript", payload), payload)
    bundles = [{"output_type": "display_data", "metadata": {payload: payload}, "data": {kind: text}} for kind, text in texts.items()]
    bundles += [
        {"output_type": "display_data", "metadata": {}, "data": {kind: payload, "text/plain": payload}} for kind in ("image/png", "image/gif")
    ]
    cell = code(payload, printed(payload), printed(payload, payload), raised(payload, payload, payload), *bundles, status="failed", tags=[payload])
    cell |= {"id": payload, "execution_count": payload}
    injected = code(payload, tags=["injected-parameters"])
    told = prose(
        f"{payload}\n\n# {payload}\n\n![{payload}](attachment:{payload})\n\n[x]({payload}) ![x]({payload}) <{payload}>\n\n```{payload}\n```\n"
    )
    told["attachments"] = {payload: {"image/png": payload, payload: payload}, "x": {"image/svg+xml": payload}}
    about = dict.fromkeys(("reason", "kernel", "entry_point", "exit_code", "version"), payload) | {"status": "failed", "cell": payload}
    return {
        "cells": [told, injected, cell, {"cell_type": payload, "metadata": {}, "source": payload}, {"cell_type": "raw", "source": payload}],
        "metadata": {
            "kernelspec": {"name": payload, "language": payload},
            "language_info": {"name": payload},
            "nbproj": about,
            "papermill": {"exception": payload, "start_time": payload, "duration": 1.0},
            payload: payload,
        },
    }
