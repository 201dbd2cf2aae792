"""`nbproj check --fix`: what it changes, what it leaves byte for byte, and what it refuses with the file untouched."""

import json
import stat

import pytest

from nbproj.errors import SourceError, UsageError
from nbproj.fixing import fix_project

MAGICS = ["%load_ext nbproj", "%%parameters\nalpha: float = 0.5", "%%entrypoint train\nprint(alpha)"]


def written(folder, *sources, name="a.ipynb", tags=(), indent=1, **metadata):
    cells = [
        {"cell_type": "code", "execution_count": 3, "id": f"c{number}", "metadata": {"z": 1.50, "a": None}, "outputs": [], "source": source}
        for number, source in enumerate(sources)
    ]
    for number, some in enumerate(tags):
        cells[number]["metadata"] = {"tags": list(some)} if some else {}
    document = {"nbformat_minor": 5, "nbformat": 4, "metadata": {"language_info": {"name": "python"}, **metadata}, "cells": cells}
    path = folder / name
    path.write_text(json.dumps(document, indent=indent))
    return path


def sources(path):
    return [cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]


def problems(path):
    before = path.read_bytes()
    fixed = fix_project(str(path))
    assert (fixed.drafts, path.read_bytes()) == ((), before)
    assert not any("\n" in line for line in fixed.verdict.problems)
    return fixed.verdict.problems


def test_only_the_lines_that_declare_change(tmp_path):
    path = written(tmp_path, *MAGICS)
    text = path.read_text().replace("1.5", "1.50e0").replace('"a": null', '"a":   null, "e": "\\u00e9"')
    path.write_text(text)
    path.chmod(0o640)
    fixed = fix_project(str(path))
    assert [draft.file for draft in fixed.drafts] == ["a.ipynb"]
    expected = text.replace('"source": "%load_ext nbproj"', '"source": "# %load_ext nbproj"')
    expected = expected.replace("%%parameters", "# parameters").replace("%%entrypoint train", "# entrypoint: train")
    there = path.read_text()
    assert there.replace(',\n    "tags": [\n     "parameters"\n    ]', "") == expected
    assert json.loads(there)["cells"][1]["metadata"]["tags"] == ["parameters"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(json.loads(there)) == ["nbformat_minor", "nbformat", "metadata", "cells"]
    assert not fix_project(str(path)).drafts


@pytest.mark.parametrize("indent", [None, 1, 2, "\t"])
def test_the_manner_of_the_file_is_kept(tmp_path, indent):
    path = written(tmp_path, *MAGICS, indent=indent)
    before = path.read_text()
    fix_project(str(path))
    there = path.read_text()
    assert there == json.dumps(json.loads(there), indent=indent)
    assert sources(path) == ["# %load_ext nbproj", "# parameters\nalpha: float = 0.5", "# entrypoint: train\nprint(alpha)"]
    assert before.endswith("}") == there.endswith("}")


def test_a_byte_order_mark_and_other_line_ends_stay(tmp_path):
    path = written(tmp_path, *MAGICS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    fix_project(str(path))
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf{\r\n")
    assert data.endswith(b"}\r\n\r\n")
    assert data.count(b"\n") == data.count(b"\r\n")


def test_the_tag_goes_to_the_cell_behind_which_all_values_have_an_effect(tmp_path):
    path = written(tmp_path, "# parameters\na = 1", "import math", "# parameters\nb = 2", "print(a, b)", tags=[["parameters"]])
    fix_project(str(path))
    assert [cell["metadata"].get("tags") for cell in json.loads(path.read_text())["cells"]] == [None, None, ["parameters"], None]


def test_values_that_are_read_before_are_told(tmp_path):
    path = written(tmp_path, "# parameters\na = 1", "print(a)", "# parameters\nb = 2", "print(a, b)")
    fixed = fix_project(str(path))
    tags = [cell["metadata"].get("tags") for cell in json.loads(path.read_text())["cells"]]
    assert tags == [["parameters"], None, None, None]
    assert "a.ipynb: papermill changes the parameters of cell 1; those of cell 3 keep their values there" in fixed.verdict.warnings


def test_above_another_cell_magic_tags_say_it(tmp_path):
    path = written(tmp_path, "%parameters\n%%time\na = 1", "%entrypoint x\n%%time\nprint(a)")
    fix_project(str(path))
    cells = json.loads(path.read_text())["cells"]
    assert [(cell["source"], cell["metadata"]["tags"]) for cell in cells] == [
        ("%%time\na = 1", ["parameters"]),
        ("%%time\nprint(a)", ["entrypoint:x"]),
    ]


def test_annotations_that_need_an_import_become_texts_and_others_stay(tmp_path):
    source = '%%parameters\na: Path = "x"\nb: Literal["é", "ü"] = "é"  # c\nd: Literal[\n    1,\n    2,\n] = 1\ne: int = 1'
    path = written(tmp_path, "from pathlib import Path", source)
    fix_project(str(path))
    assert sources(path)[1] == '# parameters\na: Path = "x"\nb: \'Literal["é", "ü"]\' = "é"  # c\nd: \'Literal[1, 2]\' = 1\ne: int = 1'
    compile(sources(path)[1], "cell", "exec")


def test_what_the_yaml_of_a_cell_says_moves_into_a_block(tmp_path):
    yaml = (
        "%%mlproject\n# about it\nname: wine\nentry_points:\n  main:\n    help: do it\n    parameters:\n      a: {type: float, default: 0.10, min: 0}"
    )
    path = written(tmp_path, yaml, "a = 1\nprint(a)")
    assert not fix_project(str(path)).verdict.problems
    assert sources(path)[0].split("\n")[:4] == ["# /// script", "# # about it", "# [tool.nbproj]", '# name = "wine"']
    assert '# a = {type = "float", default = "0.10", min = 0}' in sources(path)[0]


def test_yaml_that_names_an_environment_stays_with_a_note(tmp_path):
    (tmp_path / "python_env.yaml").write_text("python: '3.11'")
    path = written(tmp_path, "%%mlproject\npython_env: python_env.yaml", "%parameters\na = 1")
    fixed = fix_project(str(path))
    assert sources(path) == ["%%mlproject\npython_env: python_env.yaml", "# parameters\na = 1"]
    assert any("cell 1: %%mlproject stays, and plain papermill stops there: 'python_env'" in line for line in fixed.verdict.warnings)


def test_the_extension_stays_where_its_magics_work(tmp_path):
    path = written(tmp_path, "%load_ext nbproj\n%mlproject", "%mlrun other.ipynb")
    fixed = fix_project(str(path))
    assert sources(path)[0] == "%load_ext nbproj\n# %mlproject"
    assert any("cell 2: needs nbproj" in line for line in fixed.verdict.warnings)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("%%parameters\nprint(1)", "a.ipynb, cell 1, line 2: is no assignment."),
        ("%%parameters --entri a\nb = 1", "a.ipynb, cell 1, line 1: parameters: unknown option '--entri'."),
        ("%entrypoint a --help X\n%%time\nb = 1", "a.ipynb, cell 1, line 1: the text behind --help has no place above another cell magic"),
        ("%%parameters\na: int = 'x'", "a.ipynb, cell 1, line 2: parameter 'a': default 'x' is not an int"),
    ],
)
def test_what_is_wrong_or_has_no_other_form_is_refused_with_the_cell(tmp_path, source, message):
    assert problems(written(tmp_path, source))[0].startswith(message)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"nbformat": 3, "worksheets": []}', b"\xff\xfe", b'{"nbformat": 4, "cells": [1]}', b"[" * 100_000]
)
def test_what_is_no_notebook_is_refused(tmp_path, data):
    (tmp_path / "a.ipynb").write_bytes(data)
    assert problems(tmp_path / "a.ipynb")[0].startswith("a.ipynb")


