"""The link: a TCP relay between client and server that records and impairs what crosses it.

It forwards bytes and never parses them, so it can stand in front of any server. Where nothing is
impaired, a segment is written on in the same callback in which it was read: no copy, no task, no
queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import struct
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from time import perf_counter_ns
from typing import Literal, TypeVar, cast

from rtlab import loops
from rtlab.arguments import number, one_of, whole
from rtlab.errors import NotRunning, UsageError
from rtlab.link.impairment import BACKLOG, Impairment, Schedule, make
from rtlab.link.recording import Connection, Direction, Ending, Recording, Segment
from rtlab.log import logger
from rtlab.sockets import LOOPBACK, listen

T = TypeVar("T")

DIAL_TIMEOUT = 10.0
"""Seconds that a server has to accept the link's connection."""

_log = logger("link")


class Link:
    """A relay on a port of its own in front of ``host:port``.

    Use it as a context manager in a cell or a script (``with rtlab.Link(...) as link``), or with
    ``start`` and ``stop``: it then runs in the lab's thread. Inside an event loop of your own,
    ``await link.open()`` and ``await link.close()`` run it there.

    Args:
        host: where the server is.
        port: the server's port.
        listen: the link's own port on 127.0.0.1; 0 lets the system choose.
        profile: a named profile to begin with (``lan``, ``broadband``, ``4g``, ``satellite``).
        seed: of everything random; the same seed gives the same jitter.
        memory: bytes that the recording may hold.
        **settings: fields of ``Impairment`` for both directions, instead of a profile.

    Raises:
        UsageError: an argument cannot be used.
    """

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
        if not isinstance(host, str) or not host:
            raise UsageError(f"host must be a name or address such as '127.0.0.1', not {host!r}.")
        self.server = (host, whole("port", port, "port number", least=1, most=65_535))
        self.recording = Recording(memory)
        self.seed = seed
        self._wanted_port = whole("listen", listen, "port number", most=65_535)
        self._up, self._down = make(profile, settings)
        self._refuse_until = 0
        self._pairs: set[_Pair] = set()
        self._listener: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: loops.LoopThread | None = None
        self._port = 0

    # ── starting and stopping ──

    async def open(self) -> Link:
        """Begin to listen, in the running event loop. A link that is open stays as it is.

        Raises:
            PortInUse: the port that was asked for is taken.
        """
        if self._listener is None:
            sock = listen(self._wanted_port)
            self._loop = asyncio.get_running_loop()
            self._port = sock.getsockname()[1]
            self._listener = await self._loop.create_server(
                lambda: _Pair(self).client, sock=sock, backlog=1024
            )
        return self

    async def close(self) -> None:
        """Close the port and every connection. A link that is closed stays so."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        dials = [pair.dial for pair in self._pairs if pair.dial is not None]
        for pair in list(self._pairs):
            pair.finish("cut")
        await asyncio.gather(*dials, return_exceptions=True)
        await asyncio.sleep(0)  # aborted sockets are closed by callbacks that wait their turn

    def start(self) -> Link:
        """Begin to listen, in the lab's thread. A link that is open stays as it is."""
        if self._listener is None:
            self._thread = loops.acquire()
            try:
                self._thread.call(self.open())
            except BaseException:
                self._thread = None
                loops.release()
                raise
        return self

    def stop(self) -> None:
        """Undo ``start``. Calling it twice does no harm."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            try:
                thread.call(self.close())
            finally:
                loops.release()

    def __enter__(self) -> Link:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Link:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # ── using ──

    @property
    def port(self) -> int:
        """The port that a client dials instead of the server's.

        Raises:
            NotRunning: the link is not open.
        """
        if self._listener is None:
            raise NotRunning("This link is not open: call start(), or use it in a with block.")
        return self._port

    @property
    def running(self) -> bool:
        """Whether the link is open."""
        return self._listener is not None

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

        def run() -> None:
            try:
                result.set_result(function())
            except BaseException as error:
                result.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return result.result()

    # ── for its pairs ──

    def opened(self, pair: _Pair) -> bool:
        """Take a new pair in; false if the link turns connections away just now."""
        if self._listener is None or perf_counter_ns() < self._refuse_until:
            return False
        self._pairs.add(pair)
        return True

    def closed(self, pair: _Pair) -> None:
        """Let a pair go whose sockets are both closed."""
        self._pairs.discard(pair)


class _Pair:
    """One connection: the client's socket and the one dialled to the server."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.recording = link.recording
        self.number = 0
        self.finished = False
        self.dial: asyncio.Task[None] | None = None
        self.client = _End(self, "up")
        self.server = _End(self, "down")
        self.client.peer, self.server.peer = self.server, self.client
        self.record: Connection | None = None

    def accepted(self, transport: asyncio.Transport) -> None:
        """The client is here: dial the server."""
        if not self.link.opened(self):
            self.finished = True
            _linger_none(transport)
            transport.abort()
            return
        now = perf_counter_ns()
        self.number = self.recording.accepted + 1
        self.record = Connection(
            self.number, transport.get_extra_info("peername")[:2], self.link.server, now
        )
        self.recording.add_connection(self.record)
        up, down = self.link.impairment("up"), self.link.impairment("down")
        # Real clients wait for SYN and SYN-ACK to cross before they can send.
        ready_ns = now + round((up.latency + down.latency) * 1e9)
        self.client.schedule = self._schedule("up", up, ready_ns)
        self.server.schedule = self._schedule("down", down, 0)
        transport.pause_reading()
        self.dial = asyncio.get_running_loop().create_task(self._dial())

    async def _dial(self) -> None:
        host, port = self.link.server
        try:
            async with asyncio.timeout(DIAL_TIMEOUT):
                await asyncio.get_running_loop().create_connection(
                    lambda: self.server, host, port, family=_family(host)
                )
        except (OSError, TimeoutError) as error:
            assert self.record is not None
            self.record.error = f"No server answers at {host}:{port} ({error or 'timeout'})."
            _log.warning("%s Is it started?", self.record.error)
            self.finish("reset")
        else:
            self.impair(self.link.impairment("up"), self.link.impairment("down"))
            self.client.resume_source()
        finally:
            self.dial = None

    def _schedule(self, direction: Direction, impairment: Impairment, ready_ns: int) -> Schedule:
        rng = random.Random(f"{self.link.seed}/{self.number}/{direction}")
        return Schedule(impairment, rng, ready_ns)

    def impair(self, up: Impairment, down: Impairment) -> None:
        """Take new impairments for what comes from now on."""
        self.client.impair(up)
        self.server.impair(down)

    def finish(self, ending: Literal["cut", "reset"]) -> None:
        """End both sockets at once; what is queued is lost."""
        if self.finished:
            return
        self.finished = True
        if self.dial is not None:
            self.dial.cancel()
        for end in (self.client, self.server):
            end.finish(ending)

    def end_lost(self) -> None:
        """One socket is closed; when both are, the connection is over."""
        if self.client.lost and (self.server.lost or self.server.transport is None):
            if self.record is not None and self.record.closed_ns is None:
                self.record.closed_ns = perf_counter_ns()
            self.link.closed(self)


