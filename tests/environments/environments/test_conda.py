"""Conda environments: the same by a conda that is called and by py-rattler."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from environments.conda_channel import address, conda_home, without_conda
from environments.contract import ask

from nbproj.environments.conda import CondaEnvironments
from nbproj.environments.condachannels import CondaSettings, public, read_channel
from nbproj.environments.condarecipe import read_conda_recipe
from nbproj.environments.condatool import find_conda
from nbproj.environments.lock import locked, locked_spec
from nbproj.environments.registry import provider
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import EnvironmentSpec, Place

CONDA = CondaEnvironments()
SPEC = EnvironmentSpec("conda", file="conda.yaml")


def describe(root: Path, *packages: str, more: str = "", channels: str | None = None) -> Path:
    """Write a project's conda.yaml."""
    root.mkdir(exist_ok=True)
    listed = "".join(f"  - {package}\n" for package in packages)
    (root / "conda.yaml").write_text(f"name: ours\nchannels: [{channels or address()}]\ndependencies:\n{listed}{more}")
    return root


@pytest.fixture
def root(tmp_path):
    return describe(tmp_path / "project", "python", "demo-data")


def refusal(root, **given):
    with pytest.raises(EnvironmentPreparationError) as caught:
        CONDA.check(EnvironmentSpec("conda", file="conda.yaml", **given), root)
    return str(caught.value)


def failure(root, told):
    with pytest.raises(EnvironmentPreparationError) as caught:
        CONDA.prepare(SPEC, root, told.append)
    return caught.value


def test_packages_of_conda_and_of_the_pip_section_are_there(conda, tmp_path, no_index, told):
    root = describe(tmp_path / "project", "python", "demo_cli", more="  - pip:\n    - -r more.txt\n")
    (root / "more.txt").write_text("upper\n")
    environment = CONDA.prepare(SPEC, root, told.append)
    assert ask(environment, "import demo_cli, tiny, upper; print(tiny.__version__, upper.__version__)") == "2.0 1.0"
    assert (
        subprocess.run(["demo-cli"], env=dict(environment.variables), capture_output=True, text=True, check=True).stdout
        == "the program of a package\n"
    )
    assert locked(environment.description) == {"demo-cli": "0.3", "tiny": "2.0", "upper": "1.0"}
    assert any(("py-rattler" in str(event.text)) == (conda == "py-rattler") for event in told if "making" in str(event.text))


def test_activation_is_found_out_once_and_seen_by_every_process(conda, root, told, monkeypatch):
    with (root / "conda.yaml").open("a") as file:
        file.write("variables:\n  OF_THE_FILE: '007'\n")
    CONDA.prepare(SPEC, root, told.append)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/caller")
    monkeypatch.setenv("PATH", f"/mine/bin{os.pathsep}{os.environ['PATH']}")
    environment = CONDA.prepare(SPEC, root, told.append)
    prefix = environment.folder / "env"
    assert environment.variables["DEMO_HOME"] == f"{prefix}/share/demo"
    assert environment.variables["DEMO_VAR"] == "of the package"
    assert environment.variables["OF_THE_FILE"] == "007"
    assert environment.variables["CONDA_PREFIX"] == str(prefix)
    assert environment.variables["LD_LIBRARY_PATH"] == f"{prefix}/lib:/of/the/caller"
    assert environment.variables["PATH"].startswith(f"{prefix}/bin:/mine/bin:")
    assert "VIRTUAL_ENV" not in environment.variables


def test_links_of_packages_and_prefixes_are_the_environments_own(conda, root, told):
    prefix = CONDA.prepare(SPEC, root, told.append).folder / "env"
    assert (prefix / "share/demo/where.txt").read_text() == f"{prefix}/here\n"
    assert (prefix / "share/linked.txt").read_text() == "linked\n"


def test_a_specification_that_cannot_be_met_is_told_in_the_solvers_own_words(conda, tmp_path, told, cache):
    root = describe(tmp_path / "project", "demo-data", "conflict")
    error = failure(root, told)
    assert str(error).startswith("conda.yaml: ")
    assert "demo >=1.1" in str(error)
    assert "demo <1.1" in str(error)
    assert "\u2514" not in str(error)
    assert "contradict" in error.hint
    assert cache.all() == []
    describe(root, "nosuch")
    assert "nosuch" in str(failure(root, told))


def test_a_channel_out_of_reach_is_told_as_such(conda, tmp_path, told, cache):
    root = describe(tmp_path / "project", "demo", channels="http://ana:secret@127.0.0.1:9/t/tk-123/team")
    error = failure(root, told)
    assert "within reach" in error.hint
    assert not any(word in str(error) for word in ("secret", "tk-123"))
    assert cache.all() == []


