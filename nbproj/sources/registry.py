"""The sources there are: which one an address means."""

from __future__ import annotations

from urllib.parse import urlsplit

from nbproj.errors import SourceError
from nbproj.progress import Progress, silent
from nbproj.sources.address import parse, public
from nbproj.sources.archive import ArchiveSource
from nbproj.sources.git import GitSource
from nbproj.sources.local import LocalSource
from nbproj.sources.source import Checkout, Credentials, Source

__all__ = ["detect", "fetch"]

_BUILT_IN: tuple[type[Source], ...] = (ArchiveSource, LocalSource, GitSource)

_GROUP = "nbproj.sources"


def detect(uri: str) -> Source:
    """Return the source that an address means.

    Parameters
    ----------
    uri : str
        A folder, a notebook, an archive or a Git address; `#sub/dir` names a folder or notebook inside it.

    Returns
    -------
    Source
        Built-in sources go first; then those that other packages register in the entry-point group `nbproj.sources`.

    Raises
    ------
    SourceError
        The address is malformed, refused, or of no known kind; the message tells what is understood.

    Examples
    --------
    >>> type(detect("https://example.org/team/x.git#models")).__name__
    'GitSource'
    """
    try:
        for kind in _BUILT_IN:
            found = kind.detect(uri)
            if found is not None:
                return found
    except SourceError:
        third = _third_party(uri)
        if third is None:
            raise
        return third
    third = _third_party(uri)
    if third is not None:
        return third
    address = parse(uri)
    if urlsplit(address.location).path.endswith(".ipynb"):
        msg = f"{address.public} is a single notebook at a web address; give its Git repository instead: https://host/repository#path/notebook.ipynb"
        raise SourceError(msg)
    msg = f"{address.public} is neither a folder, a notebook, an archive (.zip) nor a Git address"
    raise SourceError(msg)


def _third_party(uri: str) -> Source | None:
    from importlib.metadata import entry_points

    for entry in entry_points(group=_GROUP):
        try:
            kind: type[Source] = entry.load()
            found = kind.detect(uri)
        except Exception as error:  # whatever a plug-in raises, it is the plug-in that is broken
            msg = f"the source {entry.name!r} failed on {public(uri)}: {type(error).__name__}: {error}"
            raise SourceError(msg) from error
        if found is not None:
            return found
    return None


def fetch(uri: str, version: str | None = None, progress: Progress = silent, credentials: Credentials | None = None) -> Checkout:
    """Return the files of a project; a context manager that removes what was made for it.

    Parameters
    ----------
    uri : str
        Where the project is, as for `detect`.
    version : str, optional
        Branch, tag or commit, for projects in Git.
    progress : callable
        Gets what happens, as events.
    credentials : Credentials, optional
        For Git servers; without them MLFLOW_GIT_USERNAME and MLFLOW_GIT_PASSWORD count.

    Returns
    -------
    Checkout
        The files, and what is known about their version.

    Raises
    ------
    SourceError
        They could not be had; the message says what to do, and holds no credentials.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, fetch(folder) as checkout:
    ...     checkout.temporary is None
    True
    """
    return detect(uri).fetch(version, progress, credentials)
