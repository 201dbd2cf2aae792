"""Python environments made by uv: from python_env.yaml, requirements.txt, pyproject.toml, uv.lock, or what a notebook or script says in itself."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
from pathlib import Path

from nbproj.environments.activation import activated
from nbproj.environments.builder import BuildFailed
from nbproj.environments.cache import Blueprint, EnvironmentCache, Kept, Site
from nbproj.environments.content import snapshot
from nbproj.environments.environment import Environment
from nbproj.environments.layers import has_kernel, package_layer, with_kernel
from nbproj.environments.lock import exported
from nbproj.environments.places import environments_folder
from nbproj.environments.recipe import Recipe, read_recipe
from nbproj.environments.requirements import Line, Requirements
from nbproj.environments.uvcommand import Uv, find_uv, shown, why
from nbproj.errors import EnvironmentPreparationError
from nbproj.progress import Progress
from nbproj.project.model import EnvironmentKind, EnvironmentSpec

__all__ = ["UvEnvironments", "install_requirements", "prepare_recipe", "python_blueprint"]


class UvEnvironments:
    """Provides Python environments of the cache."""

    kind: EnvironmentKind = "uv"

    def detect(self, spec: EnvironmentSpec) -> bool:
        """Return whether the specification is of this kind."""
        return spec.kind == self.kind

    def check(self, spec: EnvironmentSpec, root: Path) -> None:
        """Refuse files that are wrong, a Python that is not there, and a machine without uv; nothing is downloaded.

        Raises
        ------
        EnvironmentPreparationError
            With the place.
        """
        find_uv()
        read_recipe(spec, root, environments_folder())

    def key(self, spec: EnvironmentSpec, root: Path) -> str:
        """Return the key of a specification; that of the layers on top is derived from it.

        Raises
        ------
        EnvironmentPreparationError
            As `check`.
        """
        return read_recipe(spec, root, environments_folder()).key

    def prepare(self, spec: EnvironmentSpec, root: Path, progress: Progress, *, kernel: bool = False, run_id: str | None = None) -> Environment:
        """Return the environment of a specification, built if it is not there yet.

        Parameters
        ----------
        spec : EnvironmentSpec
            Of kind `uv`.
        root : Path
            The project's folder.
        progress : Progress
            Told what is downloaded and installed.
        kernel : bool
            A notebook will run in it: where ipykernel is missing, a layer above adds it.
        run_id : str, optional
            The run that uses it.

        Raises
        ------
        EnvironmentPreparationError
            It cannot be had.
        """
        cache = EnvironmentCache()
        return prepare_recipe(read_recipe(spec, root, cache.folder), cache, progress, kernel=kernel, run_id=run_id, project=root.name)


def prepare_recipe(
    recipe: Recipe, cache: EnvironmentCache, progress: Progress, *, kernel: bool = False, run_id: str | None = None, project: str = ""
) -> Environment:
    """Return the environment of a recipe, as `UvEnvironments.prepare` does."""
    chain = [cache.obtain(python_blueprint(recipe), progress, run_id=run_id, project=project)]
    if kernel and not has_kernel(chain[0].packages()):
        chain.insert(0, with_kernel(chain[0], cache, progress, source=recipe.source, run_id=run_id, project=project))
    if recipe.project is not None and recipe.project.package:
        layer = package_layer(chain[0], recipe.project.folder, recipe.project.name)
        chain.insert(0, cache.obtain(layer, progress, run_id=run_id, project=project))
    made = environment_of(chain)
    return dataclasses.replace(made, variables={**made.variables, **recipe.variables}) if recipe.variables else made


def environment_of(chain: list[Kept]) -> Environment:
    """Return an environment of the cache, with those below it, as something to run in."""
    top = chain[0]
    description = top.packages()
    return Environment(
        kind=str(top.facts.get("kind") or "uv"),
        variables=activated(os.environ, [kept.prefix for kept in chain]),
        python=str(top.python),
        fingerprint=hashlib.sha256(description.encode()).hexdigest()[:16],
        description=description,
        key=top.key,
        folder=top.folder,
    )


def python_blueprint(recipe: Recipe) -> Blueprint:
    """Return how a recipe's environment is built: a virtual environment of its Python, and its packages."""

    def build(site: Site) -> str:
        site.tell(f"making an environment of {recipe.title}")
        uv = Uv(site.folder, shown(site.tell), site.keep_open, site.started)
        python = site.prefix / "bin" / "python"
        try:
            uv("venv", "--quiet", "--no-project", "--python", recipe.interpreter.path, site.prefix)
            install_requirements(uv, python, recipe.build, site.folder, "build")
            install_requirements(uv, python, recipe.requirements, site.folder, "requirements")
            if recipe.project is not None and recipe.project.locked:
                _install_locked(uv, python, recipe, site.folder)
            return exported(uv, site.prefix, content=recipe.key)
        except BuildFailed as failure:
            error = why(failure)
            raise EnvironmentPreparationError(f"{recipe.source}: {error}" if recipe.source else str(error), hint=error.hint) from None
        finally:
            shutil.rmtree(site.folder / "sources", ignore_errors=True)

    return Blueprint(recipe.key, "uv", recipe.title, build, {"python": str(recipe.interpreter), "source": recipe.source})


