"""What runs in the lab's thread from ``start`` to ``stop``: labs, chats, links and middleboxes."""

from __future__ import annotations

import asyncio
import atexit
import socket
import threading
from collections.abc import Callable
from typing import Self

from rtlab import loops
from rtlab.arguments import whole
from rtlab.errors import NotRunning
from rtlab.sockets import listen, stop_accepting


class InThread:
    """What is started and stopped, or used in a ``with`` block, and runs in the lab's thread.

    Subclasses say how it begins and ends there, and what is said where it does not run.
    """

    _not_running = "This is stopped: call start()."

    def __init__(self) -> None:
        self._thread: loops.LoopThread | None = None
        self._goodbyes: list[Callable[[], object]] = []
        self._lock = threading.RLock()

    def start(self) -> Self:
        """Start it. What runs stays as it is; what was stopped begins anew.

        Raises:
            PortInUse: a port that was asked for is taken; nothing is left running.
            NotRunning: it runs in a lab that is stopped.
        """
        try:
            loops.uninterrupted(self._start)
        except KeyboardInterrupt:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Close every port and connection, in good order. Calling it twice does no harm."""
        loops.uninterrupted(self._stop)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._thread is not None

    @property
    def thread(self) -> loops.LoopThread:
        """The thread in which it runs.

        Raises:
            NotRunning: it was not started, or is stopped.
        """
        if self._thread is None:
            raise NotRunning(self._not_running)
        return self._thread

    def when_stopped(self, goodbye: Callable[[], object]) -> Callable[[], object]:
        """Call a function when it is stopped, before anything is closed.

        Whoever stops it waits for the function. Returns one that takes this back.

        Raises:
            NotRunning: it is stopped already.
        """
        _ = self.thread
        self._goodbyes.append(goodbye)

        def forget() -> None:
            if goodbye in self._goodbyes:
                self._goodbyes.remove(goodbye)

        return forget

    async def _begin(self) -> object:
        raise NotImplementedError

    async def _end(self) -> None:
        """Close what ``_begin`` opened, also if it came only half way."""
        raise NotImplementedError

    def _enter_thread(self) -> loops.LoopThread:
        return loops.acquire()

    def _leave_thread(self) -> None:
        loops.release()

    def _start(self) -> None:
        with self._lock:
            if self.running:
                return
            thread = self._enter_thread()
            try:
                thread.call(self._begin())
            except BaseException:
                try:
                    thread.call(self._end())
                finally:
                    self._leave_thread()
                raise
            self._thread = thread
            atexit.register(self._stop)  # not stop: no thread can be started at that time

    def _stop(self) -> None:
        with self._lock:
            if self._thread is None:
                return
            goodbyes, self._goodbyes = self._goodbyes, []
            try:
                for goodbye in goodbyes:
                    goodbye()
                self._thread.call(self._end())
            finally:
                self._thread = None
                atexit.unregister(self._stop)
                self._leave_thread()


class Hosted(InThread):
    """What listens on one port, in the lab's thread or in an event loop of your own.

    In your own loop, ``await x.open()`` and ``await x.close()``, or an ``async with`` block.

    Args:
        port: on 127.0.0.1; 0 takes a free one.

    Raises:
        UsageError: the port is none.
    """

    _name = "thing"  # what messages call it

    def __init__(self, port: int) -> None:
        super().__init__()
        self._not_running = (
            f"This {self._name} has no thread: call start(), or use it in a with block."
        )
        self._wanted_port = whole("listen", port, most=65_535)
        self._port = 0
        self._listener: asyncio.Server | None = None

    async def open(self) -> Self:
        """Begin to listen, in the running event loop. What is open stays as it is.

        Raises:
            PortInUse: the port that was asked for is taken.
        """
        if self._listener is None:
            sock = listen(self._wanted_port)
            self._port = sock.getsockname()[1]
            self._listener = await self._serve(sock)
        return self

    async def close(self) -> None:
        """Close the port and every connection. What is closed stays so."""
        if self._listener is None:
            return
        listener, self._listener = self._listener, None  # from here on callers are turned away
        for sock in listener.sockets:
            await stop_accepting(sock)
        listener.close()
        await self._hang_up()
        await asyncio.sleep(0)  # aborted sockets are closed by callbacks that wait their turn

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def running(self) -> bool:
        """Whether it is open."""
        return self._listener is not None

    @property
    def port(self) -> int:
        """The port that a client dials instead of the server's.

        Raises:
            NotRunning: it is not open.
        """
        if self._listener is None:
            raise NotRunning(
                f"This {self._name} is not open: call start(), or use it in a with block."
            )
        return self._port

    async def _serve(self, sock: socket.socket) -> asyncio.Server:
        """Answer who calls at a socket."""
        raise NotImplementedError

    async def _hang_up(self) -> None:
        """Close every connection."""
        raise NotImplementedError

    async def _begin(self) -> object:
        return await self.open()

    async def _end(self) -> None:
        await self.close()
