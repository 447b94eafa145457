"""What listens on a port, in the lab's thread or in an event loop of your own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from rtlab import loops
from rtlab.errors import NotRunning


class Hosted:
    """The two ways to run something that is opened and closed inside an event loop.

    ``start`` and ``stop``, or a ``with`` block, run it in the lab's thread. Inside an event loop of
    your own, ``await x.open()`` and ``await x.close()``, or an ``async with`` block, run it there.
    Subclasses say what it is to be opened and closed.
    """

    _name = "thing"  # what messages call it

    def __init__(self) -> None:
        self._thread: loops.LoopThread | None = None
        self._goodbyes: list[Callable[[], object]] = []

    async def open(self) -> Self:
        """Begin to listen, in the running event loop. What is open stays as it is."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close the port and every connection. What is closed stays so."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Whether it is open."""
        raise NotImplementedError

    def start(self) -> Self:
        """Begin to listen, in the lab's thread. What is open stays as it is."""
        if not self.running:
            try:
                loops.uninterrupted(self._start)
            except KeyboardInterrupt:
                self.stop()
                raise
        return self

    def stop(self) -> None:
        """Undo ``start``. Calling it twice does no harm."""
        loops.uninterrupted(self._stop)

    def _start(self) -> None:
        thread = loops.acquire()
        try:
            thread.call(self.open())
        except BaseException:
            loops.release()
            raise
        self._thread = thread

    def _stop(self) -> None:
        if self._thread is not None:
            thread, self._thread = self._thread, None
            goodbyes, self._goodbyes = self._goodbyes, []
            try:
                for goodbye in goodbyes:
                    goodbye()
                thread.call(self.close())
            finally:
                loops.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def thread(self) -> loops.LoopThread:
        """The thread in which it runs.

        Raises:
            NotRunning: it was not started, or was opened in an event loop of yours.
        """
        if self._thread is None:
            raise NotRunning(
                f"This {self._name} has no thread: call start(), or use it in a with block."
            )
        return self._thread

    def when_stopped(self, goodbye: Callable[[], object]) -> None:
        """Call a function when it is stopped, before its port closes; it must not wait."""
        _ = self.thread
        self._goodbyes.append(goodbye)