def install_requirements(uv: Uv, python: Path, requirements: Requirements, folder: Path, name: str, *switches: str) -> None:
    """Install requirements into the environment of a Python.

    Parameters
    ----------
    uv : Uv
        Called for it.
    python : Path
        The environment's interpreter.
    requirements : Requirements
        What is wanted.
    folder : Path
        A folder of ours, where uv runs.
    name : str
        What the files that it reads are called there.
    *switches : str
        Further ones of `uv pip install`.

    Raises
    ------
    BuildFailed
        uv fails.
    """
    if not requirements.lines:
        return
    texts = [option.text for option in requirements.options] + [_placed(line, folder) for line in requirements.lines]
    (folder / f"{name}.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    command: list[str | Path] = ["pip", "install", "--python", python, "-r", f"{name}.txt", *switches]
    if requirements.constraints:
        (folder / f"{name}.constraints.txt").write_text("\n".join(line.text for line in requirements.constraints) + "\n", encoding="utf-8")
        command += ["-c", f"{name}.constraints.txt"]
    if "--pre" in requirements.switches:
        command += ["--prerelease", "allow"]
    command += [switch for switch in ("--no-index", "--require-hashes") if switch in requirements.switches]
    if any(option.text.startswith("--extra-index-url") for option in requirements.options):
        command += ["--index-strategy", "unsafe-best-match"]  # as pip, whose file it is, reads it: the best version of all
    uv(*command, SETUPTOOLS_SCM_PRETEND_VERSION="0")


def _placed(line: Line, folder: Path) -> str:
    """Return a requirement as the installer reads it; a package of the project is copied first, so that nothing is written where it lies."""
    if line.local is None:
        return line.text
    sources = folder / "sources"
    target = sources / str(len(list(sources.iterdir())) if sources.exists() else 0)
    target.mkdir(parents=True)
    if line.local.is_file():
        shutil.copy2(line.local, target)
        return f"./{target.relative_to(folder)}/{line.local.name}{line.extras}"
    snapshot(line.local, target)
    return f"./{target.relative_to(folder)}{line.extras}"


def _install_locked(uv: Uv, python: Path, recipe: Recipe, folder: Path) -> None:
    project = recipe.project
    assert project is not None  # noqa: S101 - by the caller
    told = uv(
        *("export", "--quiet", "--frozen", "--no-dev", "--no-emit-local", "--no-header", "--no-annotate"),
        *("--project", project.folder, "--python", recipe.interpreter.path),
    )
    (folder / "locked.txt").write_text(told, encoding="utf-8")
    if told.strip():
        uv("pip", "install", "--no-deps", "--python", python, "-r", "locked.txt")
    local = [
        Line(str(path), str(path), local=path) for path in project.local if any((path / name).is_file() for name in ("pyproject.toml", "setup.py"))
    ]
    if local:
        texts = [_placed(line, folder) for line in local]
        uv("pip", "install", "--no-deps", "--python", python, *texts, SETUPTOOLS_SCM_PRETEND_VERSION="0")
