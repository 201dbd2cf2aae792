"""What Git knows about a folder on this machine, read so that nothing in it is executed or changed.

A repository's own configuration can name programs: filters, textconv, an external diff, fsmonitor, the commands of a promisor. It is therefore not
used. Git is pointed at the repository's objects through a private Git folder with a configuration of ours and a copy of the index; a `filter` in
`.gitattributes` then means something only when the user's own configuration defines it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbproj.errors import SourceError
from nbproj.paths import is_inside
from nbproj.sources.address import public
from nbproj.sources.gitcommand import GitError, git
from nbproj.sources.gitremote import explained

__all__ = ["MOST_DIFFERENCE", "WorkTree", "inspect", "remote_address", "resolve", "top_level"]

MOST_DIFFERENCE = 1 << 20
"""Bytes of uncommitted changes that are kept."""

_MOST_UNTRACKED = 1000
_HARMLESS = ("filemode", "autocrlf", "eol", "symlinks", "ignorecase", "precomposeunicode", "sparsecheckout", "sparsecheckoutcone")
# What runs leave behind does not make a project differ from its commit.
_OUTPUTS = ("mlflow.db*", "mlruns/", "mlartifacts/", ".ipynb_checkpoints/", "__pycache__/")


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A folder's place in a Git work tree.

    Parameters
    ----------
    top : Path
        The work tree's top folder.
    commit : str
        Full id of the commit that is checked out.
    branch : str, optional
        The branch that is checked out.
    repository : str, optional
        Address of the remote (`origin`, else the first), without credentials.
    dirty : bool
        The folder differs from the commit: changed, added, removed or new files that are not ignored.
    difference : bytes
        The changes to known files as a patch, then the names of new files as comments; capped.
    """

    top: Path
    commit: str
    branch: str | None
    repository: str | None
    dirty: bool
    difference: bytes


@dataclass(frozen=True, slots=True)
class _Places:
    top: Path
    index: Path
    objects: Path
    exclude: Path
    format: str


def top_level(folder: Path) -> Path | None:
    """Return the top folder of the work tree that a folder lies in, or None when it lies in none.

    Raises
    ------
    SourceError
        It belongs to another user, whom Git has not been told to trust.
    """
    try:
        told = git("rev-parse", "--show-toplevel", cwd=folder)
    except GitError as error:
        if "dubious" in error.stderr:
            raise explained(error, str(folder)) from None
        return None
    top = Path(os.fsdecode(told.removesuffix(b"\n")))
    return top if is_inside(top, folder) else None  # core.worktree can point anywhere


def inspect(folder: Path) -> WorkTree | None:
    """Return what Git knows about a folder.

    Parameters
    ----------
    folder : Path
        The project's folder; only changes below it count.

    Returns
    -------
    WorkTree or None
        None when the folder is in no work tree, is ignored by it, or nothing is committed.

    Raises
    ------
    SourceError
        There is a repository, but it cannot be read: it belongs to another user, or is broken. Nothing that stops a run.
    """
    if not _in_repository(folder):
        return None  # the common case costs no process
    try:
        places = _places(folder)
        if places is None:
            return None
        commit = resolve(folder, "HEAD")
        if commit is None:
            return None
        branch = _branch(folder)
        repository, settings = _configuration(folder)
        with _shadow(places, commit, settings) as variables:
            if _is_ignored(folder, places.top, variables):
                return None
            difference = _difference(folder, variables)
    except GitError as error:
        msg = f"Git information about {folder} is left out: {error.reason}"
        raise SourceError(msg) from None
    return WorkTree(places.top, commit, branch, repository, bool(difference), difference)


def resolve(folder: Path, version: str) -> str | None:
    """Return the full id of the commit that a name means in a folder's repository, or None."""
    try:
        told = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{version}^{{commit}}", cwd=folder)
    except GitError:
        return None
    return told.decode().strip()


def remote_address(folder: Path) -> str | None:
    """Return the address of the remote of a folder's repository, without credentials."""
    try:
        return _configuration(folder)[0]
    except GitError:
        return None


def _in_repository(folder: Path) -> bool:
    return any((parent / ".git").exists() for parent in (folder, *folder.parents))


