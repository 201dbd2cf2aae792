"""The command line as its users type it: exit codes, one line an error, and what a pipe gets."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import zipfile

import pytest


def test_the_program_speaks_on_standard_output_and_we_on_standard_error(cli, project, store):
    done = cli("run", project("entry_points: {main: {command: 'echo out; echo err >&2'}}\n"))
    assert done.code == 0
    assert done.out == "out\nerr\n"
    assert "running main of" in done.err
    assert "FINISHED  main" in done.err


def test_nothing_but_words_goes_to_a_pipe(cli, project, store):
    done = cli("run", project("entry_points: {main: {command: 'echo out; sleep 1.5; exit 3'}}\n"))
    assert done.code == 3
    assert (done.out + done.err).replace("\n", "").isprintable()
    assert [line.split()[0] for line in done.err.splitlines()] == ["running", "FAILED", "reason", "store", "look"]


def test_quiet_says_why_a_run_failed_in_one_line(cli, project, store, only_run):
    done = cli("run", "-q", project("entry_points: {main: {command: 'echo out; exit 3'}}\n"))
    assert (done.code, done.out) == (3, "out\n")
    assert done.err == f"nbproj run: run {only_run().run_id[:8]} failed: exit code 3\n"


def test_quiet_leaves_the_programs_words_alone(cli, project, store):
    done = cli("run", "-q", project("entry_points: {main: {command: 'echo out'}}\n"))
    assert (done.out, done.err) == ("out\n", "")


def test_json_is_for_programs(cli, project, store):
    done = cli("run", "--json", "-P", "a=1", project("entry_points: {main: {parameters: {a: int}, command: 'echo {a}; exit 6'}}\n"))
    assert done.code == 6
    keys = {"run_id", "status", "exit_code", "stage", "experiment_id", "params", "metrics", "tags", "artifact_uri", "notebook", "duration_s"}
    assert keys <= set(done.json)
    assert (done.json["status"], done.json["exit_code"], done.json["params"]) == ("FAILED", 6, {"a": "1"})
    assert "1\n" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["run", "--json", ".", "-e", "mian"], 120, "EntryPointError"),
        (["run", "--json", "nowhere"], 121, "SourceError"),
        (["run", "--json", ".", "--tracking-uri", "http://127.0.0.1:9"], 122, "StoreUnreachableError"),
        (["run", "--json", ".", "--frobnicate"], 2, "UsageError"),
        (["run", "--json", ".", "-P", "x"], 2, "UsageError"),
        (["show", "--json", "nowhere"], 121, "SourceError"),
        (["check", "--json", "nowhere"], 121, "SourceError"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_json_holds_one_document_also_when_no_run_exists(arguments, code, kind, cli, project, store):
    done = cli(*arguments, cwd=project("entry_points: {main: {command: 'true'}}\n"))
    assert done.code == code
    error = done.json["error"]
    assert set(done.json) == {"version", "error"}
    assert (error["type"], error["exit_code"]) == (kind, code)
    assert error["message"] in done.err
    assert store.search_runs() == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run"], 2, "missing argument 'URI'. See nbproj run --help"),
        (["runn", "."], 2, "there is no command 'runn'. Did you mean 'run'?"),
        (["cache", "."], 2, "no such command '.'. See nbproj cache --help"),
        (["./"], 2, "To run that project: nbproj run ./"),
        (["run", ".", "--frobnicate"], 2, "there is no option '--frobnicate'. See nbproj run --help"),
        (["run", ".", "--timeot", "3"], 2, "there is no option '--timeot'. Did you mean '--timeout'?"),
        (["run", ".", "-e"], 2, "'-e' requires an argument"),
        (["run", ".", "extra"], 2, "unexpected extra argument"),
        (["run", ".", "--timeout", "soon"], 2, "'soon' is not a valid float"),
        (["run", ".", "-P", "alpha"], 2, "'alpha' is not NAME=VALUE"),
        (["run", ".", "-P", "a=1", "-P", "a=2"], 2, "'a' is given twice"),
        (["run", ".", "--experiment-name", "a", "--experiment-id", "1"], 2, "not both"),
        (["run", ".", "--env-manager", "condo"], 2, "Did you mean 'conda'?"),
        (["run", ".", "--timeout", "-1"], 2, "more than 0 seconds"),
        (["run", ".", "-c", "{"], 2, "not JSON"),
        (["run", ".", "-c", "gone.json"], 2, "gone.json cannot be read"),
        (["run", ".", "--no-conda", "--env-manager", "uv"], 2, "contradict"),
        (["run", ".", "-b", "locl"], 120, "Did you mean 'local'?"),
        (["run", ".", "-b", "dask"], 120, "not there yet"),
        (["run", ".", "-e", "train", "-P", "alpha=1", "-b", "kubernetes"], 120, "docker_env"),
        (["run", ".", "-e", "trian"], 120, "Did you mean 'train'?"),
        (["run", ".", "-e", "train"], 120, "1 parameter of 'train' is missing: alpha (float): add -P alpha=..."),
        (["run", ".", "-e", "train", "-P", "aplha=1"], 120, "Did you mean 'alpha'?"),
        (["run", ".", "-e", "train", "-P", "alpha=x"], 120, "parameter 'alpha': 'x' is not a float"),
        (["run", ".", "-e", "train", "-P", "alpha=nan"], 120, "alpha"),
        (["run", ".", "-e", "train", "-P", "alpha=1", "-P", "a;b=1"], 120, "a;b"),
        (["run", ".", "-e", "../outside.sh"], 120, "leaves the project"),
        (["run", ".", "-e", "paths", "-P", "data=gone.csv"], 120, "gone.csv"),
        (["run", ".", "-e", "paths", "-P", "data=s3:///x"], 120, "s3:///x"),
        (["run", ".", "-e", "train", "-P", "alpha=1", "--kernel", "python3"], 120, "is for notebooks"),
        (["run", "nowhere"], 121, "nowhere"),
        (["run", ".#gone", "-e", "train"], 121, "gone"),
        (["run", "ext::sh -c touch% PWNED"], 121, "ext"),
        (["run", ".", "-v", "main", "-e", "train", "-P", "alpha=1"], 121, "Git"),
        (["run", "--reuse", ".", "--run-id", "0" * 32], 2, "leave one of them out"),
        (["run", ".", "-e", "train", "-P", "alpha=1", "--tracking-uri", "ftp://x/y"], 120, "ftp"),
        (["run", ".", "-e", "train", "-P", "alpha=1", "--experiment-id", "77"], 120, "77"),
        (["run", ".", "-e", "train", "-P", "alpha=1", "--run-id", "0" * 32], 120, "0" * 32),
        (["run", ".", "-e", "train", "-f", "gone.yaml"], 120, "--params-file gone.yaml cannot be read: No such file"),
        (["run", ".", "-e", "train", "--env-file", "gone.env"], 2, "--env-file gone.env cannot be read: No such file"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
def test_what_is_wrong_is_one_line_with_the_documented_code_and_no_run(arguments, code, message, cli, project, store):
    folder = project(
        "entry_points: {train: {parameters: {alpha: float}, command: 'echo {alpha}'}, paths: {parameters: {data: path}, command: 'cat {data}'}}\n"
    )
    (folder.parent / "outside.sh").write_text("touch PWNED\n")
    done = cli(*arguments, cwd=folder)
    assert done.code == code, done.err
    assert message in done.err
    assert len([line for line in done.err.splitlines() if not line.startswith("note:")]) == 1, done.err
    assert done.out == ""
    assert store.search_runs() == []
    assert not list(folder.parent.rglob("PWNED"))


@pytest.mark.parametrize(
    ("mlproject", "where"),
    [
        ("entry_ponits: {}\n", "MLproject:1:1"),
        ("name: a\nname: b\n", "MLproject:2:1"),
        ("conda_env: a.yaml\npython_env: b.yaml\n", "MLproject:"),
        ("entry_points: [a\n", "MLproject:2:1"),
        ("conda_env: ../../etc/passwd\n", "MLproject:1:12"),
    ],
)
def test_a_broken_mlproject_is_one_line_with_its_place(mlproject, where, cli, project, store):
    for command in ("run", "show", "check"):
        done = cli(command, ".", cwd=project(mlproject))
        assert done.code == 120
        assert done.err.startswith(where)
        assert len(done.err.splitlines()) <= 2
    assert store.search_runs() == []


def test_a_store_out_of_reach_is_said_within_seconds(cli, project):
    import time

    folder = project("entry_points: {main: {command: touch ran}}\n")
    begun = time.monotonic()
    done = cli("run", folder, "--tracking-uri", "http://127.0.0.1:9")
    assert done.code == 122
    assert "127.0.0.1:9" in done.err
    assert time.monotonic() - begun < 30
    assert not (folder / "ran").exists()


def test_parameters_come_from_a_file_and_the_command_line_wins(cli, project, store, tmp_path):
    folder = project("entry_points: {main: {parameters: {a: int, b: list, data: path, when: date}, command: 'echo {a} {b} {when}; cat {data}'}}\n")
    (tmp_path / "data.csv").write_text("data")
    (tmp_path / "params.yaml").write_text("a: 1\nb: [1, 2]\ndata: data.csv\nwhen: 2026-01-02\n")
    done = cli("run", "-q", folder, "-f", tmp_path / "params.yaml", "-P", "a=5")
    assert done.out == "5 [1, 2] 2026-01-02\ndata", done.err


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [1\n", "params.yaml:2:1"), ("- a\n", "mapping"), ("a: !!python/object/apply:os.system ['touch PWNED']\n", "params.yaml:1:4")],
)
def test_a_broken_file_of_parameters_is_one_line(text, message, cli, project, store):
    folder = project("entry_points: {main: {command: 'true'}}\n", params__yaml=text)
    done = cli("run", ".", "-f", "params.yaml", cwd=folder)
    assert done.code == 120
    assert message in done.err
    assert not (folder / "PWNED").exists()


def test_an_env_file_fills_in_what_is_not_set(cli, project, store):
    folder = project("entry_points: {main: {command: 'echo $A $B'}}\n", run__env='A=from-file\nB="two words"\n')
    assert cli("run", "-q", ".", "--env-file", "run.env", cwd=folder, A="from-caller").out == "from-caller two words\n"


def test_a_reader_that_leaves_does_not_end_the_run(project, store, only_run):
    folder = project("entry_points: {main: {command: 'seq 200000; touch finished'}}\n")
    command = f"{sys.executable} -m nbproj run {folder} | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "1\n"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert (folder / "finished").exists()
    assert only_run().status == "FINISHED"


def test_a_zip_and_a_folder_in_it(cli, tmp_path, store):
    with zipfile.ZipFile(tmp_path / "wine.zip", "w") as archive:
        archive.writestr("sub/MLproject", "entry_points: {main: {command: 'echo from zip'}}\n")
    assert cli("run", "-q", f"{tmp_path}/wine.zip#sub").out == "from zip\n"


def test_show_tells_entry_points_and_parameters_for_people_and_programs(cli, project, notebook):
    folder = project(
        textwrap.dedent("""\
            name: wine
            entry_points:
              train:
                parameters:
                  alpha: {type: float, default: 0.5, help: strength of the penalty, min: 0, max: 1}
                  token: {type: string, secret: true}
                command: python train.py {alpha}
              broken:
                command: echo {x}
            """),
        train__py="",
    )
    notebook("print(1)", parameters="seed: int = 3  # the seed", name="project/look.ipynb")
    shown = cli("show", folder).out
    assert "alpha  float   = 0.5     strength of the penalty; 0 to 1" in shown
    assert "token  string  required  secret, in the variable TOKEN" in shown
    assert "cannot be run: MLproject:" in shown
    assert "look.ipynb" in shown
    document = cli("show", "--json", folder).json
    assert document["name"] == "wine"
    assert document["entry_points"]["train"]["command"] == "python train.py {alpha}"
    assert document["entry_points"]["train"]["parameters"]["alpha"] == {
        "type": "float", "default": 0.5, "help": "strength of the penalty", "min": 0, "max": 1, "secret": False, "optional": False,
        "declared_in": "MLproject:5:7",
    }  # fmt: skip
    assert document["entry_points"]["look.ipynb"]["parameters"]["seed"]["default"] == 3
    assert document["entry_points"]["broken"]["problem"].startswith("MLproject:9:")
    assert "alpha" in cli("show", folder, "-e", "train").out
    assert cli("show", folder, "-e", "nothing").code == 120
    look = cli("show", folder, "-e", "look.ipynb").out
    assert look == "wine: system environment\n\n  look.ipynb  notebook look.ipynb\n    seed  int  = 3  the seed [cell 1, line 1]\n"


def test_check_says_what_is_wrong_and_strict_says_more(cli, project):
    folder = project("entry_points: {main: {command: 'true'}}\nx_plugin: 1\n")
    done = cli("check", folder)
    assert (done.code, done.out) == (0, "project: 1 entry point, no problem found\n")
    assert "x_plugin" in done.err
    assert cli("check", "--strict", folder).code == 120
    (folder / "MLproject").write_text("entry_points: {main: {command: 'echo {x}'}, other: {command: 'true'}}\n")
    done = cli("check", "--json", folder)
    assert done.code == 120
    assert json.loads(done.out)["ok"] is False
    (folder / "MLproject").write_text("entry_ponts: {}\n")
    done = cli("check", "--json", folder)
    assert (done.code, done.json["problems"]) == (120, [done.err.rstrip()])
    assert done.err.startswith("MLproject:1:1: ")


def test_check_counts_what_can_be_run_and_a_folder_with_nothing_to_run_is_a_problem(cli, project):
    folder = project()
    done = cli("check", folder)
    assert (done.code, done.out) == (120, "")
    assert done.err.startswith("there is nothing to run: ")
    (folder / "train.py").touch()
    assert cli("check", folder).out == "project: 1 by path, no problem found\n"
    (folder / "MLproject").write_text("name: wine\nentry_points: {a: {command: 'true'}, b: {command: 'true'}}\n")
    assert cli("check", folder).out == "wine: 2 entry points and 1 by path, no problem found\n"


def test_help_names_what_works_in_the_order_of_its_use(cli):
    told = cli("--help").out
    nothing = cli()
    assert (nothing.code, nothing.out, nothing.err) == (2, "", told)
    assert told.index("  run ") < told.index("  show ") < told.index("  check ")
    assert "..." not in told.partition("Commands:")[2]
    told = cli("run", "--help").out
    for absent in ("--mode", "--cluster-spec"):
        assert absent not in told


def test_looking_executes_nothing(cli, project, notebook, tmp_path):
    folder = project(
        f"entry_points: {{main: {{parameters: {{a: {{default: $(touch {tmp_path}/PWNED)}}}}, command: 'touch {tmp_path}/PWNED'}}}}\n",
        setup__py=f"open('{tmp_path}/PWNED', 'w')",
    )
    notebook(f"open('{tmp_path}/PWNED', 'w')", parameters=f"x = open('{tmp_path}/PWNED', 'w')", name="project/n.ipynb")
    for command in (["show"], ["show", "--json"], ["check"], ["check", "--strict"]):
        cli(*command, folder)
    assert not (tmp_path / "PWNED").exists()


def test_a_new_store_lies_where_the_user_stands_and_is_found_again_below(cli, project, tmp_path):
    folder = project("entry_points: {main: {command: 'true'}}\n")
    here = tmp_path / "here"
    here.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=here, check=True)
    assert cli("run", folder, cwd=here).code == 0
    assert (here / "mlflow.db").exists()
    (here / "below").mkdir()
    done = cli("run", folder, cwd=here / "below")
    assert str(here / "mlflow.db") in done.err or "mlflow.db" in done.err
    assert not (here / "below/mlflow.db").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["MLproject"]
