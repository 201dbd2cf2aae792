"""What the value of an option or argument could be: one source of candidates for each of them, by the name that the program gives it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import click

from nbproj.completion import record
from nbproj.completion.assignment import assignments
from nbproj.completion.candidate import Candidate, put_behind
from nbproj.completion.paths import any_file, folders, paths, with_suffix
from nbproj.completion.situation import Situation
from nbproj.completion.target import Target
from nbproj.errors import NbprojError
from nbproj.project.listing import runnable_files
from nbproj.project.model import EntryPoint
from nbproj.tracking import location
from nbproj.tracking.ledger import Ledger

__all__ = ["values"]

_WORDS = re.compile(r"[a-z]+(\|[a-z]+)+")
_FILE = re.compile(r".*\.(\w+)\b.*|FILE|PATH")
_PROJECTS = with_suffix(".ipynb", ".zip")
_MOST_VERSIONS = 200


def values(situation: Situation) -> Iterable[Candidate]:
    """Return what the value under the cursor could become."""
    expected = situation.expected
    if expected is None:
        return []
    source = _SOURCES.get(expected.name or "")
    if source is not None:
        return source(situation)
    return _by_declaration(expected, situation.value)


def _by_declaration(expected: click.Parameter, typed: str) -> Iterable[Candidate]:
    metavar = str(expected.metavar or "")
    if isinstance(expected.type, click.Choice):
        return [Candidate(str(choice)) for choice in expected.type.choices]
    if _WORDS.fullmatch(metavar):  # told by the help as well: local|uv|conda
        return [Candidate(word) for word in metavar.split("|")]
    if isinstance(expected.type, click.Path):
        return paths(typed, any_file if expected.type.file_okay else folders)
    if metavar == "DIR":
        return paths(typed, folders)
    return paths(typed) if _FILE.fullmatch(metavar) else []


def _addresses(situation: Situation) -> Iterator[Candidate]:
    """Give projects on this machine: folders with an MLproject file first, then notebooks and archives, then other folders."""
    typed = situation.value
    project, mark, inside = typed.partition("#")
    if mark:
        target = Target.at(project)
        if target is not None and ".." not in Path(inside).parts and not inside.startswith(("/", "~")):
            yield from put_behind(f"{project}#", paths(inside, with_suffix(".ipynb"), base=target.folder))
        return
    if not typed and _declares(Path()):
        yield Candidate(".", "the project in this folder")
    found = list(paths(typed, _PROJECTS))
    declared = {one.text for one in found if one.unfinished and _declares(Path(os.path.expanduser(one.text)))}  # noqa: PTH111 - no such user
    yield from (Candidate(one.text, "project", unfinished=True) for one in found if one.text in declared)
    yield from (one for one in found if not one.unfinished)
    yield from (one for one in found if one.unfinished and one.text not in declared)


def _declares(folder: Path) -> bool:
    try:
        return any(name.lower() == "mlproject" for name in os.listdir(folder))
    except OSError:
        return False


def _target(situation: Situation) -> Target | None:
    return Target.at(situation.last("uri") or _unnamed(situation.command) or ".")


def _unnamed(command: click.Command) -> str | None:
    """Return the project that a command means when none is named, if it says one: for a magic this notebook."""
    declared = next((one.default for one in command.params if one.name == "uri"), None)
    try:
        return str(declared()) if callable(declared) else None
    except NbprojError:
        return None


def _entry_points(situation: Situation) -> Iterator[Candidate]:
    """Give what is declared; scripts and notebooks by their path only where nothing declared begins like that."""
    target = _target(situation)
    if target is None:
        return
    project = target.project()
    declared = [Candidate(name, _told(point)) for name, point in project.entry_points.items()]
    if any(one.text.startswith(situation.value) for one in declared):
        yield from declared
    elif target.notebook is None:
        yield from map(Candidate, runnable_files(project.root))


def _told(point: EntryPoint) -> str:
    if point.problem is not None:
        return f"cannot be run: {point.problem}"
    return point.help or ", ".join(parameter.name for parameter in point.parameters)


def _assignments(situation: Situation) -> Iterable[Candidate]:
    root, point = None, None
    try:
        target = _target(situation)
        if target is not None:
            root, point = target.folder, target.entry_point(situation.last("entry_point"))
    except NbprojError:
        point = None  # there is still the path that is being typed
    given = {text.partition("=")[0] for text in situation.given.get("parameters", ())}
    return assignments(point, situation.value, given=given, root=root)


def _versions(situation: Situation) -> Iterator[Candidate]:
    """Give branches and tags of a project on this machine, the latest first."""
    target = _target(situation)
    if target is None:
        return
    from nbproj.sources.gitcommand import GitError, git

    form = "--format=%(refname)"
    kinds = ("refs/heads", "refs/tags", "refs/remotes/origin")
    try:
        told = git("for-each-ref", form, "--sort=-creatordate", f"--count={_MOST_VERSIONS}", *kinds, cwd=target.folder, limit=1 << 20)
    except GitError:
        return
    for line in told.decode(errors="replace").splitlines():
        kind, _, name = line.removeprefix("refs/").partition("/")
        name = name.removeprefix("origin/") if kind == "remotes" else name
        if name != "HEAD":
            yield Candidate(name, {"heads": "branch", "tags": "tag"}.get(kind, "branch of origin"))


def _backends(_situation: Situation) -> Iterator[Candidate]:
    from importlib.metadata import entry_points

    yield Candidate("local", "this machine")
    yield Candidate("kubernetes", "Jobs of a cluster")
    yield Candidate("databricks", "jobs of a workspace")
    yield from (Candidate(point.name) for point in sorted(entry_points(group="nbproj.backends")))


def _kernels(_situation: Situation) -> Iterator[Candidate]:
    from jupyter_client.kernelspec import KernelSpecManager

    manager = KernelSpecManager()
    for name in sorted(manager.find_kernel_specs()):
        try:
            yield Candidate(name, manager.get_kernel_spec(name).display_name)
        except (OSError, ValueError):  # a kernel.json that cannot be read
            continue


def _stored(read: Callable[[str, str | None], Iterator[Candidate]]) -> Callable[[Situation], Iterator[Candidate]]:
    return lambda situation: read(situation.value, situation.last("tracking_uri"))


def _runs(situation: Situation) -> Iterator[Candidate]:
    """Give the runs of this store, and those that this user's processes carry in others."""
    seen = set()
    for one in record.run_ids(situation.value, situation.last("tracking_uri")):
        seen.add(one.text)
        yield one
    if situation.last("tracking_uri") is None:
        carried = {entry.owner.run_id: location.label(entry.owner.store) for entry in Ledger.open()}
        yield from (Candidate(run_id, f"RUNNING in {where}") for run_id, where in carried.items() if run_id is not None and run_id not in seen)


_SOURCES: Mapping[str, Callable[[Situation], Iterable[Candidate]]] = {
    "uri": _addresses,
    "entry_point": _entry_points,
    "parameters": _assignments,
    "version": _versions,
    "backend": _backends,
    "kernel": _kernels,
    "run_id": _runs,
    "run_ids": _runs,
    "locked": _runs,
    "experiment": _stored(record.experiment_names),
    "experiment_name": _stored(record.experiment_names),
    "experiment_id": _stored(record.experiment_ids),
}
