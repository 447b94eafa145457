"""A session: one HTTP/2 connection of a client, and every subscription on it.

    async with http2.session(lab.url("http2")) as session:
        first = session.subscribe()                      # an event stream
        second = session.subscribe(over="websocket")     # a WebSocket, on the same connection
        answer = await session.client.get("/messages")   # and whatever else httpx can ask

Of httpx everything is used but its own HTTP/2: that does not reset a stream which somebody leaves,
so that the server goes on sending, and where others stay on the connection its window runs dry. And
it knows no CONNECT that turns a stream into a WebSocket.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any

import httpx
from h2.errors import ErrorCodes
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from rtlab.arguments import OVER_HTTP2, one_of
from rtlab.backoff import Backoff
from rtlab.errors import NotRunning, Refused
from rtlab.feed import MAX_MESSAGE
from rtlab.transports import endpoint, http, sse, websocket
from rtlab.transports.delivery import Delivery, Listener, ignore
from rtlab.transports.http2_connection import Connection
from rtlab.transports.http2_stream import Fields, Stream
from rtlab.transports.http2_websocket import WebSocket

DIAL_LIMIT = 10.0
"""Seconds for a connection to be there."""
GOODBYE = 0.05
"""Seconds that the server has to hang up when a session is over."""


class Session:
    """One connection, dialled when it is first needed and again when it is gone.

    Attributes:
        url: of the server's event stream.
        client: an ``httpx.AsyncClient`` whose requests travel on the connection.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._url = httpx.URL(url)
        self.client = httpx.AsyncClient(
            transport=_Transport(self),
            base_url=self._url.copy_with(path="/", query=None),
            params=self._url.params,  # the token
            timeout=httpx.Timeout(10.0, read=sse.READ_TIMEOUT),
        )
        self._connection: Connection | None = None
        self._dialling = asyncio.Lock()
        self._closed = False

    def subscribe(
        self,
        cursor: int | None = None,
        *,
        over: str = "sse",
        listener: Listener = ignore,
        backoff: Backoff | None = None,
    ) -> AsyncGenerator[Delivery, None]:
        """Yield messages after ``cursor`` on a stream of their own; reconnect when it is gone.

        Args:
            cursor: the last message already seen; ``None`` begins with the oldest one held.
            over: ``"sse"``, an event stream, or ``"websocket"``.
            listener: called with a ``Report`` of everything the client does.
            backoff: how long to wait after a failure.

        Raises:
            UsageError: ``over`` is neither.
            Refused: the server will not answer this client.
        """
        if one_of("transport over HTTP/2", over, OVER_HTTP2) == "websocket":
            return websocket.subscribe(
                self.url, cursor, listener=listener, backoff=backoff, dialling=self._web_socket
            )
        return sse.subscribe(
            self.url, cursor, listener=listener, backoff=backoff, client=self.client
        )

    async def send(self, data: Any, *, over: str = "sse") -> int:
        """Publish one message and return its sequence number.

        Raises:
            UsageError: ``data`` cannot travel as JSON.
            Refused: the server did not take it; the message says why.
            Unavailable: the server cannot be reached, or failed.
        """
        if one_of("transport over HTTP/2", over, OVER_HTTP2) == "websocket":
            return await websocket.send(self.url, data, dialling=self._web_socket)
        return await http.send(self.url, data, client=self.client)

    async def close(self) -> None:
        """Say goodbye and close the connection."""
        self._closed = True
        if self._connection is None:
            return
        self._connection.end()
        try:
            async with asyncio.timeout(GOODBYE):
                await self._connection.closed.wait()
        except TimeoutError:
            self._connection.abort()
            await self._connection.closed.wait()

    async def open_stream(self, fields: Fields, *, end: bool) -> Stream:
        """Open a stream with the header fields of a request; ``end`` if no body follows.

        Raises:
            OSError: the server cannot be reached, or has no stream free.
            NotRunning: the session is over.
        """
        return (await self._connected()).open(fields, end=end)

    async def _connected(self) -> Connection:
        async with self._dialling:  # of those who come at once, one dials
            if self._closed:
                raise NotRunning("This session is over: open another one.")
            if self._connection is None or self._connection.over:
                async with asyncio.timeout(DIAL_LIMIT):
                    loop = asyncio.get_running_loop()
                    port = self._url.port or 80
                    _, connection = await loop.create_connection(Connection, self._url.host, port)
                self._connection = connection
                if self._closed:  # meanwhile
                    await self.close()
            return self._connection

    @asynccontextmanager
    async def _web_socket(self) -> AsyncIterator[WebSocket]:
        """Turn a stream into a WebSocket (RFC 8441 §5.1)."""
        connection = await self._connected()
        async with asyncio.timeout(DIAL_LIMIT):
            await connection.settled.wait()
        if not connection.over and not connection.h2.remote_settings.enable_connect_protocol:
            raise Refused(f"{self.url} has no WebSocket over HTTP/2 (RFC 8441 §3).", 501)
        target = self._url.copy_with(path=websocket.PATH).raw_path.decode()
        fields = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":path", target),
            (":authority", self._url.netloc.decode()),
            ("sec-websocket-version", "13"),
        ]
        stream = connection.open(fields)
        try:
            async with asyncio.timeout(endpoint.OPEN_LIMIT):
                await stream.answer()
                await _check(stream)
            yield WebSocket(stream, server=False, max_size=2 * MAX_MESSAGE)
        finally:
            stream.finish(ErrorCodes.CANCEL)


