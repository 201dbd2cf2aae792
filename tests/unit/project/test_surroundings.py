"""Environments: the keys of an MLproject file, and the files that mean one by convention."""

import pytest

from nbproj.errors import ProjectError
from nbproj.project.declaration import Remarks
from nbproj.project.document import parse_document
from nbproj.project.model import DockerSpec, EnvironmentSpec
from nbproj.project.surroundings import conventional_environment, read_environment


@pytest.fixture
def read(tmp_path):
    (tmp_path / "project/sub").mkdir(parents=True)
    (tmp_path / "project/sub/env.yaml").touch()
    (tmp_path / "project/folder").mkdir()
    (tmp_path / "outside.yaml").touch()
    (tmp_path / "project-2").mkdir()
    (tmp_path / "project-2/env.yaml").touch()
    (tmp_path / "project/link.yaml").symlink_to("../outside.yaml")
    (tmp_path / "project/inner.yaml").symlink_to("sub/env.yaml")
    return lambda text: read_environment(parse_document(text, "MLproject").fields("the file"), tmp_path / "project", Remarks())


@pytest.mark.parametrize(("key", "kind"), [("conda_env", "conda"), ("python_env", "uv")])
@pytest.mark.parametrize(
    ("written", "file"), [("sub/env.yaml", "sub/env.yaml"), ("./sub//env.yaml", "sub/env.yaml"), ("folder/../sub/env.yaml", "sub/env.yaml")]
)
def test_a_file_of_the_project_describes_the_environment(read, key, kind, written, file):
    found = read(f"{key}: {written}")
    assert (found.kind, found.file, str(found.declared)) == (kind, file, "MLproject:1:1")


def test_a_link_inside_the_project_is_a_file_of_it(read):
    assert read("conda_env: inner.yaml").file == "inner.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conda_env: ../outside.yaml", "MLproject:1:12: conda_env '../outside.yaml' leaves the project's folder"),
        ("conda_env: ../project-2/env.yaml", "leaves the project's folder"),
        ("conda_env: /etc/passwd", "leaves the project's folder"),
        ("conda_env: link.yaml", "leaves the project's folder"),
        ("conda_env: nowhere.yaml", "MLproject:1:12: conda_env: there is no file 'nowhere.yaml' in the project"),
        ("python_env: folder", "MLproject:1:13: python_env 'folder' is not a file"),
        ("conda_env: [a]", "MLproject:1:12: conda_env is a list, where a text belongs"),
        ("conda_env: {a: b}", "conda_env is a mapping"),
        ("conda_env: ''", "conda_env is empty"),
        ("docker_env: x", "MLproject:1:13: docker_env is a text, where a mapping"),
        ("docker_env: {}", "MLproject:1:13: docker_env names no image"),
        ("docker_env: {image: }", "docker_env names no image"),
        ("docker_env: {imgae: x}", "MLproject:1:14: docker_env: unknown key 'imgae'. Did you mean 'image'?"),
        ("docker_env: {image: --privileged}", "MLproject:1:21: the image '--privileged' is none"),
        ("docker_env: {image: a b}", "the image 'a b' is none"),
        ("docker_env: {image: x, user: -u}", "the user '-u' is none"),
        ("docker_env: {image: x, volumes: a}", "MLproject:1:33: docker_env: 'volumes' is a text, where a list belongs, such as"),
        ("docker_env: {image: x, volumes: [[a]]}", "a volume is a list"),
        ("docker_env: {image: x, environment: {A: b}}", "docker_env: 'environment' is a mapping"),
        ("docker_env: {image: x, environment: [[A]]}", 'a variable is ["NAME", "value"] to set it'),
        ("docker_env: {image: x, environment: [{A: b}]}", 'a variable is ["NAME", "value"] to set it'),
        ("docker_env: {image: x, environment: [A=b]}", """'A=b' is not the name of a variable. To set it, write ["A", "b"]"""),
        ("docker_env: {image: x, environment: [-A]}", "'-A' is not the name of a variable"),
        ("docker_env: {image: x, args: x}", "docker_env: 'args' is a text"),
        ("docker_env: {image: x, args: {--gpus: all}}", "'--gpus' is not the name of an option"),
    ],
)
def test_a_wrong_environment_is_refused_with_its_place(read, text, message):
    with pytest.raises(ProjectError) as caught:
        read(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("MLproject:1:")


def test_everything_that_docker_is_told(read):
    text = """\
docker_env:
  image: 012345678910.dkr.ecr.us-west-2.amazonaws.com/x:7.0
  volumes: ["/local/path:/container/mount/path"]
  environment: [["NEW_ENV_VAR", "new_var_value"], [EMPTY, ~], [DECIMAL, 0.10], "COPIED"]
  user: 1000:1000
  args: [--gpus, all]
"""
    assert read(text).docker == DockerSpec(
        "012345678910.dkr.ecr.us-west-2.amazonaws.com/x:7.0",
        ("/local/path:/container/mount/path",),
        (("NEW_ENV_VAR", "new_var_value"), ("EMPTY", ""), ("DECIMAL", "0.10"), "COPIED"),
        "1000:1000",
        ("--gpus", "all"),
    )


def test_arguments_of_docker_may_be_a_mapping(read):
    found = read("docker_env: {image: x, args: {gpus: all, t: , init: true, rm: false, cap-add: [A, B]}}").docker
    assert found.args == ("--gpus", "all", "-t", "--init", "--cap-add", "A", "--cap-add", "B")


CONVENTIONS = [
    ("python_env.yaml", "uv"),
    ("conda.yaml", "conda"),
    ("environment.yml", "conda"),
    ("uv.lock", "uv"),
    ("pyproject.toml", "uv"),
    ("requirements.txt", "uv"),
]


@pytest.mark.parametrize("first", range(len(CONVENTIONS)))
def test_the_first_file_of_the_convention_counts(tmp_path, first):
    for name, _ in CONVENTIONS[first:]:
        (tmp_path / name).write_text("[project]\nname = 'x'\n" if name == "pyproject.toml" else "")
    name, kind = CONVENTIONS[first]
    assert conventional_environment(tmp_path) == EnvironmentSpec(kind, file=name)


def test_without_a_file_it_is_the_system(tmp_path):
    assert conventional_environment(tmp_path) == EnvironmentSpec("system")


def test_a_pyproject_that_only_configures_tools_is_no_environment(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert conventional_environment(tmp_path) == EnvironmentSpec("system")
    (tmp_path / "pyproject.toml").write_text("not toml")
    assert conventional_environment(tmp_path).kind == "uv"


def test_a_conventional_file_that_leaves_the_project_is_refused(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "conda.yaml").touch()
    (tmp_path / "p/conda.yaml").symlink_to("../conda.yaml")
    with pytest.raises(ProjectError, match="leaves the project's folder"):
        conventional_environment(tmp_path / "p")
