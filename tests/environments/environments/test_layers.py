"""What is put on top of an environment for notebooks: below nothing changes, and what is below is found as it is."""

import subprocess

import pytest
from environments.contract import ask

from nbproj.environments.health import examine
from nbproj.environments.layers import has_kernel
from nbproj.environments.lock import locked
from nbproj.environments.uv import UvEnvironments
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import EnvironmentSpec

SPEC = EnvironmentSpec("uv", file="requirements.txt")


@pytest.fixture
def root(tmp_path):
    """Return a project whose packages an index of this machine has, but for the kernel."""
    (tmp_path / "requirements.txt").write_text("iniconfig\nparso<1\n")
    return tmp_path


def prepared(root, told, *, kernel):
    return UvEnvironments().prepare(SPEC, root, told.append, kernel=kernel)


def test_a_kernel_is_put_on_top_where_it_is_missing_and_the_project_told_nothing_of_it(root, told, cache):
    plain = prepared(root, told, kernel=False)
    (below,) = cache.all()
    assert not [event for event in told if "ipykernel" in event.text]
    layered = prepared(root, told, kernel=True)
    assert layered.key != plain.key
    assert layered.python != plain.python
    (said,) = [event.text for event in told if event.step == "note" and "ipykernel" in event.text]
    assert "requirements.txt" in said
    assert has_kernel(layered.description)
    assert not has_kernel(plain.description)
    assert examine(below.prefix, below.facts["observed"]).sound
    # What both have is the lower one's: in version and in place.
    assert locked(plain.description).items() <= locked(layered.description).items()
    where = "import iniconfig, parso, ipykernel; print(iniconfig.__file__, parso.__file__, ipykernel.__file__)"
    iniconfig, parso, ipykernel = ask(layered, where).split()
    assert all(str(below.prefix) in path for path in (iniconfig, parso))
    assert str(layered.folder) in ipykernel


def test_its_kernel_starts_without_a_kernelspec(root, told):
    layered = prepared(root, told, kernel=True)
    done = subprocess.run(
        [layered.python, "-m", "ipykernel_launcher", "--version"],
        env=dict(layered.variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, locked(layered.description)["ipython"]), done.stderr


def test_an_environment_that_has_a_kernel_gets_no_layer(root, told, cache):
    (root / "requirements.txt").write_text("ipykernel\n")
    assert prepared(root, told, kernel=True).key == prepared(root, told, kernel=False).key
    assert len(cache.all()) == 1
    assert [event for event in told if event.step == "note" and "on top" in event.text] == []


def test_a_kernel_that_does_not_fit_is_told_with_what_to_do(root, told, cache, no_index):
    (root / "requirements.txt").write_text("tiny\n")
    with pytest.raises(EnvironmentPreparationError) as caught:
        prepared(root, told, kernel=True)
    assert str(caught.value).startswith("the kernel of notebooks does not fit into the environment (requirements.txt, Python ")
    assert "ipykernel" in str(caught.value)
    assert [kept.whole for kept in cache.all()] == [True]  # the one below


def test_a_layer_goes_with_what_it_stands_on(root, told, cache):
    from nbproj.environments.inventory import remove_with_dependants

    layered = prepared(root, told, kernel=True)
    below = cache.find(layered.key).facts["below"]
    gone, stay = remove_with_dependants(cache, below[0])
    assert (gone, stay) == ([layered.key, *below], [])
    assert cache.all() == []


def test_a_layer_whose_base_was_built_again_is_looked_at_too(root, told, cache):
    layered = prepared(root, told, kernel=True)
    assert cache.remove(cache.find(layered.key).facts["below"][0])
    again = prepared(root, told, kernel=True)
    assert ask(again, "import iniconfig, ipykernel; print('both')") == "both"
