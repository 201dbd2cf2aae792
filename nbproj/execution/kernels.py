"""Kernels of a run: started behind the gate, known to the guard, with a working folder of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbproj.execution.process import GATE, Guard, Started

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager

_SOCKET_PATH = 90
"""Characters of a folder in which a Unix socket still has a name; Linux holds 108, macOS 104."""

__all__ = ["guarded_manager", "kernel_language"]


def kernel_language(notebook: Any, kernel: str) -> str:
    """Return the language of a notebook that runs in a kernel: the notebook's word, else the kernelspec's, else Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    declared = notebook.metadata.get("language_info", {}).get("name") or notebook.metadata.get("kernelspec", {}).get("language")
    if declared:
        return str(declared).lower()
    try:
        return str(KernelSpecManager().get_kernel_spec(kernel).language or "python").lower()
    except NoSuchKernel:
        return "python"


def guarded_manager(kernel: str, sockets: Path, guard: Guard, started: Started, ended: Callable[[int | None], None]) -> AsyncKernelManager:
    """Return a kernel manager whose kernel starts behind the gate.

    Parameters
    ----------
    kernel : str
        Name of a kernelspec.
    sockets : Path
        A private folder, made here. The kernel is spoken to over sockets in it: two kernels that start at once never want the same port. Where
        its path is too long for a socket, over TCP on the loopback address.
    guard : Guard
        Told of the kernel's process group before the kernel starts.
    started : callable
        Called with the group, after the guard knows it.
    ended : callable
        Called with the return code when the kernel is found dead without having been asked to end.
    """
    from jupyter_client.manager import AsyncKernelManager

    class GuardedKernelManager(AsyncKernelManager):
        """Starts kernels behind the gate; tells how one died."""

        async def _async_launch_kernel(self, kernel_cmd: list[str], **kwargs: Any) -> None:
            reading, writing = os.pipe()
            try:
                await super()._async_launch_kernel([*GATE, *kernel_cmd], stdin=reading, **kwargs)
                group = self.provisioner.pid  # type: ignore[union-attr]
                guard.watch(group)
                started(group)
                os.write(writing, b"go\n")
            finally:
                os.close(reading)
                os.close(writing)

        _launch_kernel = _async_launch_kernel

        async def _async_is_alive(self) -> bool:
            alive: bool = await super()._async_is_alive()
            process = getattr(self.provisioner, "process", None)
            if not alive and process is not None and not self.shutting_down:
                ended(process.poll())
            return alive

        is_alive = _async_is_alive

    manager = GuardedKernelManager(kernel_name=kernel)
    sockets.mkdir(mode=0o700, exist_ok=True)
    manager.connection_file = str(sockets / "kernel.json")
    if len(str(sockets)) <= _SOCKET_PATH:
        manager.transport = "ipc"
        manager.ip = str(sockets / "k")
    manager.shutdown_wait_time = 5.0
    return manager
