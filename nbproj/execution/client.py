"""Speaks to a kernel: waits until it listens, has cells executed, hands on what they show, and notices at once when it dies.

One thread does all of it. It sleeps until a message comes, the kernel dies, somebody asks for the end, or a moment passes: no fixed pauses.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from nbproj.execution.connection import Connection, Message, Wire
from nbproj.execution.kernelprocess import KernelProcess
from nbproj.execution.reply import Awaited, Listener, Reply

if TYPE_CHECKING:
    import zmq

__all__ = ["START_SECONDS", "CellTimeout", "Client", "KernelDied", "Stopped"]

START_SECONDS: Final = 60.0
_TELL_SECONDS: Final = 5.0
_LINGER_SECONDS: Final = 0.2
_INTERRUPT_SECONDS: Final = 3.0
_BATCH: Final = 256
_BEAT_SECONDS: Final = 1.0
_RECONNECT_MILLISECONDS: Final = 4


class KernelDied(Exception):  # noqa: N818 - an event, as the signals of Python itself are named
    """The kernel's process has ended."""


class Stopped(Exception):  # noqa: N818 - as above
    """Somebody asked for the end."""


class CellTimeout(Exception):  # noqa: N818 - as above
    """A cell did not end in time; it was interrupted."""


class Client:
    """Speaks to one kernel; a context manager, used in one thread.

    Parameters
    ----------
    connection : Connection
        Its addresses.
    process : KernelProcess
        Its process.
    woken : int
        A descriptor that becomes readable when `stopping` is to be looked at.
    stopping : callable
        Whether the end was asked for.
    beat : callable
        Called about once a second while something is waited for.
    """

    def __init__(self, connection: Connection, process: KernelProcess, *, woken: int, stopping: Callable[[], bool], beat: Callable[[], None]) -> None:
        import zmq

        self._zmq: Any = zmq
        self._process = process
        self._wire = Wire(connection.key)
        self._stopping, self._beat = stopping, beat
        self._beaten = time.monotonic()
        self._listeners: dict[str, Listener] = {}
        self._context = zmq.Context()
        self._shell = self._open(zmq.DEALER, connection.address("shell"))
        self._control = self._open(zmq.DEALER, connection.address("control"))
        self._iopub = self._open(zmq.SUB, connection.address("iopub"))
        self._poller = zmq.Poller()
        for source in (self._shell, self._iopub):
            self._poller.register(source, zmq.POLLIN)
        self._woken = woken
        self._poller.register(woken, zmq.POLLIN)
        if process.descriptor >= 0:
            self._poller.register(process.descriptor, zmq.POLLIN)

    def _open(self, kind: int, address: str) -> zmq.Socket[bytes]:
        made: zmq.Socket[bytes] = self._context.socket(kind)
        made.linger = 0
        # Of itself zmq waits 100 ms until it looks again whether the kernel listens.
        made.setsockopt(self._zmq.RECONNECT_IVL, _RECONNECT_MILLISECONDS)
        if kind == self._zmq.SUB:
            made.setsockopt(self._zmq.RCVHWM, 0)  # what finds no room is lost without a word, and with it the end of a cell
            made.setsockopt(self._zmq.SUBSCRIBE, b"")
        made.connect(address)
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._context.destroy(linger=0)

    def _messages(self, source: zmq.Socket[bytes], limit: int = _BATCH) -> Iterator[Message]:
        """Return what has arrived on a channel."""
        for _ in range(limit):
            try:
                frames = source.recv_multipart(self._zmq.NOBLOCK)
            except self._zmq.Again:
                return
            message = self._wire.message(frames)
            if message is not None:
                yield message

    def _show(self) -> int:
        """Hand on what has arrived of all requests; return how many messages."""
        count = 0
        for message in self._messages(self._iopub):
            count += 1
            listener = self._listeners.get(message.parent)
            if listener is not None:
                listener(message)
        return count

    def _wait(self, seconds: float) -> set[Any]:
        """Wait for anything; return the channels on which something came.

        Raises
        ------
        KernelDied
            The kernel is dead; what it had still said has been handed on.
        Stopped
            The end was asked for.
        """
        ready = dict(self._poller.poll(int(max(seconds, 0.0) * 1000) + 1))
        now = time.monotonic()
        if now - self._beaten >= _BEAT_SECONDS:
            self._beaten = now
            self._process.look()
            self._beat()
        if self._woken in ready:
            os.read(self._woken, 64)
        if self._stopping():
            raise Stopped
        if self._process.descriptor in ready or (self._process.descriptor < 0 and not self._process.alive):
            deadline = time.monotonic() + _LINGER_SECONDS
            while time.monotonic() < deadline and (self._show() or self._iopub.poll(20)):
                pass
            raise KernelDied
        return set(ready)

    def _send(self, channel: zmq.Socket[bytes], kind: str, content: dict[str, object], listener: Listener | None = None) -> str:
        number, frames = self._wire.request(kind, content)
        if listener is not None:
            self._listeners[number] = listener
        channel.send_multipart(frames)
        return number

    def ready(self, slow: Callable[[], None], seconds: float = START_SECONDS) -> dict[str, Any]:
        """Wait until the kernel answers and what it shows arrives; return what it says about itself.

        The stock client then listens for 200 ms of silence. Here the first message that arrives on that channel is enough: a subscription is there or
        it is not.

        Parameters
        ----------
        slow : callable
            Called once when it takes long.
        seconds : float
            How long it may take.

        Raises
        ------
        KernelDied
            It died instead.
        CellTimeout
            It does not answer.
        Stopped
            The end was asked for.
        """
        begin = time.monotonic()
        heard = told = False
        info: dict[str, Any] | None = None
        self._send(self._shell, "kernel_info_request", {})
        while info is None or not heard:
            ready = self._wait(0.01 if info is not None else 0.25)
            waited = time.monotonic() - begin
            if waited > seconds:
                msg = f"the kernel does not answer within {seconds:g} s"
                raise CellTimeout(msg)
            if waited > _TELL_SECONDS and not told:
                told = True
                slow()
            for _message in self._messages(self._iopub):  # all of them: what is left would end each wait at once
                heard = True
            for message in self._messages(self._shell):
                if message.type == "kernel_info_reply":
                    info = message.content
            if info is not None and not heard and not ready:  # it answered before it knew that we listen: another question makes it speak again
                self._send(self._shell, "kernel_info_request", {})
        return info

    def execute(self, source: str, listener: Listener, *, timeout: float | None = None, stop_on_error: bool = True) -> Reply:
        """Have a cell executed; return how it ended, once all that it showed was handed on.

        Parameters
        ----------
        source : str
            The code.
        listener : callable
            Gets each message that belongs to the cell, also those that come while later cells run.
        timeout : float, optional
            Seconds after which the cell is interrupted.
        stop_on_error : bool
            What the kernel is told.

        Raises
        ------
        CellTimeout
            It took longer. What it showed when it was interrupted was handed on.
        KernelDied, Stopped
            As `ready`.
        """
        awaited = Awaited(listener)
        request: dict[str, object] = {"code": source, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        awaited.number = self._send(self._shell, "execute_request", {**request, "stop_on_error": stop_on_error}, awaited.hear)
        deadline = None if timeout is None else time.monotonic() + timeout
        interrupted = False
        while not awaited.over:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                if interrupted:
                    raise CellTimeout
                interrupted, deadline = True, now + _INTERRUPT_SECONDS
                self._interrupt()
            ready = self._wait(_BEAT_SECONDS if deadline is None else min(_BEAT_SECONDS, deadline - now))
            if ready:
                awaited.heard = time.monotonic()
            self._show()
            for message in self._messages(self._shell):
                awaited.hear_reply(message)
        if interrupted or awaited.reply is None:
            raise CellTimeout
        return awaited.reply

    def tell(self, source: str) -> None:
        """Have code executed before what is asked for next. Nobody hears what it shows, or waits for it."""
        request: dict[str, object] = {"code": source, "silent": True, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        self._send(self._shell, "execute_request", {**request, "stop_on_error": False})

    def _interrupt(self) -> None:
        if self._process.interrupted_by_message:
            self._send(self._control, "interrupt_request", {})
        else:
            self._process.interrupt()

    def shut_down(self, *, on_shell: bool) -> None:
        """Ask the kernel to end; who waits for it is the caller.

        Parameters
        ----------
        on_shell : bool
            Ask where cells are executed. ipykernel 7 reads the control channel in a thread of its own, which now and then waits ten seconds for the
            thread that has just been ended.
        """
        self._send(self._shell if on_shell else self._control, "shutdown_request", {"restart": False})
