"""What reading the declarations of a folder of notebooks costs beside reading the notebooks with nbformat."""

import os
import sys
import time
from pathlib import Path

import nbformat
import pytest
from harness import WarmProcess, side_by_side

NOTEBOOKS = 500
DECLARING = 50

READ_ALL = "[nbformat.read(path, 4) for path in paths]"
SCAN = "scan(load_project(folder))"


def a_notebook(number):
    """Return a notebook as a working day leaves it: prose, code with outputs, and in one of ten declarations."""
    make = nbformat.v4
    cells = [make.new_markdown_cell(f"# Notebook {number}\n\nSome words on what is done here, and why.")]
    if number % (NOTEBOOKS // DECLARING) == 0:
        cells.append(make.new_code_cell("# parameters\nalpha: float = 0.5  # strength\nmode: Literal['fast', 'good'] = 'fast'\nepochs = 10"))
        cells.append(make.new_code_cell(f"# entrypoint: train-{number}\nmodel = fit(alpha, mode, epochs)"))
        cells.append(make.new_code_cell(f"# entrypoint: eval-{number}\nprint(score(alpha))"))
    for step in range(12):
        output = make.new_output("stream", name="stdout", text="".join(f"row {row}: {row * step / 7:.6f}\n" for row in range(40)))
        cells.append(make.new_code_cell(f"values_{step} = [compute(row) for row in rows[{step}:]]\nprint(values_{step})", outputs=[output]))
    return make.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})


@pytest.fixture
def folder(tmp_path):
    """Return a folder of notebooks that were written a while ago."""
    made = tmp_path / "notebooks"
    made.mkdir()
    for number in range(NOTEBOOKS):
        nbformat.write(a_notebook(number), made / f"notebook_{number:03}.ipynb")
    time.sleep(0.2)
    return made


def prepared(folder, *lines):
    start = f"from pathlib import Path\nimport nbformat\nfrom nbproj.project.directory import load_project, scan\nfolder = Path({str(folder)!r})\n"
    return "\n".join([start, "paths = sorted(folder.glob('*.ipynb'))", *lines])


@pytest.mark.timeout(600)
def test_reading_the_declarations_of_a_folder_costs_no_more_than_reading_its_notebooks_and_nearly_nothing_again(compare, folder, tmp_path):
    place = {"cwd": tmp_path, "env": dict(os.environ)}
    python = Path(sys.executable)
    forget = "from nbproj.project import content"
    memory = f"from nbproj.project.content import remembering\ncache = Path({str(tmp_path / 'cache')!r})"
    anew = f"content._remembered.clear(); {SCAN}"
    later = f"content._remembered.clear()\n    with remembering(cache): {SCAN}"
    with (
        WarmProcess(python, prepared(folder, forget), anew, **place) as first,
        WarmProcess(python, prepared(folder, forget), SCAN, **place) as again,
        WarmProcess(python, prepared(folder, forget, memory), later, **place) as another,
        WarmProcess(python, prepared(folder), READ_ALL, **place) as peer,
    ):
        once = side_by_side(compare(f"declarations of {NOTEBOOKS} notebooks", "nbformat.read"), first.call, peer.call, rounds=3)
        twice = side_by_side(compare("the same, unchanged", "nbformat.read"), again.call, peer.call, rounds=3)
        elsewhere = side_by_side(compare("the same, another process", "nbformat.read"), another.call, peer.call, rounds=3)
    assert once.wall <= 1.2
    assert twice.wall <= 0.1
    assert elsewhere.wall <= 0.15


def test_what_was_measured_is_what_a_folder_declares(folder):
    from nbproj.project.directory import load_project, scan

    found = scan(load_project(folder))
    assert len(found) == NOTEBOOKS + DECLARING
    assert sum(bool(point.parameters) for point in found.values()) == 2 * DECLARING
