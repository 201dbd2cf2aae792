"""The card of a run, as people read it: golden files for the states of a run. `WRITE_GOLDEN=1` writes them anew; then read the difference."""

import json
import os
import random
from pathlib import Path

import pytest

from nbproj.display import card
from nbproj.display.card_json import LIMIT, MIME
from nbproj.display.live import CardState
from nbproj.progress import Event

GOLDEN = Path(__file__).parent / "golden"
START = 1_767_353_400_000
RUN = "3f2a9c0d81e64f7bb1f0a2c45d6e7f80"
TRACE = """---------------------------------------------------------------------------
ValueError                                Traceback (most recent call last)
Cell In[4], line 3
      1 model = Lasso(alpha)
      2 if alpha < 0:
----> 3     raise ValueError(f"alpha must not be negative: {alpha}")

ValueError: alpha must not be negative: -1.0"""


def running() -> dict:
    state = CardState(started=START)
    events = [
        Event("checked", data={"entry_point": "train", "uri": "notebooks/diabetes", "commit": None}),
        Event("creating"),
        Event("created", data={"run_id": RUN, "store": "~/wine/mlflow.db", "experiment_id": "0", "params": {"alpha": "0.3", "data": "wine.csv"}}),
        Event("preparing", "preparing the uv environment"),
        Event("note", "wine.csv is not in Git"),
        Event("started", data={"pid": 4711}),
        Event("cell", "cell 7 of 12", done=6, total=12),
        Event("output", "loading wine.csv\n\x1b[1;32mready\x1b[0m in 1.2 s\n"),
        *(Event("output", f"\rfitting: {share:3d}%|{'█' * (share // 10):<10}| {share}/100") for share in range(0, 70, 5)),
        *(Event("metric", data={"key": "rmse", "value": 90 - 12 * step**0.5, "step": step}) for step in range(9)),
        Event("metric", data={"key": "epochs", "value": 9}),
    ]
    for number, event in enumerate(events):
        state.fold(event, at=START + 100 * number)
    return state.values(now=START + 83_400)


def finished() -> dict:
    return {
        "run_id": RUN,
        "name": "gifted-owl-12",
        "status": "FINISHED",
        "exit_code": 0,
        "experiment_id": "0",
        "entry_point": "train",
        "params": {"alpha": "0.3", "data": "/home/ana/wine/wine.csv", "note": "a  b & c < d"},
        "metrics": {"rmse": 58.83612, "r2": 0.4521, "epochs": 9.0},
        "curves": {"rmse": [90.0, 78.1, 73.02, 69.2, 66, 63.1, 60.6, 58.83612], "r2": [0.1, 0.3, 0.4521]},
        "counts": {"rmse": 8, "r2": 3},
        "artifacts": ["model/MLmodel", "plot.png", "run/train.ipynb", "run/output.log"],
        "notebook": "mlruns/0/3f2a/artifacts/run/train.ipynb",
        "start_time": START,
        "end_time": START + 12_345,
        "store": "~/wine/mlflow.db",
        "output": "loading\r\x1b[Kloaded 442 rows\nfitted\n",
    }


def failed_notebook() -> dict:
    return finished() | {
        "status": "FAILED",
        "exit_code": 1,
        "metrics": {},
        "curves": {},
        "params": {"alpha": "-1.0"},
        "reason": "cell 4: ValueError: alpha must not be negative: -1.0",
        "cell": 4,
        "source": 'model = Lasso(alpha)\nif alpha < 0:\n    raise ValueError(f"alpha must not be negative: {alpha}")\n',
        "traceback": TRACE,
        "artifacts": ["run/train.ipynb", "run/output.log"],
    }


def killed() -> dict:
    return finished() | {
        "status": "KILLED",
        "exit_code": 130,
        "reason": "interrupted",
        "notebook": None,
        "artifacts": [],
        "metrics": {"rmse": float("nan")},
        "curves": {"rmse": [3.0, 2.5, float("inf"), 7.0, float("nan")]},
        "counts": {"rmse": 5},
        "output": "epoch 1\nepoch 2\n\x1b[33mwarning:\x1b[0m the loss grows\n^C\n",
    }


