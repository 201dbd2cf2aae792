"""Conda environments: from a conda.yaml or environment.yml, by the conda of this machine, or by py-rattler where there is none."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from nbproj.environments.builder import BuildFailed
from nbproj.environments.cache import Blueprint, EnvironmentCache, Kept, Site
from nbproj.environments.condaactivation import activated_conda, capture, keep_changes, keep_variables, kept_changes
from nbproj.environments.condacomplaints import why_conda
from nbproj.environments.condalock import exported_conda
from nbproj.environments.condarecipe import CondaRecipe, read_conda_recipe
from nbproj.environments.condatool import Calling, CondaTool, find_conda
from nbproj.environments.environment import Environment
from nbproj.environments.layers import has_kernel, with_kernel
from nbproj.environments.places import environments_folder
from nbproj.environments.recipe import Recipe
from nbproj.environments.requirements import Requirements
from nbproj.environments.uv import install_requirements, prepare_recipe
from nbproj.environments.uvcommand import Uv, find_uv, shown, why
from nbproj.errors import EnvironmentPreparationError
from nbproj.progress import Event, Progress
from nbproj.project.model import EnvironmentKind, EnvironmentSpec, Place

__all__ = ["CondaEnvironments", "conda_blueprint"]

_OF_OTHERS = ("PYTHONPATH", "PYTHONHOME", "PYTHONEXECUTABLE", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


class CondaEnvironments:
    """Provides conda environments of the cache."""

    kind: EnvironmentKind = "conda"

    def detect(self, spec: EnvironmentSpec) -> bool:
        """Return whether the specification is of this kind."""
        return spec.kind == self.kind

    def check(self, spec: EnvironmentSpec, root: Path) -> None:
        """Refuse files that are wrong, and a machine on which nothing can make the environment; nothing is downloaded.

        Raises
        ------
        EnvironmentPreparationError
            With the place.
        """
        find_uv()
        _maker(read_conda_recipe(spec, root), root, EnvironmentCache())

    def key(self, spec: EnvironmentSpec, root: Path) -> str:
        """Return the key under which the cache keeps it, built or not.

        Raises
        ------
        EnvironmentPreparationError
            As `check`.
        """
        recipe = read_conda_recipe(spec, root)
        maker = _maker(recipe, root, EnvironmentCache())
        return maker.key if isinstance(maker, Recipe) else recipe.key

    def prepare(self, spec: EnvironmentSpec, root: Path, progress: Progress, *, kernel: bool = False, run_id: str | None = None) -> Environment:
        """Return the environment of a specification, built if it is not there yet.

        Parameters
        ----------
        spec : EnvironmentSpec
            Of kind `conda`.
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
        recipe = read_conda_recipe(spec, root)
        maker = _maker(recipe, root, cache)
        if isinstance(maker, Recipe):
            named = f"{recipe.file.file} names only Python and pip packages" if recipe.file.file else "only Python is asked for"
            progress(Event("note", f"{named}, and conda is not here: uv makes the environment"))
            return prepare_recipe(maker, cache, progress, kernel=kernel, run_id=run_id, project=root.name)
        chain = [cache.obtain(conda_blueprint(recipe, maker), progress, run_id=run_id, project=root.name)]
        if kernel and not has_kernel(chain[0].packages()):
            if not chain[0].python.exists():
                msg = "has no Python, which the kernel of a notebook needs. Add python to its dependencies"
                raise EnvironmentPreparationError(msg, place=Place(recipe.file.file))
            chain.insert(0, with_kernel(chain[0], cache, progress, source=recipe.file.file, run_id=run_id, project=root.name))
        return _environment(chain)


def _maker(recipe: CondaRecipe, root: Path, cache: EnvironmentCache) -> CondaTool | Recipe | None:
    """Return what makes the environment: conda, or uv by a recipe; None for one that is there and needs nothing.

    Raises
    ------
    EnvironmentPreparationError
        Nothing on this machine can make it.
    """
    tool = find_conda()
    if tool is not None or cache.find(recipe.key) is not None:
        return tool
    plain = recipe.without_conda(root, environments_folder())
    if plain is not None:
        return plain
    only = recipe.only_conda()
    reason = f"asks for {only}, which conda installs" if only else "is a list of conda packages"
    msg = f"{reason}, and there is no conda, mamba or micromamba here. What nbproj needs in its place: pip install 'nbproj[conda]'"
    raise EnvironmentPreparationError(
        msg, place=Place(recipe.file.file), hint="Or name a conda that is not on PATH by MLFLOW_CONDA_HOME or CONDA_EXE"
    )


