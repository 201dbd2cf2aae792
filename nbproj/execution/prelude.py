"""What a kernel runs before the first cell: the way for results, and the `nbproj` to import where it has none of its own.

The text of this file is sent to the kernel. It stands alone, on the standard library of Python 3.8 and later.
"""

from __future__ import annotations

import contextlib
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MIME", "begin"]

MIME = "application/vnd.nbproj.log.v1+json"


class Channel(ModuleType):
    """Speaks to the driver through display messages. It lies among the modules, where the functions that log look for it.

    Parameters
    ----------
    token : str
        Tells this kernel's messages from what else a notebook may display.
    """

    def __init__(self, token: str) -> None:
        super().__init__("_nbproj_channel")
        from IPython import get_ipython

        self._token = token
        self._process = os.getpid()
        self._publisher: Any = get_ipython().display_pub  # kept: %%capture puts another in its place

    def send(self, entries: Sequence[Mapping[str, object]]) -> bool:
        """Say it; False in a process that was forked from the kernel, whose messages are lost."""
        if os.getpid() != self._process:
            return False
        data = {MIME: {"token": self._token, "entries": list(entries)}}
        publisher = self._publisher
        if getattr(publisher, "pub_socket", None) is None:
            publisher.publish(data, {})
            return True
        # As `publish` does it, which would flush the output first: a training loop says thousands of values.
        content = {"data": data, "metadata": {}, "transient": {}}
        publisher.session.send(publisher.pub_socket, "display_data", content, parent=publisher.parent_header, ident=publisher.topic)
        return True


class Shelf(MetaPathFinder, Loader):
    """Finds modules that nothing else has found.

    Parameters
    ----------
    sources : mapping of str to str
        Python source by the full name of the module.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources

    def find_spec(self, fullname: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Return how to load a module, None when it is not here."""
        package = any(name.startswith(fullname + ".") for name in self._sources)
        return ModuleSpec(fullname, self, is_package=package) if fullname in self._sources else None

    def exec_module(self, module: ModuleType) -> None:
        """Load a module."""
        exec(compile(self._sources[module.__name__], f"<{module.__name__}>", "exec"), module.__dict__)  # noqa: S102 - nbproj's own files


def begin(token: str, sources: Mapping[str, str]) -> None:
    """Open the way to the driver; offer modules where an import would else fail.

    Parameters
    ----------
    token : str
        As `Channel` takes it; empty where no driver listens.
    sources : mapping of str to str
        As `Shelf` takes them.
    """
    if token:
        sys.modules["_nbproj_channel"] = Channel(token)
    sys.meta_path.append(Shelf(sources))
    _keep_everything()


def _keep_everything() -> None:
    """Have the kernel keep what the driver has not read yet. Of itself it drops whatever exceeds a thousand messages, without a word."""
    from IPython import get_ipython

    thread: Any = getattr(getattr(get_ipython(), "kernel", None), "iopub_thread", None)
    with contextlib.suppress(AttributeError, ImportError):  # a kernel that is not ipykernel has its own way
        import zmq

        socket = thread.socket
        thread.schedule(lambda: socket.setsockopt(zmq.SNDHWM, 0))  # a socket belongs to one thread
