"""Whether a database has the schema of the installed MLflow: nothing is migrated behind its user's back."""

from __future__ import annotations

from pathlib import Path

from nbproj.errors import StoreError
from nbproj.progress import Progress
from nbproj.tracking import blueprint, location

__all__ = ["check_file", "check_server"]


def check_file(path: Path, uri: str, progress: Progress) -> None:
    """Refuse a SQLite file that the installed MLflow cannot use as it is; fill one that is empty or not there.

    Raises
    ------
    StoreError
        It is no database, one of something else, or of another version.
    """
    name = location.label(uri)
    if path.is_dir():
        msg = f"the tracking store {name} is a folder, not a database"
        raise StoreError(msg)
    revision = blueprint.revision_of(path)
    if revision == blueprint.EMPTY:
        blueprint.fill(path, progress)
        revision = blueprint.revision_of(path)
    if revision is None:
        msg = f"the tracking store {name} is a database of something else than MLflow: move the file away, or choose another store"
        raise StoreError(msg)
    _check_revision(revision, uri)


def _check_revision(revision: str, uri: str) -> None:
    if revision == blueprint.head():
        return
    name = location.label(uri)
    # MLflow would migrate a database that lacks tables without a word, and nobody with the older version could open it again.
    if blueprint.is_known(revision):
        msg = (
            f"the tracking store {name} was made by an older MLflow: copy it, then run 'mlflow db upgrade' with its address, or choose another store"
        )
    else:
        msg = f"the tracking store {name} was made by a newer MLflow (schema {revision}): install that version, or choose another store"
    raise StoreError(msg)


def check_server(uri: str) -> None:
    """Refuse the database of a server whose schema is another version's.

    Raises
    ------
    StoreError
        As `check_file`.
    """
    import sqlalchemy
    from alembic.migration import MigrationContext

    engine = sqlalchemy.create_engine(uri)
    try:
        with engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    if revision is not None:  # else a new database, which its administrator made for MLflow to fill
        _check_revision(revision, uri)
