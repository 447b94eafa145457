"""A stream: one request and its answer, beside many others on one connection (RFC 9113 §5).

Either side sends HEADERS once and then DATA, as much as the other side's window has room for. A
window counts down with every byte and is opened again by WINDOW_UPDATE: here, as soon as somebody
has taken the bytes. So who does not read stops who writes, on this stream and on no other (§5.2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from h2.errors import ErrorCodes

from rtlab.transports import http

if TYPE_CHECKING:
    from rtlab.transports.http2_connection import Connection

ENOUGH = 16 * 1024
"""Bytes of frames after which a stream lets the others have their turn."""

Fields = Sequence[tuple[str, str]]
"""Header fields, those with a colon first: ``[(":status", "200"), ("content-type", ...)]``."""


class Stream:
    """One stream of a connection.

    Attributes:
        connection: whose stream it is.
        number: odd, as every stream that a client opens.
        fields: the other side's header fields: of the request on a server; on a client those of the
            answer, none before it has come.
        task: on a server, what answers it.
    """

    def __init__(self, connection: Connection, number: int, fields: Fields = ()) -> None:
        self.connection = connection
        self.number = number
        self.fields: list[tuple[str, str]] = list(fields)
        self.task: asyncio.Task[None] | None = None
        self._data = bytearray()  # what came and was not taken yet: a window at the most
        self._untaken = 0  # the same with its padding, which counts as well (§6.1)
        self._they_ended = self._we_ended = False
        self._failure = ""
        self._news = asyncio.Event()
        self._may_send = asyncio.Event()

    def values(self, name: str) -> list[str]:
        """Return the values of every field of a name."""
        return [value for field, value in self.fields if field == name]

    def value(self, name: str) -> str:
        """Return the value of the first field of a name, empty if there is none."""
        return next(iter(self.values(name)), "")

    # ── sending ──

    def send_headers(self, fields: Fields, *, end: bool = False) -> None:
        """Send header fields; ``end`` says that nothing follows.

        Raises:
            ConnectionError: the stream or its connection is gone.
        """
        self._need_open()
        self.connection.h2.send_headers(self.number, fields, end_stream=end)
        self._we_ended = end
        self.connection.flush()

    async def send(self, data: bytes = b"", *, end: bool = False) -> None:
        """Send data, piece by piece, as the other side makes room for it.

        Raises:
            TimeoutError: for ``WRITE_LIMIT`` seconds it made none.
            ConnectionError: the stream or its connection is gone.
        """
        rest = memoryview(data)
        while True:
            room = await self._room(len(rest))
            piece, rest = bytes(rest[:room]), rest[room:]
            last = end and not rest
            self.connection.h2.send_data(self.number, piece, end_stream=last)
            self._we_ended = last
            self.connection.flush(room)
            if rest or self.connection.unwritten > ENOUGH:
                await asyncio.sleep(0)  # other streams have frames to send as well
            if not rest:
                return

    async def _room(self, wanted: int) -> int:
        """Return how many bytes a frame may have now; wait until it is one, if any is wanted."""
        h2 = self.connection.h2
        while True:
            self._need_open()
            room = min(
                wanted, h2.local_flow_control_window(self.number), h2.max_outbound_frame_size
            )
            if wanted == 0 or (room > 0 and not self.connection.paused):
                return max(room, 0)
            self._may_send.clear()
            async with asyncio.timeout(http.WRITE_LIMIT):
                await self._may_send.wait()

    # ── receiving ──

    async def answer(self) -> None:
        """Wait until the answer's header fields are there.

        Raises:
            ConnectionError: the stream or its connection is gone.
        """
        while not self.fields:
            await self._wait_for_news()

    async def receive(self) -> bytes:
        """Take what came, and give the other side room for as much; ``b""`` at the end.

        Raises:
            ConnectionError: the stream or its connection is gone, and all that came was taken.
        """
        while not self._data:
            if self._they_ended:
                return b""
            await self._wait_for_news()
        data = bytes(self._data)
        self._data.clear()
        self._make_room()
        return data

    async def _wait_for_news(self) -> None:
        self._need_open()
        self._news.clear()
        await self._news.wait()

    def _make_room(self) -> None:
        untaken, self._untaken = self._untaken, 0
        if untaken and not self.connection.over:
            self.connection.h2.acknowledge_received_data(untaken, self.number)
            self.connection.flush()

    # ── ending ──

    def finish(self, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Let go of it. If either side has not ended it yet, it is reset.

        Args:
            code: why. A server that has answered without reading all of the request says
                ``NO_ERROR`` (§8.1); a client that wants no more of an answer, ``CANCEL``.
        """
        if self.connection.streams.pop(self.number, None) is None:
            return
        self._make_room()
        if not (self._failure or (self._we_ended and self._they_ended)):
            self.connection.h2.reset_stream(self.number, code)
            self.connection.flush()
        self._failure = self._failure or "this stream is finished"
        self._news.set()
        self._may_send.set()

    def _need_open(self) -> None:
        if self._failure:
            raise ConnectionResetError(self._failure)

    # ── for its connection ──

    def take(self, data: bytes, size: int) -> None:
        """Take data that came, of so many bytes with its padding."""
        self._data += data
        self._untaken += size
        if data:
            self._news.set()
        else:
            self._make_room()  # of nothing but padding there is nothing to wait for

    def take_headers(self, fields: Fields) -> None:
        """Take the header fields of the answer."""
        self.fields = list(fields)
        self._news.set()

    def take_end(self) -> None:
        """The other side sends no more."""
        self._they_ended = True
        self._news.set()

    def wake(self) -> None:
        """There may be room to send."""
        self._may_send.set()

    def fail(self, why: str) -> None:
        """The stream is gone: whoever waits for something on it is told."""
        self._failure = self._failure or why
        self._news.set()
        self._may_send.set()
        if self.task is not None:
            self.task.cancel()
