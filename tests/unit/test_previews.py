"""What a card shows of artifacts: pictures that cannot run anything, and the first rows of tables."""

from __future__ import annotations

import json
import struct
import zlib

import pytest

from nbproj.display.card import bundle
from nbproj.display.html import picture
from nbproj.previews import chosen, previews_of, read_preview
from nbproj.tracking.mlflow_store import open_store

MARKUP = '<img src=x onerror="pwned=1"><script>pwned=1</script>'
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="pwned=1"><script>pwned=1</script><rect width="9" height="9"/></svg>'


def png(width=8, height=8):
    """Return a small picture."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(b"\0" + b"\x88" * width for _ in range(height)))),
    ]
    packed = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in [*chunks, (b"IEND", b"")]
    )
    return b"\x89PNG\r\n\x1a\n" + packed


@pytest.fixture
def run(tmp_path):
    """Return a store, a run in it, and a function that adds artifacts."""
    store = open_store(f"sqlite:///{tmp_path}/mlflow.db")
    record = store.create_run(store.experiment(name="e"), name="r", tags={})

    def log(**files):
        paths = {}
        for number, (name, data) in enumerate(files.items()):
            paths[name.replace("__", ".")] = tmp_path / f"{number}"
            (tmp_path / f"{number}").write_bytes(data)
        store.log_artifacts(record.run_id, paths)

    return store, record.run_id, log


def test_pictures_and_tables_of_a_run_are_read_from_its_store(run):
    store, run_id, log = run
    log(plot__png=png(), drawing__svg=DRAWING, scores__csv=b"name,score\na,1\nb,2\n", notes__txt=b"text")
    found = {one["path"]: one for one in previews_of(store, run_id)}
    assert sorted(found) == ["drawing.svg", "plot.png", "scores.csv"]
    assert found["plot.png"]["data"] == png()
    assert found["scores.csv"] == {"path": "scores.csv", "columns": ["name", "score"], "rows": [["a", "1"], ["b", "2"]], "more": False}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", b"<html>"),
        ("a.svg", b"<html>"),
        ("a.csv", b""),
        ("a.csv", b"\xff\xfe"),
        ("a.json", b"{"),
        ("a.json", b"3"),
        ("a.parquet", b"PAR1"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_has_no_preview(name, data, tmp_path):
    (tmp_path / name).write_bytes(data)
    assert read_preview(tmp_path / name) is None


def test_tables_of_every_text_format_show_their_first_rows_alike(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"name": list("abcdefgh"), "score": range(8)})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    frame.to_json(tmp_path / "a.json", orient="records")
    frame.to_json(tmp_path / "b.json", orient="split", index=False)
    for name in ("a.csv", "a.tsv", "a.json", "b.json"):
        shown = read_preview(tmp_path / name)
        assert shown == {"columns": ["name", "score"], "rows": [[letter, str(number)] for number, letter in enumerate("abcde")], "more": True}, name


def test_large_files_and_many_files_are_left_out():
    many = [(f"{number}.png", 10) for number in range(9)]
    assert chosen([*many, ("large.png", 10**7), ("unknown.csv", None)]) == ["0.png", "1.png", "2.png"]


def test_no_artifact_becomes_markup():
    previews = [
        {"path": MARKUP, "mime": "image/svg+xml", "data": DRAWING},
        {"path": MARKUP, "columns": [MARKUP], "rows": [[MARKUP]], "more": True},
    ]
    html = bundle({"status": "FINISHED", "run_id": "0123456789", "previews": previews})["text/html"]
    assert "<script" not in html
    assert "<svg" not in html
    assert "<img src=x" not in html
    assert html.count("<img ") == 1
    assert 'src="data:image/svg+xml;base64,' in html
    with pytest.raises(ValueError, match="no picture of a card"):
        picture("text/html", b"", "")


def test_the_card_without_artifacts_is_as_it_was():
    values = {"status": "FINISHED", "run_id": "0123456789"}
    assert bundle(values) == bundle({**values, "previews": []})
    assert json.dumps(bundle(values))
