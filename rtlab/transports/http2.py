r"""HTTP/2: many event streams and WebSockets on one connection (RFC 9113, RFC 8441).

In HTTP/1.1 an answer that never ends has its connection for itself, and a browser opens six to a
host: the seventh request waits. Here a connection carries many *streams*, each a request and its
answer, in frames that say whose they are. Nothing else changes: the same event stream, the same
WebSocket frames, the same cursor.

    GET /events                  200, text/event-stream, as in ``rtlab.transports.sse``
    GET /messages?since=3        200, a JSON list of the messages after 3
    POST /events, POST /messages 201: the JSON body has become a message
    CONNECT /chat                200: from here on a WebSocket, as in ``rtlab.transports.websocket``
    :protocol websocket

Bytes are sent in the clear, and both sides know beforehand that it is HTTP/2 (RFC 9113 §3.3): a
link would have nothing to show of TLS. Browsers speak HTTP/2 over TLS only, so no page can come
here. Python can, and ``curl --http2-prior-knowledge``.

One thing is shared, and stays so: TCP delivers bytes in order, so that one lost segment holds up
all streams of its connection.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from h2.errors import ErrorCodes
from websockets.exceptions import ConnectionClosed

from rtlab.access import Gate
from rtlab.arguments import OVER_HTTP2, one_of
from rtlab.backoff import Backoff
from rtlab.errors import CursorOutOfRange, NotRunning, Refused, UsageError
from rtlab.feed import MAX_MESSAGE, Feed, parse_json, to_json
from rtlab.log import logger
from rtlab.sockets import listen, stop_accepting
from rtlab.transports import endpoint, http, polling, sse, websocket
from rtlab.transports.delivery import Delivery, Listener, ignore
from rtlab.transports.http2_connection import Connection
from rtlab.transports.http2_session import Session, session
from rtlab.transports.http2_stream import Stream
from rtlab.transports.http2_websocket import WebSocket

__all__ = ["PATH", "Http2Server", "Session", "send", "serve", "session", "subscribe"]

PATH = sse.PATH
GOODBYE = 0.05
"""Seconds that streams have to end, and then clients to hang up, when the lab is stopped."""

_log = logger("http2")


# ── server ──


class Http2Server:
    """A running HTTP/2 server.

    Attributes:
        feed: what it serves.
        port: where it listens on 127.0.0.1.
        requests: how many it has received, over all connections; each WebSocket is one.
        sent: how many messages it has sent, over all streams.
    """

    def __init__(self, feed: Feed, gate: Gate, heartbeat: float, retry: float) -> None:
        self.feed = feed
        self.port = 0
        self.requests = 0
        self.sent = 0
        self._gate = gate
        self._heartbeat = heartbeat
        self._retry = retry
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> Http2Server:
        """Begin to serve."""
        self._sock = listen()
        self.port = self._sock.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._serve, self._connections), sock=self._sock, backlog=1024
        )
        return self

    async def close(self) -> None:
        """Let the streams end, say GOAWAY and stop serving. Close the feed first."""
        if self._server is None:
            return
        await stop_accepting(self._sock)
        self._server.close()
        connections = list(self._connections)
        tasks = [s.task for c in connections for s in c.streams.values() if s.task]
        if tasks:
            await asyncio.wait(tasks, timeout=GOODBYE)
        for connection in connections:
            connection.end(why="the lab is stopped")
        closings = [asyncio.ensure_future(connection.closed.wait()) for connection in connections]
        if closings:
            await asyncio.wait(closings, timeout=GOODBYE)
        for connection in connections:
            connection.abort()
        await asyncio.gather(*tasks, *closings, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, stream: Stream) -> None:
        """Answer one request, whatever comes of it."""
        self.requests += 1
        try:
            await self._let_in(stream)
        except TimeoutError:
            _log.warning("a stream was dropped: nothing was read for %g s", http.WRITE_LIMIT)
            stream.finish(ErrorCodes.CANCEL)
        except ConnectionError:
            pass  # the client has left
        except Exception as error:
            _log.error("a stream failed", exc_info=error)
            stream.finish(ErrorCodes.INTERNAL_ERROR)

    async def _let_in(self, stream: Stream) -> None:
        try:
            target = urlsplit(stream.value(":path"))
        except ValueError:
            await _error(stream, HTTPStatus.BAD_REQUEST, "The request's target is no URL.")
            return
        token = parse_qs(target.query).get("token", [None])[0]
        hosts = stream.values(":authority") or stream.values("host")
        refusal = self._gate.refusal(hosts, stream.values("origin"), token)
        if refusal is not None:
            _log.warning("refused: %s", refusal.reason)
            await _error(stream, refusal.status, refusal.reason)
            return
        try:
            await self._answer(stream, target.path, parse_qs(target.query))
        except CursorOutOfRange as gap:
            await _respond(stream, HTTPStatus.GONE, gap.as_json())
        except UsageError as error:
            await _error(stream, HTTPStatus.BAD_REQUEST, str(error))
        except NotRunning as error:
            await _error(stream, HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    async def _answer(self, stream: Stream, path: str, query: dict[str, list[str]]) -> None:
        since = query.get("since", [None])[0]
        match stream.value(":method"), path:
            case "GET", sse.PATH:
                last_id = stream.value("last-event-id") or since
                await self._stream_events(stream, http.read_cursor(last_id))
            case "GET", polling.PATH:
                messages = self.feed.since(http.read_cursor(since))
                await _respond(stream, HTTPStatus.OK, http.message_list(messages))
                self.sent += len(messages)
            case "POST", sse.PATH | polling.PATH:
                await self._publish(stream)
            case "CONNECT", websocket.PATH if stream.value(":protocol") == "websocket":
                await self._chat(stream)
            case "CONNECT", _ if stream.value(":protocol") not in ("", "websocket"):
                reason = "Of the protocols that a stream can become, this server has websocket."
                await _error(stream, HTTPStatus.NOT_IMPLEMENTED, reason)  # as RFC 9220 §3 has it
            case _, sse.PATH | polling.PATH:
                reason = f"Method Not Allowed. This server has GET and POST {path}."
                await _error(stream, HTTPStatus.METHOD_NOT_ALLOWED, reason, ("allow", "GET, POST"))
            case _, websocket.PATH:
                reason = "Ask with CONNECT and :protocol websocket (RFC 8441 §4)."
                await _error(stream, HTTPStatus.METHOD_NOT_ALLOWED, reason, ("allow", "CONNECT"))
            case _:
                reason = f"Not Found. This server has {sse.PATH}, {polling.PATH}, {websocket.PATH}."
                await _error(stream, HTTPStatus.NOT_FOUND, reason)

    async def _publish(self, stream: Stream) -> None:
        """POST: one JSON value becomes one message, and the answer says which."""
        body = bytearray()
        try:
            async with asyncio.timeout(http.BODY_LIMIT):
                while len(body) <= http.MAX_BODY and (data := await stream.receive()):
                    body += data
        except TimeoutError:
            reason = f"The body did not arrive within {http.BODY_LIMIT:g} s."
            await _error(stream, HTTPStatus.REQUEST_TIMEOUT, reason)
            return
        if len(body) > http.MAX_BODY:
            reason = f"A body may have {http.MAX_BODY:,} bytes."
            await _error(stream, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
            return
        message = self.feed.publish(parse_json(bytes(body)))
        await _respond(stream, HTTPStatus.CREATED, {"seq": message.seq})

    async def _stream_events(self, stream: Stream, cursor: int | None) -> None:
        stream.send_headers(
            [(":status", "200"), ("content-type", sse.MEDIA_TYPE), ("cache-control", "no-cache")]
        )
        await sse.write_events(self, cursor, stream.send, self._heartbeat, self._retry)
        await stream.send(end=True)

    async def _chat(self, stream: Stream) -> None:
        """Serve a WebSocket: what comes is published, what is published goes."""
        if stream.values("sec-websocket-version") != ["13"]:
            reason = "This server speaks version 13 of the protocol (RFC 6455 §4.4)."
            version = ("sec-websocket-version", "13")
            await _error(stream, HTTPStatus.BAD_REQUEST, reason, version)
            return
        stream.send_headers([(":status", "200")])
        connection = WebSocket(stream, server=True, max_size=MAX_MESSAGE)
        own: set[int] = set()
        pushing: asyncio.Task[None] | None = None
        try:
            cursor = await websocket.hello(connection, self.feed)
            await connection.send(to_json({"hello": {"last": self.feed.last}}))
            pushing = asyncio.create_task(self._push(stream, connection, cursor, own))
            while True:
                message = websocket.publish(self.feed, await connection.recv())
                own.add(message.seq)
                await connection.send(to_json({"ack": message.seq}))
        except UsageError as error:
            how = f'{error} Say {{"since": cursor}} first.'
            await connection.close(1008, endpoint.close_reason(how))
        except Refused as error:
            await connection.close(error.code, str(error))
        except NotRunning:
            await connection.close(1001, "the lab is stopped")
        except ConnectionClosed:
            pass
        finally:
            if pushing is not None:
                pushing.cancel()

    async def _push(
        self, stream: Stream, connection: WebSocket, cursor: int | None, own: set[int]
    ) -> None:
        """Send a client every message that it has not sent itself.

        Each client has a task of its own here, which waits for it: HTTP/2 says who does not read.
        """
        try:
            while not self.feed.closed:
                try:
                    messages = await self.feed.wait(cursor)
                except CursorOutOfRange as gap:
                    cursor = gap.resume
                    own.difference_update(gap.lost)
                    await connection.send(to_json({"lost": gap.as_json()}))
                    continue
                for message in messages:
                    cursor = message.seq
                    if message.seq in own:
                        own.discard(message.seq)
                        continue
                    await connection.send(message.json)
                    self.sent += 1
            await connection.close(1001, "the lab is stopped")
        except TimeoutError:
            _log.warning("a WebSocket was dropped: nothing was read for %g s", http.WRITE_LIMIT)
            stream.finish(ErrorCodes.CANCEL)
        except ConnectionClosed:
            pass


async def _respond(
    stream: Stream, status: HTTPStatus, body: str | dict[str, Any], *fields: tuple[str, str]
) -> None:
    """Answer with JSON."""
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    head = [(":status", str(status.value)), ("content-type", "application/json")]
    stream.send_headers([*head, ("content-length", str(len(data))), *fields])
    await stream.send(data, end=True)


async def _error(stream: Stream, status: HTTPStatus, reason: str, *fields: tuple[str, str]) -> None:
    await _respond(stream, status, {"error": reason}, *fields)


async def serve(
    feed: Feed, gate: Gate, *, heartbeat: float = sse.HEARTBEAT, retry: float = sse.RETRY
) -> Http2Server:
    """Serve a feed over HTTP/2.

    Args:
        feed: what to serve.
        gate: who may come in.
        heartbeat: seconds between comments on a quiet event stream.
        retry: seconds that its clients are asked to wait before they reconnect.
    """
    return await Http2Server(feed, gate, heartbeat, retry).open()


# ── client ──


async def subscribe(
    url: str,
    cursor: int | None = None,
    *,
    over: str = "sse",
    listener: Listener = ignore,
    backoff: Backoff | None = None,
) -> AsyncGenerator[Delivery, None]:
    """Yield messages after ``cursor``, on a connection of their own; reconnect when it is gone.

    For several subscriptions on one connection take a ``session``.

    Args:
        url: of an HTTP/2 server.
        cursor: the last message already seen; ``None`` begins with the oldest one held.
        over: ``"sse"``, an event stream, or ``"websocket"``.
        listener: called with a ``Report`` of everything the client does.
        backoff: how long to wait after a failure.

    Raises:
        UsageError: ``over`` is neither.
        Refused: the server will not answer this client.
    """
    one_of("transport over HTTP/2", over, OVER_HTTP2)
    async with (
        session(url) as own,
        aclosing(own.subscribe(cursor, over=over, listener=listener, backoff=backoff)) as stream,
    ):
        async for delivery in stream:
            yield delivery


async def send(url: str, data: Any, *, over: str = "sse") -> int:
    """Publish one message and return its sequence number.

    Args:
        url: of an HTTP/2 server.
        data: whatever JSON can hold.
        over: ``"sse"`` posts it, ``"websocket"`` sends it up a WebSocket.

    Raises:
        UsageError: ``data`` cannot travel as JSON.
        Refused: the server did not take it; the message says why.
        Unavailable: the server cannot be reached, or failed.
    """
    async with session(url) as own:
        return await own.send(data, over=over)