def test_a_link_and_a_read_only_file_are_left(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    path = written(tmp_path / "elsewhere", *MAGICS)
    (tmp_path / "a.ipynb").symlink_to(path)
    assert "is a symbolic link to" in problems(tmp_path / "a.ipynb")[0]
    path.chmod(0o444)
    assert "is read-only: nothing was written. Allow it with chmod u+w" in problems(path)[0]
    assert [entry.name for entry in (tmp_path / "elsewhere").iterdir()] == ["a.ipynb"]


def test_a_large_notebook_is_changed_as_any_other(tmp_path):
    path = written(tmp_path, *MAGICS)
    data = "0123456789" * 5_000_000
    text = path.read_text().replace('"outputs": []', f'"outputs": [{{"name": "stdout", "output_type": "stream", "text": "{data}"}}]', 1)
    path.write_text(text)
    assert path.stat().st_size > 45_000_000
    assert len(fix_project(str(path)).drafts) == 1
    assert data in path.read_text()


def test_one_notebook_that_is_wrong_keeps_no_other_from_being_changed(tmp_path):
    good, bad = written(tmp_path, *MAGICS, name="good.ipynb"), written(tmp_path, "%%parameters\nprint(1)", name="bad.ipynb")
    written(tmp_path, "x = 1", name="plain.ipynb")
    before = bad.read_bytes()
    fixed = fix_project(str(tmp_path))
    assert ([draft.file for draft in fixed.drafts], bad.read_bytes()) == (["good.ipynb"], before)
    assert fixed.verdict.exit_code == 120
    assert fixed.to_dict()["fixed"] == ["good.ipynb"]
    assert sources(good)[1].startswith("# parameters")


def test_a_script_and_a_markdown_file_keep_what_is_not_changed(tmp_path):
    script = "#!/usr/bin/env python\n# %% [markdown]\n# Title\n\n\n\n# %%\n# %%parameters\nalpha = 1\n# %% other title\nprint( alpha )\n"
    (tmp_path / "a.py").write_text(script)
    assert not fix_project(str(tmp_path / "a.py")).verdict.problems
    assert (tmp_path / "a.py").read_text() == script.replace("# %%\n# %%parameters", '# %% tags=["parameters"]\n# parameters')
    text = "Title\n=====\n\n* a\n\n```python\n%%parameters\nalpha = 1\n```\n\n\nText.\n"
    (tmp_path / "a.md").write_text(text)
    assert not fix_project(str(tmp_path / "a.md")).verdict.problems
    assert (tmp_path / "a.md").read_text() == text.replace("```python\n%%", '```python tags=["parameters"]\n# ')


@pytest.mark.parametrize(("uri", "version"), [("https://example.org/x.git", None), (".", "main")])
def test_what_is_not_a_file_here_is_not_changed(uri, version):
    with pytest.raises(UsageError, match="--fix changes files on this machine"):
        fix_project(uri, version)


def test_a_folder_in_an_address_is_not_changed_in_silence(tmp_path):
    (tmp_path / "sub").mkdir()
    written(tmp_path / "sub", *MAGICS)
    with pytest.raises(UsageError, match="name a folder or a notebook"):
        fix_project(f"{tmp_path}#sub")


def test_what_is_not_there_is_said():
    with pytest.raises(SourceError, match="there is no folder or notebook"):
        fix_project("nowhere.ipynb")
