"""What a conda file may say, what is refused, and which files mean the same environment."""

import os

import pytest
from environments.conda_channel import describe

from nbproj.environments.conda import CondaEnvironments
from nbproj.environments.condachannels import CondaSettings, public, read_channel
from nbproj.environments.condarecipe import read_conda_recipe
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import EnvironmentSpec, Place

CONDA = CondaEnvironments()
SPEC = EnvironmentSpec("conda", file="conda.yaml")


def refusal(root, **given):
    with pytest.raises(EnvironmentPreparationError) as caught:
        CONDA.check(EnvironmentSpec("conda", file="conda.yaml", **given), root)
    return str(caught.value)


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


def test_paths_start_from_the_folder_of_the_file(tmp_path):
    (tmp_path / "files" / "channel").mkdir(parents=True)
    (tmp_path / "files" / "more.txt").write_text("tiny\n")
    (tmp_path / "files" / "env.yaml").write_text("channels: [./channel]\ndependencies: [python, pip: [-r more.txt]]\n")
    recipe = read_conda_recipe(EnvironmentSpec("conda", file="files/env.yaml"), tmp_path)
    assert [line.key for line in recipe.file.pip.lines] == ["tiny"]
    assert recipe.file.channels[0].folder == tmp_path / "files" / "channel"


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [("pip", ["pip"]), ("pip=24", ["pip==24.*"]), ("pip=24.*", ["pip==24.*"]), ("pip==24.0", ["pip==24.0"]), ("pip >=23,<25", ["pip<25,>=23"])],
)
def test_versions_mean_the_same_without_conda(asked, wanted, tmp_path):
    (tmp_path / "conda.yaml").write_text(f"dependencies: ['python>=3.11', '{asked}']\n")
    recipe = read_conda_recipe(SPEC, tmp_path).without_conda(tmp_path, tmp_path)
    assert [line.text for line in recipe.requirements.lines] == wanted


@pytest.mark.parametrize("asked", ["python=3.12=*_cpython", "python[version=3.12]", "pip=24=py312_0", "pip=*"])
def test_what_only_conda_can_say_is_left_to_it(asked, tmp_path):
    (tmp_path / "conda.yaml").write_text(f"dependencies: [python, '{asked}']\n" if "pip" in asked else f"dependencies: ['{asked}']\n")
    assert read_conda_recipe(SPEC, tmp_path).without_conda(tmp_path, tmp_path) is None