def _places(folder: Path) -> _Places | None:
    wanted = ("--git-path", "index", "--git-path", "objects", "--git-path", "info/exclude", "--show-object-format")
    told = git("rev-parse", "--path-format=absolute", "--show-toplevel", *wanted, cwd=folder)
    top, index, objects, exclude, *form = (os.fsdecode(line) for line in told.removesuffix(b"\n").split(b"\n"))
    if len(form) != 1 or not is_inside(Path(top), folder):  # a folder with a newline in its name; a core.worktree that points elsewhere
        return None
    return _Places(Path(top), Path(index), Path(objects), Path(exclude), form[0])


def _branch(folder: Path) -> str | None:
    with contextlib.suppress(GitError):
        return os.fsdecode(git("symbolic-ref", "--quiet", "--short", "HEAD", cwd=folder)).strip() or None
    return None


def _configuration(folder: Path) -> tuple[str | None, dict[str, str]]:
    """Return the remote's address, and the settings that say how files lie on this disk; no other setting is taken over."""
    remotes: dict[str, str] = {}
    settings: dict[str, str] = {}
    for record in git("config", "--local", "--null", "--list", cwd=folder).decode(errors="surrogateescape").split("\0"):
        key, _, value = record.partition("\n")
        section, _, rest = key.partition(".")
        name, _, last = rest.rpartition(".")
        if section == "remote" and last == "url":
            remotes.setdefault(name, value)
        elif section == "core" and rest in _HARMLESS:
            settings[rest] = value
    address = remotes.get("origin") or next(iter(remotes.values()), None)
    return (public(address) if address else None), settings


@contextlib.contextmanager
def _shadow(places: _Places, commit: str, settings: dict[str, str]) -> Iterator[dict[str, str]]:
    """Make the private Git folder; yields the variables that point git at it."""
    with tempfile.TemporaryDirectory(prefix="nbproj-git-") as made:
        shadow = Path(made)
        for name in ("objects", "refs", "info"):
            (shadow / name).mkdir()
        (shadow / "HEAD").write_text(f"{commit}\n")
        lines = ["[core]", "repositoryformatversion = 1", "bare = false"]
        lines += [f"{name} = {_quoted(value)}" for name, value in settings.items()]
        lines += ["[extensions]", f"objectformat = {places.format}", ""]
        (shadow / "config").write_text("\n".join(lines), errors="surrogateescape")
        if places.index.is_file():
            shutil.copyfile(places.index, shadow / "index")
            for shared in places.index.parent.glob("sharedindex.*"):
                shutil.copyfile(shared, shadow / shared.name)
        if places.exclude.is_file():
            shutil.copyfile(places.exclude, shadow / "info/exclude")
        yield {"GIT_DIR": str(shadow), "GIT_WORK_TREE": str(places.top), "GIT_OBJECT_DIRECTORY": str(places.objects)}


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _is_ignored(folder: Path, top: Path, variables: dict[str, str]) -> bool:
    if os.path.realpath(folder) == os.path.realpath(top):
        return False
    try:
        git("check-ignore", "--quiet", "--", str(folder), cwd=top, variables=variables)
    except GitError as error:
        if error.code == 1:
            return False
        raise
    return True


def _difference(folder: Path, variables: dict[str, str]) -> bytes:
    # Submodules are compared by the commit that is checked out in them: to look deeper, git would read their configuration.
    plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--ignore-submodules=dirty", "--src-prefix=a/", "--dst-prefix=b/")
    patch = git("diff", *plain, "HEAD", "--", ".", cwd=folder, variables=variables, limit=MOST_DIFFERENCE)
    if len(patch) >= MOST_DIFFERENCE:
        patch = patch[: patch.rfind(b"\n") + 1] + f"# cut here: more than {MOST_DIFFERENCE} bytes\n".encode()
    excluded = (f"--exclude={pattern}" for pattern in _OUTPUTS)
    told = git("ls-files", "--others", "--exclude-standard", "-z", *excluded, "--", ".", cwd=folder, variables=variables, limit=MOST_DIFFERENCE)
    names = [os.fsdecode(name) for name in told.split(b"\0") if name]
    lines = [f"# not in Git: {ascii(name)[1:-1]}\n" for name in names[:_MOST_UNTRACKED]]
    if len(names) > _MOST_UNTRACKED:
        lines.append(f"# and {len(names) - _MOST_UNTRACKED} more\n")
    return patch + "".join(lines).encode()