class _End(asyncio.Protocol):
    """One socket of a pair. It reads its own direction and writes to its peer."""

    peer: _End
    schedule: Schedule
    _plain_from = 0  # before this time even a plain link holds bytes back: see Schedule.ready_ns

    def __init__(self, pair: _Pair, direction: Direction) -> None:
        self.pair = pair
        self.direction = direction
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self._recording = pair.recording
        self._offset = 0  # bytes received so far
        self._plain = False  # nothing to do but to pass bytes on
        self._queue: deque[tuple[int, Segment]] = deque()
        self._held = 0  # bytes in the queue
        self._timer: asyncio.TimerHandle | None = None
        self._blocked = False  # this end's socket takes no more bytes for now
        self._reading = True
        self._ended = False  # the end of this direction is queued
        self._end_forwarded = False

    # ── asyncio.Protocol ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.direction == "up":
            self._reading = False  # until the server is there
            self.pair.accepted(self.transport)
        elif self.pair.finished:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        now = perf_counter_ns()
        if self._plain and now >= self._plain_from:
            segment = Segment(self.pair.number, self.direction, self._offset, now, None, data)
            self._offset += len(data)
            self._recording.add(segment)
            self._forward(segment)
        else:
            self._delay(now, data)

    def eof_received(self) -> bool:
        self._end("eof")
        return True  # the other direction may go on

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if exc is not None and not self.pair.finished:
            self._end("reset")
        if self._blocked:
            self.resume_writing()
        self.pair.end_lost()

    def pause_writing(self) -> None:
        self._blocked = True
        self.peer.pause_source()

    def resume_writing(self) -> None:
        self._blocked = False
        self.peer._release()

    # ── the way of the bytes ──

    def impair(self, impairment: Impairment) -> None:
        """Take a new impairment for what comes from now on."""
        self.schedule.impairment = impairment
        if impairment.bandwidth:
            _small_buffers(self.transport)
            _small_buffers(self.peer.transport)
        self._plain_from = self.schedule.ready_ns
        self._plain = not (
            impairment.delays or impairment.limit is not None or self._queue or self._ended
        )
        self._release()

    def _delay(self, now: int, data: bytes) -> None:
        """Cut data into pieces and queue each until it is due."""
        impairment = self.schedule.impairment
        kept, rest = data, b""
        if impairment.limit is not None:
            room = max(0, impairment.limit - self._offset)
            kept, rest = data[:room], data[room:]
        for due, piece in self.schedule.pieces(now, kept):
            self._queue.append((due, self._segment(now, piece)))
            self._held += len(piece)
        if impairment.limit is not None and self._offset >= impairment.limit and not self._ended:
            self._end("reset" if impairment.limit == impairment.reset_after else "cut")
        if rest:
            self._segment(now, rest)  # recorded, never forwarded: it fell into the gap
        if self._held > impairment.window:
            self.pause_source()
        self._release()

    def _segment(self, now: int, data: bytes, end: Ending | None = None) -> Segment:
        segment = Segment(self.pair.number, self.direction, self._offset, now, None, data, end)
        self._offset += len(data)
        self._recording.add(segment)
        return segment

    def _end(self, ending: Ending) -> None:
        if self._ended and ending != "reset":  # who has said all can still reset what it hears
            return
        self._ended = True
        self._plain = False
        now = perf_counter_ns()
        self._queue.append((self.schedule.end(now), self._segment(now, b"", ending)))
        self._release()

    def _release(self) -> None:
        """Forward what is due, and set the timer for the next piece."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        queue = self._queue
        while queue and not self.peer._blocked and not self.schedule.impairment.stalled:
            due, segment = queue[0]
            wait = due - perf_counter_ns()
            if wait > 0:
                self._timer = asyncio.get_running_loop().call_later(wait / 1e9, self._release)
                break
            if segment.end not in (None, "eof") and self._unsent():
                break
            queue.popleft()
            self._held -= len(segment.data)
            self._forward(segment)
        else:
            impairment = self.schedule.impairment
            self._plain = not (queue or self._ended or impairment.delays) and (
                impairment.limit is None
            )
        if not self._reading and self._held <= self.schedule.impairment.window // 2:
            self.resume_source()

    def _unsent(self) -> bool:
        """Whether the peer's socket has yet to take bytes that an abort would throw away.

        If so, ``resume_writing`` is called as soon as it has taken them all.
        """
        if self.peer.transport is not None and not self.peer.transport.is_closing():
            self.peer.transport.set_write_buffer_limits(0)
        return self.peer._blocked

    def _forward(self, segment: Segment) -> None:
        """Write to the peer's socket, or do there what ended here."""
        peer = self.peer.transport
        if peer is None or peer.is_closing():
            return
        if self._end_forwarded and segment.end != "reset":
            return
        if segment.end is None:
            peer.write(segment.data)
            self._recording.forwarded(segment, perf_counter_ns())
            return
        self._end_forwarded = True
        self._recording.forwarded(segment, perf_counter_ns())
        if segment.end == "eof":
            with contextlib.suppress(OSError):
                peer.write_eof()
            if self.peer._end_forwarded:  # both directions are through
                peer.close()
                if self.transport is not None:
                    self.transport.close()
        else:
            self.pair.finish(segment.end)

    def pause_source(self) -> None:
        """Stop reading, so that the sender feels that its receiver is slow."""
        if self.transport is None or self.transport.is_closing():
            return
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def resume_source(self) -> None:
        """Read on."""
        if self.transport is None or self.transport.is_closing():
            return
        if self.peer.transport is not None and not self.peer._blocked:
            self._reading = True
            self.transport.resume_reading()

    def finish(self, ending: Literal["cut", "reset"]) -> None:
        """End this socket at once."""
        if self._timer is not None:
            self._timer.cancel()
        self._queue.clear()
        if not self._ended and self.pair.record is not None:
            self._ended = True
            now = perf_counter_ns()
            self._recording.forwarded(self._segment(now, b"", ending), now)
        if self.transport is None:
            self.lost = True
            self.pair.end_lost()
        else:
            if ending == "reset":
                _linger_none(self.transport)
            else:
                _say_end(self.transport)
            self.transport.abort()


_LINGER = "hh" if os.name == "nt" else "ii"  # how the system lays out struct linger


def _linger_none(transport: asyncio.Transport) -> None:
    """Make the coming close a TCP reset (RFC 9293 §3.10.7.4 calls it an abort)."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))


def _say_end(transport: asyncio.Transport) -> None:
    """Send the FIN first: to close with bytes unread would be a reset (RFC 2525 §2.17)."""
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").shutdown(socket.SHUT_WR)


def _small_buffers(transport: asyncio.Transport | None) -> None:
    """Keep the system's buffers from hiding a limited bandwidth."""
    if transport is not None and not transport.is_closing():
        sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                sock.setsockopt(socket.SOL_SOCKET, option, BACKLOG)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET if host == LOOPBACK else socket.AF_UNSPEC