def test_a_pip_section_that_fails_leaves_nothing(conda, tmp_path, no_index, told, cache):
    root = describe(tmp_path / "project", "python", more="  - pip: [tiny==9]\n")
    assert "tiny==9" in str(failure(root, told))
    assert cache.all() == []


def test_an_activation_script_that_fails_is_told(conda, tmp_path, told, cache):
    root = describe(tmp_path / "project", "failing")
    message = str(failure(root, told))
    assert "failing.sh" in message
    assert "no such licence" in message
    assert cache.all() == []


def test_a_recorded_list_builds_exactly_that_again(conda, tmp_path, no_index, told, cache):
    root = describe(tmp_path / "project", "python", "demo-data", more="  - pip: [upper, tiny<3]\n")
    first = CONDA.prepare(SPEC, root, told.append)
    spec = locked_spec(first.description)
    assert provider(spec).kind == "conda"
    again = provider(spec).prepare(spec, tmp_path, told.append)
    assert (again.description, again.fingerprint) == (first.description, first.fingerprint)
    assert again.key != first.key
    assert again.variables["DEMO_VAR"] == "of the package"
    assert ask(again, "import upper, tiny; print(tiny.__version__)") == "2.0"


def test_a_recorded_package_that_was_changed_since_is_refused(conda, root, told, cache):
    lines = CONDA.prepare(SPEC, root, told.append).description.replace("sha256:", "sha256:00")
    spec = locked_spec("\n".join(line[: -2 if "sha256" in line else None] for line in lines.splitlines()))
    with pytest.raises(EnvironmentPreparationError):
        CONDA.prepare(spec, root, told.append)
    assert len(cache.all()) == 1


def test_an_environment_without_python_runs_what_it_has(conda, tmp_path, told):
    root = describe(tmp_path / "project", "demo-data")
    environment = CONDA.prepare(SPEC, root, told.append)
    assert environment.python is None
    assert environment.variables["DEMO_VAR"] == "of the package"
    with pytest.raises(EnvironmentPreparationError, match="no Python"):
        CONDA.prepare(SPEC, root, told.append, kernel=True)


def test_a_build_that_was_killed_is_built_again(conda, tmp_path, told, cache, nobody_left):
    root = describe(tmp_path / "project", "slow")
    program = f"from nbproj.preparation import prepare_environment; prepare_environment({str(root)!r})"
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(cache.folder.glob("*/env/begun")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    assert [kept.whole for kept in cache.all()] == [False]
    nobody_left()
    prefix = CONDA.prepare(SPEC, root, told.append).folder / "env"
    assert (prefix / "ended").exists()
    assert [kept.whole for kept in cache.all()] == [True]


@pytest.mark.parametrize("name", ["micromamba", "mamba"])
def test_the_program_that_mlflow_would_call_is_called(name, tmp_path, root, told, monkeypatch):
    home = conda_home(tmp_path / "theirs", name)
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(home))
    monkeypatch.setenv("MLFLOW_CONDA_CREATE_ENV_CMD", name)
    CONDA.prepare(SPEC, root, told.append)
    (words,) = [json.loads(line) for line in (home / "called.txt").read_text().splitlines()]
    assert words[: words.index("-p")] == (["create", "-y"] if name == "micromamba" else ["env", "create"])


def test_a_conda_is_looked_for_where_its_variables_say(tmp_path, monkeypatch):
    without_conda(monkeypatch)
    assert find_conda().name == "py-rattler"
    on_path = conda_home(tmp_path / "path", "mamba") / "bin"
    monkeypatch.setenv("PATH", f"{on_path}{os.pathsep}{os.environ['PATH']}")
    assert find_conda().program == str(on_path / "mamba")
    active = conda_home(tmp_path / "active") / "bin"
    monkeypatch.setenv("CONDA_EXE", str(active / "conda"))
    assert find_conda().program == str(active / "conda")
    named = conda_home(tmp_path / "named")
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(named))
    assert find_conda().program == str(named / "bin" / "conda")
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(tmp_path))
    with pytest.raises(EnvironmentPreparationError, match="MLFLOW_CONDA_HOME"):
        find_conda()
    monkeypatch.setenv("MLFLOW_CONDA_CREATE_ENV_CMD", "nosuch")
    with pytest.raises(EnvironmentPreparationError, match="MLFLOW_CONDA_CREATE_ENV_CMD names 'nosuch'"):
        find_conda()


def keys(root, *texts):
    found = []
    for text in texts:
        (root / "conda.yaml").write_text(text)
        found.append(read_conda_recipe(SPEC, root).key)
    return found


