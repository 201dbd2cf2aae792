"""The environment of an exported project: the same packages, and papermill with a kernel besides."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nbproj.errors import ProjectError
from nbproj.exporting.mlproject import docker_section
from nbproj.paths import inside
from nbproj.project.model import EnvironmentSpec

__all__ = ["ExportedEnvironment", "exported_environment"]

_NOTEBOOKS: Final = ("papermill", "ipykernel")
_NAME: Final = re.compile(r"\s*([A-Za-z0-9][\w.-]*)")
_VERSIONS: Final = tuple(f"3.{minor}" for minor in range(8, 20))


@dataclass(frozen=True, slots=True)
class ExportedEnvironment:
    """What of an environment is written.

    Parameters
    ----------
    section : dict
        The key of the MLproject file; empty for the caller's own environment.
    files : dict of str to str
        Texts of files by name.
    notes : tuple of str
        What its reader should know.
    """

    section: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def exported_environment(spec: EnvironmentSpec, root: Path, *, notebooks: bool, needs: Sequence[str] = ()) -> ExportedEnvironment:
    """Return what an exported project says of its environment.

    Parameters
    ----------
    spec : EnvironmentSpec
        What the project needs.
    root : Path
        Its folder.
    notebooks : bool
        Whether it runs any through papermill.
    needs : sequence of str
        Packages that its code imports besides.

    Raises
    ------
    ProjectError
        A file cannot be read.
    """
    wanted = [*(_NOTEBOOKS if notebooks else ()), *needs]
    if spec.kind == "system":
        found = "nothing says what packages it needs: run it where they are, with mlflow run --env-manager local"
        return ExportedEnvironment(notes=(found + (f", and have {' and '.join(wanted)} there" if wanted else ""),))
    if spec.kind == "docker" and spec.docker is not None:
        note = (f"the image {spec.docker.image} must hold {' and '.join(wanted)}",) if wanted else ()
        return ExportedEnvironment({"docker_env": docker_section(spec.docker)}, notes=note)
    if spec.kind == "conda":
        return _conda(spec, root, wanted)
    return _python(spec, root, wanted)


def _conda(spec: EnvironmentSpec, root: Path, wanted: list[str]) -> ExportedEnvironment:
    if spec.file is None:
        return ExportedEnvironment()
    document = _yaml(spec.file, root)
    known = [one for one in document.get("dependencies") or [] if isinstance(one, str)]
    document["dependencies"] = [*(document.get("dependencies") or []), *_lacking(wanted, known)]
    return ExportedEnvironment({"conda_env": "conda.yaml"}, {"conda.yaml": _dumped(document)})


def _python(spec: EnvironmentSpec, root: Path, wanted: list[str]) -> ExportedEnvironment:
    notes: tuple[str, ...] = ()
    python, build, known = spec.python, [], list(spec.dependencies)
    name = Path(spec.file or "").name
    if python is None and not known and spec.file is not None:
        if name in {"pyproject.toml", "uv.lock"}:
            python, known = _of_pyproject(str(Path(spec.file).with_name("pyproject.toml")), root)
            notes = (f"{spec.file} became python_env.yaml" + (": the versions that it locks are not in it" if name == "uv.lock" else ""),)
        elif name.endswith((".yaml", ".yml")):
            document = _yaml(spec.file, root)
            python = str(document["python"]) if document.get("python") is not None else None
            build, known = list(document.get("build_dependencies") or []), list(document.get("dependencies") or [])
        else:
            known = [f"-r {spec.file}"]
    document = {"python": _version(python)}
    if build:
        document["build_dependencies"] = build
    document["dependencies"] = [*known, *_lacking(wanted, [str(one) for one in known])]
    return ExportedEnvironment({"python_env": "python_env.yaml"}, {"python_env.yaml": _dumped(document)}, notes)


def _lacking(wanted: Sequence[str], known: Sequence[str]) -> list[str]:
    there = {found[1].lower() for one in known if (found := _NAME.match(one)) is not None}
    return [one for one in wanted if one not in there]


def _version(python: str | None) -> str:
    """Return the one version that mlflow wants to hear: this one, if it will do, else the first that does."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python is None:
        return here
    if re.fullmatch(r"[\d.]+", python):
        return python
    try:
        fitting = SpecifierSet(python)
    except InvalidSpecifier:
        return python
    return next((one for one in (here, *_VERSIONS) if fitting.contains(f"{one}.99")), here)


def _of_pyproject(file: str, root: Path) -> tuple[str | None, list[Any]]:
    try:
        project = tomllib.loads(inside(root, file, what="the environment's file").read_text(encoding="utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{file} cannot be read: {error}"
        raise ProjectError(msg) from error
    return project.get("requires-python"), list(project.get("dependencies", []))


def _yaml(file: str, root: Path) -> dict[str, Any]:
    from nbproj.project.document import read_document

    node = read_document(inside(root, file, what="the environment's file"))
    # A version is a text: YAML's 3.10 would be 3.1.
    found = {key: pair.value.text if key == "python" else pair.value.plain() for key, pair in node.fields(file).items()} if node is not None else {}
    return dict(found)


def _dumped(document: dict[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000))