def conda_blueprint(recipe: CondaRecipe, tool: CondaTool | None) -> Blueprint:
    """Return how a conda environment is built: conda's packages, then, by uv, those of the pip section; its activation is found out last.

    Parameters
    ----------
    recipe : CondaRecipe
        What is wanted.
    tool : CondaTool, optional
        What installs conda packages; None where the environment was there a moment ago.
    """

    def build(site: Site) -> str:
        chosen = tool or CondaTool("py-rattler")
        site.tell(f"making an environment of {recipe.title}, with {chosen.name}")
        try:
            _install(recipe, chosen, site)
        except BuildFailed as failure:
            error = why_conda(failure, chosen.name)
            place = Place(recipe.file.file) if recipe.file.file else None
            raise EnvironmentPreparationError(error.message, place=place, hint=error.hint) from None
        keep_variables(site.prefix, recipe.file.variables)
        changes = capture(site.prefix, site.folder, os.environ, keep_open=site.keep_open, started=site.started)
        uv = Uv(site.folder, shown(site.tell), site.keep_open, site.started, activated_conda(os.environ, changes))
        try:
            if recipe.lock is not None:
                _install_pins(recipe.file.pip, uv, site)
            elif recipe.file.pip.lines:
                _install_pip(recipe, uv, site)
                changes = capture(site.prefix, site.folder, os.environ, keep_open=site.keep_open, started=site.started)
            description = exported_conda(site.prefix, uv)
        except BuildFailed as failure:
            error = why(failure)
            raise EnvironmentPreparationError(error.message, place=Place(recipe.file.file), hint=error.hint) from None
        finally:
            shutil.rmtree(site.folder / "sources", ignore_errors=True)
        keep_changes(site.folder, changes)
        return description

    return Blueprint(recipe.key, "conda", recipe.title, build, {"source": recipe.file.file})


def _install(recipe: CondaRecipe, tool: CondaTool, site: Site) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_OTHERS}
    if tool.program is None:
        calling = Calling(site.folder, environment, site.tell, site.keep_open, site.started)
        _call(recipe, tool, site.prefix, calling)
        return
    # Two condas that fill one cold cache of packages break each other.
    with EnvironmentCache().locked("conda", site.progress) as lock:
        calling = Calling(site.folder, environment, site.tell, (*site.keep_open, lock.descriptor), site.started)
        _call(recipe, tool, site.prefix, calling)


def _call(recipe: CondaRecipe, tool: CondaTool, prefix: Path, calling: Calling) -> None:
    if recipe.lock is not None:
        tool.restore(prefix, recipe.lock.urls, calling)
    else:
        addresses = recipe.settings.addresses(recipe.file.channels) if tool.program is None else [channel.text for channel in recipe.file.channels]
        tool.create(prefix, [package.text for package in recipe.file.packages], addresses, calling)


def _install_pip(recipe: CondaRecipe, uv: Uv, site: Site) -> None:
    python = site.prefix / "bin" / "python"
    if not python.exists():
        msg = "has a section for pip, and no Python to install it for. Add python to its dependencies"
        raise EnvironmentPreparationError(msg, place=Place(recipe.file.file))
    install_requirements(uv, python, recipe.file.pip, site.folder, "pip")


def _install_pins(pins: Requirements, uv: Uv, site: Site) -> None:
    """Install what of an exact list conda has not brought."""
    python = site.prefix / "bin" / "python"
    if not pins.lines or not python.exists():
        return
    there = set(exported_conda(site.prefix, uv).splitlines())
    wanted = Requirements(tuple(line for line in pins.lines if line.text not in there))
    install_requirements(uv, python, wanted, site.folder, "pins", "--no-deps")


def _environment(chain: list[Kept]) -> Environment:
    """Return an environment of the cache, its kernel's layer above it, as something to run in."""
    top, base = chain[0], chain[-1]
    description = top.packages()
    changes = kept_changes(base)
    if changes is None:
        msg = f"the environment ({base.title}) is damaged: how it is activated is lost. Remove it: nbproj env remove {base.key[:12]}"
        raise EnvironmentPreparationError(msg)
    return Environment(
        kind="conda",
        variables=activated_conda(os.environ, changes, [kept.prefix for kept in chain[:-1]]),
        python=str(top.python) if top.python.exists() else None,
        fingerprint=hashlib.sha256(description.encode()).hexdigest()[:16],
        description=description,
        key=top.key,
        folder=top.folder,
    )