def long() -> dict:
    chance = random.Random(7)  # the same numbers in each run of the test
    return finished() | {
        "status": "FAILED",
        "entry_point": "an entry point with a name that is far longer than anybody would like to read " * 3,
        "reason": "the reason is long as well, " * 40,
        "params": {f"parameter_{index}": f"value {index} " * (index * 3) for index in range(60)},
        "metrics": {f"metric/{index}": chance.uniform(-1, 1) * 10**index for index in range(40)},
        "curves": {f"metric/{index}": [chance.random() for _ in range(500)] for index in range(40)},
        "counts": {f"metric/{index}": 100_000 for index in range(40)},
        "artifacts": [f"plots/{index}/a-figure-with-a-name.png" for index in range(300)],
        "source": "\n".join(f"line_{index} = {index}  # {'x' * index * 8}" for index in range(80)),
        "traceback": "\n".join(f"  File {index}, line {index}\n    {'call()' * 60}" for index in range(200)),
        "output": "\n".join(f"{index} " + "漢字 and more " * 40 for index in range(10_000)),
        "notes": [f"note {index}" for index in range(40)],
    }


EXAMPLES = {"running": running, "finished": finished, "failed": failed_notebook, "killed": killed, "empty": dict, "long": long}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_card_is_what_its_golden_files_hold(name):
    bundle = card.bundle(EXAMPLES[name]())
    rendered = {
        "html": bundle["text/html"].replace("><", ">\n<") + "\n",
        "txt": bundle["text/plain"] + "\n",
        "json": json.dumps(bundle[MIME], indent=1, ensure_ascii=False) + "\n",
    }
    for suffix, text in rendered.items():
        file = GOLDEN / f"card-{name}.{suffix}"
        if os.environ.get("WRITE_GOLDEN"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_equal_values_give_equal_bytes(name):
    assert json.dumps(card.bundle(EXAMPLES[name]())) == json.dumps(card.bundle(EXAMPLES[name]()))


def test_the_card_of_a_run_that_has_ended_does_not_change_with_the_clock():
    assert card.bundle(finished() | {"now": START + 10**9}) == card.bundle(finished() | {"now": START + 2 * 10**9})


def test_the_card_of_a_running_run_says_when_it_was_saved():
    bundle = card.bundle(running())
    assert "as of 2026-01-02 11:31:23 UTC" in bundle["text/html"]
    assert "as of      2026-01-02 11:31:23 UTC" in bundle["text/plain"]
    assert bundle[MIME]["saved"] == START + 83_400


def test_a_progress_bar_tells_its_share_to_a_screen_reader_and_in_words():
    html = card.bundle(running())["text/html"]
    assert 'role="progressbar" aria-label="cells done" aria-valuemin="0" aria-valuenow="6" aria-valuemax="12"' in html
    assert "cell 7 of 12" in html


def test_the_whole_id_can_be_copied():
    bundle = card.bundle(finished())
    assert f'title="{RUN}"' in bundle["text/html"]
    assert f">{RUN}</code>" in bundle["text/html"]
    assert f"run {RUN}" in bundle["text/plain"]


def test_the_failing_cell_and_its_traceback_stand_there_once():
    bundle = card.bundle(failed_notebook())
    assert bundle["text/html"].count("Traceback (most recent call last)") == 1
    assert bundle["text/html"].count("model = Lasso(alpha)\nif") == 1
    assert bundle["text/plain"].count("Traceback (most recent call last)") == 1


def test_a_page_does_not_typeset_the_data():
    assert 'class="tex2jax_ignore mathjax_ignore"' in card.bundle(finished() | {"params": {"cost": "$1 and $2"}})["text/html"]


def test_each_state_is_a_word_and_not_only_a_colour():
    for status in ("STARTING", "RUNNING", "FINISHED", "FAILED", "KILLED", "REFUSED", "SCHEDULED"):
        bundle = card.bundle({"status": status})
        assert f">{status}</b>" in bundle["text/html"]
        assert bundle["text/plain"].startswith(status)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_json_is_small_and_says_what_it_left_out(name):
    values = EXAMPLES[name]()
    document = card.bundle(values)[MIME]
    assert len(json.dumps(document, indent=1)) < LIMIT
    for field in ("params", "metrics"):
        assert len(document[field]) + document["left_out"].get(field, 0) == len(values.get(field, ()))
    assert len(json.loads(json.dumps(document, allow_nan=False))) == len(document)


def test_the_html_is_bounded_however_much_there_is():
    assert len(card.bundle(long())["text/html"]) < 100_000


def test_what_the_record_tells_can_be_laid_over_what_the_live_card_knew():
    bundle = card.bundle({**running(), **finished(), "curves": running()["curves"], "counts": running()["counts"]})
    assert bundle["text/html"].count("9 values from 90 to") == 1
    assert bundle[MIME]["stage"] == "ended"
    assert bundle[MIME]["saved"] is None
