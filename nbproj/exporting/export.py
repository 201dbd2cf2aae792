"""`nbproj export`: a project is written once more, for `mlflow run` and papermill. Nothing of it is executed."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

from nbproj.errors import EntryPointError, NbprojError, ProjectError, UsageError
from nbproj.exporting.environment import exported_environment
from nbproj.exporting.mlproject import HEADING, command_entry, notebook_entry, written
from nbproj.exporting.notebook import plain_notebook
from nbproj.paths import inside, is_inside
from nbproj.progress import Progress, silent
from nbproj.project.directory import find_entry_point, load_project, scan
from nbproj.project.listing import project_files
from nbproj.project.model import EntryPoint, EnvironmentSpec, Project
from nbproj.project.selection import MAIN
from nbproj.sources.registry import fetch

__all__ = ["Export", "export_project"]

NOTEBOOK: Final = ".ipynb"
MLPROJECT: Final = "MLproject"
MAXIMUM_BYTES: Final = 1 << 30
_STORES: Final = frozenset({"mlartifacts", "mlflow.db", "mlruns"})
_OURS: Final = re.compile(r"^\s*(?:import nbproj|from nbproj\b)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Export:
    """What was written.

    Parameters
    ----------
    folder : Path
        Where.
    entry_points : tuple of str
        Their names in the MLproject file.
    files : tuple of str
        What was made; copied files are not among them.
    notes : tuple of str
        What is otherwise than in a run of nbproj, a line each.
    """

    folder: Path
    entry_points: tuple[str, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the stable form for programs."""
        return {
            "version": 1,
            "folder": str(self.folder),
            "entry_points": list(self.entry_points),
            "files": list(self.files),
            "notes": list(self.notes),
        }


def export_project(uri: str, folder: Path | None = None, version: str | None = None, *, force: bool = False, progress: Progress = silent) -> Export:
    """Write a project as an MLproject file with one plain notebook for each entry point of a notebook, its other files and its environment.

    Parameters
    ----------
    uri, version : str
        As `nbproj.run` takes them.
    folder : Path, optional
        Where to; by default `NAME-export` in the working folder. It appears as a whole or not at all.
    force : bool
        Replace an earlier export.
    progress : Progress
        Told what is fetched.

    Raises
    ------
    UsageError
        There is something already that is not to be replaced.
    ProjectError
        Something in the project is wrong, or has no words in mlflow; nothing is written.
    SourceError
        The project cannot be had.
    """
    with fetch(uri, version, progress) as checkout:
        project = load_project(checkout.root, notebook=checkout.notebook)
        target = (folder if folder is not None else Path.cwd() / f"{_file_name(project.name)}-export").absolute()
        _refuse_target(target, project.root, force=force)
        points = _points(project, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            export = _Writer(project, points, beside, target).write()
            problem = next((point.problem for point in load_project(beside).entry_points.values() if point.problem is not None), None)
            if problem is not None:
                raise problem
            _put(beside, target)
        except OSError as error:
            msg = f"{target} cannot be written: {error.strerror or error}"
            raise ProjectError(msg) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return export


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]", "-", name)


def _refuse_target(target: Path, root: Path, *, force: bool) -> None:
    if is_inside(target, root):
        msg = f"{target} holds the project itself: name another folder with -o"
        raise UsageError(msg)
    if not (target.exists() or target.is_symlink()) or (target.is_dir() and not target.is_symlink() and not any(target.iterdir())):
        return
    if not force:
        msg = f"{target} is there already: --force replaces an earlier export, -o names another folder"
        raise UsageError(msg)
    try:
        ours = not target.is_symlink() and (target / MLPROJECT).read_text(encoding="utf-8").startswith(HEADING)
    except (OSError, UnicodeDecodeError):
        ours = False
    if not ours:
        msg = f"{target} is no earlier export: nothing of it is replaced. Name another folder with -o"
        raise UsageError(msg)


