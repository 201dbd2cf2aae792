"""What every kind of environment promises."""

from pathlib import Path

import pytest
from environments.contract import CASES, ask

from nbproj.environments.lock import locked
from nbproj.environments.registry import PROVIDERS
from nbproj.environments.uv import UvEnvironments
from nbproj.errors import EnvironmentPreparationError
from nbproj.progress import Event
from nbproj.project.model import EnvironmentSpec


def files_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_exactly_one_provider_is_responsible(case):
    assert [provider.kind for provider in PROVIDERS if provider.detect(case.spec)] == [case.spec.kind]
    assert case.provider.detect(case.spec)


def test_a_specification_is_checked_without_building_or_telling_anything(case, cache):
    case.provider.check(case.spec, case.root)
    assert cache.all() == []


def test_a_program_in_it_imports_the_packages_that_were_asked_for(case, told):
    environment = case.provider.prepare(case.spec, case.root, told.append)
    assert ask(environment, f"import sys, {case.module}; print(sys.executable)") == environment.python
    assert environment.kind == case.spec.kind
    assert locked(environment.description)
    assert environment.fingerprint


def test_nothing_is_written_into_the_project(case, told):
    before = files_of(case.root)
    case.provider.prepare(case.spec, case.root, told.append)
    assert files_of(case.root) == before


def test_the_second_time_it_is_there_already(case, told):
    first = case.provider.prepare(case.spec, case.root, told.append)
    told.clear()
    second = case.provider.prepare(case.spec, case.root, told.append)
    assert (second.key, second.python, second.fingerprint) == (first.key, first.python, first.fingerprint)
    assert told == []


def test_its_key_is_known_before_it_is_built(case, cache, told):
    key = case.provider.key(case.spec, case.root)
    assert bool(key) == case.kept
    environment = case.provider.prepare(case.spec, case.root, told.append)
    chain = [kept for kept in cache.all() if kept.key == environment.key]
    assert not case.kept or key in {environment.key, *chain[0].facts.get("below", [])}


def test_the_folder_of_the_cache_is_private(case, cache, told):
    case.provider.prepare(case.spec, case.root, told.append)
    assert [path for path in (cache.folder, *(kept.folder for kept in cache.all())) if path.stat().st_mode & 0o077] == []


def test_what_the_caller_has_activated_does_not_leak_into_it(case, told, monkeypatch, tmp_path):
    (tmp_path / "leak").mkdir()
    (tmp_path / "leak" / "tiny.py").write_text("raise SystemExit('the caller has leaked in')")
    leaks = {
        "PYTHONPATH": str(tmp_path / "leak"),
        "PYTHONHOME": str(tmp_path),
        "VIRTUAL_ENV": str(tmp_path),
        "CONDA_PREFIX": str(tmp_path),
        "CONDA_DEFAULT_ENV": "mine",
        "CONDA_SHLVL": "7",
        "UV_PROJECT_ENVIRONMENT": str(tmp_path),
        "JPY_PARENT_PID": "7",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    for name, value in leaks.items():
        monkeypatch.setenv(name, value)
    environment = case.provider.prepare(case.spec, case.root, told.append)
    here = {"JPY_PARENT_PID", "MPLBACKEND"} if not case.kept else leaks.keys()
    assert {name: environment.variables[name] for name in here if environment.variables.get(name) == leaks[name]} == {}
    if case.kept:
        assert ask(environment, f"import {case.module}; print('clean')") == "clean"


def test_programs_of_the_environment_come_first_on_the_path(case, told):
    environment = case.provider.prepare(case.spec, case.root, told.append)
    assert str(environment.variables["PATH"]).split(":")[0] == str(Path(str(environment.python)).parent)


def test_every_event_is_one_line(case, told):
    case.provider.prepare(case.spec, case.root, told.append)
    assert [event for event in told if not isinstance(event, Event) or "\n" in event.text] == []


def test_every_provider_is_among_the_cases(tmp_path, no_index):
    kinds = {make(tmp_path / str(number)).spec.kind for number, make in enumerate(CASES.values())}
    # An image has neither an interpreter of this machine nor a place in our cache; what it promises is tried in environments/docker, on an engine.
    assert {provider.kind for provider in PROVIDERS} == kinds | {"docker"}


@pytest.mark.parametrize("wish", ["3.99", ">=3.99"])
def test_a_python_that_is_not_there_is_refused_with_those_that_are(wish, tmp_path):
    (tmp_path / "python_env.yaml").write_text(f"python: '{wish}'\n")
    with pytest.raises(EnvironmentPreparationError) as refused:
        UvEnvironments().check(EnvironmentSpec("uv", file="python_env.yaml"), tmp_path)
    assert str(refused.value).startswith(f"python_env.yaml:1:9: Python {wish} is not on this machine. Found: ")
