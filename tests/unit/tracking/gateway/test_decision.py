"""Which environments need the gateway: told by what lies in them, without starting anything there."""

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import mlflow
import pytest

from nbproj.tracking import blueprint
from nbproj.tracking.gateway.decision import decide

DATABASE = "sqlite:////runs/mlflow.db"
MIGRATIONS = Path(mlflow.__file__).parent / "store/db_migrations/versions"


@pytest.fixture
def environment(tmp_path):
    """Return a function that makes a virtual environment in which distributions of these names and versions are installed."""
    prefix = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix], check=True, timeout=60)
    (packages,) = prefix.glob("lib/python3*/site-packages")

    def make(**distributions: str) -> tuple[Path, Path]:
        for name, release in distributions.items():
            (packages / f"{name}-{release}.dist-info").mkdir()
        return prefix / "bin" / "python", packages

    return make


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("https://tracking.example.org", "a server"),
        ("databricks", "a server"),
        ("file:///runs", "a folder"),
        ("/runs", "a folder"),
    ],
)
def test_servers_and_folders_are_reached_directly_whatever_is_asked_for(uri, reason):
    for wish in ("auto", "gateway"):
        told = str(decide(None, uri, wish=wish))
        assert told.startswith("direct")
        assert reason in told


def test_the_users_own_wish_decides_about_a_database():
    assert str(decide(sys.executable, DATABASE, wish="gateway")) == "gateway: asked for"
    assert str(decide("/nowhere/bin/python", DATABASE, wish="direct")) == "direct: asked for"


def test_our_own_environment_needs_no_gateway_and_is_not_even_looked_at():
    assert str(decide(sys.executable, DATABASE)) == "direct: the same MLflow as nbproj's"


def test_where_there_is_no_mlflow_there_is_no_gateway(environment, tmp_path):
    python, _packages = environment(numpy="2.0.0", mlflow_export_import="1.2.0")
    assert str(decide(python, DATABASE)) == "none: no MLflow is installed there"
    assert str(decide(None, DATABASE)) == "none: no Python is known there"
    assert decide(tmp_path / "nowhere/bin/python", DATABASE).way == "none"


@pytest.mark.parametrize("name", ["mlflow", "mlflow_skinny", "mlflow-skinny", "MLflow"])
def test_an_mlflow_without_a_library_for_databases_needs_one_whatever_its_version(environment, name):
    python, _packages = environment(**{name: version("mlflow-skinny")})
    assert str(decide(python, DATABASE)) == f"gateway: MLflow {version('mlflow-skinny')} there has no SQLAlchemy"


def test_an_mlflow_with_our_schema_opens_the_store_itself_though_its_version_is_another(environment):
    python, packages = environment(mlflow="99.0.0", SQLAlchemy="2.0.0", alembic="1.13.0")
    (packages / "mlflow").mkdir()
    (packages / "mlflow/version.py").write_text("VERSION = '99.0.0'\n")
    shutil.copytree(MIGRATIONS, packages / "mlflow/store/db_migrations/versions", ignore=shutil.ignore_patterns("__pycache__"))
    assert str(decide(python, DATABASE)) == "direct: MLflow 99.0.0 there knows the store's schema"
    (packages / "mlflow/store/db_migrations/versions/zz_next.py").write_text(f"revision = 'abcdef012345'\ndown_revision = {blueprint.head()!r}\n")
    assert str(decide(python, DATABASE)) == "gateway: MLflow 99.0.0 there knows another schema"


def test_an_environment_that_is_layered_on_another_one_has_its_packages(environment, tmp_path):
    python, packages = environment(ipykernel="7.0.0")
    below = tmp_path / "below"
    (below / "mlflow_skinny-2.22.0.dist-info").mkdir(parents=True)
    assert decide(python, DATABASE).way == "none"
    (packages / "layer.pth").write_text(f"{below}\nimport os\n# a comment\n/nowhere\n")
    assert str(decide(python, DATABASE)) == "gateway: MLflow 2.22.0 there has no SQLAlchemy"


def test_what_the_programs_path_adds_comes_first(environment, tmp_path):
    python, _packages = environment(mlflow="3.2.0")
    (tmp_path / "mine/mlflow-2.9.2.dist-info").mkdir(parents=True)
    assert decide(python, DATABASE, search_path=f"/nowhere:{tmp_path / 'mine'}").reason.startswith("MLflow 2.9.2 there")


def test_the_environments_mlflow_is_looked_at_and_never_started(environment, tmp_path):
    python, packages = environment(mlflow="2.0.0", sqlalchemy="2", alembic="1")
    (packages / "mlflow").mkdir()
    (packages / "mlflow/version.py").write_text(f"open({str(tmp_path / 'started')!r}, 'w')\n")
    (packages / "sitecustomize.py").write_text(f"open({str(tmp_path / 'started')!r}, 'w')\n")
    assert str(decide(python, DATABASE)) == "gateway: MLflow 2.0.0 there knows another schema"
    assert not (tmp_path / "started").exists()