async def _check(stream: Stream) -> None:
    """Raise what ``websockets`` raises when the answer is no success."""
    status = int(stream.value(":status"))
    if 200 <= status < 300:
        return
    body = bytearray()
    while data := await stream.receive():
        body += data
    reason = next((known.phrase for known in HTTPStatus if known == status), "")
    raise InvalidStatus(Response(status, reason, Headers(), bytes(body)))


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Session]:
    """Open a session with an HTTP/2 server, for any number of subscriptions.

    Args:
        url: from ``lab.url("http2")``.
    """
    opened = Session(url)
    try:
        yield opened
    finally:
        await opened.close()


# ── for httpx ──


class _Transport(httpx.AsyncBaseTransport):
    """Takes the requests of an httpx client to the streams of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        own = httpx.URL(self._session.url)
        if request.url.netloc != own.netloc or request.url.scheme != own.scheme:
            raise httpx.UnsupportedProtocol(f"{request.url} is not on the connection to {own}.")
        limits = request.extensions["timeout"]
        body = await request.aread()
        with _as_httpx():
            stream = await self._session.open_stream(_fields(request), end=not body)
        answer = _Body(stream, limits["read"])
        try:
            with _as_httpx():
                if body:
                    await stream.send(body, end=True)
                async with asyncio.timeout(limits["read"]):
                    await stream.answer()
        except BaseException:
            await answer.aclose()
            raise
        return httpx.Response(
            int(stream.value(":status")),
            headers=[field for field in stream.fields if not field[0].startswith(":")],
            stream=answer,
            extensions={"http_version": b"HTTP/2"},
        )


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, stream: Stream, limit: float | None) -> None:
        self._stream = stream
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            with _as_httpx():
                async with asyncio.timeout(self._limit):
                    data = await self._stream.receive()
            if not data:
                return
            yield data

    async def aclose(self) -> None:
        self._stream.finish(ErrorCodes.CANCEL)


def _fields(request: httpx.Request) -> Fields:
    """Return the header fields of a request, without those that HTTP/2 has no use for (§8.2.2)."""
    fields = [
        (":method", request.method),
        (":scheme", request.url.scheme),
        (":authority", request.url.netloc.decode()),
        (":path", request.url.raw_path.decode()),
    ]
    for name, value in request.headers.raw:
        if name.lower() not in (b"host", b"connection", b"transfer-encoding"):
            fields.append((name.decode("ascii").lower(), value.decode("latin-1")))
    return fields


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Turn what goes wrong on a stream into what httpx says of it."""
    try:
        yield
    except TimeoutError as error:
        raise httpx.ReadTimeout("nothing came in time") from error
    except ConnectionResetError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
