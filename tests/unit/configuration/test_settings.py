"""What is set, by whom, and that wrong values are one line - with real files on Jupyter's own path."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_core.paths import jupyter_config_path

from nbproj.configuration.keys import KEYS
from nbproj.configuration.places import NAME, _possible, any_file, default_file
from nbproj.configuration.settings import ConfigurationError, Settings, carry, settings
from nbproj.configuration.template import template, write_template


@pytest.fixture
def write(home):
    """Return a function that writes a configuration file into the user's folder for Jupyter."""

    def put(text: str, suffix: str = ".py", folder: Path = home / ".jupyter") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{NAME}{suffix}"
        file.write_text(text, encoding="utf-8")
        return file

    return put


def refusal() -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings()
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_the_settings_have_a_field_for_every_key():
    assert [field.name for field in dataclasses.fields(Settings)] == [*KEYS, "files", "origins"]


def test_nothing_is_set_where_there_is_neither_file_nor_variable():
    assert settings() == Settings()


def test_a_python_file_sets_keys(write):
    file = write("c.Nbproj.timeout = 60 * 2\nc.Nbproj.backend_config.update({'a': [1]})\nc.Other.thing = 1\n")
    chosen = settings()
    assert (chosen.timeout, chosen.backend_config, chosen.files) == (120.0, {"a": [1]}, (file,))
    assert chosen.origins["timeout"] == str(file)


def test_a_json_file_sets_keys_and_wins_over_python_in_the_same_folder(write):
    write("c.Nbproj.kernel = 'ir'\nc.Nbproj.timeout = 1\n")
    write(json.dumps({"Nbproj": {"timeout": 2}, "ServerApp": {"port": 1}}), ".json")
    assert (settings().kernel, settings().timeout) == ("ir", 2.0)


def test_folders_count_in_jupyters_order_and_none_takes_a_value_back(write, tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path / "first"))
    write("c.Nbproj.kernel = 'ir'\nc.Nbproj.timeout = 1\nc.Nbproj.env_manager = 'uv'")
    write("c.Nbproj.kernel = 'julia'\nc.Nbproj.timeout = None", folder=tmp_path / "first")
    chosen = settings()
    assert (chosen.kernel, chosen.timeout, chosen.env_manager) == ("julia", None, "uv")
    assert [file.parent.name for file in chosen.files] == ["first", ".jupyter"]


def test_the_working_folder_is_no_place_for_configuration():
    Path(f"{NAME}.py").write_text("raise SystemExit('a project must not run by being looked at')")
    assert settings() == Settings()


def test_another_file_can_be_loaded(write, home):
    (home / ".jupyter").mkdir()
    (home / ".jupyter/more.py").write_text("c.Nbproj.timeout = 5")
    write("load_subconfig('more.py')")
    assert settings().timeout == 5.0


def test_a_variable_wins_over_the_file_and_mlflows_over_both(write, monkeypatch):
    write("c.Nbproj.tracking_uri = 'http://file'\nc.Nbproj.storage_dir = '~/file'\nc.Nbproj.timeout = 1")
    assert settings().storage_dir == str(Path("~/file").expanduser())
    monkeypatch.setenv("NBPROJ_TRACKING_URI", "http://variable")
    monkeypatch.setenv("NBPROJ_STORAGE_DIR", "variable")
    assert (settings().tracking_uri, settings().storage_dir, settings().timeout) == ("http://variable", "variable", 1.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow")
    monkeypatch.setenv("MLFLOW_TMP_DIR", "/mlflow")
    chosen = settings()
    assert (chosen.tracking_uri, chosen.storage_dir) == ("http://mlflow", "/mlflow")
    assert (chosen.origins["tracking_uri"], chosen.origins["storage_dir"]) == ("MLFLOW_TRACKING_URI", "MLFLOW_TMP_DIR")


def test_every_key_can_be_set_by_its_variable_and_by_its_example_in_a_file(write, monkeypatch):
    write(re.sub(r"^# (c\.Nbproj\..*)$", r"\1", template(), flags=re.MULTILINE))
    from_file = settings()
    assert all(getattr(from_file, name) is not None for name in KEYS)
    for name, key in KEYS.items():
        monkeypatch.setenv(key.variable, key.choices[0] if key.choices else "7")
        assert settings().origins[name] == f"NBPROJ_{name.upper()}"
        assert getattr(settings(), name) in {"7", 7.0, *key.choices[:1]}


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("c.Nbproj.timeout = (\n", ":1:20: ", "SyntaxError: '(' was never closed"),
        ("x = 1\n\nc.Nbproj.timeout = y\n", ":3: ", "NameError: name 'y' is not defined"),
        ("def f():\n    raise ValueError('two\\nlines')\nf()\n", ":2: ", "ValueError: two lines"),
        ("import sys\nsys.exit(3)\n", ":2: ", "SystemExit: 3"),
        ("c.Nbproj.timeout = 1\nc.Nbproj.timeout = -1\n", ":2: ", "timeout must be a number of seconds, more than 0, not -1"),
        ("c.Nbproj.timeout = True", ":1: ", "timeout must be a number of seconds"),
        ("c.Nbproj.kernel = 3", ":1: ", "kernel must be a text, not 3"),
        ("c.Nbproj.kernel = ' '", ":1: ", "kernel must not be empty"),
        ("c.Nbproj.env_manager = 'cnoda'", ":1: ", "Did you mean 'conda'?"),
        ("c.Nbproj.backend_config = [1]", ":1: ", "backend_config must be a text or a mapping"),
        ("c.Nbproj.cache_dir = 'here'", ":1: ", "cache_dir must be an absolute path, or begin with ~"),
        ("\nc.Nbproj.timeuot = 1", ":2: ", "there is no key 'timeuot'. Did you mean 'timeout'?"),
        ("c.Nbproj.zebra = 1", ":1: ", "there is no key 'zebra'. Known: tracking_uri"),
        ("c.NbProj.timeout = 1", ":1: ", "Did you mean c.Nbproj?"),
        ("c.Nbproj = 3", ":1: ", "must be Config instances"),
        ("\udcff", "", ""),
    ],
)
def test_what_is_wrong_in_a_python_file_is_one_line_with_its_place(text, place, message, write, home):
    file = home / ".jupyter" / f"{NAME}.py"
    file.parent.mkdir()
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert refusal().startswith(f"{file}{place}")
    assert message in refusal()


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('{\n "Nbproj": {\n  "timeout": ,\n }\n}', ":3:14: ", "not JSON"),
        ('{\n "Nbproj": {\n  "timeout": "soon"\n }\n}', ":3: ", "timeout must be a number of seconds"),
        ('{"Nbproj": {"timeuot": 1}}', ":1: ", "Did you mean 'timeout'?"),
        ("[1]", ": ", "a JSON object of sections is expected"),
        ('{"Nbproj": 3}', ":1: ", "Nbproj must hold keys and values"),
        ('{"version": 9}', ": ", "a JSON object of sections is expected"),
    ],
)
def test_what_is_wrong_in_a_json_file_is_one_line_with_its_place(text, place, message, write):
    file = write(text, ".json")
    assert refusal().startswith(f"{file}{place}")
    assert message in refusal()


