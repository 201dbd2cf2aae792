"""Python environments by their files: what makes another one, what is refused, and what is said when one cannot be had."""

import dataclasses
import json
import socket

import pytest
from environments.contract import ask
from environments.wheelhouse import package, wheel

from nbproj.environments import interpreters
from nbproj.environments.lock import locked
from nbproj.environments.places import environments_folder
from nbproj.environments.recipe import read_recipe
from nbproj.environments.uv import UvEnvironments
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import EnvironmentSpec

PROVIDER = UvEnvironments()


@pytest.fixture
def root(tmp_path):
    """Return an empty project."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def key(root, file="requirements.txt"):
    return PROVIDER.key(EnvironmentSpec("uv", file=file), root)


def prepared(root, told, file="requirements.txt", **options):
    return PROVIDER.prepare(EnvironmentSpec("uv", file=file), root, told.append, **options)


def failure(root, told, file="requirements.txt"):
    with pytest.raises(EnvironmentPreparationError) as caught:
        prepared(root, told, file)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 121
    return caught.value


def test_comments_order_case_and_layout_do_not_make_another_environment(root):
    (root / "requirements.txt").write_text("tiny>=1\nupper\n")
    before = key(root)
    (root / "requirements.txt").write_text("# why\n\nUPPER   # for\nTiny >= 1\ntiny>=1\n")
    assert key(root) == before
    (root / "more.txt").write_text("upper\ntiny>=1")
    (root / "requirements.txt").write_text("-r more.txt\n")
    assert key(root) == before


@pytest.mark.parametrize(
    "text", ["tiny>=1.0.1\nupper", "tiny>=1", "tiny>=1\nupper; python_version<'3'", "--pre\ntiny>=1\nupper", "-c c.txt\ntiny>=1\nupper"]
)
def test_what_may_install_something_else_makes_another_environment(root, text):
    (root / "c.txt").write_text("tiny<2")
    (root / "requirements.txt").write_text("tiny>=1\nupper\n")
    before = key(root)
    (root / "requirements.txt").write_text(text)
    assert key(root) != before


def test_a_file_that_another_file_names_counts_by_its_content(root):
    (root / "python_env.yaml").write_text("dependencies:\n  - -r deep/one.txt\n")
    (root / "deep").mkdir()
    (root / "deep" / "one.txt").write_text("-r two.txt\n")
    (root / "deep" / "two.txt").write_text("tiny\n")
    before = key(root, "python_env.yaml")
    (root / "deep" / "two.txt").write_text("tiny<2\n")
    assert key(root, "python_env.yaml") != before


def test_another_python_makes_another_environment(root, another_python):
    (root / "python_env.yaml").write_text("dependencies: []\n")
    before = key(root, "python_env.yaml")
    (root / "python_env.yaml").write_text(f"python: '{another_python}'\n")
    recipe = read_recipe(EnvironmentSpec("uv", file="python_env.yaml"), root, environments_folder())
    assert recipe.key != before
    assert str(recipe.interpreter) == str(another_python)


def test_a_python_that_did_not_answer_in_time_is_asked_again(tmp_path, monkeypatch):
    with monkeypatch.context() as busy:
        busy.setattr(interpreters, "_ask", lambda _path: None)
        assert interpreters.found(tmp_path) == [interpreters.own()]
    assert json.loads((tmp_path / "interpreters.json").read_text()) == {}
    interpreters.found(tmp_path)
    assert len(json.loads((tmp_path / "interpreters.json").read_text())) >= 1


def test_a_package_of_the_project_is_built_from_a_copy_and_again_when_its_content_changes(root, told, no_index):
    package(root / "libs" / "own", "own", requires=["tiny<2"])
    (root / "requirements.txt").write_text("./libs/own\n")
    first = prepared(root, told)
    assert ask(first, "import own, tiny; print(own.__version__, tiny.__version__)") == "1.0 1.0"
    assert not list(root.rglob("written-while-building"))
    assert str(root) not in first.description
    (root / "libs" / "own" / "own.py").write_text("__version__ = 'edited'\n")
    second = prepared(root, told)
    assert ask(second, "import own; print(own.__version__)") == "edited"
    assert second.key != first.key
    assert second.fingerprint != first.fingerprint


def test_an_edit_of_a_packaged_project_costs_its_own_layer_only(root, told, no_index):
    package(root, "own", requires=["tiny"])
    first = prepared(root, told, "pyproject.toml")
    told.clear()
    (root / "own.py").write_text("__version__ = 'edited'\n")
    second = prepared(root, told, "pyproject.toml")
    assert ask(second, "import own, tiny; print(own.__version__)") == "edited"
    assert second.key != first.key
    assert not [event.text for event in told if "tiny" in event.text or event.text.startswith("making")]


def test_packages_to_build_with_are_installed_first(root, told, no_index):
    (root / "python_env.yaml").write_text("build_dependencies: ['tiny==1.0']\ndependencies: [heavy]\n")
    environment = prepared(root, told, "python_env.yaml")
    assert locked(environment.description) == {"tiny": "1.0", "heavy": "1.0"}


def test_hashes_are_checked(root, told, no_index):
    (root / "requirements.txt").write_text(f"tiny==1.0 --hash=sha256:{'0' * 64}\n")
    assert "tiny" in str(failure(root, told))


def test_a_contradiction_is_told_in_the_solvers_words_and_leaves_nothing(root, told, cache, no_index):
    (root / "requirements.txt").write_text("upper\ntiny<2\n")
    error = failure(root, told)
    assert str(error).startswith("requirements.txt: no versions fit: ")
    assert "upper" in str(error)
    assert "tiny" in str(error)
    assert len(str(error)) < 400
    assert "contradict" in error.hint
    cache.sweep()
    assert [path.name for path in cache.folder.iterdir() if path.name != "interpreters.json"] == []


def test_an_address_of_an_index_is_not_shown(root, told, monkeypatch, no_index):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # nobody listens
        monkeypatch.setenv("PIP_NO_INDEX", "0")
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://me:secret@127.0.0.1:{silent.getsockname()[1]}/simple")
        (root / "requirements.txt").write_text("absent\n")
        error = failure(root, told)
    assert str(error).startswith("requirements.txt: the package index cannot be reached: ")
    assert "secret" not in str(error)
    assert "127.0.0.1" not in str(error)
    assert "Run again" in error.hint


def test_a_package_that_nobody_has_is_named(root, told, no_index):
    (root / "requirements.txt").write_text("absent\n")
    assert "absent" in str(failure(root, told))


def test_a_package_that_cannot_be_built_says_why(root, told, no_index):
    (root / "requirements.txt").write_text("./own\n")
    package(root / "own", "own")
    (root / "own" / "backend.py").write_text("def build_wheel(*_):\n    raise RuntimeError('no compiler here')\n")
    assert str(failure(root, told)) == "requirements.txt: own could not be built: RuntimeError: no compiler here"


def test_packages_for_other_pythons_only_are_told_so(root, told, no_index):
    (root / "requirements.txt").write_text("future\n")
    assert "Ask for another Python" in failure(root, told).hint


@pytest.mark.parametrize(
    "line",
    [
        "tiny; touch x",
        "tiny && touch x",
        "tiny | touch x",
        "$(touch x)",
        "`touch x`",
        "tiny\\\n--index-url=http://elsewhere.example/simple",
        "--trusted-host elsewhere.example",
        "--index-url http://elsewhere.example/simple",
        "tiny --global-option=--help",
        "tiny --config-settings=x=y",
        "-e git+ext::sh -c touch% x",
        "tiny @ ext::sh -c touch% x",
        "tiny @ http://elsewhere.example/tiny.whl",
        "-r ../outside.txt",
        "-r https://elsewhere.example/r.txt",
        "../outside",
        "/etc/passwd",
        "--upgrade tiny",
        "--target=/tmp/x tiny",
        "--python=/bin/sh",
        "tiny\x1b[31m",
    ],
)
@pytest.mark.parametrize("file", ["requirements.txt", "python_env.yaml", "pyproject.toml"])
def test_a_line_that_smuggles_an_option_or_a_command_is_refused_with_its_place(root, told, cache, file, line):
    (root.parent / "outside.txt").write_text("tiny\n")
    texts = {
        "requirements.txt": line + "\n",
        "python_env.yaml": f"dependencies:\n  - {json.dumps(line)}\n",
        "pyproject.toml": f'[project]\nname = "p"\nversion = "0"\ndependencies = [{json.dumps(line)}]\n',
    }
    (root / file).write_text(texts[file])
    error = failure(root, told, file)
    assert str(error).startswith(file)
    assert cache.all() == []
    assert {path.name for path in root.iterdir()} == {file}


@pytest.mark.parametrize("wish", [";touch x", "3.12; touch x", "-c pass", "/bin/sh", "python3", "3.12\n--help", "$(x)", "latest"])
def test_a_version_of_python_that_is_none_is_refused_with_its_place(root, told, wish):
    (root / "python_env.yaml").write_text(f"python: {json.dumps(wish)}\n")
    error = failure(root, told, "python_env.yaml")
    assert str(error).startswith("python_env.yaml:1:9: ")
    assert "is no version of Python" in str(error)


@pytest.mark.parametrize(
    ("text", "told_of"),
    [
        ("dependencies: tiny\n", "python_env.yaml:1:15: 'dependencies' is a text, where a list belongs"),
        ("pyton: 3.12\n", "Did you mean 'python'?"),
        ("dependencies: [{pip: [x]}]\n", "where a requirement belongs"),
        ("python: [3]\n", "where a version belongs"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(root, told, text, told_of):
    (root / "python_env.yaml").write_text(text)
    assert told_of in str(failure(root, told, "python_env.yaml"))


def test_uv_installed_nowhere_is_said_with_what_to_do():
    from nbproj.environments.uvcommand import find_uv

    with pytest.raises(EnvironmentPreparationError, match="pip install uv"):
        find_uv("/nonexistent")


def test_settings_for_pip_hold_for_uv(root, told, monkeypatch, no_index, tmp_path):
    wheel(tmp_path / "more", "only_here", "1.0")
    (tmp_path / "pip.conf").write_text(f"[global]\nno-index = yes\nfind-links = {no_index} {tmp_path / 'more'}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    (root / "requirements.txt").write_text("tiny\nonly_here\n")
    environment = prepared(root, told)
    assert locked(environment.description).keys() == {"tiny", "only-here"}


def test_what_lies_in_the_project_does_not_set_uv_up(root, told, no_index):
    (root / "uv.toml").write_text('index-url = "https://elsewhere.example/simple"\n')
    (root / "requirements.txt").write_text("tiny\n")
    assert ask(prepared(root, told), "import tiny; print(tiny.__version__)") == "2.0"


def test_the_record_of_a_run_is_enough_to_build_the_same_again(root, told, no_index):
    from nbproj.environments.lock import locked_spec

    (root / "requirements.txt").write_text("upper\ntiny<2.5\n")
    first = prepared(root, told)
    again = PROVIDER.prepare(locked_spec(first.description), root, told.append)
    assert again.description == first.description
    assert again.fingerprint == first.fingerprint
    older = dataclasses.replace(locked_spec(first.description), dependencies=("tiny==1.0",))
    assert PROVIDER.prepare(older, root, told.append).fingerprint != first.fingerprint
