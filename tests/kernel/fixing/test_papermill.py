"""What `check --fix` and `init` write runs in plain papermill, with its parameters changed."""

from __future__ import annotations

import json
import subprocess
import sys

import nbformat


def papermill(notebook, *arguments):
    """Run plain papermill; return what the executed notebook printed."""
    out = notebook.with_name("out.ipynb")
    done = subprocess.run(
        [sys.executable, "-m", "papermill", "--no-progress-bar", str(notebook), str(out), *arguments],
        cwd=notebook.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    cells = nbformat.read(out, 4).cells
    return "".join(output.get("text", "") for cell in cells if cell.cell_type == "code" for output in cell.outputs)


def test_plain_papermill_runs_the_file_that_fix_made_with_its_parameters_changed(cli, notebook):
    path = notebook(
        "%load_ext nbproj",
        '%%parameters\nalpha: float = 0.5\nmode: Literal["fast", "good"] = "fast"',
        '%%entrypoint train --help "Train it"\nprint("trained", alpha, mode, label)',
        "%parameters --entry train\nlabel = 'first'",
        "%%entrypoint report\nimport sys\nprint('reported', alpha, label, 'nbproj' in sys.modules)",
        '# never\nraise SystemExit("never")',
    )
    document = json.loads(path.read_text())
    document["cells"][5]["metadata"]["tags"] = ["nbproj-skip"]
    document["cells"][2], document["cells"][3] = document["cells"][3], document["cells"][2]
    path.write_text(json.dumps(document, indent=1))
    before = cli("show", path, "--json").json["entry_points"]
    fixed = cli("check", "--fix", path)
    assert fixed.code == 0, fixed.err
    assert "- %%parameters\n+ # parameters" in fixed.out
    assert papermill(path, "-p", "alpha", "0.25", "-p", "label", "second") == "trained 0.25 fast second\nreported 0.25 second False\n"
    after = cli("show", path, "--json").json["entry_points"]
    assert {name: point["parameters"] for name, point in after.items()} == {name: point["parameters"] for name, point in before.items()}
    ran = cli("run", path, "-e", "train", "-P", "alpha=0.25", "-q")
    assert (ran.code, ran.out) == (0, "trained 0.25 fast first\n"), ran.err


def test_plain_papermill_changes_what_init_found(cli, notebook):
    path = notebook("import math\nalpha = 0.5  # strength", "rounds = 3", "print(alpha * rounds, math.floor(alpha))")
    assert cli("init", path, "--yes").code == 0
    assert papermill(path, "-p", "rounds", "4") == "2.0 0\n"
    ran = cli("run", path, "-P", "alpha=1.5", "-q")
    assert (ran.code, ran.out) == (0, "4.5 1\n"), ran.err
