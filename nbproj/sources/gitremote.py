"""What a Git server has: which commit a branch, tag or commit id means there; and what its refusals mean to a user."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbproj.errors import SourceError, suggestion
from nbproj.sources.address import public
from nbproj.sources.gitcommand import Access, GitError, git

__all__ = ["Revision", "explained", "is_full_id", "look_up", "no_such_version"]

_CREDENTIALS = "set MLFLOW_GIT_USERNAME and MLFLOW_GIT_PASSWORD, pass --git-username and --git-password, or use a Git credential helper"

# What git and servers say, in the order in which it is looked for, and what it means to the user.
_MEANINGS = [
    (re.compile(words, re.IGNORECASE), meaning)
    for words, meaning in (
        ("dubious ownership", "{} belongs to another user; trust it with: git config --global --add safe.directory FOLDER"),
        (
            "host key verification failed|remote host identification has changed",
            "the host key of {} is not known or has changed; connect once with ssh to check and accept it",
        ),
        (
            r"permission denied \(|too many authentication failures|no supported authentication",
            "ssh was refused by {}; check your key (ssh-add -l) and that it may read the repository",
        ),
        (
            (
                "authentication failed|could not read (?:username|password)|terminal prompts disabled|invalid (?:username|credentials)"
                "|returned error: 40[13]|authorization failed|permission to .* denied"
            ),
            "authentication failed for {}, or there is no such repository; " + _CREDENTIALS,
        ),
        (r"transport '\w+' not allowed|protocol '\w+' not supported|unsupported protocol|disabled in libcurl", "the way to {} is not allowed"),
        (
            (
                "could not resolve|name or service not known|unable to look up|connection refused|failed to connect|unable to connect"
                "|couldn't connect"
                "|timed out|unreachable|no route to host|connection reset|operation too slow|upon initial|connection closed|empty reply"
                r"|certificate|\b(?:ssl|tls)\b|returned error: 5\d\d"
            ),
            "{} cannot be reached; check the address and the network",
        ),
        (
            (
                "not found|does not appear to be a git repository|no such file or directory|not exported|does not exist|not a git repository"
                "|returned error: 404"
            ),
            "there is no Git repository at {}; check the address and that you may read it",
        ),
    )
]


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a repository.

    Parameters
    ----------
    commit : str
        Its full id.
    reference : str, optional
        The reference that names it on the server; None when only the id is known.
    branch, tag : str, optional
        Which of the two it is, if any.
    """

    commit: str
    reference: str | None = None
    branch: str | None = None
    tag: str | None = None


def is_full_id(version: str) -> bool:
    """Return whether a version is the full id of a commit."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", version) is not None


def explained(error: GitError, url: str) -> SourceError:
    """Return what a failed conversation with a server means to the user, with the server's own reason."""
    shown = public(url)
    if error.silent:
        return SourceError(f"the server of {shown} has not answered for too long; try again, or raise NBPROJ_GIT_SILENCE (seconds)")
    for words, meaning in _MEANINGS:
        if words.search(error.stderr):
            return SourceError(f"{meaning.format(shown)} ({error.reason})")
    return SourceError(f"{shown} could not be fetched: {error.reason}")


def no_such_version(version: str, url: str, known: list[str]) -> SourceError:
    """Return the error for a version that the repository does not have."""
    near = suggestion(version, known)
    if not near and known:
        near = f" It has {', '.join(known[:5])}{' and others' if len(known) > 5 else ''}."  # noqa: PLR2004 - as many as one line holds
    return SourceError(f"{public(url)} has no branch, tag or commit {version!r}.{near}")


def look_up(url: str, version: str | None, access: Access) -> tuple[Revision | None, list[str]]:
    """Ask a server what a version means.

    Parameters
    ----------
    url : str
        Address of the repository, without credentials.
    version : str, optional
        Branch, tag, full name of a reference, or (part of) the id of a commit; None for the default branch.
    access : Access
        How the server is spoken to.

    Returns
    -------
    Revision or None
        None when no reference has that name: it may be the id of a commit behind one.
    list of str
        Names of the branches and tags, where they were asked for.

    Raises
    ------
    GitError
        The server refused.
    SourceError
        The repository is empty.
    """
    if version is None or version == "HEAD":
        return _default_branch(url, access), []
    if version.startswith("refs/"):
        told = _ask(url, access, patterns=(version,))
        branch = version.removeprefix("refs/heads/") if version.startswith("refs/heads/") else None
        commit = told.get(f"{version}^{{}}", told.get(version))
        return (Revision(commit, version, branch) if commit else None), []
    told = _ask(url, access, "--heads", "--tags")
    names = [re.sub(r"^refs/(?:heads|tags)/", "", reference) for reference in told if not reference.endswith("^{}")]
    # A branch wins over a tag of the same name, as with `git checkout`.
    if commit := told.get(f"refs/heads/{version}"):
        return Revision(commit, f"refs/heads/{version}", branch=version), names
    if commit := told.get(f"refs/tags/{version}^{{}}", told.get(f"refs/tags/{version}")):
        return Revision(commit, f"refs/tags/{version}", tag=version), names
    return None, names


def _default_branch(url: str, access: Access) -> Revision:
    told = _ask(url, access, "--symref", patterns=("HEAD",))
    branch = (told.get("symbolic HEAD") or "").removeprefix("refs/heads/") or None
    if "HEAD" not in told:
        names = [reference.removeprefix("refs/heads/") for reference in _ask(url, access, "--heads")]
        have = f"it has no default branch; choose a version: {', '.join(names[:5])}" if names else "the repository is empty"
        msg = f"{public(url)} has nothing to run: {have}"
        raise SourceError(msg)
    return Revision(told["HEAD"], f"refs/heads/{branch}" if branch else "HEAD", branch)


def _ask(url: str, access: Access, *options: str, patterns: tuple[str, ...] = ()) -> dict[str, str]:
    told: dict[str, str] = {}
    answer = git("ls-remote", "--quiet", *options, "--end-of-options", url, *patterns, access=access)
    for line in answer.decode(errors="replace").splitlines():
        value, _, reference = line.partition("\t")
        if value.startswith("ref: "):
            told[f"symbolic {reference}"] = value.removeprefix("ref: ")
        elif is_full_id(value):
            told[reference] = value
    return told
