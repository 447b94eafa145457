"""How an answer that is a server is served, in the process that runs it.

Each function is an async context manager that listens on 127.0.0.1, lets the answer handle what
comes, and tells of what it raises.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from rtlab.feed import Feed
from rtlab.sockets import listen, stop_accepting

Handler = Callable[..., Awaitable[Any]]


class Served:
    """What is served.

    Attributes:
        port: where.
        feed: what a handler that takes a feed has to offer.
        running: connections or requests that the answer is busy with.
        failed: called with what the answer raises.
    """

    def __init__(self) -> None:
        self.port = 0
        self.feed = Feed()
        self.running = 0
        self.failed: Callable[[BaseException], None] = lambda error: None

    async def handle(self, handler: Handler, *args: Any) -> Any:
        """Let the answer handle one thing; what it raises is told and goes no further."""
        self.running += 1
        try:
            return await handler(*args)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # SystemExit must not end the loop
            self.failed(error)
            return None
        finally:
            self.running -= 1


@asynccontextmanager
async def streams(handler: Handler, *args: Any) -> AsyncIterator[Served]:
    """Serve a handshake on asyncio streams, ``await handler(reader, writer, *args)``.

    When it returns true the connection is open: from then on every text message is sent back, and
    a Close frame answered, by the sans-I/O core of ``websockets``.
    """
    served = Served()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if await served.handle(handler, reader, writer, *args):
                await _echo(reader, writer)
        writer.close()

    server = await asyncio.start_server(connected, sock=listen())
    (sock,) = server.sockets
    served.port = sock.getsockname()[1]
    try:
        yield served
    finally:
        await stop_accepting(sock)
        server.close()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    from websockets.frames import Opcode
    from websockets.protocol import OPEN, Protocol, Side

    protocol = Protocol(Side.SERVER, state=OPEN)
    while data := await reader.read(65_536):
        protocol.receive_data(data)
        for event in protocol.events_received():
            if getattr(event, "opcode", None) is Opcode.TEXT:
                protocol.send_text(event.data)  # type: ignore[union-attr]
        for piece in protocol.data_to_send():
            writer.write(piece)
        await writer.drain()
        if protocol.close_expected():
            return


@asynccontextmanager
async def websocket(handler: Handler, *args: Any) -> AsyncIterator[Served]:
    """Serve WebSocket connections with ``websockets``, ``await handler(connection, *args)``."""
    from websockets.asyncio.server import serve

    served = Served()

    async def connected(connection: Any) -> None:
        await served.handle(handler, connection, *args)

    server = await serve(connected, sock=listen(), compression=None, ping_interval=None)
    (sock,) = server.sockets
    served.port = sock.getsockname()[1]
    try:
        yield served
    finally:
        await stop_accepting(sock)
        server.close(close_connections=True)


@asynccontextmanager
async def http(handler: Handler, *args: Any) -> AsyncIterator[Served]:
    """Serve GET with ``aiohttp``, ``await handler(request, feed, *args)``, on every path."""
    from aiohttp import web

    served = Served()

    async def asked(request: web.Request) -> web.StreamResponse:
        answer = await served.handle(handler, request, served.feed, *args)
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.Response(status=500, text="the handler returned no response")

    app = web.Application()
    app.router.add_get("/{path:.*}", asked)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
    await runner.setup()
    site = web.SockSite(runner, listen())
    await site.start()
    served.port = runner.addresses[0][1]
    try:
        yield served
    finally:
        served.feed.close()
        await runner.cleanup()
