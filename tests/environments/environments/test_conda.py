"""Conda environments: the same by a conda that is called and by py-rattler."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from environments.conda_channel import address, describe
from environments.contract import ask

from nbproj.environments.conda import CondaEnvironments
from nbproj.environments.condalock import explicit
from nbproj.environments.kernelspec import install_kernelspec
from nbproj.environments.lock import locked, locked_spec
from nbproj.environments.registry import provider
from nbproj.environments.uv import UvEnvironments
from nbproj.errors import EnvironmentPreparationError
from nbproj.project.model import EnvironmentSpec
from nbproj.tracking.gateway.decision import decide

CONDA = CondaEnvironments()
SPEC = EnvironmentSpec("conda", file="conda.yaml")


@pytest.fixture
def root(tmp_path):
    return describe(tmp_path / "project", "python", "demo-data")


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
    assert str(error).startswith("conda.yaml: a channel (http://127.0.0.1:9/team/")
    assert "cannot be reached: " in str(error)
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
    (tmp_path / "hold").touch()
    program = f"from nbproj.preparation import prepare_environment; prepare_environment({str(root)!r})"
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, env={**os.environ, "HOLD": str(tmp_path / "hold")})
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


def test_builds_that_are_killed_at_any_instant_leave_nothing_that_is_used(tmp_path, told, cache):
    root = describe(tmp_path / "project", "python", "demo-data", "pip")
    program = f"from nbproj.preparation import prepare_environment; prepare_environment({str(root)!r})"
    for seconds in (0.2, 0.5, 0.8, 1.2):
        process = subprocess.Popen([sys.executable, "-c", program])
        time.sleep(seconds)
        process.kill()
        process.wait(20)
    environment = CONDA.prepare(SPEC, root, told.append)
    assert ask(environment, "import pip; print(pip.__name__)") == "pip"
    assert (environment.folder / "env/share/data.txt").exists()
    assert [kept.whole for kept in cache.all()] == [True]


def test_without_a_file_there_is_an_environment_with_nothing_but_python(conda, tmp_path, told, monkeypatch):
    (tmp_path / "condarc").write_text(f"channels: [{address()}]\n")
    monkeypatch.setenv("CONDARC", str(tmp_path / "condarc"))
    environment = CONDA.prepare(EnvironmentSpec("conda"), tmp_path, told.append)
    assert locked(environment.description) == {}
    assert ask(environment, "import sys; print(sys.prefix)") == str(environment.folder / "env")


def test_a_notebooks_kernel_is_put_on_top_and_its_kernelspec_activates_all(conda, root, told, cache):
    base = CONDA.prepare(SPEC, root, told.append)
    top = CONDA.prepare(SPEC, root, told.append, kernel=True)
    assert top.key != base.key
    assert (top.kind, top.variables["DEMO_VAR"]) == ("conda", "of the package")
    prefixes = [f"{one.folder}/env/bin" for one in (top, base)]
    assert top.variables["PATH"].split(os.pathsep)[:2] == prefixes
    assert ask(top, "import ipykernel, sys; print(sys.executable)") == top.python
    assert "ipykernel" not in locked(base.description)
    assert "ipykernel" in locked(top.description)
    folder = install_kernelspec(cache.find(top.key), "ours", "Ours")
    variables = json.loads((folder / "kernel.json").read_text())["env"]
    assert variables["DEMO_HOME"] == f"{base.folder}/env/share/demo"
    assert variables["PATH"] == os.pathsep.join([*prefixes, "${PATH}"])
    assert decide(top.python, "sqlite:////x.db").reason == "no MLflow is installed there"


def test_the_packages_below_a_kernel_are_seen_without_starting_it(root, told, wheels, monkeypatch):
    describe(root, "python", more="  - pip: [six]\n")
    top = CONDA.prepare(SPEC, root, told.append, kernel=True)
    base = Path(top.variables["CONDA_PREFIX"])
    (site,) = base.glob("lib/python*/site-packages")
    (site / "mlflow_skinny-2.9.0.dist-info").mkdir()
    assert decide(top.python, "sqlite:////x.db").way == "gateway"


def test_many_environments_at_once_on_a_cold_cache_are_all_made(conda, tmp_path, cache):
    roots = [describe(tmp_path / name, "python", "demo-data", name) for name in ("tiny", "demo_cli", "pip")]
    program = "import sys; from nbproj.preparation import prepare_environment; prepare_environment(sys.argv[1])"
    building = [subprocess.Popen([sys.executable, "-c", program, str(root)]) for root in (*roots, *roots)]
    assert [process.wait(120) for process in building] == [0] * len(building)
    assert [kept.whole for kept in cache.all()] == [True] * len(roots)


def test_uv_makes_what_a_conda_file_asks_for_when_that_needs_no_conda(tmp_path, no_index, told):
    root = describe(tmp_path / "project", "python>=3.11", more="  - pip: [tiny<2]\nvariables: {A: 'b'}\n")
    environment = UvEnvironments().prepare(EnvironmentSpec("uv", file="conda.yaml"), root, told.append)
    assert ask(environment, "import os, tiny; print(tiny.__version__, os.environ['A'])") == "1.0 b"
    (root / "conda.yaml").rename(root / "any.yaml")
    UvEnvironments().check(EnvironmentSpec("uv", file="any.yaml"), root)
    describe(root, "python", "r-base")
    with pytest.raises(EnvironmentPreparationError, match=r"conda\.yaml: asks for r-base, which is conda's matter"):
        UvEnvironments().check(EnvironmentSpec("uv", file="conda.yaml"), root)


def test_the_exported_list_is_one_that_conda_reads(root, told, monkeypatch):
    lines = explicit(CONDA.prepare(SPEC, root, told.append).description).splitlines()
    assert lines[0] == "@EXPLICIT"
    assert {line.rpartition("/")[2].partition("-0.tar")[0].rpartition("-")[0] for line in lines[1:]} == {"python", "demo", "demo-data"}
    assert all("#sha256:" in line for line in lines[1:])
