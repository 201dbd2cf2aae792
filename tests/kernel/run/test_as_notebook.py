"""A script or Markdown file that is run as the notebook in it."""

import nbformat

SCRIPT = '# %%\n# %%parameters\nalpha: float = 0.5\n\n# %% tags=["entrypoint:train"]\nprint("alpha is", alpha)\n# !echo from the shell\n'


def test_a_script_runs_as_the_notebook_in_it_and_its_executed_notebook_is_kept(cli, project, tmp_path):
    folder = project(train__py=SCRIPT)
    ran = cli("run", folder, "-e", "train.py:train", "--as-notebook", "-P", "alpha=3", "--output", tmp_path / "copy.ipynb", "--json")
    assert ran.code == 0, ran.err
    assert "alpha is 3.0" in ran.err
    for path in (ran.json["notebook"], tmp_path / "copy.ipynb"):
        kept = nbformat.read(path, 4)
        assert any("alpha is 3.0" in output.get("text", "") for cell in kept.cells if cell.cell_type == "code" for output in cell.outputs)
    assert (folder / "train.py").read_text() == SCRIPT
    again = cli("rerun", ran.json["run_id"], "-P", "alpha=4", "-q")
    assert again.code == 0, again.err
    assert "alpha is 4.0" in again.out


def test_a_command_is_no_notebook(cli, project):
    ran = cli("run", project("entry_points: {main: {command: ls}}"), "--as-notebook")
    assert (ran.code, ran.out) == (120, "")
    assert "--as-notebook is for a script or Markdown file that jupytext reads as a notebook, and 'main' is a command" in ran.err
