"""A WebSocket on a stream of HTTP/2 (RFC 8441): the frames of RFC 6455 in DATA.

HTTP/2 has no ``Upgrade``: that would turn the whole connection over to another protocol. One stream
is turned over instead, with a CONNECT that says for what, and is a connection of its own from then
on. Its end is END_STREAM where TCP has a FIN, and RST_STREAM where TCP has a reset (§5).

    client   HEADERS   :method CONNECT, :protocol websocket, :path /chat, sec-websocket-version 13
    server   HEADERS   :status 200
    both     DATA      WebSocket frames, those of the client masked, as ever

There is no key and no accept value: they proved to a client that the server does not take its
handshake for plain HTTP/1.1, and here SETTINGS_ENABLE_CONNECT_PROTOCOL has said so (§3).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.frames import OK_CLOSE_CODES, Frame, Opcode
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol

from rtlab.log import logger
from rtlab.transports import endpoint
from rtlab.transports.http2_stream import Stream

_log = logger("websocket")


class WebSocket:
    """A WebSocket on a stream. It has the methods of a connection of ``websockets``.

    Args:
        stream: whose header fields have been exchanged.
        server: whether this is the server's end.
        max_size: bytes of the largest message that is taken.
    """

    def __init__(self, stream: Stream, *, server: bool, max_size: int) -> None:
        side = SERVER if server else CLIENT
        self._protocol = Protocol(side, max_size=max_size, logger=_log)
        self._stream = stream
        self._messages: deque[str | bytes] = deque()
        self._kind = Opcode.TEXT
        self._fragments = bytearray()
        self._reading = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._cut_off = False  # within a frame: whatever came next would be taken for its rest

    async def send(self, text: str) -> None:
        """Send a text message.

        Raises:
            ConnectionClosed: it cannot be sent any more.
            TimeoutError: the other side makes no room for it.
        """
        if self._protocol.state is not OPEN:
            raise self._why_closed()
        self._protocol.send_text(text.encode())
        try:
            await self._flush()
        except ConnectionError as error:
            raise self._why_closed() from error

    async def recv(self) -> str | bytes:
        """Return the next message.

        Raises:
            ConnectionClosed: there is none; the exception has the close code, if one came.
        """
        while not self._messages:
            async with self._reading:
                if not self._messages:
                    await self._read()
        return self._messages.popleft()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Yield the messages that come, until the other side says goodbye in good order."""
        try:
            while True:
                yield await self.recv()
        except ConnectionClosedOK:
            return

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, and wait until the other side has said it too (RFC 6455 §7.1.2)."""
        if self._protocol.state is OPEN:
            self._protocol.send_close(code, reason)
        try:
            async with asyncio.timeout(endpoint.CLOSE_LIMIT):
                await self._flush()
            while True:  # what still comes is for nobody
                await self.recv()
        except (ConnectionClosed, ConnectionError, TimeoutError):
            pass

    async def _read(self) -> None:
        if self._protocol.reader.eof:
            raise self._why_closed()
        # Who has said goodbye does not wait for ever for the other side's.
        limit = endpoint.CLOSE_LIMIT if self._protocol.close_expected() else None
        try:
            async with asyncio.timeout(limit):
                data = await self._stream.receive()
        except (ConnectionError, TimeoutError):
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for frame in self._protocol.events_received():
            if isinstance(frame, Frame):
                self._take(frame)
        try:
            await self._flush()  # pongs, the answer to a Close, the end
        except ConnectionError:
            self._protocol.receive_eof()

    def _take(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._kind = frame.opcode
        elif frame.opcode is not Opcode.CONT:
            return
        self._fragments += frame.data
        if not frame.fin:
            return
        data = bytes(self._fragments)
        self._fragments.clear()
        if self._kind is Opcode.BINARY:
            self._messages.append(data)
            return
        try:
            self._messages.append(data.decode())
        except UnicodeDecodeError as error:
            self._protocol.fail(1007, f"no UTF-8: {error.reason} at {error.start}")

    async def _flush(self) -> None:
        async with self._writing:
            if self._cut_off:
                raise ConnectionResetError("a frame was cut off")
            pieces = self._protocol.data_to_send()
            if pieces:  # an empty one, always the last, stands for the end
                self._cut_off = True
                await self._stream.send(b"".join(pieces), end=b"" in pieces)
                self._cut_off = False

    def _why_closed(self) -> ConnectionClosed:
        said = self._protocol.close_rcvd, self._protocol.close_sent
        in_order = all(close is not None and close.code in OK_CLOSE_CODES for close in said)
        kind = ConnectionClosedOK if in_order else ConnectionClosedError
        return kind(*said, self._protocol.close_rcvd_then_sent)
