"""Which kernel a notebook runs in: one that Jupyter knows by name, or the one of an interpreter that has nothing but ipykernel."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, Final, Literal

from nbproj.errors import EntryPointError, suggestion
from nbproj.execution.kernelspecs import plain_spec
from nbproj.project.cells import read_document
from nbproj.project.model import Place

__all__ = ["Kernel", "check_kernel", "interpreter_kernel", "named_kernel", "notebook_language"]

_LAUNCHER: Final = ("-m", "ipykernel_launcher")
_QUICK: Final = (
    "import gc, sys; gc.disable(); p = sys.path; d = p[:1] == [''] and p.pop(0) == ''; sys.modules['debugpy'] = None; import ipykernel.ipkernel, "
    "ipykernel.kernelapp, importlib.util, runpy; importlib.util.find_spec('ipykernel.debugger') and __import__('ipykernel.debugger'); "
    "del sys.modules['debugpy']; d and p.insert(0, ''); gc.freeze(); gc.enable(); "
    "runpy.run_module('ipykernel_launcher', run_name='__main__', alter_sys=True)"
)
"""Starts ipykernel as its launcher does, without the debugger: nobody steps through a run, and importing it takes a fifth of the start. A notebook
that imports debugpy itself finds it. The collector of garbage need not look at what was imported before the notebook begins, neither then nor when
the kernel ends: that is another fifth."""
_NO_HISTORY: Final = "--HistoryManager.enabled=False"
_PROVISIONERS: Final = {None, "local-provisioner"}


@dataclass(frozen=True, slots=True)
class Kernel:
    """How a kernel is started.

    Parameters
    ----------
    name : str
        Name of its kernelspec, as notebooks hold it.
    argv : tuple of str
        The command; `{connection_file}` and `{resource_dir}` are filled in.
    language : str
        In lower case.
    environment : mapping of str to str
        Variables that the kernelspec sets; `${NAME}` stands for a variable of the run.
    interrupt_mode : str
        `signal` or `message`.
    resources : str
        Folder of the kernelspec.
    """

    name: str
    argv: tuple[str, ...]
    language: str = "python"
    environment: Mapping[str, str] = field(default_factory=dict)
    interrupt_mode: Literal["signal", "message"] = "signal"
    resources: str = ""

    @property
    def is_ipykernel(self) -> bool:
        """Whether ipykernel itself is started, whose options are known."""
        return any(self.argv[index : index + 2] == _LAUNCHER for index in range(len(self.argv)))

    @property
    def knows_sockets(self) -> bool:
        """Whether it is known to take `ipc` addresses: ipykernel and what is built on it, and R's."""
        return "-m" in self.argv or any("IRkernel" in word for word in self.argv)

    def command(self, connection_file: Path) -> list[str]:
        """Return the command line."""
        fills = {"connection_file": str(connection_file), "resource_dir": self.resources, "prefix": sys.prefix}
        filled = [re.sub(r"\{(\w+)\}", lambda found: fills.get(found[1], found[0]), word) for word in self.argv]
        own = {"python", f"python{sys.version_info.major}", f"python{sys.version_info.major}.{sys.version_info.minor}"}
        if filled[0] in own:  # as Jupyter understands it: the Python that it runs in
            filled[0] = sys.executable
        if self.is_ipykernel:
            index = next(index for index in range(len(filled)) if tuple(filled[index : index + 2]) == _LAUNCHER)
            filled[index : index + 2] = ["-c", _QUICK]
            filled.append(_NO_HISTORY)
        return filled

    def variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of the kernel's process."""
        own = {name: Template(str(value)).safe_substitute(environment) for name, value in self.environment.items()}
        return {**environment, **own}


def interpreter_kernel(python: str | Path, name: str = "python3") -> Kernel:
    """Return the kernel of a Python interpreter that needs nothing but ipykernel: no kernelspec is looked for.

    Parameters
    ----------
    python : str or Path
        Path of the interpreter.
    name : str
        What the executed notebook will say; readers open it with a kernel of this name.

    Examples
    --------
    >>> interpreter_kernel("/opt/env/bin/python").argv[:3]
    ('/opt/env/bin/python', '-m', 'ipykernel_launcher')
    """
    return Kernel(name, (str(python), *_LAUNCHER, "-f", "{connection_file}"))


def named_kernel(name: str, notebook: str) -> Kernel:
    """Return the kernel of a kernelspec.

    Parameters
    ----------
    name : str
        Its name, in any case.
    notebook : str
        Which notebook asks, for the error.

    Raises
    ------
    EntryPointError
        There is no such kernel, which names those found; or its kernelspec is broken, or asks for a way to start it that is not ours.
    """
    spec: Any = plain_spec(name) or _found_spec(name, notebook)
    provisioner = (spec.metadata.get("kernel_provisioner") or {}).get("provisioner_name")
    if provisioner not in _PROVISIONERS:
        msg = f"{notebook}: kernel {name!r} is started by {provisioner!r}, and nbproj starts kernels on this host. Choose another with --kernel NAME"
        raise EntryPointError(msg)
    if not spec.argv:
        msg = f"{notebook}: the kernelspec of {name!r} has no command ('argv'). Repair its kernel.json, or choose another with --kernel NAME"
        raise EntryPointError(msg)
    return Kernel(
        name,
        tuple(map(str, spec.argv)),
        str(spec.language or "python").lower(),
        {str(variable): str(value) for variable, value in spec.env.items()},
        "message" if spec.interrupt_mode == "message" else "signal",
        str(spec.resource_dir),
    )


def _found_spec(name: str, notebook: str) -> Any:
    """Return a kernelspec as Jupyter's client finds it; raises as `named_kernel`."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    manager: Any = KernelSpecManager()
    try:
        return manager.get_kernel_spec(name)
    except NoSuchKernel as error:
        known = sorted(manager.find_kernel_specs())
        msg = f"{notebook}: there is no kernel {name!r}.{suggestion(name, known)} Found: {', '.join(known) or 'none'}. Choose one with --kernel NAME"
        raise EntryPointError(msg) from error
    except Exception as error:
        msg = f"{notebook}: the kernelspec of {name!r} cannot be read ({error}). Repair its kernel.json, or choose another with --kernel NAME"
        raise EntryPointError(msg) from error


def check_kernel(name: str | None, notebook: Path, *, otherwise: str | None = None) -> str:
    """Return the kernel that a notebook will run in.

    Parameters
    ----------
    name : str, optional
        The caller's choice; the notebook's own by default, else `python3`.
    notebook : Path
        The notebook.
    otherwise : str, optional
        The kernel of a notebook that names none; `python3` by default.

    Raises
    ------
    EntryPointError
        As `named_kernel`.
    """
    if name is None:
        metadata: Any = read_document(notebook, Place(notebook.name)).get("metadata", {})
        name = str(metadata.get("kernelspec", {}).get("name") or otherwise or "python3")
    return named_kernel(name, notebook.name).name


def notebook_language(document: Mapping[str, Any], kernel: Kernel) -> str:
    """Return the language of a notebook that runs in a kernel: the kernel's word, else the notebook's, else Python."""
    metadata = document.get("metadata", {})
    declared = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language")
    return str(kernel.language or declared or "python").lower()
