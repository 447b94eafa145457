"""A WebSocket endpoint: a path on a port of its own, who may come in, and how clients are let go.

What is said there is the handler's: a coroutine function that is called with each connection.
``rtlab.transports.websocket`` serves a feed this way, ``rtlab.chat`` a chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit
from weakref import WeakSet

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.http11 import Request, Response

from rtlab.access import Gate
from rtlab.log import logger
from rtlab.sockets import listen, stop_accepting
from rtlab.transports import clock
from rtlab.transports.http import hang_up

OPEN_LIMIT = 10.0
"""Seconds for the opening handshake, and again for the hello."""
BACKLOG_LIMIT = 1 << 20
"""Bytes that may wait for one client before it is dropped as too slow."""
CLOSE_LIMIT = 10.0
"""Seconds for the closing handshake."""
GOODBYE = 0.05
"""Seconds that clients have to answer the last Close frame when the endpoint is closed."""
NOT_TEXT = "send text, not binary data"

Handler = Callable[[ServerConnection], Awaitable[None]]

_log = logger("websocket")
_log.setLevel("WARNING")  # the library's own lines name ports that nobody dials


class Endpoint:
    """A path on a port of 127.0.0.1 where WebSocket clients come in.

    Attributes:
        port: where it listens, once it is open.
        requests: how many opening handshakes it has received.

    Args:
        path: of its URL.
        handler: called with each connection that was opened; it is closed when that returns.
        gate: who may come in.
        max_message: bytes of the largest message that a client may send; the next one closes the
            connection with 1009.
        deflate: whether to compress for clients that offer permessage-deflate (RFC 7692).
        heartbeat: seconds between pings to each client (RFC 6455 §5.5.2).
    """

    def __init__(
        self,
        path: str,
        handler: Handler,
        gate: Gate,
        max_message: int,
        deflate: bool = False,
        heartbeat: float | None = 20.0,
    ) -> None:
        self.port = 0
        self.requests = 0
        self._path = path
        self._handler = handler
        self._gate = gate
        self._max_message = max_message
        self._heartbeat = heartbeat
        self._compression = "deflate" if deflate else None
        self._connections: WeakSet[ServerConnection] = WeakSet()
        self._server: Server | None = None

    async def open(self) -> Endpoint:
        """Begin to accept connections."""
        self._sock = listen()
        self.port = self._sock.getsockname()[1]
        self._server = await serve_websocket(
            self._handler,
            sock=self._sock,
            backlog=1024,
            process_request=self._let_in,
            compression=self._compression,
            open_timeout=OPEN_LIMIT,
            close_timeout=CLOSE_LIMIT,
            ping_interval=self._heartbeat,
            max_size=self._max_message,
            logger=_log,
            create_connection=self._make_connection,  # type: ignore[arg-type]  # any factory
        )
        return self

    async def close(self, reason: str) -> None:
        """Say goodbye with 1001 and a reason, and accept nobody any more."""
        if self._server is None:
            return
        await stop_accepting(self._sock)
        self._server.close(code=1001, reason=reason)
        closed = asyncio.ensure_future(self._server.wait_closed())
        await asyncio.wait([closed], timeout=GOODBYE)
        for connection in list(self._connections):  # who does not answer, or never shook hands
            hang_up(getattr(connection, "transport", None))
        await closed

    def _make_connection(self, *args: Any, **kwargs: Any) -> ServerConnection:
        connection = ServerConnection(*args, **kwargs)
        self._connections.add(connection)
        return connection

    def _let_in(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests += request.path.partition("?")[0] != clock.PATH
        try:
            target = urlsplit(request.path)
        except ValueError:
            return connection.respond(HTTPStatus.BAD_REQUEST, "The request's target is no URL.\n")
        token = parse_qs(target.query).get("token", [None])[0]
        refusal = self._gate.refusal(
            request.headers.get_all("Host"), request.headers.get_all("Origin"), token
        )
        if refusal is not None:
            _log.warning("refused %s: %s", connection.remote_address, refusal.reason)
            return connection.respond(refusal.status, refusal.reason + "\n")
        if target.path == clock.PATH:
            return _tell_time(connection, request)
        if target.path != self._path:
            return connection.respond(
                HTTPStatus.NOT_FOUND, f"Not Found. This server has a WebSocket at {self._path}.\n"
            )
        if "Upgrade" not in request.headers:
            response = connection.respond(
                HTTPStatus.UPGRADE_REQUIRED,
                "This is a WebSocket server: ask with Upgrade: websocket (RFC 6455 §4.1).\n",
            )
            response.headers["Upgrade"] = "websocket"
            return response
        if request.headers.get_all("Sec-WebSocket-Version") != ["13"]:
            response = connection.respond(
                HTTPStatus.UPGRADE_REQUIRED,
                "This server speaks version 13 of the protocol (RFC 6455 §4.4).\n",
            )
            response.headers["Upgrade"] = "websocket"
            response.headers["Sec-WebSocket-Version"] = "13"
            return response
        return None


def _tell_time(connection: ServerConnection, request: Request) -> Response:
    """Answer with the clock, to pages that were let in as well (Fetch standard, CORS protocol)."""
    response = connection.respond(HTTPStatus.OK, clock.reading())
    for name, value in clock.HEADERS.items():
        response.headers[name] = value
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    if "Origin" in request.headers:
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Vary"] = "Origin"
    return response


_closing: dict[ServerConnection, asyncio.Task[None]] = {}


def drop_slow(clients: Iterable[ServerConnection]) -> list[ServerConnection]:
    """Let go of those who do not read, with 1013, and return them.

    For after a broadcast, which waits for nobody: what a client does not read piles up here.
    """
    slow = [c for c in clients if c.transport.get_write_buffer_size() > BACKLOG_LIMIT]
    for client in slow:
        if client not in _closing:
            _closing[client] = closing = asyncio.create_task(_drop(client))
            closing.add_done_callback(partial(_closing.pop, client))
    return slow


async def _drop(client: ServerConnection) -> None:
    waiting = client.transport.get_write_buffer_size()
    _log.warning("dropped %s: %d bytes unread", client.remote_address, waiting)
    await client.close(1013, f"too slow: {waiting} bytes unread")


def close_reason(text: str) -> str:
    """Cut a text to the 123 bytes that a Close frame has room for (RFC 6455 §5.5)."""
    return text.encode(errors="replace")[:123].decode(errors="ignore")
