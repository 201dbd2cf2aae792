"""The same notebook in papermill and here: what papermill gets wrong, and that it still does - else our way round can go."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import papermill
import papermill.engines
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from nbproj.project.notebook import read_notebook


@dataclass
class Theirs:
    """What papermill left."""

    document: dict
    error: BaseException | None = None
    saves: int = 0
    folders: list[str] = field(default_factory=list)

    @property
    def statuses(self) -> list[str]:
        """Its word on each cell but the two that it adds for an error."""
        cells = [cell for cell in self.document["cells"] if "papermill-error-cell-tag" not in cell["metadata"]["tags"]]
        return [cell["metadata"]["papermill"]["status"] for cell in cells]


@pytest.fixture
def papermills(tmp_path, monkeypatch) -> Callable[..., Theirs]:
    """Return a function that executes cells by papermill's own engine."""

    def run(*sources: str, **options: object) -> Theirs:
        source, output = tmp_path / "theirs.ipynb", tmp_path / "out.ipynb"
        cells = [nbformat.v4.new_code_cell(text) for text in sources]
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        source.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=metadata)))
        done = Theirs({})
        write = papermill.engines.write_ipynb

        def counted(notebook: object, path: str) -> None:
            done.saves += 1
            done.folders.append(os.getcwd())  # noqa: PTH109 - where the process is, not a path
            write(notebook, path)

        with monkeypatch.context() as patch:
            patch.setattr(papermill.engines, "write_ipynb", counted)
            try:
                papermill.execute_notebook(options.pop("given", source), output, progress_bar=False, **options)
            except Exception as error:  # noqa: BLE001 - what it raises is part of the comparison
                done.error = error
        done.document = json.loads(output.read_text())
        return done

    return run


def test_a_cell_that_took_too_long_is_no_completed_cell(papermills, execute):
    sources = ("pass", "import time; time.sleep(100)", "pass")
    theirs, ours = papermills(*sources, execution_timeout=5), execute(*sources, cell_timeout=5)  # `pass` must not take as long on a busy machine
    assert isinstance(theirs.error, CellTimeoutError)
    assert theirs.statuses == ["completed"] * 3
    assert theirs.document["metadata"]["papermill"]["exception"] is None
    assert ours.statuses == ["completed", "failed", "pending"]
    assert ours.document["metadata"]["papermill"]["exception"] is True
    assert ours.document["metadata"]["nbproj"]["reason"] == "cell 2: timeout after 5 s"


def test_a_cell_in_which_the_kernel_died_is_no_completed_cell(papermills, execute):
    sources = ("pass", "import os; os._exit(3)", "pass")
    theirs, ours = papermills(*sources), execute(*sources)
    assert isinstance(theirs.error, DeadKernelError)
    assert "3" not in str(theirs.error)
    assert theirs.statuses == ["completed"] * 3
    assert ours.statuses == ["completed", "failed", "pending"]
    assert ours.document["cells"][1]["metadata"]["nbproj"]["reason"] == "the kernel died in cell 2: exit code 3"


def test_a_kernels_folder_is_not_that_of_the_whole_process(papermills, execute, tmp_path):
    # papermill moves the process, and with it every other thread of it: three notebooks in three threads then run in each other's folders.
    before = Path.cwd()
    there = tmp_path / "there"
    there.mkdir()
    theirs = papermills("import os; print(os.getcwd())", cwd=there)
    seen = []
    ours = execute("import os; print(os.getcwd())", cwd=there, listen=lambda _event: seen.append(Path.cwd()))
    assert set(theirs.folders) == {str(there)}
    assert set(seen) == {before}
    assert ours.log == f"{there}\n"


def test_an_unknown_magic_is_named(papermills, execute):
    theirs, ours = papermills("%nosuchmagic"), execute("%nosuchmagic")
    assert isinstance(theirs.error, PapermillExecutionError)
    assert "nosuchmagic` not found" not in theirs.error.evalue
    assert ours.outcome.reason == "cell 1: UsageError: Line magic function `%nosuchmagic` not found."


def test_a_notebook_that_ends_itself_well_has_no_failed_cell(papermills, execute):
    sources = ("pass", "import sys; sys.exit(0)", "pass")
    theirs, ours = papermills(*sources), execute(*sources)
    assert theirs.error is None
    assert theirs.statuses == ["completed", "failed", "pending"]
    assert theirs.document["metadata"]["papermill"]["exception"] is True
    assert ours.statuses == ["completed", "completed", "pending"]
    assert ours.marks == [None, None, "not run"]
    assert not ours.document["metadata"]["papermill"]["exception"]


def test_a_cell_that_fails_where_errors_are_allowed_is_a_failed_cell(papermills, execute):
    sources = ("1 / 0", "print('on')")
    theirs, ours = papermills(*sources, allow_errors=True), execute(*sources, allow_errors=True)
    assert isinstance(theirs.error, PapermillExecutionError)
    assert theirs.statuses == ["completed", "completed"]
    assert ours.statuses == ["failed", "completed"]
    assert ours.outcome.reason == "cell 1: ZeroDivisionError: division by zero"


def test_a_notebook_in_memory_does_not_come_out_inside_itself(papermills):
    given = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("6 * 7")], metadata={"kernelspec": {"name": "python3", "display_name": "p"}})
    given.metadata["language_info"] = {"name": "python"}
    theirs, ours = papermills(given=given), papermills(given=given, engine_name="nbproj")
    assert theirs.document["metadata"]["papermill"]["input_path"]["cells"][0]["source"] == "6 * 7"
    assert "input_path" not in ours.document["metadata"]["papermill"]
    assert ours.document["cells"][0]["outputs"][0]["data"]["text/plain"] == ["42"]


@pytest.mark.parametrize(
    ("line", "kind", "default"),
    [
        ('mode: Literal["a", "b"] = "a"', "choice", "a"),
        ("mode: typing.Optional[int] = 3", "int", 3),
        ("mode = 3  # as in x = 3", "int", 3),
    ],
)
def test_no_parameter_is_lost_in_reading(line, kind, default, tmp_path):
    path = tmp_path / "nb.ipynb"
    cell = nbformat.v4.new_code_cell(line, metadata={"tags": ["parameters"]})
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[cell], metadata=metadata)))
    theirs = papermill.inspect_notebook(path)
    [ours] = read_notebook(tmp_path, "nb.ipynb").parameters
    assert (ours.name, ours.type, ours.default) == ("mode", kind, default)
    assert theirs == {}


def test_a_notebook_of_many_cells_is_not_saved_twice_a_cell(papermills, execute):
    sources = ["print('x')"] * 22
    theirs, ours = papermills(*sources), execute(*sources)
    assert theirs.saves == 46
    assert ours.saves < 10


def test_widgets_leave_no_state_behind_that_hides_the_output(papermills, execute):
    source = "import ipywidgets\nipywidgets.IntSlider(value=7)"
    theirs, ours = papermills(source), execute(source)
    assert "widgets" in theirs.document["metadata"]
    assert "widgets" not in ours.document["metadata"]
    assert list(ours.document["cells"][0]["outputs"][0]["data"]) == ["text/plain"]
