from __future__ import annotations

import ensurepip
import io
import os
import tarfile
import threading
import uuid
from pathlib import Path

import pytest
from docker_engine import Images, image_ids
from environments.wheelhouse import wheel

from nbproj.containers import connected
from nbproj.environments.docker.images import CODE, base_image, kernel_image, project_image
from nbproj.errors import EnvironmentPreparationError
from nbproj.progress import silent


@pytest.fixture
def base(images):
    return images.client.images.get(images.bare)


@pytest.fixture
def tag(images):
    """Return a name for an image that is removed after the test."""
    name = f"nbproj-test-project:{uuid.uuid4().hex[:12]}"
    yield name
    if images.client.images.list(name):
        images.client.images.remove(name, force=True)


@pytest.fixture
def label():
    """Return what the containers that look into an image are labelled with: the engine is shared with tests that run meanwhile."""
    return f"nbproj-test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def folder(tmp_path, tag):
    """Return a project whose files no other test has: for the same ones the engine gives the same image, with the other test's name on it, too."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "main.py").write_text(f"print('hello {tag}')\n")
    return root


def contents(images: Images, image) -> dict[str, tarfile.TarInfo]:
    """Return what an image has at the project's place."""
    container = images.client.api.create_container(image.id, command=["true"])
    try:
        stream, _ = images.client.api.get_archive(container["Id"], CODE)
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            return {entry.name.partition("/")[2]: entry for entry in tar.getmembers() if "/" in entry.name}
    finally:
        images.client.api.remove_container(container["Id"], force=True)


def test_the_project_is_in_the_image_without_what_is_ignored(images, base, tag, folder):
    for name in (
        "data/big.bin",
        "data/keep.csv",
        ".git/HEAD",
        "pkg/__pycache__/x.pyc",
        "mlflow.db",
        "mlruns/0/meta.yaml",
        "logs/a.log",
        "secret.env",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / ".dockerignore").write_text("# not these\ndata\n!data/keep.csv\n**/*.log\nsecret.env\n")
    (folder / "link").symlink_to("main.py")

    found = contents(images, project_image(images.client, base, folder, tag, silent)[0])

    assert {name for name, entry in found.items() if not entry.isdir()} == {"main.py", ".dockerignore", "link", "data/keep.csv"}
    assert found["link"].linkname == "main.py"
    assert (found["main.py"].uid, found["main.py"].mode & 0o777) == (0, 0o666)


def test_an_unchanged_project_is_not_built_again_and_a_changed_one_replaces_its_image(images, base, tag, folder):
    first, _ = project_image(images.client, base, folder, tag, silent)
    os.utime(folder / "main.py", (1, 1))
    (folder / "main.py").chmod(0o600)
    told = []

    again, _ = project_image(images.client, base, folder, tag, told.append)
    assert (again.id, told) == (first.id, [])

    (folder / "main.py").write_text(f"print('changed {tag}')\n")
    changed, _ = project_image(images.client, base, folder, tag, told.append)
    assert changed.id != first.id
    assert told[0].text == f"building the image {tag}"
    assert first.id not in image_ids(images.client), "the replaced image is left without a name"


def test_runs_that_start_together_make_one_image(images, docker_engine, base, tag, folder):
    made, told = [], []

    def run() -> None:
        with connected(docker_engine.address) as client:
            made.append(project_image(client, base, folder, tag, told.append)[0].id)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert (len(made), len(set(made))) == (4, 1)
    assert [event.text for event in told].count(f"building the image {tag}") == 1


def test_an_image_that_was_in_use_when_it_was_replaced_is_removed_with_the_next(images, base, tag, folder):
    """Runs of a project whose files change while it runs."""
    made = []
    for text in ("one", "two", "three"):
        (folder / "main.py").write_text(f"print('{text} {tag}')\n")
        made.append(project_image(images.client, base, folder, tag, silent)[0].id)
        if text == "one":
            container = images.client.api.create_container(made[0], command=["true"])["Id"]
        elif text == "two":
            assert images.client.images.get(made[0]).tags == []
            images.client.api.remove_container(container)

    known = image_ids(images.client)
    assert [image in known for image in made] == [False, False, True]


def test_an_image_that_another_project_is_just_making_stays_when_one_is_replaced(images, base, tag, folder):
    """The engine makes an image before it gives it its name."""
    nameless = derived(images, None, f"FROM {images.bare}\nLABEL nbproj.content=1 nbproj.name=another-{tag}\n").id
    try:
        project_image(images.client, base, folder, tag, silent)
        (folder / "main.py").write_text(f"print('changed {tag}')\n")
        project_image(images.client, base, folder, tag, silent)

        assert nameless in image_ids(images.client)
    finally:
        images.client.images.remove(nameless)


