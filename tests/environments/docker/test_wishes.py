"""Volumes, variables and arguments that a project asks of Docker."""

from __future__ import annotations

import uuid
from pathlib import PurePosixPath

import pytest

from nbproj.backends.docker.creation import Creation
from nbproj.backends.docker.mounts import Mounts
from nbproj.environments.docker.images import project_tag
from nbproj.environments.docker.wishes import Arguments, volumes
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import DockerSpec, Place


def of(root, *texts: str) -> list[str]:
    return volumes(DockerSpec("image", volumes=texts), root, Place("MLproject", 3, 12))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "volume '' is none: it is written /here:/there or /here:/there:ro"),
        (":/there", "volume ':/there' is none"),
        ("/tmp:", "volume '/tmp:' is none"),
        ("/tmp:there", "volume '/tmp:there' is none"),
        ("there", "volume 'there' is none"),
        ("/tmp:/there:often", "volume '/tmp:/there:often' is none"),
        ("/tmp:/there:ro:z", "volume '/tmp:/there:ro:z' is none"),
        ("data/scans:/there", "'data/scans' is neither a path, which begins with '/' or './', nor the name of a volume"),
        ("./nothing:/there", "/nothing on this machine"),
        ("~nobody-of-this-name/x:/there", "volume '~nobody-of-this-name/x:/there': "),
        ("/a\0b:/there", "there is no"),
    ],
)
def test_a_volume_that_is_none_is_told_with_its_place(text, told, tmp_path):
    with pytest.raises(EnvironmentPreparationError) as caught:
        of(tmp_path, text)

    assert told in str(caught.value)
    assert str(caught.value).startswith("MLproject:3:12: ")
    assert "\n" not in str(caught.value)


def test_paths_with_blanks_and_colons_are_mounted(tmp_path):
    root = tmp_path / "a project: one"
    (root / "in put").mkdir(parents=True)
    (tmp_path / "sp ace").mkdir()

    assert of(tmp_path, "./sp ace:/there/in put:ro") == ["--volume", f"{tmp_path}/sp ace:/there/in put:ro"]
    assert of(root, "./in put:/a") == ["--mount", f"type=bind,source={root}/in put,target=/a"]
    assert of(root, "./in put:/a:ro") == ["--mount", f"type=bind,source={root}/in put,target=/a,readonly"]
    with pytest.raises(EnvironmentPreparationError, match="which has a colon, only ':ro' and ':rw' can be asked"):
        of(root, "./in put:/a:z")


def test_names_of_projects_become_names_of_images():
    assert project_tag("Über Größe_1", None, dirty=False) == "ber-gr-e-1:latest"
    assert project_tag("日本", "4a74a11ce9d0", dirty=True) == "project:4a74a11-dirty"
    assert project_tag("UPPER", None, dirty=False) == "upper:latest"
    assert len(project_tag("x" * 500, None, dirty=False)) < 128


@pytest.fixture
def create(images, docker_engine, tmp_path):
    """Return a function that creates a container of a project's arguments, and returns what the engine knows of it."""
    made = []

    def go(arguments: Arguments, *words: str, variables: dict[str, str] | None = None) -> dict:
        image = images.client.images.get(images.bare)
        address = docker_engine.address
        creation = Creation(address, f"nbproj-test-{uuid.uuid4().hex[:12]}", image.id, ["true"], list(words), arguments, variables or {}, tmp_path)
        made.append(creation.create())
        return images.client.api.inspect_container(made[-1])

    yield go
    for container in made:
        images.client.api.remove_container(container, force=True)


def test_graphics_cards_and_other_arguments_reach_the_engine(create):
    found = create(Arguments.of(["--shm-size", "1g"], {"gpus": "all", "memory": "64m", "cap-drop": ["NET_RAW", "CHOWN"]}))["HostConfig"]

    assert [(one["Count"], one["Capabilities"]) for one in found["DeviceRequests"]] == [(-1, [["gpu"]])]
    assert (found["ShmSize"], found["Memory"], sorted(found["CapDrop"])) == (1 << 30, 64 << 20, ["CAP_CHOWN", "CAP_NET_RAW"])


def test_files_with_odd_names_are_mounted_and_variables_of_any_form_arrive(create, tmp_path):
    odd = tmp_path / 'a,b "c": d\''
    odd.mkdir()
    mounts = Mounts()
    mounts.add(odd, PurePosixPath("/there is/it"))
    variables = {"EMPTY": "", "SEVERAL_LINES": "one\ntwo", "QUOTED": "'a' \"b\" $HOME #c", "LONG": "x" * 100_000}

    found = create(Arguments(), *mounts.words(), variables=variables)

    assert [(one["Source"], one["Destination"], one["RW"]) for one in found["Mounts"]] == [(str(odd), "/there is/it", False)]
    assert set(found["Config"]["Env"]) >= {f"{name}={value}" for name, value in variables.items()}
    assert not (tmp_path / "variables").exists()


def test_a_word_too_many_is_not_taken_for_the_image(create):
    with pytest.raises(EnvironmentPreparationError, match="hold a word too many, which Docker takes for the image: --init stray") as caught:
        create(Arguments(["--init", "stray"]))

    assert "\n" not in str(caught.value)
