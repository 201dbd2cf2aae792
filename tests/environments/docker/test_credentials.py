"""What is handed on to a container for the storage of its artifacts: as MLflow 3.17 does (mlflow/projects/backend/local.py)."""

from __future__ import annotations

import pytest

from nbproj.backends.docker.credentials import credentials
from nbproj.backends.docker.mounts import Mounts
from nbproj.errors import BackendError

SERVER = "https://mlflow.example.org"
KEYS = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_SESSION_TOKEN": "c",
    "AZURE_STORAGE_CONNECTION_STRING": "d",
    "AZURE_STORAGE_ACCESS_KEY": "e",
    "DATABRICKS_TOKEN": "f",
    "OTHER": "g",
}


@pytest.fixture
def mounts() -> Mounts:
    return Mounts()


def placed(mounts: Mounts) -> list[tuple[str, str, bool]]:
    """Return what is mounted."""
    return [(str(one.source), str(one.target), one.writable) for one in mounts.given]


def test_s3_gets_its_keys_and_the_folder_of_settings(home, mounts):
    (home / ".aws").mkdir()

    found = credentials("s3://bucket/a", SERVER, {**KEYS, "HOME": str(home)}, mounts)

    files = {"AWS_SHARED_CREDENTIALS_FILE": "/.aws/credentials", "AWS_CONFIG_FILE": "/.aws/config"}
    assert found == {**{name: KEYS[name] for name in KEYS if name.startswith("AWS_")}, **files}
    assert placed(mounts) == [(f"{home}/.aws", "/.aws", False)]


def test_azure_gets_its_keys_only(home, mounts):
    found = credentials("wasbs://c@account.example.org/a", SERVER, KEYS, mounts)

    assert found == {"AZURE_STORAGE_CONNECTION_STRING": "d", "AZURE_STORAGE_ACCESS_KEY": "e"}
    assert placed(mounts) == []


def test_google_storage_and_hadoop_get_the_file_that_a_variable_names(tmp_path, mounts):
    (tmp_path / "key.json").write_text("{}")
    named = dict.fromkeys(("GOOGLE_APPLICATION_CREDENTIALS", "MLFLOW_KERBEROS_TICKET_CACHE"), f"{tmp_path}/key.json")

    assert credentials("gs://bucket/a", SERVER, named, mounts) == {"GOOGLE_APPLICATION_CREDENTIALS": "/.gcs"}
    kept = {"MLFLOW_KERBEROS_TICKET_CACHE": f"{tmp_path}/key.json"}
    assert credentials("hdfs://host/a", SERVER, named, mounts) == kept
    assert placed(mounts) == [(f"{tmp_path}/key.json", "/.gcs", False), (f"{tmp_path}/key.json", f"{tmp_path}/key.json", False)]


def test_a_file_that_is_not_there_is_not_mounted(tmp_path, mounts):
    assert credentials("gs://bucket/a", SERVER, {"GOOGLE_APPLICATION_CREDENTIALS": f"{tmp_path}/gone"}, mounts) == {}
    assert placed(mounts) == []


def test_a_storage_that_is_a_folder_here_is_mounted_at_its_place(tmp_path, mounts):
    assert credentials(f"{tmp_path}/run/artifacts", SERVER, KEYS, mounts) == {}
    assert placed(mounts) == [], "of a folder that only the server has, nothing is made here"

    (tmp_path / "run").mkdir()
    credentials(f"file://{tmp_path}/run/artifacts", SERVER, KEYS, mounts)

    assert placed(mounts) == [(f"{tmp_path}/run/artifacts", f"{tmp_path}/run/artifacts", True)]
    assert (tmp_path / "run/artifacts").is_dir()


def test_databricks_gets_the_login_of_the_profile_that_its_address_names(home, mounts, monkeypatch):
    profiles = ((name, f"[{name}]\nhost = https://{name}.example.org\ntoken = dapi-{name}\n") for name in ("mine", "another"))
    (home / "profiles").write_text("".join(text for _, text in profiles))
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", f"{home}/profiles")

    found = credentials("dbfs:/a", "databricks://mine", {}, mounts)

    assert found == {"MLFLOW_TRACKING_URI": "databricks", "DATABRICKS_HOST": "https://mine.example.org", "DATABRICKS_TOKEN": "dapi-mine"}


def test_databricks_without_a_login_is_one_line(home, mounts):
    with pytest.raises(BackendError, match=r"the container cannot log in to databricks://nobody: Reading Databricks credential") as caught:
        credentials("dbfs:/a", "databricks://nobody", {}, mounts)

    assert "\n" not in str(caught.value)
