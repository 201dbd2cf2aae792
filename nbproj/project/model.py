"""What a project is: frozen values that every floor above shares. Nothing here reads a file or starts anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from nbproj.errors import NbprojError

__all__ = [
    "REQUIRED",
    "DockerSpec",
    "EntryPoint",
    "EnvironmentKind",
    "EnvironmentSpec",
    "Parameter",
    "Place",
    "Project",
    "Required",
]


class Required(Enum):
    """The type of `REQUIRED`."""

    REQUIRED = "required"

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = Required.REQUIRED
"""The default of a parameter that has none."""

EnvironmentKind: TypeAlias = Literal["system", "uv", "conda", "docker"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is declared: a file, and a line and column in it or a cell and a line in that.

    Parameters
    ----------
    file : str
        The file as a reader knows it, relative to the project where possible.
    line, column : int, optional
        Counted from 1.
    cell : int, optional
        Number of the notebook's cell, counted from 1 over all cells.
    cell_id : str, optional
        The cell's id, where it has one: for programs, which find the cell again when others were put before it. Readers count.

    Examples
    --------
    >>> str(Place("MLproject", 7, 15))
    'MLproject:7:15'
    >>> str(Place("train.ipynb", 2, cell=3))
    'train.ipynb, cell 3, line 2'
    """

    file: str
    line: int | None = None
    column: int | None = None
    cell: int | None = None
    cell_id: str | None = None

    def __str__(self) -> str:
        if self.cell is not None:
            return f"{self.file}, cell {self.cell}" + (f", line {self.line}" if self.line is not None else "")
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A typed, documented input of an entry point (contract, sections 3 and 4).

    Parameters
    ----------
    name : str
        Letters, digits, `_`, `-`, `.`.
    type : str
        `string`, `float`, `path`, `uri`, `int`, `bool`, `date`, `datetime`, `list`, `dict`, `choice`, or a type of a plug-in.
    default : object
        The value as a Python object of the type; `REQUIRED` when there is none.
    default_text : str, optional
        The default as the project wrote it: what a command receives and what is tracked.
    help : str
        What it means, for people.
    choices : tuple
        Allowed values, converted to the type; empty for no limit.
    min, max, step : float, optional
        Bounds of a number, inclusive, and the step that a form offers.
    secret : bool
        Reaches the program by an environment variable only; never tracked, never printed.
    env : str, optional
        Name of that variable; the upper-cased name by default.
    optional : bool
        None is a value.
    exists : bool
        A `path` must exist before the run. False for outputs.
    flag : str, optional
        What a `bool` becomes in a command when it is true; nothing when it is false.
    item : str, optional
        Type of the elements of a `list`.
    declared : Place, optional
        Where.
    """

    name: str
    type: str = "string"
    default: object = REQUIRED
    default_text: str | None = None
    help: str = ""
    choices: tuple[object, ...] = ()
    min: float | None = None
    max: float | None = None
    step: float | None = None
    secret: bool = False
    env: str | None = None
    optional: bool = False
    exists: bool = True
    flag: str | None = None
    item: str | None = None
    declared: Place | None = None

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is REQUIRED and not self.optional

    @property
    def variable(self) -> str:
        """Name of the environment variable that carries a secret."""
        return self.env or "".join(c if c.isalnum() and c.isascii() else "_" for c in self.name).upper()


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A named thing to run: a shell command, a script, or a notebook.

    Parameters
    ----------
    name : str
        How it is asked for; for an undeclared script or notebook its path in the project.
    parameters : sequence of Parameter
        In the order of declaration.
    command : str, optional
        A command template (contract, section 5).
    notebook : str, optional
        Path of a notebook, relative to the project's root, in place of a command.
    script : str, optional
        Path of a `.py`, `.sh` or `.R` file, relative to the project's root, in place of a command.
    cells : str, optional
        Which cells of the notebook: the name that marks them. None for a notebook that marks none.
    help : str
        What it does, for people.
    declared : Place, optional
        Where.
    problem : NbprojError, optional
        Why it cannot be run, when its declaration is wrong. Other entry points are unharmed.
    environment : EnvironmentSpec, optional
        What a notebook says that it needs, in itself; the project's environment where it says nothing.
    warnings : tuple of str
        Remarks of one line each on this entry point.
    """

    name: str
    parameters: Sequence[Parameter] = ()
    command: str | None = None
    notebook: str | None = None
    script: str | None = None
    cells: str | None = None
    help: str = ""
    declared: Place | None = None
    problem: NbprojError | None = field(default=None, compare=False)
    environment: EnvironmentSpec | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Accept any sequence of parameters; keep a tuple, so that the value stays frozen."""
        object.__setattr__(self, "parameters", tuple(self.parameters))

    def parameter(self, name: str) -> Parameter | None:
        """Return the declared parameter of a name, or None."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


@dataclass(frozen=True, slots=True)
class DockerSpec:
    """A `docker_env` (contract, sections 3 and 12; the seeds' "Specifying an Environment").

    Parameters
    ----------
    image : str
        Name of the base image, with registry path and tag where given.
    volumes : tuple of str
        As `docker run -v` takes them.
    environment : tuple
        `(name, value)` to define a variable, `name` alone to copy it from the host.
    user : str, optional
        User of the process in the container.
    args : tuple of str
        Further arguments of `docker run`.
    """

    image: str
    volumes: tuple[str, ...] = ()
    environment: tuple[str | tuple[str, str], ...] = ()
    user: str | None = None
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """What an entry point needs around it.

    Parameters
    ----------
    kind : str
        `system`, `uv`, `conda` or `docker`.
    file : str, optional
        The file that describes it, relative to the project's root.
    docker : DockerSpec, optional
        For `docker`.
    declared : Place, optional
        Where the project asks for it; None when a convention chose it.
    python : str, optional
        The versions of Python that will do, such as `>=3.11`, where a notebook says it in itself.
    dependencies : tuple of str
        The packages that a notebook asks for in itself, as requirements.
    """

    kind: EnvironmentKind = "system"
    file: str | None = None
    docker: DockerSpec | None = None
    declared: Place | None = None
    python: str | None = None
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """A folder that can be run.

    Parameters
    ----------
    name : str
        From the MLproject file, else the folder's name.
    root : Path
        The folder, absolute.
    entry_points : mapping of str to EntryPoint
        The declared ones, in order; scripts and notebooks are found by path besides.
    environment : EnvironmentSpec
        What they need.
    file : str, optional
        Name of the MLproject file, when there is one.
    notebook : str, optional
        When the project is a single notebook: its file name.
    spark_job : mapping, optional
        The `databricks_spark_job` section as it stands.
    warnings : tuple of str
        Remarks of one line each that a front door shows once.
    """

    name: str
    root: Path
    entry_points: Mapping[str, EntryPoint] = field(default_factory=lambda: MappingProxyType({}))
    environment: EnvironmentSpec = EnvironmentSpec()
    file: str | None = None
    notebook: str | None = None
    spark_job: Mapping[str, object] | None = None
    warnings: tuple[str, ...] = ()
