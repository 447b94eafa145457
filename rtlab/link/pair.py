"""The two sockets of one connection through a link, and the way of the bytes between them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections import deque
from time import perf_counter_ns
from typing import TYPE_CHECKING, Literal, cast

from rtlab.link.impairment import BACKLOG, Impairment, Schedule
from rtlab.link.segment import Connection, Direction, Ending, Segment
from rtlab.log import logger
from rtlab.sockets import LOOPBACK, break_off, small_buffers

if TYPE_CHECKING:
    from rtlab.link.relay import Link

DIAL_TIMEOUT = 10.0
"""Seconds that a server has to accept the link's connection."""

_log = logger("link")


class Pair:
    """One connection: the client's socket and the one dialled to the server."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.recording = link.recording
        self.number = 0
        self.finished = False
        self.dial: asyncio.Task[None] | None = None
        self.client = End(self, "up")
        self.server = End(self, "down")
        self.client.peer, self.server.peer = self.server, self.client
        self.record: Connection | None = None

    def accepted(self, transport: asyncio.Transport) -> None:
        """The client is here: dial the server."""
        if not self.link.opened(self):
            self.finished = True
            break_off(transport, "reset")
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
                    lambda: self.server,
                    host,
                    port,
                    family=socket.AF_INET if host == LOOPBACK else socket.AF_UNSPEC,
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


class End(asyncio.Protocol):
    """One socket of a pair. It reads its own direction and writes to its peer."""

    peer: End
    schedule: Schedule
    _plain_from = 0  # before this time even a plain link holds bytes back: see Schedule.ready_ns

    def __init__(self, pair: Pair, direction: Direction) -> None:
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
        """The socket is open."""
        self.transport = cast(asyncio.Transport, transport)
        if self.direction == "up":
            self._reading = False  # until the server is there
            self.pair.accepted(self.transport)
        elif self.pair.finished:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes came: pass them on at once, if nothing is impaired."""
        now = perf_counter_ns()
        if self._plain and now >= self._plain_from:
            segment = Segment(self.pair.number, self.direction, self._offset, now, None, data)
            self._offset += len(data)
            self._recording.add(segment)
            self._forward(segment)
        else:
            self._delay(now, data)

    def eof_received(self) -> bool:
        """The sender has said all."""
        self._end("eof")
        return True  # the other direction may go on

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed; with an error if the sender reset it."""
        self.lost = True
        if exc is not None and not self.pair.finished:
            self._end("reset")
        if self._blocked:
            self.resume_writing()
        self.pair.end_lost()

    def pause_writing(self) -> None:
        """This socket's receiver is slow: let the other side's sender wait."""
        self._blocked = True
        self.peer.pause_source()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._blocked = False
        self.peer._release()

    # ── the way of the bytes ──

    def impair(self, impairment: Impairment) -> None:
        """Take a new impairment for what comes from now on."""
        self.schedule.impairment = impairment
        if impairment.bandwidth:
            small_buffers(self.transport, BACKLOG)
            small_buffers(self.peer.transport, BACKLOG)
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
            now = perf_counter_ns()  # before the write: a client may have the bytes at once
            peer.write(segment.data)
            self._recording.forwarded(segment, now)
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
            break_off(self.transport, ending)
