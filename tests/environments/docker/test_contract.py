"""What every kind of environment promises, as far as an image is one."""

from __future__ import annotations

import pytest
from docker.errors import ImageNotFound

from nbproj.environments.docker.provider import DockerEnvironments
from nbproj.environments.lock import locked
from nbproj.environments.registry import PROVIDERS
from nbproj.project.model import DockerSpec, EnvironmentSpec


@pytest.fixture
def spec(engine) -> EnvironmentSpec:
    """Return the specification of an image that is there."""
    return EnvironmentSpec("docker", docker=DockerSpec(engine.bare))


def test_an_image_is_an_environment_like_any_other(spec, tmp_path):
    told = []
    (tmp_path / "train.py").write_text("print(1)")
    provider = DockerEnvironments()

    assert [one.kind for one in PROVIDERS if one.detect(spec)] == ["docker"]
    provider.check(spec, tmp_path)
    first = provider.prepare(spec, tmp_path, told.append)
    told.clear()
    second = provider.prepare(spec, tmp_path, told.append)

    assert told == [], "the second time it is there already"
    assert (first.kind, first.image, first.fingerprint) == ("docker", second.image, second.fingerprint)
    assert first.fingerprint
    assert locked(first.description)
    assert [path.name for path in tmp_path.rglob("*")] == ["train.py"], "nothing is written into the project"


def test_a_specification_is_checked_without_pulling(engine, tmp_path):
    missing = "localhost:1/not/there:7"
    with pytest.raises(ImageNotFound):
        engine.client.images.get(missing)
    DockerEnvironments().check(EnvironmentSpec("docker", docker=DockerSpec(missing)), tmp_path)  # a pull would fail: nobody listens there
