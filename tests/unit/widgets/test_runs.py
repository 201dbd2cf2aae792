"""The panel as Python sees it: what a notebook saves, what is selected, tables and files, its module for the browser."""

from __future__ import annotations

import json
import re

import pytest
from IPython.core.interactiveshell import InteractiveShell
from many_runs import many_runs, run_id

import nbproj
from nbproj.errors import NbprojError
from nbproj.widgets import bundle


@pytest.fixture
def uri(tmp_path):
    return many_runs(tmp_path / "mlflow.db", 40, batch=20)


@pytest.fixture
def panel(uri):
    made = nbproj.panel("wine", tracking_uri=uri)
    yield made
    made.close()


def test_no_run_is_in_what_a_front_end_may_save(panel):
    state = json.dumps({name: str(value) for name, value in panel.widget.get_state().items()})
    assert run_id(39) not in state
    assert "run-39" not in state
    assert "nbp-grid" in state


def test_the_static_table_is_small_and_tells_how_many_there_are(panel):
    static = panel.static()
    assert "and 35 more" in static["text/plain"]
    assert "and 35 more" in static["text/html"]
    assert static["application/vnd.nbproj.runs.v1+json"]["total"] == 40
    assert len(json.dumps(static)) < 13_000


def test_selected_runs_are_runs(panel, uri):
    panel.select([run_id(3), nbproj.get_run(run_id(4), tracking_uri=uri)])
    assert [run.run_id for run in panel.selected] == [run_id(3), run_id(4)]
    assert panel.selected[0].params["seed"] == "3"


def test_the_table_is_handed_out_as_a_frame_and_as_a_file(panel, uri, tmp_path):
    frame = panel.to_frame()
    assert frame.index[0] == run_id(39)
    exact = nbproj.get_run(run_id(39), tracking_uri=uri).metrics["rmse"]
    assert frame.loc[run_id(39), "metrics.rmse"] == exact
    assert str(frame["start_time"].dtype).endswith("UTC]")
    text = panel.to_csv()
    assert repr(exact) in text
    assert panel.to_csv(tmp_path / "runs.csv").read_text() == text


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"experiment": "wien"}, "Did you mean 'wine'?"),
        ({"columns": ["rmse"]}, "there is no column 'rmse'"),
        ({"filter": "rmse <"}, "is not understood"),
    ],
)
def test_what_is_wrong_is_told_at_once_in_one_line(uri, asked, told):
    with pytest.raises(NbprojError) as error:
        nbproj.panel(tracking_uri=uri, **asked)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_store_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NbprojError, match="there are no runs yet"):
        nbproj.panel(tracking_uri=f"sqlite:///{tmp_path / 'none.db'}")


def test_in_a_terminal_the_magic_shows_the_table(uri):
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "nbproj")
    made = shell.run_line_magic("mlruns", f"--tracking-uri {uri} --sort metrics.rmse --ascending")
    lines = repr(made).splitlines()
    assert lines[0].startswith("state")
    assert lines[-1] == "and 35 more"
    with pytest.raises(NbprojError, match="Try: %mlruns --help"):
        shell.run_line_magic("mlruns", "--no-such")
    made.close()


def test_the_modules_are_joined_without_anything_that_a_browser_would_have_to_fetch():
    code = bundle.javascript()
    assert re.findall(r"^\s*import ", code, re.MULTILINE) == []
    assert re.findall(r"^export ", code, re.MULTILINE) == ["export "]
    assert re.findall(r"https?://[^\s)\"']+", bundle.stylesheet()) == []
    own = code.replace(bundle._read("web/uplot.js"), "")
    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert unsafe not in own
