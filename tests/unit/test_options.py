"""What the options of the command line mean, and what is said when they mean nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from nbproj import cli
from nbproj.errors import BackendError, NbprojError, ParameterError, UsageError, on_this_platform
from nbproj.options import docker_arguments, load_variables, order_from_options, parameter_pairs, read_parameters


def options(*arguments: str) -> dict[str, Any]:
    """Return what click makes of a command line, as `run` gets it."""
    context = cli.run.make_context("run", list(arguments))
    return {name: value for name, value in context.params.items() if name not in {"as_json", "quiet"}}


def order(*arguments: str):
    return order_from_options(options(*arguments))


def refused(kind: type[NbprojError], *arguments: str) -> str:
    with pytest.raises(kind) as caught:
        order(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_option_arrives_in_the_order(tmp_path):
    given = order(
        "wine", "-e", "train", "-v", "v2", "-P", "a=1", "-P", "b=x=y", "--experiment-name", "e", "-b", "local", "-c", "{}", "--env-manager", "local",
        "--run-name", "n", "--run-id", "i", "--kernel", "k", "--timeout", "2.5", "--output", "out.ipynb", "--tracking-uri", "t",
        "--git-username", "u", "--git-password", "p", "--storage-dir", "d", "-A", "memory=2g", "-A", "init", "--no-build-image",
    )  # fmt: skip
    assert (given.uri, given.entry_point, given.version) == ("wine", "train", "v2")
    assert given.parameters == {"a": "1", "b": "x=y"}
    assert (given.experiment_name, given.backend, given.backend_config, given.env_manager) == ("e", "local", "{}", "local")
    assert (given.run_name, given.run_id, given.kernel, given.timeout) == ("n", "i", "k", 2.5)
    assert order("wine", "--html").html
    assert (given.output, given.tracking_uri, given.storage_dir) == (Path("out.ipynb"), "t", "d")
    assert (given.credentials.username, given.credentials.password) == ("u", "p")
    assert (given.docker_args, given.build_image) == ({"memory": "2g", "init": True}, False)


def test_the_names_of_mlflows_older_documentation_work():
    given = order("wine", "-m", "local", "--cluster-spec", "c.json", "--no-conda")
    assert (given.backend, given.backend_config, given.env_manager) == ("local", "c.json", "local")
    assert order("wine", "--mode", "slurm").backend == "slurm"


def test_nothing_given_is_nothing_asked():
    given = order("wine")
    assert (given.entry_point, given.parameters, given.bases, given.credentials, given.output) == (None, {}, {}, None, None)
    assert not given.html
    assert (given.docker_args, given.build_image, given.timeout, given.backend) == ({}, None, None, "local")


@pytest.mark.parametrize(
    ("text", "message"), [("alpha", "-P: 'alpha' is not NAME=VALUE"), ("=1", "-P: '=1' is not NAME=VALUE"), ("", "-P: '' is not")]
)
def test_a_parameter_is_a_name_and_a_value(text, message):
    assert message in refused(UsageError, "wine", "-P", text)


def test_a_parameter_given_twice_is_refused():
    assert refused(UsageError, "wine", "-P", "a=1", "-P", "a=1") == "-P: 'a' is given twice"


def test_a_value_is_all_behind_the_first_equals_sign():
    assert parameter_pairs(["a==b c\n", "b="]) == {"a": "=b c\n", "b": ""}
    assert docker_arguments(["gpus=all", "init", "label=a=b"]) == {"gpus": "all", "init": True, "label": "a=b"}


def test_no_conda_contradicts_another_environment_manager():
    assert "--no-conda and --env-manager conda contradict each other" in refused(UsageError, "wine", "--no-conda", "--env-manager", "conda")


def test_the_command_line_wins_over_the_file_and_paths_start_from_where_they_were_written(tmp_path):
    (tmp_path / "params.yaml").write_text("a: 1\nb: [1, 2]\ndata: data.csv\n")
    given = order("wine", "-f", str(tmp_path / "params.yaml"), "-P", "data=here.csv")
    assert given.parameters == {"a": 1, "b": [1, 2], "data": "here.csv"}
    assert given.bases == {"a": tmp_path, "b": tmp_path}


def test_json_is_yaml_enough(tmp_path):
    (tmp_path / "p.json").write_text('{"a": 1.5, "b": {"c": null}}')
    assert read_parameters(tmp_path / "p.json") == {"a": 1.5, "b": {"c": None}}
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert read_parameters(tmp_path / "empty.yaml") == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "--params-file p.yaml cannot be read: No such file or directory"),
        (b"a: \xff", "--params-file p.yaml cannot be read: it is not UTF-8"),
        (b"a: [1\n", "p.yaml:2:1: "),
        (b"a: 1\n\tb: 2\n", "p.yaml:2:1: "),
        (b"- a\n", "p.yaml: a mapping of parameter names to values is expected"),
        (b"just text", "p.yaml: a mapping of parameter names"),
        (b"a: !!python/object/apply:os.system ['x']\n", "p.yaml:1:4: "),
        (b"a: 2026-13-99\n", "p.yaml: month must be in 1..12"),
        (b"a: \x00\n", "p.yaml: "),
        (b"[" * 5000, "p.yaml: nested too deeply"),
        (b"a: 1\n---\nb: 2\n", "p.yaml:2:1: "),
        (b"a: " + b"x" * (11 * 1024 * 1024), "--params-file p.yaml is refused: more than 10 MB of parameters"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_file_of_parameters_that_cannot_be_taken_is_one_line(content, message):
    if content is not None:
        Path("p.yaml").write_bytes(content)
    told = refused(ParameterError, "wine", "-f", "p.yaml")
    assert message in told
    assert len(told) < 300


def test_a_folder_is_no_file_of_parameters():
    Path("p.yaml").mkdir()
    assert refused(ParameterError, "wine", "-f", "p.yaml") == "--params-file p.yaml cannot be read: Is a directory"


def test_an_env_file_sets_what_is_not_set_and_expands_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("A", "caller")
    for name in ("B", "C", "D"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (tmp_path / "e").write_text("A=file\nexport B='two words'\n# comment\nC=$(touch PWNED)${A}\nD\n")
    load_variables(tmp_path / "e")
    assert (os.environ["A"], os.environ["B"], os.environ["C"], os.environ["D"]) == ("caller", "two words", "$(touch PWNED)${A}", "")


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file or directory"), (b"A=\xff", "it is not UTF-8")])
def test_an_env_file_that_cannot_be_read_is_one_line(content, reason):
    if content is not None:
        Path("e").write_bytes(content)
    assert refused(UsageError, "wine", "--env-file", "e") == f"--env-file e cannot be read: {reason}"


def test_variables_of_the_environment_stand_for_options(monkeypatch):
    monkeypatch.setenv("MLFLOW_GIT_USERNAME", "eva")
    monkeypatch.setenv("MLFLOW_GIT_PASSWORD", "secret")
    monkeypatch.setenv("MLFLOW_TMP_DIR", "/tmp/d")
    given = order("wine")
    assert (given.credentials.username, given.credentials.password, given.storage_dir) == ("eva", "secret", "/tmp/d")


def test_every_advertised_option_has_a_sentence():
    for parameter in cli.run.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert (parameter.help or "").endswith("."), parameter.name


def test_windows_is_told_of_wsl_in_one_line():
    with pytest.raises(BackendError) as caught:
        on_this_platform("win32")
    assert str(caught.value) == "nbproj does not run on Windows itself: install it in WSL, the Windows Subsystem for Linux"


def test_the_command_line_and_the_function_speak_of_wsl_before_they_import_what_windows_lacks(tmp_path):
    listing = """
