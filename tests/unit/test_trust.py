"""The list of trusted projects: by real path or public address, in a file that is the user's alone."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from nbproj import trust
from nbproj.cli.trusting import trust as command
from nbproj.errors import SourceError, UsageError
from nbproj.tracking.folders import state_folder


def the_file():
    return state_folder("trust") / "trusted.json"


def test_a_folder_is_trusted_by_its_real_path_and_with_what_lies_in_it(tmp_path):
    project = tmp_path / "wine"
    (project / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(project)
    (tmp_path / "wine2").mkdir()
    assert not trust.is_trusted(str(project))
    assert trust.trust(str(tmp_path / "link")) == str(project.resolve())
    assert trust.is_trusted(str(project))
    assert trust.is_trusted(f"{project}#inner")
    assert trust.is_trusted(f"file://{project}")
    assert not trust.is_trusted(str(tmp_path / "wine2"))
    assert not trust.is_trusted(str(tmp_path))


def test_an_address_is_trusted_without_its_credentials_and_never_kept_with_them():
    trust.trust("https://me:secret@example.org/team/wine.git")
    assert "secret" not in the_file().read_text()
    assert trust.is_trusted("https://example.org/team/wine.git#train")
    assert trust.is_trusted("https://other:token@example.org/team/wine.git")
    for other in ("https://example.org/team/wine", "https://example.org/team/wine.git.evil", "http://example.org/team/wine.git", "ext::sh -c x", ""):
        assert not trust.is_trusted(other), other


def test_a_part_of_a_repository_is_trusted_for_itself():
    trust.trust("https://example.org/team/wine.git#train")
    assert trust.is_trusted("https://example.org/team/wine.git#train/deep")
    assert not trust.is_trusted("https://example.org/team/wine.git#training")
    assert not trust.is_trusted("https://example.org/team/wine.git")


def test_what_is_revoked_asks_again(tmp_path):
    trust.trust(str(tmp_path))
    assert trust.revoke(str(tmp_path)) is True
    assert trust.revoke(str(tmp_path)) is False
    assert not trust.is_trusted(str(tmp_path))


def test_the_file_is_the_users_alone_and_a_broken_one_trusts_nothing(tmp_path):
    trust.trust(str(tmp_path))
    assert stat.S_IMODE(the_file().stat().st_mode) == 0o600
    for content in ("", "[]", '{"trusted": 3}', '{"trusted": [3]}', "\0"):
        the_file().write_text(content)
        assert trust.trusted() == (), content
    trust.trust(str(tmp_path))
    assert trust.trusted() == (os.path.realpath(tmp_path),)


def test_writers_at_the_same_time_lose_nothing(tmp_path):
    folders = [tmp_path / str(number) for number in range(12)]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda folder: trust.trust(str(folder)), folders))
    assert set(trust.trusted()) == {os.path.realpath(folder) for folder in folders}


def test_what_is_not_there_or_is_no_address_cannot_be_trusted(tmp_path):
    with pytest.raises(UsageError, match="nothing is trusted"):
        trust.trust(str(tmp_path / "absent"))
    with pytest.raises(SourceError):
        trust.trust("ext::sh -c touch% /tmp/x")
    assert trust.trusted() == ()


def test_the_command_trusts_lists_and_revokes():
    Path("wine").mkdir()
    runner = CliRunner()
    assert runner.invoke(command, ["wine"]).exit_code == 0
    assert json.loads(runner.invoke(command, ["--list", "--json"]).stdout)["trusted"] == [os.path.realpath("wine")]
    assert runner.invoke(command, ["--revoke", "wine"]).exit_code == 0
    assert runner.invoke(command, ["--revoke", "wine"]).exit_code == 1
    assert "nothing is trusted" in runner.invoke(command, ["--list"]).stdout
