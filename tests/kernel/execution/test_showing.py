"""What cells show: while they run, in the executed notebook, within bounds."""

from __future__ import annotations

import json
import threading
import time

import pytest

from nbproj.execution import executed, outputs
from nbproj.execution.client import Client
from nbproj.tracking.redact import Redactor


def test_output_is_told_and_saved_while_the_cell_that_prints_still_runs(begin, tmp_path):
    flag = tmp_path / "go"
    running = begin(f"import os, time\nprint('early', flush=True)\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.05)\nprint('late')")
    deadline = time.monotonic() + 60
    while "early" not in json.dumps(running.document()["cells"][0]["outputs"]) and time.monotonic() < deadline:
        running.execution.next(0.1)
    document = running.document()
    assert document["cells"][0]["metadata"]["papermill"]["status"] == "running"
    flag.touch()
    assert running.finish().log == "early\nlate\n"


def test_a_notebook_of_many_quick_cells_is_saved_about_once_a_second(execute):
    before = time.monotonic()
    done = execute(*["x = 1"] * 40)
    assert done.saves <= 2 + (time.monotonic() - before) / executed._SAVE_SECONDS
    assert done.statuses == ["completed"] * 40


def test_every_saved_state_is_a_whole_notebook(begin):
    running = begin("import time\nfor i in range(30):\n    print('x' * 10000, flush=True); time.sleep(0.1)")
    bad: list[str] = []
    reads = 0

    def read() -> None:
        nonlocal reads
        while running.execution.outcome is None:
            if running.output.exists():
                reads += 1
                try:
                    running.document()
                except ValueError as error:
                    bad.append(str(error))
            time.sleep(0.002)

    reader = threading.Thread(target=read)
    reader.start()
    running.finish()
    reader.join()
    assert reads > 10
    assert bad == []


def test_streams_are_joined_and_keep_their_order(execute):
    done = execute("import sys\nfor i in range(3):\n    print(i); sys.stdout.flush()\nprint('e', file=sys.stderr); sys.stderr.flush()\nprint('o')")
    assert [(output["name"], output["text"]) for output in done.document["cells"][0]["outputs"]] == [
        ("stdout", ["0\n", "1\n", "2\n"]),
        ("stderr", ["e\n"]),
        ("stdout", ["o\n"]),
    ]


def test_a_progress_bar_leaves_its_last_state(execute):
    done = execute("import sys\nfor i in range(2000):\n    sys.stderr.write(f'\\r{i} of 2000')\nsys.stderr.write('\\n')")
    assert done.texts() == "1999 of 2000\n"


def test_displays_are_updated_in_the_cells_that_show_them(execute):
    done = execute(
        "from IPython.display import display, clear_output\nhandle = display('first', display_id=True)",
        "handle.update('second')\ndisplay('shown')",
        "display('cleared')\nclear_output(wait=True)\ndisplay('kept')",
        "print('gone')\nclear_output()",
    )
    shown = [[output["data"]["text/plain"] for output in cell["outputs"]] for cell in done.document["cells"]]
    assert shown == [[["'second'"]], [["'shown'"]], [["'kept'"]], []]


def test_very_many_updates_of_a_display_cost_no_room(execute):
    source = "from IPython.display import display\nhandle = display(0, display_id=True)\nfor i in range(5000):\n    handle.update(i)"
    done = execute(source, cell_timeout=250)
    assert done.outcome.exit_code == 0
    assert [output["data"]["text/plain"] for output in done.document["cells"][0]["outputs"]] == [["4999"]]


def test_what_a_thread_prints_after_its_cell_stays_with_that_cell(execute):
    later = "def later():\n    time.sleep(0.3)\n    print('from the thread', flush=True)"
    done = execute(f"import threading, time\n{later}\nthread = threading.Thread(target=later)\nthread.start()", "thread.join()")
    assert done.log == "from the thread\n"
    assert done.texts(0) + done.texts(1) == "from the thread\n"


def test_too_much_output_is_cut_with_a_note_and_the_log_keeps_all_of_it(execute):
    done = execute("line = 'x' * 99\nfor _ in range(150_000):\n    print(line)", "print('next')", cell_timeout=250)
    text = done.texts(0)
    assert outputs.CELL_BYTES * 0.5 < len(text) < outputs.CELL_BYTES * 1.01
    assert "MB more, which the notebook does not hold. The log of the run has what it printed." in text[-200:]
    assert len(done.log) == 15_000_000 + len("next\n")
    assert done.texts(1) == "next\n"


def test_the_cells_together_are_bounded_too(execute, monkeypatch):
    monkeypatch.setattr(outputs.Displays.__init__, "__defaults__", (1_000_000,))
    done = execute(*["print('x' * 400_000)"] * 4)
    lengths = [len(done.texts(index)) for index in range(4)]
    assert lengths[:2] == [400_001, 400_001]
    assert all("MB more" in done.texts(index) for index in (2, 3))


def test_no_state_of_widgets_is_kept_and_their_text_is_shown(execute):
    done = execute("import ipywidgets\nslider = ipywidgets.IntSlider(value=7)\nslider")
    assert "widgets" not in done.document["metadata"]
    [output] = done.document["cells"][0]["outputs"]
    assert list(output["data"]) == ["text/plain"]
    assert "IntSlider(value=7)" in "".join(output["data"]["text/plain"])


def test_what_goes_to_an_output_widget_is_not_lost(execute):
    done = execute("import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    print('inside')")
    assert done.texts() == "inside\n"


@pytest.mark.parametrize("text", ["\x00\x1b[31m", "é\u2028", "</script>", '"\\'])
def test_any_character_can_be_shown(text, execute):
    done = execute(f"from IPython.display import display\ndisplay({{'text/plain': {text!r}}}, raw=True)")
    assert done.document["cells"][0]["outputs"][0]["data"]["text/plain"] == text.splitlines(keepends=True)


def test_a_file_name_that_is_no_utf8_is_shown_with_the_sign_for_what_cannot_be_read(execute):
    done = execute("import os\nprint(os.fsdecode(b'caf\\xe9'))")
    assert done.texts() == "caf\N{REPLACEMENT CHARACTER}\n"
    assert done.log == done.texts()


def test_a_character_that_the_kernel_cannot_send_fails_in_its_cell(execute):
    done = execute("from IPython.display import display\ndisplay({'text/plain': '\\ud800'}, raw=True)")
    assert done.outcome.reason.startswith("cell 1: UnicodeEncodeError: ")


def test_secrets_are_in_no_saved_state(execute, begin):
    secret = "correct-horse-battery"
    running = begin(
        "# parameters\ntoken = ''",
        "print(token); token",
        secrets={"token": "TOKEN"},
        environment={"TOKEN": secret},
        redactor=Redactor([secret]),
    )
    done = running.finish()
    assert 'token = os.environ["TOKEN"]' in "".join(done.document["cells"][1]["source"])
    assert done.log == "***\n"
    assert done.outcome.exit_code == 0
    assert not any(secret in save for save in running.saves)
    assert done.document["cells"][2]["outputs"][1]["data"]["text/plain"] == ["'***'"]


def test_waiting_for_a_kernel_is_waiting_not_asking_all_the_time(execute, monkeypatch):
    waits = []
    wait = Client._wait
    monkeypatch.setattr(Client, "_wait", lambda self, seconds: (waits.append(seconds), wait(self, seconds))[1])
    execute("pass")
    assert len(waits) < 300