import sys
import click, nbproj.cli, nbproj.errors, nbproj.logbook
print(*sorted(name for name in sys.modules if name.partition(".")[0] in {*sys.stdlib_module_names, "click"} and name != "__main__"))
"""
    listed = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, timeout=60, check=True)
    program = """
import sys
from importlib import import_module
for name in sys.argv[1:]:  # these know Windows by themselves, each Python in other places: they are loaded while this is still Linux
    import_module(name)
sys.platform = "win32"
for name in ("fcntl", "pwd", "resource", "termios", "pty"):
    sys.modules[name] = None  # as on Windows: importing it fails
import nbproj
from nbproj.errors import NbprojError
for name in nbproj.__all__:
    try:
        getattr(nbproj, name)
    except NbprojError as error:
        print(name, error)
from nbproj.cli import main
main(["show"])
"""
    command = [sys.executable, "-c", program, *listed.stdout.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    line = "nbproj does not run on Windows itself: install it in WSL, the Windows Subsystem for Linux\n"
    assert (done.returncode, done.stderr) == (120, f"nbproj show: {line}")
    refused = {"Batch", "Run", "RunFailed", "RunList", "batch", "form", "get_batch", "get_run", "load_project", "panel", "run", "runs"}
    assert done.stdout == "".join(f"{name} {line}" for name in sorted(refused))