def test_a_file_that_cannot_be_read_is_said(home):
    folder = home / ".jupyter" / f"{NAME}.py"
    folder.mkdir(parents=True)
    assert refusal() == f"{folder}: cannot be read: Is a directory"
    folder.rmdir()
    folder.symlink_to(home / "gone.py")
    assert refusal() == f"{folder}: cannot be read: No such file or directory"


def test_a_wrong_variable_is_named(monkeypatch):
    monkeypatch.setenv("NBPROJ_GIT_SILENCE", "long")
    assert refusal() == "NBPROJ_GIT_SILENCE must be a number of seconds, more than 0, not 'long'"


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"JUPYTER_CONFIG_DIR": "/a/b"},
        {"JUPYTER_CONFIG_PATH": "/a:/b/c"},
        {"JUPYTER_PREFER_ENV_PATH": "1"},
        {"JUPYTER_PREFER_ENV_PATH": "0", "JUPYTER_CONFIG_DIR": "rel"},
    ],
)
def test_no_folder_that_jupyter_looks_into_is_overlooked(variables, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert {os.path.realpath(folder) for folder in jupyter_config_path()} <= {os.path.realpath(folder) for folder in _possible(os.environ)}


def test_jupyters_own_switches_are_obeyed(write, monkeypatch, tmp_path):
    write("c.Nbproj.timeout = 1")
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    assert settings() == Settings()
    monkeypatch.delenv("JUPYTER_NO_CONFIG")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    assert any_file(os.environ)
    assert default_file().parent.name == "jupyter"


def test_variables_alone_and_no_file_import_neither_traitlets_nor_jupyter():
    code = (
        "import sys\nfrom nbproj.configuration.settings import settings\nassert settings().timeout == 7\n"
        "print([name for name in ('traitlets', 'jupyter_core', 'asyncio', 'platformdirs') if name in sys.modules])"
    )
    environment = {**os.environ, "NBPROJ_TIMEOUT": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=environment)
    assert done.stdout.strip() == "[]"


def test_carrying_takes_over_what_the_machine_shares_and_nothing_else(monkeypatch):
    environment = {"NBPROJ_STATE_DIR": "/mine"}
    carry(Settings(timeout=3.0, state_dir="/theirs", cache_dir="/cache", grace=0.5), environment)
    assert environment == {"NBPROJ_STATE_DIR": "/mine", "NBPROJ_CACHE_DIR": "/cache", "NBPROJ_GRACE": "0.5"}


def test_the_template_sets_nothing_and_can_be_read(write):
    write_template(default_file())
    assert settings() == Settings(files=(default_file(),))


def test_the_page_tells_every_key():
    page = (Path(__file__).parents[3] / "docs/configuration.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE) == list(KEYS)
    for key in KEYS.values():
        assert key.variable.removeprefix("NBPROJ_").lower() == key.name
        assert key.help in page.replace("`", "")
