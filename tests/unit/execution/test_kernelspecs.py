"""A kernelspec that is read where it lies is the one that Jupyter's client finds."""

from __future__ import annotations

import json

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from nbproj.errors import EntryPointError
from nbproj.execution.kernels import named_kernel
from nbproj.execution.kernelspecs import plain_spec


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Return a function that writes a kernelspec into one of two folders on Jupyter's path."""
    monkeypatch.setenv("JUPYTER_PATH", f"{tmp_path / 'first'}:{tmp_path / 'second'}")

    def write(name, content, place="second"):
        folder = tmp_path / place / "kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return folder

    return write


WHOLE = {"argv": ["python", "-m", "x", "{connection_file}"], "display_name": "X", "language": "X", "env": {"A": "${B}"}, "interrupt_mode": "message"}


def test_it_is_the_one_that_jupyter_finds(kernels):
    kernels("Mine", WHOLE | {"metadata": {"debugger": True}})
    kernels("mine", {"argv": ["first"], "language": "python"}, "first")
    kernels("other", WHOLE)
    (kernels("torn", "{").parents[1] / "file").touch()
    for name in ("mine", "MINE", "other", "Other", "python3"):
        ours, theirs = plain_spec(name), KernelSpecManager().get_kernel_spec(name)
        assert (ours.argv, ours.language, ours.env) == (theirs.argv, theirs.language, theirs.env)
        assert (ours.interrupt_mode, ours.resource_dir) == (theirs.interrupt_mode, theirs.resource_dir)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", {"argv": []}, {"language": "x"}, {"argv": "x"}, {"argv": [1]}, WHOLE | {"env": {"A": 1}}, WHOLE | {"interrupt_mode": "odd"}],
)
def test_one_that_is_not_plain_is_left_to_jupyter(content, kernels):
    kernels("odd", content)
    assert plain_spec("odd") is None


def test_what_jupyter_refuses_is_refused(kernels):
    kernels("torn", "{")
    kernels("remote", WHOLE | {"metadata": {"kernel_provisioner": {"provisioner_name": "local-provisioner"}}})
    assert named_kernel("remote", "nb.ipynb").argv[0] == "python"
    for name, message in (("torn", "cannot be read"), ("none", "there is no kernel 'none'")):
        with pytest.raises(EntryPointError, match=message):
            named_kernel(name, "nb.ipynb")