def test_order_comments_names_and_blanks_do_not_make_another_environment(tmp_path):
    one, other = keys(
        tmp_path,
        "name: a\nchannels: [conda-forge]\ndependencies: [python=3.12, NumPy >=2, pip: [Tiny, upper]]\n",
        "# b\nprefix: /x\nchannels:\n - conda-forge\ndependencies:\n - numpy>= 2 # two\n - python = 3.12\n - pip:\n   - upper\n   - tiny\n",
    )
    assert one == other


@pytest.mark.parametrize("changed", ["channels: [defaults]", "dependencies: [python=3.13]", "variables: {A: '2'}", "dependencies: [pip: [tiny]]"])
def test_what_counts_makes_another_environment(changed, tmp_path):
    text = {"channels": "[conda-forge]", "dependencies": "[python=3.12]", "variables": "{A: '1'}"}
    key, value = changed.split(": ", 1)
    one, other = keys(tmp_path, *("\n".join(f"{name}: {told}" for name, told in {**text, **more}.items()) for more in ({}, {key: value})))
    assert one != other


def test_a_channel_on_this_machine_counts_by_what_it_offers(tmp_path):
    (tmp_path / "channel" / "noarch").mkdir(parents=True)
    index = tmp_path / "channel" / "noarch" / "repodata.json"
    index.write_text("{}")
    text = "channels: [./channel]\ndependencies: [demo]\n"
    before, same = keys(tmp_path, text, text)
    index.write_text('{"packages": {}}')
    assert keys(tmp_path, text) != [before]
    assert same == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("- python; touch x", "'python; touch x' is no package"),
        ("- '--prefix=/'", "is no package"),
        ("- 'demo $(touch x)'", "is no package"),
        ('- "demo\\ndemo"', "is no package"),
        ("- https://example.org/noarch/x-1-0.conda", "is an archive"),
        ("- python: ;touch x", "'python' with a colon is no package"),
        ("- [python]", "is a list, where a package belongs"),
        ("- pip: [--trusted-host x]", "'--trusted-host' is refused"),
        ("- pip: ['tiny; touch x']", "is no requirement"),
        ("- pip: [-r ../other.txt]", "leaves the project"),
        ("- pip: tiny", "'pip' is a text, where a list belongs"),
    ],
)
def test_a_dependency_that_is_none_is_refused_with_its_line(line, said, tmp_path):
    message = refusal(describe(tmp_path / "project", more=f"  {line}\n"))
    assert message.startswith("conda.yaml:4:")
    assert said in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chanels: [x]", "conda.yaml:1:1: 'chanels' is no key of a conda environment. Did you mean 'channels'?"),
        ("channels: [--override]", "'--override' is no channel"),
        ("channels: ['http://example.org/x']", "channels come by https"),
        ("channels: [../theirs]", "leaves the project"),
        ("channels: [./none]", "there is no channel './none'"),
        ("variables: {'A B': 1}", "'A B' is not the name of a variable"),
        ("variables: {A: [1]}", "the variable A is a list"),
        ("dependencies: python", "'dependencies' is a text, where a list belongs"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(text, said, tmp_path):
    (tmp_path / "conda.yaml").write_text(text)
    assert said in refusal(tmp_path)


def test_channels_mean_what_the_users_settings_say(tmp_path, monkeypatch):
    (tmp_path / "condarc").write_text(
        "channel_alias: https://mirror.example.org/conda/\ndefault_channels: [https://mirror.example.org/main]\ncustom_channels: {team: https://team.example.org}\n"
    )
    monkeypatch.setenv("CONDARC", str(tmp_path / "condarc"))
    settings = CondaSettings.read(os.environ)
    channels = [read_channel(name, Place("conda.yaml"), tmp_path) for name in ("conda-forge", "team/label/dev", "defaults", "nodefaults")]
    assert settings.addresses(channels) == [
        "https://mirror.example.org/conda/conda-forge",
        "https://team.example.org/team/label/dev",
        "https://mirror.example.org/main",
    ]


def test_credentials_of_a_channel_are_not_recorded():
    assert public("https://ana:secret@example.org/t/tk-1/team/noarch/x-1-0.conda") == "https://example.org/team/noarch/x-1-0.conda"


def test_without_a_file_there_is_an_environment_with_nothing_but_python(conda, tmp_path, told, monkeypatch):
    (tmp_path / "condarc").write_text(f"channels: [{address()}]\n")
    monkeypatch.setenv("CONDARC", str(tmp_path / "condarc"))
    environment = CONDA.prepare(EnvironmentSpec("conda"), tmp_path, told.append)
    assert locked(environment.description) == {}
    assert ask(environment, "import sys; print(sys.prefix)") == str(environment.folder / "env")
