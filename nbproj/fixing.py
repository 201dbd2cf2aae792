"""`nbproj check --fix`: notebooks on this machine get their declarations in the forms that plain papermill runs; nothing of them is executed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

from nbproj.errors import NbprojError, UsageError
from nbproj.inspection import Verdict, check_project
from nbproj.paths import replace_unchanged
from nbproj.progress import Progress, silent
from nbproj.project.content import content
from nbproj.project.directory import TEXTS
from nbproj.project.listing import runnable_files
from nbproj.project.model import Place
from nbproj.project.revision import Draft, read_draft, without_magics

__all__ = ["Fixed", "fix_project"]

NOTEBOOK: Final = ".ipynb"


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was changed, and how the project stands now.

    Parameters
    ----------
    drafts : tuple of Draft
        The files that were changed.
    verdict : Verdict
        What `nbproj check` says of the project now, and what could not be changed.
    """

    drafts: tuple[Draft, ...]
    verdict: Verdict

    @property
    def difference(self) -> str:
        """What was changed, cell by cell."""
        return "\n".join(draft.difference for draft in self.drafts)

    def to_dict(self) -> dict[str, Any]:
        """Return the stable form for programs: that of `nbproj check`, and the files that were changed."""
        return {**self.verdict.to_dict(), "fixed": [draft.file for draft in self.drafts]}


def fix_project(uri: str, version: str | None = None, *, strict: bool = False, progress: Progress = silent) -> Fixed:
    """Write the declarations of notebooks as comments and tags, so that plain papermill runs them; what they mean stays the same.

    Parameters
    ----------
    uri : str
        A folder of this machine, a notebook, or a script or Markdown file that jupytext reads as one.
    version : str, optional
        None can be given: what is changed is what lies there.
    strict : bool
        Count unknown keys and types as problems.
    progress : Progress
        Told what is read.

    Raises
    ------
    UsageError
        It is not on this machine.
    SourceError
        There is no such file or folder.
    """
    path = Path(uri)
    elsewhere = UsageError("--fix changes files on this machine: name a folder or a notebook, without a version")
    if version is not None or (not path.exists() and "://" in uri):
        raise elsewhere
    if path.is_file() and path.suffix in TEXTS:
        changed, problems, notes = _fixed(path.parent, [path.name])
        return Fixed(changed, Verdict(f"{path.name}: a notebook", problems, notes))
    if not path.exists():
        check_project(uri, strict=strict, progress=progress)  # says what is wrong with an address that means nothing
        raise elsewhere
    if path.is_dir():
        root = path.resolve()
        changed, problems, notes = _fixed(root, [file for file in runnable_files(root) if file.endswith(NOTEBOOK) and _declares(root, file)])
    else:
        changed, problems, notes = _fixed(path.parent, [path.name])
    verdict = check_project(uri, strict=strict, progress=progress)
    return Fixed(
        changed,
        Verdict(verdict.summary, tuple(dict.fromkeys([*problems, *verdict.problems])), tuple(dict.fromkeys([*notes, *verdict.warnings]))),
    )


def _declares(root: Path, file: str) -> bool:
    try:
        return content(root / file, Place(file)).cells is not None
    except NbprojError:
        return True  # whoever reads it says what is wrong


def _fixed(root: Path, files: list[str]) -> tuple[tuple[Draft, ...], tuple[str, ...], tuple[str, ...]]:
    """Change files; one that cannot be changed keeps no other from it."""
    changed: list[Draft] = []
    problems: list[str] = []
    notes: list[str] = []
    for file in files:
        path = root / PurePath(file)
        try:
            draft = without_magics(read_draft(path, file), root)
            if draft.is_changed:
                replace_unchanged(path, draft.before, draft.after)
                changed.append(draft)
            notes += draft.notes
        except NbprojError as error:
            problems.append(str(error))
    return tuple(changed), tuple(problems), tuple(notes)
