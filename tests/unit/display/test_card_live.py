"""What a live card knows: events folded into plain values."""

import math
import tracemalloc

from nbproj.display import card
from nbproj.display.live import CardState
from nbproj.progress import Event


def folded(*events: Event) -> CardState:
    state = CardState(started=1000.0)
    for number, event in enumerate(events):
        state.fold(event, at=2000.0 + number)
    return state


def test_a_card_begins_before_there_is_a_run():
    values = folded(Event("fetching", "fetching https://host/wine.git", done=30, total=120)).values(now=5000.0)
    assert (values["status"], values["run_id"], values["step"]) == ("STARTING", "", "fetching https://host/wine.git (25 %)")


def test_each_step_is_told():
    steps = [
        (Event("checked"), "checked"),
        (Event("creating"), "creating the run"),
        (Event("preparing", "preparing the uv environment"), "preparing the uv environment"),
        (Event("prepared"), "starting"),
        (Event("started", data={"pid": 1}), "running"),
        (Event("waiting", "waiting for\nthe store"), "waiting for the store"),
        (Event("cell", "cell 2 of 3", done=1, total=3), "cell 2 of 3"),
        (Event("cell", "", done=3, total=3), "cell 2 of 3"),
        (Event("ending"), "keeping what the run left"),
        (Event("settled", data={"status": "FINISHED"}), ""),
    ]
    state = CardState(started=0.0)
    for event, step in steps:
        state.fold(event, at=1.0)
        assert state.values(now=2.0)["step"] == step


def test_the_end_stops_the_clock():
    state = folded(Event("created", data={"run_id": "abc", "store": "s"}), Event("settled", data={"status": "KILLED", "exit_code": 130}))
    assert state.ended
    assert state.values(now=1e9) == state.values(now=2e9)
    assert state.values(now=1e9)["end_time"] == 2001.0
    assert state.values(now=1e9)["exit_code"] == 130


def test_metrics_keep_their_course():
    state = folded(*(Event("metric", data={"key": "loss", "value": value}) for value in (3, "2", math.nan, 10**400)))
    values = state.values(now=0.0)
    assert values["metrics"]["loss"] == math.inf
    assert values["curves"]["loss"][:2] == [3.0, 2.0]
    assert values["counts"] == {"loss": 4}


def test_a_note_is_told_once():
    state = folded(*[Event("note", "wine.csv is not in Git")] * 3, *(Event("note", f"note {number}") for number in range(100)))
    notes = state.values(now=0.0)["notes"]
    assert notes.count("wine.csv is not in Git") == 1
    assert notes[-1] == "and 81 more"


def test_what_was_handed_out_does_not_change_later():
    state = folded(Event("output", "one\n"), Event("metric", data={"key": "loss", "value": 1}))
    before = card.bundle(state.values(now=3000.0))
    values = state.values(now=3000.0)
    state.fold(Event("output", "\x1b[Atwo\n"), at=1.0)
    state.fold(Event("metric", data={"key": "loss", "value": 2}), at=1.0)
    state.fold(Event("created", data={"run_id": "x", "params": {"alpha": "1"}}), at=1.0)
    assert card.bundle(values) == before


def test_events_with_odd_data_are_survived():
    state = folded(
        Event("metric"),
        Event("metric", data={"key": None, "value": "many"}),
        Event("created"),
        Event("cell", "cell", done=9, total=0),
        Event("settled"),
        Event("created", data={"run_id": None, "params": "x"}),
    )
    assert card.bundle(state.values(now=0.0))


def test_memory_stays_bounded_however_much_happens():
    tracemalloc.start()
    try:
        state = CardState(started=0.0)
        for number in range(5_000):
            state.fold(Event("metric", data={"key": f"metric {number % 1000}", "value": number}), at=0.0)
            state.fold(Event("note", f"note {number}" * 20), at=0.0)
            state.fold(Event("output", f"{number}\n"), at=0.0)
        kept, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 5_000_000