def test_what_takes_long_is_told_with_its_share(images, base, tag, folder, monkeypatch):
    monkeypatch.setattr("nbproj.environments.docker.reports.SECONDS", 0)
    (folder / "large.bin").write_bytes(os.urandom(3_000_000))
    told = []

    project_image(images.client, base, folder, tag, told.append)

    texts = list(dict.fromkeys(event.text for event in told))
    steps = [f"building the image {tag}{more}" for more in (": looking for changes", "", ": collecting the files", ": handing the files over")]
    assert texts == steps
    for text in (steps[0], *steps[2:]):
        shares = [event.done / event.total for event in told if event.text == text]
        assert (shares == sorted(shares), shares[-1]) == (True, 1.0)


def test_an_image_of_somebody_else_keeps_its_name(images, base, tag, folder):
    base.tag(*tag.split(":"))

    built, name = project_image(images.client, base, folder, tag, silent)

    assert name == f"nbproj-{tag}"
    assert images.client.images.get(tag).id == base.id
    assert project_image(images.client, base, folder, tag, silent) == (built, name)
    images.client.images.remove(name)


def test_an_ignored_file_is_never_read_however_large(images, base, tag, folder):
    with (folder / "huge.bin").open("wb") as stream:
        stream.truncate(1 << 42)  # four terabytes of nothing: reading them would take hours
    (folder / ".dockerignore").write_text("huge.bin\n")

    found = contents(images, project_image(images.client, base, folder, tag, silent)[0])

    assert set(found) == {"main.py", ".dockerignore"}


def test_names_with_odd_characters_arrive(images, base, tag, folder):
    for name in ("with space.txt", "ümläut.txt", "quote'\".txt", "-dash", "a" * 200):
        (folder / name).write_text(name)

    found = contents(images, project_image(images.client, base, folder, tag, silent)[0])

    assert {"with space.txt", "ümläut.txt", "quote'\".txt", "-dash", "a" * 200} <= set(found)


def test_an_image_that_cannot_be_pulled_is_told_in_one_line(images):
    with pytest.raises(EnvironmentPreparationError) as caught:
        base_image(images.client, "127.0.0.1:1/nobody/nothing:1", silent)

    assert str(caught.value).startswith("image 127.0.0.1:1/nobody/nothing:1 is not on this machine and cannot be pulled: ")
    assert "\n" not in str(caught.value)
    assert "docker login" in caught.value.hint


def test_an_image_with_ipykernel_is_taken_as_it_is_and_looked_into_once(images, home, label):
    kernel = images.client.images.get(images.kernel)

    assert kernel_image(images.client, kernel, silent, label=label).id == kernel.id
    assert [path.name for path in home.glob(".cache/nbproj/environments/.images/*")] == [kernel.id.partition(":")[2]]
    assert images.client.api.containers(all=True, filters={"label": f"nbproj.container={label}"}) == []


def test_an_image_without_python_cannot_run_a_notebook(images, tag, label):
    """An image of the same files, in which the programs are not found."""
    image = derived(images, tag, f"FROM {images.bare}\nENV PATH=/nowhere\n")

    with pytest.raises(EnvironmentPreparationError, match=rf"image {tag} cannot run a notebook: no python is on its PATH"):
        kernel_image(images.client, image, silent, label=label)


def test_a_kernel_that_cannot_be_installed_is_told_with_the_last_words_of_the_build(images, tag, label):
    bare = derived(images, tag, f"FROM {images.bare}\nLABEL test={tag}\n")  # it has no pip, and nobody else builds above it

    with pytest.raises(EnvironmentPreparationError, match=r"cannot be built: .*No module named pip.*returned a non-zero code: 1") as caught:
        kernel_image(images.client, bare, silent, label=label)

    assert "\n" not in str(caught.value)
    assert "[0m" not in str(caught.value)
    made = [images.client.images.get(one["Id"]) for one in images.client.api.images(all=True) if one["ParentId"] == bare.id]
    assert [image.attrs["Config"]["User"] for image in made if image.attrs["Config"]["User"]] == [], "of what was made before the step that fails"


def test_a_missing_ipykernel_is_installed_above_the_image(images, tag, label, tmp_path):
    """With the image's own pip, from packages that the image has: nothing is asked of a network."""
    pip = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))  # runs as it is, without being installed
    one = wheel(tmp_path, "ipykernel", "9.9")
    lines = [
        f"FROM {images.bare}",
        "COPY pip.whl /pip.whl",
        "COPY wheels /wheels",
        "ENV PYTHONPATH=/pip.whl PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels",
        "USER 1234",
    ]
    image = derived(images, tag, "\n".join(lines) + "\n", **{"pip.whl": pip, f"wheels/{one.name}": one})
    told = []

    above = kernel_image(images.client, image, told.append, label=label)
    try:
        assert above.id != image.id
        assert above.attrs["Config"]["User"] == "1234"
        assert f"ipykernel is not in {tag}: it is put on top for this notebook" in [event.text for event in told]
        assert kernel_image(images.client, image, silent, label=label).id == above.id
    finally:
        images.client.images.remove(above.id, force=True)


def derived(images: Images, name: str | None, dockerfile: str, **files):
    """Return an image that is built from a Dockerfile and files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile.encode()))
        for target, path in files.items():
            tar.add(path, target)
    buffer.seek(0)
    image, _ = images.client.images.build(fileobj=buffer, custom_context=True, tag=name, rm=True)
    return image
