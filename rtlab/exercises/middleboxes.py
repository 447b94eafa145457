"""Boxes in the middle, as real networks have them: each a TCP relay on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from rtlab.sockets import LOOPBACK, listen

Way = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

MOST_HELD = 4096
"""Bytes that a buffering proxy holds back, as nginx does by default on most machines."""


class Box:
    """A box that is running.

    Attributes:
        port: where it is dialled.
        dialled: how often it was.
    """

    port = 0
    dialled = 0


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, as it comes."""
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


def killing(idle: float) -> Way:
    """A proxy that drops a connection on which nothing comes down for a while."""

    async def way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(idle):
                    data = await reader.read(65_536)
                if not data:
                    return
                writer.write(data)
                await writer.drain()

    return way


async def buffering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A proxy that holds answers back until there is enough of them, or it is told not to."""
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(head)
    if b"x-accel-buffering: no" in head.lower():
        await passed_on(reader, writer)
        return
    held = b""
    while data := await reader.read(65_536):
        held += data
        if len(held) >= MOST_HELD:
            writer.write(held)
            held = b""
    writer.write(held)


async def stripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A proxy that does not know WebSocket: hop-by-hop headers end with it (RFC 9110 §7.6.1)."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith((b"upgrade:", b"connection:"))]
    writer.write(b"\r\n".join(kept))
    await passed_on(reader, writer)


async def swallowing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A firewall that lets a connection be opened, and then nothing through."""
    while await reader.read(65_536):
        pass


@asynccontextmanager
async def box(port: int, *, up: Way = passed_on, down: Way = passed_on) -> AsyncIterator[Box]:
    """Put a box in front of a port of this machine.

    Args:
        port: of the server.
        up: what it does to what the client sends.
        down: what it does to what the server sends.
    """
    running = Box()
    tasks: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.dialled += 1
        try:
            there, onwards = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            writer.transport.abort()
            return
        ways = [
            asyncio.ensure_future(up(reader, onwards)),
            asyncio.ensure_future(down(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            writer.close()  # what is on the way still gets there
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            onwards.transport.abort()
            writer.transport.abort()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(relay(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accepted, sock=listen())
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
