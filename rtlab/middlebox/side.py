"""One socket of a middlebox, and the HTTP/1.1 that is spoken on it; *h11* does the parsing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import h11

PIECE = 1 << 16
"""Bytes that are read at a time."""


class Fault(Exception):
    """A side broke off, or broke the rules.

    Attributes:
        side: which one.
        status: what a client that broke the rules is answered with; ``None`` if the connection
            itself is broken.
    """

    def __init__(self, side: Side, error: Exception, status: int | None = None) -> None:
        super().__init__(str(error) or type(error).__name__)
        self.side = side
        self.status = status


class Side:
    """The client's socket, or the one dialled to the server.

    Args:
        role: who *we* are on this socket, ``h11.SERVER`` or ``h11.CLIENT``.
        reader: of the socket.
        writer: of the socket.
        touch: called when bytes have crossed.
    """

    def __init__(
        self,
        role: type[h11.SERVER] | type[h11.CLIENT],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        touch: Callable[[], None],
    ) -> None:
        self.http = h11.Connection(role)
        self.reader = reader
        self.writer = writer
        self._touch = touch

    @property
    def transport(self) -> asyncio.Transport:
        """The socket, as asyncio has it."""
        return cast(asyncio.Transport, self.writer.transport)

    async def next(self) -> h11.Event | type[h11.PAUSED]:
        """Return what was said next; ``h11.PAUSED`` when it is not the turn of this side.

        Raises:
            Fault: it is no HTTP/1.1, or the connection is broken.
        """
        while True:
            try:
                event = self.http.next_event()
            except h11.RemoteProtocolError as error:
                raise Fault(self, error, error.error_status_hint) from error
            if event is not h11.NEED_DATA:
                assert not isinstance(event, type) or event is h11.PAUSED
                return event
            self.http.receive_data(await self.read())

    async def read(self) -> bytes:
        """Return the next bytes; none if the other end has said all.

        Raises:
            Fault: the connection is broken.
        """
        try:
            data = await self.reader.read(PIECE)
        except OSError as error:
            raise Fault(self, error) from error
        self._touch()
        return data

    async def send(self, *events: h11.Event) -> None:
        """Send events, and wait for as long as the other end takes no more.

        Raises:
            Fault: the connection is broken.
        """
        try:
            data = b"".join(self.http.send(event) or b"" for event in events)
        except h11.LocalProtocolError as error:  # such as a body for who has had the end
            raise Fault(self, error) from error
        await self.write(data)

    async def write(self, data: bytes) -> None:
        """Send bytes, and wait for as long as the other end takes no more.

        Raises:
            Fault: the connection is broken.
        """
        if not data:
            return
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError as error:
            raise Fault(self, error) from error
        self._touch()

    def ready_again(self) -> bool:
        """Make ready for the next request, if this connection can carry one."""
        through = self.http.our_state is h11.DONE and self.http.their_state is h11.DONE
        if not through or self.reader.at_eof() or self.writer.is_closing():
            return False
        self.http.start_next_cycle()
        return True