def _put(beside: Path, target: Path) -> None:
    """Let a finished folder take its name; what had it goes."""
    beside.chmod(0o755)
    if not target.exists():
        beside.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    target.rename(old / "old")
    try:
        beside.rename(target)
    except OSError:
        (old / "old").rename(target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _points(project: Project, target: Path) -> dict[str, EntryPoint]:
    """Return the entry points that are exported: those declared, notebooks by path but those of an earlier export, and `main` where it is meant."""
    points = dict(project.entry_points)
    for name, point in scan(project).items():
        if point.notebook is not None and name not in points and not is_inside(target, project.root / point.notebook):
            points[name] = point
    used = {(point.notebook, point.cells) for point in project.entry_points.values()}
    points = {name: point for name, point in points.items() if name in project.entry_points or (point.notebook, point.cells) not in used}
    for point in points.values():
        if point.problem is not None:
            raise point.problem
    if MAIN not in points:
        try:
            found = find_entry_point(project)
        except NbprojError:
            found = None
        if found is not None and found.notebook is not None:
            points[MAIN] = replace(found, name=MAIN)
        elif found is not None and found.script is not None and found.script.endswith(".py"):
            points[MAIN] = EntryPoint(MAIN, command=f"python {found.script}", environment=found.environment)
    if not points:
        msg = f"{project.name} has no entry points, and no notebook: there is nothing to export"
        raise EntryPointError(msg)
    return points


class _Writer:
    """An export that is being written."""

    def __init__(self, project: Project, points: Mapping[str, EntryPoint], folder: Path, target: Path) -> None:
        self._project = project
        self._points = points
        self._folder = folder
        self._target = target
        self._notes: list[str] = []
        self._made: dict[tuple[str, str | None, str], tuple[str, bool]] = {}
        self._needs: list[str] = []

    def write(self) -> Export:
        """Write everything; return what it is."""
        notebooks = {str(point.notebook) for point in self._points.values() if point.notebook is not None}
        copied = self._copy(notebooks)
        taken = set(copied)
        sections: dict[str, Any] = {}
        for name, point in self._points.items():
            if point.notebook is None:
                sections[name] = command_entry(point)
            else:
                file, outputs = self._notebook(name, point, taken)
                sections[name] = notebook_entry(point, file, outputs=outputs)
            secrets = [one for one in point.parameters if one.secret]
            self._notes += [f"{name}: {one.name!r} is a secret: set the environment variable {one.variable}" for one in secrets]
            if "NBPROJ_OUTPUT_DIR" in sections[name]["command"]:
                self._notes.append(f"{name}: mlflow does not keep the files that it writes into NBPROJ_OUTPUT_DIR")
        environment = exported_environment(self._environment(), self._project.root, notebooks=bool(notebooks), needs=self._needs)
        for file, text in environment.files.items():
            (self._folder / file).write_text(text, encoding="utf-8")
        document = {"name": self._project.name, **environment.section, "entry_points": sections}
        (self._folder / MLPROJECT).write_text(written(document), encoding="utf-8")
        made = [MLPROJECT, *environment.files, *(file for file, _ in self._made.values())]
        return Export(self._target, tuple(sections), tuple(made), tuple(dict.fromkeys([*self._notes, *environment.notes])))

    def _notebook(self, name: str, point: EntryPoint, taken: set[str]) -> tuple[str, bool]:
        """Write the plain notebook of an entry point, beside its own one, whose folder its cells know; return where, and whether it has outputs."""
        key = (str(point.notebook), point.cells, repr(point.parameters))  # a default may be a list
        if key in self._made:
            return self._made[key]
        plain = plain_notebook(self._project.root, point)
        self._notes += [f"{name}: {note}" for note in plain.notes]
        if _OURS.search(plain.text) and "nbproj" not in self._needs:
            self._needs.append("nbproj")
        own = PurePosixPath(str(point.notebook))
        stem = own.stem if point.cells is None and own.name == name.rpartition("/")[2] else _file_name(name.rpartition(":")[2])
        stem = stem.removesuffix(NOTEBOOK)
        names = (str(own.with_name(f"{stem}{more}{NOTEBOOK}")) for more in ("", *(f"-{count}" for count in range(2, 1000))))
        file = next(one for one in names if one not in taken)
        taken.add(file)
        path = self._folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(plain.document, indent=1, ensure_ascii=False) + "\n"
        path.write_bytes(text.encode("utf-8", "backslashreplace"))
        self._made[key] = file, "NBPROJ_OUTPUT_DIR" in plain.text
        return self._made[key]

    def _environment(self) -> EnvironmentSpec:
        """Return the one environment of all entry points; an MLproject file has no more."""
        found = {name: point.environment or self._project.environment for name, point in self._points.items()}
        specs = list(dict.fromkeys(replace(spec, declared=None) for spec in found.values()))
        if len(specs) == 1:
            return specs[0]
        own = [spec for spec in specs if spec.dependencies or spec.python]
        if len(own) == len(specs):
            versions = sorted({spec.python for spec in own if spec.python})
            dependencies = dict.fromkeys(one for spec in own for one in spec.dependencies)
            return EnvironmentSpec("uv", python=",".join(versions) or None, dependencies=tuple(dependencies))
        first, second = next(iter(found)), next(name for name, spec in found.items() if replace(spec, declared=None) != specs[0])
        msg = f"{first!r} and {second!r} need different environments, and an MLproject file has one: export them as projects of their own"
        raise EntryPointError(msg)

    def _copy(self, notebooks: set[str]) -> list[str]:
        """Copy what the entry points may need; return the paths."""
        copied = []
        size = 0
        for file in self._wanted():
            source = inside(self._project.root, file, what="file")
            if file in notebooks or not source.is_file():
                continue
            size += source.stat().st_size
            if size > MAXIMUM_BYTES:
                msg = f"{self._project.name} holds more than 1 GiB of files: name what is not needed in a .gitignore file"
                raise ProjectError(msg)
            path = self._folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, path)
            copied.append(file)
        return copied

    def _wanted(self) -> Iterator[str]:
        if self._project.notebook is None:
            for file in project_files(self._project.root):
                first = PurePosixPath(file).parts[0]
                if first not in _STORES and file.lower() != MLPROJECT.lower() and not is_inside(self._target, self._project.root / file):
                    yield file
            return
        self._notes.append(f"{self._project.notebook}: of its folder only the files of path parameters are copied")
        for point in self._points.values():
            for parameter in point.parameters:
                if parameter.type == "path" and isinstance(parameter.default, str) and not Path(parameter.default).is_absolute():
                    yield parameter.default
