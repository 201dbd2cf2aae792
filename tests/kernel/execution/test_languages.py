"""Kernels of other languages: a real one, which speaks bash."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbformat
import pytest

import nbproj
from nbproj import RunFailed


@pytest.fixture
def bash(home, tmp_path):
    """Return a function that writes a notebook in bash, for a kernel that is known to Jupyter."""
    spec = home / ".local/share/jupyter/kernels/bash"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Bash", "language": "bash"}))

    def write(*sources):
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        metadata = {"kernelspec": {"name": "bash", "display_name": "Bash", "language": "bash"}}
        path = tmp_path / "nb.ipynb"
        path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=metadata)))
        return path

    return write


def test_a_notebook_in_bash_runs_with_its_parameters_and_entry_points(bash, store, nobody_left):
    path = bash(
        "# parameters\nname=nobody",
        "# entrypoint: greet\necho hello $name; cd /; other=kept",
        "# entrypoint: leave\necho bye $name",
        "echo $other; pwd",
    )
    run = nbproj.run(path, "greet", parameters={"name": "it's $HOME; `id`"})
    assert run.logs() == "hello it's $HOME; `id`\nkept\n/\n"
    [injected] = [cell for cell in json.loads(Path(run.notebook).read_text())["cells"] if "injected-parameters" in cell["metadata"].get("tags", ())]
    assert "".join(injected["source"]).strip() == "# Parameters\nname='it'\"'\"'s $HOME; `id`'"
    nobody_left()


def test_a_command_that_fails_ends_the_run_in_its_cell(bash, store, nobody_left):
    with pytest.raises(RunFailed, match="cell 2: error: 3"):
        nbproj.run(bash("true", "(exit 3)", "echo after"))
    nobody_left()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"a-b": 1}, "parameter 'a-b' cannot be given to a notebook: it is no name of a variable"),
        ({"x": {"a": 1}}, "parameters cannot be given to a notebook in cobol: "),
    ],
)
def test_what_cannot_be_said_in_a_language_is_refused_in_one_line(parameters, message, bash, store, home):
    spec = home / ".local/share/jupyter/kernels/cobol"
    spec.mkdir()
    (spec / "kernel.json").write_text(json.dumps({"argv": ["cobol", "{connection_file}"], "display_name": "COBOL", "language": "cobol"}))
    kernel = "bash" if "a-b" in parameters else "cobol"
    with pytest.raises(nbproj.NbprojError) as caught:
        nbproj.run(bash("true"), parameters=parameters, kernel=kernel)
    assert message in str(caught.value)
    assert store.search_runs() == []
