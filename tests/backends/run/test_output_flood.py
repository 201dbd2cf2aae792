"""What no program should print, printed by real ones: the log holds it, the card shows a clear end of it, the driver's memory stays flat."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

MEGABYTE = 1_000_000
LONGEST_CARD = 60_000

DRIVER = """
import json, resource, sys, time
import nbproj
from nbproj.display.card import bundle
from nbproj.display.live import CardState

def once(kind):
    state = CardState(time.time() * 1000)
    states = []
    def show(event):
        state.fold(event, time.time() * 1000)
        if event.step == "output" and len(states) < 50:
            states.append(bundle(state.values(time.time() * 1000)))
    run = nbproj.run(".", parameters={"kind": kind}, progress=show)
    shown = bundle({**state.values(time.time() * 1000), **run.values()})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"status": run.status, "log": str(run.artifact("run/output.log")), "shown": shown, "states": states, "peak": peak}

print(json.dumps({kind: once(kind) for kind in sys.argv[1:]}))
"""

FLOOD = """
import hashlib, os, sys

kind, told = sys.argv[1:]
digest, size = hashlib.sha256(), 0

def say(data):
    global size
    digest.update(data)
    size += len(data)
    sys.stdout.buffer.write(data)

def often(data, megabytes):
    whole = data * (1_000_000 // len(data))
    for _ in range(megabytes):
        say(whole)

if kind == "nothing":
    say(b"hello\\n")
elif kind == "lines":
    often(b"epoch 00012 loss 0.1234 accuracy 0.934 - and more to fill the line until it is a hundred bytes....\\n", 60)
    say(b"the last line\\n")
elif kind == "returns":
    for number in range(1_000_000):
        say(b"\\r%d of a million" % number)
    say(b"\\rdone" + b" " * 20 + b"\\n")
elif kind == "one line":
    often(b"x", 50)
elif kind == "bytes":
    for _ in range(8):
        say(os.urandom(1_000_000))
    say(b"\\n\\xff\\xfe end \\xc3\\n")
elif kind == "controls":
    often(bytes(range(0x20)) + bytes(range(0x7f, 0xa0)) + b"\\xe2\\x80\\xae\\xe2\\x80\\xa8", 8)
    say(b"\\x18\\x1b[0m\\x1b[2J\\x1b[H<script>alert('\\x00\\x07')</script> & <img src=x onerror=y>\\n")
elif kind == "colours":
    often(b"\\x1b[31mred\\x1b[0m \\x1b[1;38;2;1;2;3mgreen\\x1b[2K\\x1b[1A up\\x1b[5;10H\\x1b]0;title\\x07\\n", 8)
    say(b"\\x1b[2J\\x1b[H\\x1b[0mplain at last\\n")
elif kind == "nul":
    often(b"\\0", 8)
    say(b"\\nend\\n")
elif kind == "unfinished":
    say(b"before\\n\\x1b]0;")
    often(b"t", 8)
    say(b"\\nafter\\n")
elif kind == "tqdm":
    import tqdm
    class Bar:
        def write(self, text):
            say(text.encode())
        def flush(self):
            sys.stdout.flush()
    for _ in tqdm.tqdm(range(3000), file=Bar(), mininterval=0, ncols=80):
        pass
sys.stdout.flush()
open(told, "w").write(f"{digest.hexdigest()} {size}")
"""

KINDS = ["lines", "returns", "one line", "bytes", "controls", "colours", "nul", "unfinished", "tqdm"]


@pytest.fixture(scope="module")
def floods(tmp_path_factory):
    """Return what the driver saw of each kind of flood: one process runs them all, one after the other, a quiet program first."""
    folder = tmp_path_factory.mktemp("floods")
    (folder / "flood.py").write_text(FLOOD)
    (folder / "driver.py").write_text(DRIVER)
    (folder / "MLproject").write_text(
        f"entry_points: {{main: {{parameters: {{kind: string}}, command: '\"{sys.executable}\" flood.py {{kind}} told-{{kind}}'}}}}\n"
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "NBPROJ_", "XDG_", "GIT_"))}
    done = subprocess.run(
        [sys.executable, "driver.py", "nothing", *KINDS],
        cwd=folder,
        env={**plain, "HOME": str(folder), "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return {"folder": folder, **json.loads(done.stdout)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_holds_every_byte(floods, kind):
    digest, size = (floods["folder"] / f"told-{kind}").read_text().split()
    with Path(floods[kind]["log"]).open("rb") as log:
        assert hashlib.file_digest(log, "sha256").hexdigest() == digest
        assert log.tell() == int(size)


def test_memory_stays_flat_whatever_comes(floods):
    growth = {kind: (floods[kind]["peak"] - floods["nothing"]["peak"]) // MEGABYTE for kind in KINDS}
    assert max(growth.values()) < 40, growth


@pytest.mark.parametrize("kind", KINDS)
def test_no_state_of_the_card_is_long_or_obeys_what_was_printed(floods, kind):
    for bundle in [*floods[kind]["states"], floods[kind]["shown"]]:
        page = bundle["text/html"]
        assert len(page) < LONGEST_CARD
        assert re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028\ud800-\udfff]", page + bundle["text/plain"]) == []
        assert not re.search(r"<(script|img|a|link|iframe)\b|\bon\w+=|https?:", re.sub(r"&lt;.*?&gt;", "", page))
        assert len(json.dumps(bundle["application/vnd.nbproj.run.v1+json"], indent=1)) < 10_000


def tail(floods, kind):
    shown = re.findall(r"<pre[^>]*>(.*?)</pre>", floods[kind]["shown"]["text/html"], re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", shown[-1].removeprefix("\n"))).split("\n")  # a first newline is nobody's line


def test_the_end_of_the_output_is_what_a_terminal_would_show(floods):
    assert tail(floods, "lines")[-1] == "the last line"
    assert len(tail(floods, "lines")) == 12
    assert [line.rstrip() for line in tail(floods, "returns")] == ["done"]
    assert set(tail(floods, "one line")[0].strip("\u2026")) == {"x"}
    assert len(tail(floods, "one line")) == 1
    assert tail(floods, "bytes")[-1] == "\ufffd\ufffd end \ufffd"
    assert tail(floods, "controls")[-1] == "<script>alert('')</script> & <img src=x onerror=y>"
    assert tail(floods, "colours")[-1] == "plain at last"
    assert tail(floods, "nul") == ["", "end"]
    assert tail(floods, "unfinished")[-1] == "after"
    assert len(tail(floods, "tqdm")) == 1
    assert tail(floods, "tqdm")[0].startswith("100%|")
    assert "3000/3000" in tail(floods, "tqdm")[0]


def test_every_run_finishes(floods):
    assert {floods[kind]["status"] for kind in KINDS} == {"FINISHED"}
