"""The link: a TCP relay between client and server that records and impairs what crosses it.

It forwards bytes and never parses them, so it can stand in front of any server. Where nothing is
impaired, a segment is written on in the same callback in which it was read: no copy, no task, no
queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from concurrent.futures import Future
from time import perf_counter_ns
from typing import Literal, TypeVar

from rtlab import loops
from rtlab.arguments import number, one_of, whole
from rtlab.errors import NotRunning, UsageError
from rtlab.hosted import Hosted
from rtlab.link.impairment import Impairment, make
from rtlab.link.pair import Pair
from rtlab.link.recording import Recording
from rtlab.link.segment import Direction

T = TypeVar("T")


class Link(Hosted):
    """A relay on a port of its own in front of ``host:port``.

    Use it as a context manager in a cell or a script (``with rtlab.Link(...) as link``), or with
    ``start`` and ``stop``: it then runs in the lab's thread. Inside an event loop of your own,
    ``await link.open()`` and ``await link.close()`` run it there.

    Args:
        host: where the server is.
        port: the server's port.
        listen: the link's own port on 127.0.0.1; 0 takes a free one.
        profile: a named profile to begin with (``lan``, ``broadband``, ``4g``, ``satellite``).
        seed: of everything random; the same seed gives the same jitter.
        memory: bytes that the recording may hold.
        **settings: fields of ``Impairment`` for both directions, instead of a profile.

    Raises:
        UsageError: an argument cannot be used.
    """

    _name = "link"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        listen: int = 0,
        profile: str | None = None,
        seed: int = 0,
        memory: int = 16 << 20,
        **settings: object,
    ) -> None:
        super().__init__(listen)
        if not isinstance(host, str) or not host:
            raise UsageError(f"host must be a name or address such as '127.0.0.1', not {host!r}.")
        self.server = (host, whole("port", port, least=1, most=65_535))
        self.recording = Recording(memory)
        self.seed = seed
        self._up, self._down = make(profile, settings)
        self._refuse_until = 0
        self._pairs: set[Pair] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    # ── starting and stopping ──

    async def _serve(self, sock: socket.socket) -> asyncio.Server:
        self._loop = asyncio.get_running_loop()
        return await self._loop.create_server(lambda: Pair(self).client, sock=sock, backlog=1024)

    async def _hang_up(self) -> None:
        dials = [pair.dial for pair in self._pairs if pair.dial is not None]
        for pair in list(self._pairs):
            pair.finish("cut")
        await asyncio.gather(*dials, return_exceptions=True)

    # ── using ──

    def __repr__(self) -> str:
        state = f"on port {self._port}" if self.running else "not open"
        lines = [
            f"<Link {state}, in front of {self.server[0]}:{self.server[1]}; "
            f"up: {self._up.describe()}; down: {self._down.describe()}; {self.recording!r}>"
        ]
        errors = [c.error for c in self.recording.connections if c.error]
        return "\n".join([*lines, *errors[-1:]])

    def impairment(self, direction: Direction) -> Impairment:
        """What is done to the bytes of one direction."""
        return self._up if direction == "up" else self._down

    def impair(
        self,
        direction: Direction | None = None,
        *,
        profile: str | None = None,
        **settings: object,
    ) -> None:
        """Say anew what the link does to its bytes; what is not named is off.

        Bytes that are already on the way keep the time at which they were due.

        Args:
            direction: ``"up"``, ``"down"``, or ``None`` for both.
            profile: a named profile, instead of single settings.
            **settings: fields of ``Impairment``: ``latency=0.08, bandwidth=250_000``, ...

        Raises:
            UsageError: a name is unknown or a value out of bounds.
        """
        if direction is not None:
            one_of("direction", direction, ("up", "down"))
        up, down = make(profile, settings)

        def apply() -> None:
            if direction in (None, "up"):
                self._up = up
            if direction in (None, "down"):
                self._down = down
            for pair in self._pairs:
                pair.impair(self._up, self._down)

        self._in_loop(apply)

    def cut(self, seconds: float = 0.0) -> int:
        """Close every connection now; what is on the way is lost. Returns how many there were.

        Args:
            seconds: for how long new connections are turned away.
        """
        return self._break("cut", seconds)

    def reset(self, seconds: float = 0.0) -> int:
        """Like ``cut``, but with a TCP reset instead of an orderly end."""
        return self._break("reset", seconds)

    def _break(self, ending: Literal["cut", "reset"], seconds: float) -> int:
        pause_ns = round(number("seconds", seconds, "seconds") * 1e9)

        def apply() -> int:
            self._refuse_until = perf_counter_ns() + pause_ns
            pairs = [pair for pair in self._pairs if not pair.finished]
            for pair in pairs:
                pair.finish(ending)
            return len(pairs)

        return self._in_loop(apply)

    def _in_loop(self, function: Callable[[], T]) -> T:
        """Run a function in the link's loop and return its result, whichever thread this is."""
        if self._listener is None or self._loop is None or self._loop.is_closed():
            if self._loop is None:
                return function()  # not opened yet: settings may change, nothing is there to break
            raise NotRunning("This link is closed: call start() to use it again.")
        with contextlib.suppress(RuntimeError):
            if asyncio.get_running_loop() is self._loop:
                return function()
        result: Future[T] = Future()
        self._loop.call_soon_threadsafe(loops.settle, result, function)
        return result.result()

    # ── for its pairs ──

    def opened(self, pair: Pair) -> bool:
        """Take a new pair in; false if the link turns connections away just now."""
        if self._listener is None or perf_counter_ns() < self._refuse_until:
            return False
        self._pairs.add(pair)
        return True

    def closed(self, pair: Pair) -> None:
        """Let a pair go whose sockets are both closed."""
        self._pairs.discard(pair)
