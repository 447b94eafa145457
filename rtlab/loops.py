"""Threads that run an event loop: the servers and links live in one, apart from the kernel's own.

A server on the kernel's loop stands still for as long as a cell computes or sleeps. In a thread of
its own it answers on, and a cell hands work over with ``LoopThread.call``.
"""

from __future__ import annotations

import asyncio
import contextvars
import select
import selectors
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from rtlab.log import logger

T = TypeVar("T")

SWITCH_INTERVAL = 0.0005
"""Seconds after which a computing cell lets the loop's thread run; Python's default is ten times
as long, and round trips under a busy cell then take 10 ms instead of 1."""

_log = logger("loops")


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "linux":
        return asyncio.SelectorEventLoop(_PreciseSelector())
    return asyncio.new_event_loop()


if sys.platform == "linux":

    class _PreciseSelector(selectors.EpollSelector):
        """An epoll whose timeouts are exact to some 0.1 ms.

        ``epoll_wait`` counts whole milliseconds, so every timer would be up to one late, which
        would show in an added delay. ``select`` counts microseconds, and an epoll descriptor can
        itself be waited for by ``select``.
        """

        _LAST_STRETCH = 0.002  # seconds: what is waited with select, after the cheap epoll wait

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is None or timeout <= 0 or self.fileno() >= 1024:  # select()'s limit
                return super().select(timeout)
            if timeout > self._LAST_STRETCH:
                return super().select(timeout - self._LAST_STRETCH)
            select.select([self.fileno()], [], [], timeout)
            return super().select(0)


class LoopThread:
    """A daemon thread with a running event loop.

    Args:
        name: of the thread, as debuggers show it.
    """

    _running = 0
    _usual_interval = 0.0
    _lock = threading.Lock()

    def __init__(self, name: str = "rtlab") -> None:
        self.loop = _new_loop()
        self.loop.set_exception_handler(_log_exception)
        # A plain thread has no context: under ipykernel 7.0 it fails as soon as it meets a widget.
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._main,), name=name, daemon=True
        )

    def start(self) -> LoopThread:
        """Start the thread and return when its loop runs."""
        with LoopThread._lock:
            if LoopThread._running == 0:
                LoopThread._usual_interval = sys.getswitchinterval()
                sys.setswitchinterval(min(SWITCH_INTERVAL, LoopThread._usual_interval))
            LoopThread._running += 1
        started = threading.Event()
        self.loop.call_soon(started.set)
        self._thread.start()
        started.wait()
        return self

    def stop(self) -> None:
        """Cancel what still runs, end the thread and close the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        with LoopThread._lock:
            LoopThread._running -= 1
            if LoopThread._running == 0:
                sys.setswitchinterval(LoopThread._usual_interval)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for its result; an interrupt cancels it."""
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine in the loop and return its future at once."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("This runs in the lab's own thread, where it would wait for itself.")
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop)
        except RuntimeError:
            work.close()  # the loop was closed: nobody will ever await it
            raise

    def soon(self, function: Callable[..., object], *arguments: object) -> None:
        """Run a function in the loop, soon."""
        self.loop.call_soon_threadsafe(function, *arguments)

    def _main(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self.loop.run_until_complete(asyncio.wait(tasks))
            # Sockets that were closed last are closed by callbacks that wait their turn.
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()


def _log_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # A thread that prints writes into whichever cell ran last; this goes to the log instead.
    _log.error("%s", context.get("message"), exc_info=context.get("exception"))


def settle(result: Future[T], function: Callable[[], T]) -> None:
    """Call a function and put what it returns or raises into a future."""
    try:
        result.set_result(function())
    except BaseException as error:
        result.set_exception(error)


def uninterrupted(function: Callable[[], T]) -> T:
    """Call a function where Ctrl-C cannot stop it half way, and return its result.

    Python raises ``KeyboardInterrupt`` in the main thread, wherever that happens to be. What starts
    or stops servers there would leave them half open; so another thread does it, and an interrupt
    is raised when it is through.
    """
    if threading.current_thread() is not threading.main_thread():
        return function()
    result: Future[T] = Future()

    work = (settle, result, function)
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=work, name="rtlab-start", daemon=True)
    try:
        thread.start()
        return result.result()
    except KeyboardInterrupt:
        if thread.ident is not None:
            wait([result])
        raise


_shared: LoopThread | None = None
_users = 0
_shared_lock = threading.Lock()


def acquire() -> LoopThread:
    """Return the kernel's one loop thread, started if nobody used it. Pair with ``release``."""
    global _shared, _users
    with _shared_lock:
        if _shared is None:
            _shared = LoopThread().start()
        _users += 1
        return _shared


def release() -> None:
    """Give the loop thread back; the last one to do so ends it."""
    global _shared, _users
    with _shared_lock:
        _users -= 1
        if _users == 0 and _shared is not None:
            ending, _shared = _shared, None
            ending.stop()
