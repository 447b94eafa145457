"""WebSocket: one connection, both ways, at any time (RFC 6455).

The connection starts as an HTTP request and is then no HTTP any more. Each text message is one
JSON value:

    client   {"since": 3}                 hello: the cursor, null for all that is held,
                                          "now" for nothing that is past
    server   {"hello": {"last": 5}}       the server's hello: where its feed is
    server   {"seq":4,"published_ns":...  the messages, from the cursor on
    client   anything else                is published: it reaches every *other* client
    server   {"ack": 6}                   ... and has become this message

Close codes (RFC 6455 §7.4): 1001 the lab is stopped, 1003 binary data, 1007 not JSON or not UTF-8,
1008 no hello, 1009 over ``MAX_MESSAGE`` bytes, 1013 a client that reads too slowly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any, Protocol

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from rtlab.access import Gate
from rtlab.arguments import whole
from rtlab.backoff import Backoff
from rtlab.errors import CursorOutOfRange, NotRunning, Refused, UsageError
from rtlab.feed import MAX_MESSAGE, Feed, Message, parse_json, to_json
from rtlab.log import logger
from rtlab.sockets import LOOPBACK
from rtlab.transports.delivery import (
    Delivery,
    Listener,
    Report,
    ignore,
    last_report,
    wait_before_retry,
)
from rtlab.transports.endpoint import (
    CLOSE_LIMIT,
    NOT_TEXT,
    OPEN_LIMIT,
    Endpoint,
    close_reason,
    drop_slow,
)
from rtlab.transports.http import Unavailable
from rtlab.transports.randomness import Randbytes, connection_with

PATH = "/chat"
HEARTBEAT = 20.0
"""Seconds between pings on a connection, in either direction (RFC 6455 §5.5.2)."""
RETRY_CODES = frozenset({1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014})
"""Close codes after which coming back may help; others say that the client is at fault."""


class AnyConnection(Protocol):
    """What is needed of a connection, be it one of its own or a stream of HTTP/2."""

    async def send(self, message: str, /) -> None:
        """Send a text message."""

    async def recv(self) -> str | bytes:
        """Return the next message."""

    async def close(self, code: int = ..., reason: str = ..., /) -> None:
        """Say goodbye."""


Opening = AbstractAsyncContextManager[AnyConnection]
Dialling = Callable[[], Opening]
"""Opens a connection, without any hello."""

_log = logger("websocket")


# ── server ──


class WebSocketServer:
    """A running WebSocket server.

    Attributes:
        sent: how many messages it has sent, over all clients.
    """

    def __init__(self, feed: Feed, gate: Gate, deflate: bool, heartbeat: float) -> None:
        self.feed = feed
        self.sent = 0
        self._endpoint = Endpoint(
            PATH, self._serve_client, gate, MAX_MESSAGE, deflate=deflate, heartbeat=heartbeat
        )
        self._live: set[ServerConnection] = set()  # these have all messages up to self._cursor
        self._cursor = feed.last
        self._authors: dict[int, ServerConnection] = {}
        self._broadcaster: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return self._endpoint.port

    @property
    def requests(self) -> int:
        """How many opening handshakes it has received."""
        return self._endpoint.requests

    async def open(self) -> WebSocketServer:
        """Begin to serve."""
        await self._endpoint.open()
        self._broadcaster = asyncio.create_task(self._broadcast())
        return self

    async def close(self) -> None:
        """Say goodbye with 1001 and stop serving. Close the feed first."""
        if self._broadcaster is not None:
            self._broadcaster.cancel()
        await self._endpoint.close("the lab is stopped")

    async def _serve_client(self, connection: ServerConnection) -> None:
        try:
            try:
                cursor = await hello(connection, self.feed)
            except UsageError as error:
                how = f'{error} Say {{"since": cursor}} first.'
                await connection.close(1008, close_reason(how))
                return
            except Refused as error:
                await connection.close(error.code, str(error))
                return
            await connection.send(to_json({"hello": {"last": self.feed.last}}))
            await self._catch_up(connection, cursor)
            async for text in connection:
                await self._take(connection, text)
        except ConnectionClosed:
            pass
        finally:
            self._live.discard(connection)

    async def _catch_up(self, connection: ServerConnection, cursor: int | None) -> None:
        """Send what the client has missed, until it can join the broadcast."""
        while True:
            try:
                messages = self.feed.since(cursor)
            except CursorOutOfRange as gap:
                cursor = gap.resume
                await connection.send(to_json({"lost": gap.as_json()}))
                continue
            missed = [message for message in messages if message.seq <= self._cursor]
            for message in missed:
                await connection.send(message.json)
                self.sent += 1
                cursor = message.seq
            if not missed and (cursor is None or cursor <= self._cursor):
                # No await since the look into the feed: nothing can have slipped in between.
                self._live.add(connection)
                return
            await asyncio.sleep(0)

    async def _take(self, connection: ServerConnection, text: str | bytes) -> None:
        """Publish what a client sent."""
        try:
            message = publish(self.feed, text)
        except Refused as error:
            await connection.close(error.code, str(error))
            return
        except NotRunning:
            return
        self._authors[message.seq] = connection
        await connection.send(to_json({"ack": message.seq}))

    async def _broadcast(self) -> None:
        """Send every new message to every live client but its author."""
        while True:
            try:
                messages = await self.feed.wait(self._cursor)
            except CursorOutOfRange as gap:
                self._cursor = gap.resume
                self._authors.clear()
                broadcast(self._live, to_json({"lost": gap.as_json()}))
                continue
            for message in messages:
                author = self._authors.pop(message.seq, None)
                others = self._live - {author} if author in self._live else self._live
                broadcast(others, message.json)
                self.sent += len(others)
                self._cursor = message.seq
                self._live.difference_update(drop_slow(self._live))
                await asyncio.sleep(0)  # news may never end: let others work as well
            if self.feed.closed:
                return


async def hello(connection: AnyConnection, feed: Feed) -> int | None:
    """Return the cursor that a client begins with.

    Raises:
        UsageError: it said something else, or nothing.
        Refused: it sent binary data; the error has the close code for that.
    """
    try:
        async with asyncio.timeout(OPEN_LIMIT):
            text = await connection.recv()
    except TimeoutError as error:
        raise UsageError(f"No hello within {OPEN_LIMIT:g} s.") from error
    if isinstance(text, bytes):
        raise Refused(NOT_TEXT, 1003)
    said = parse_json(text)
    if not isinstance(said, dict) or "since" not in said:
        raise UsageError("This was no hello.")
    since = said["since"]
    if since == "now":
        return feed.last
    return None if since is None else whole("since", since, "messages")


def publish(feed: Feed, text: str | bytes) -> Message:
    """Publish what a client sent.

    Raises:
        Refused: it cannot be published; the error has the close code for that.
        NotRunning: the feed is closed.
    """
    if isinstance(text, bytes):
        raise Refused(NOT_TEXT, 1003)
    try:
        return feed.publish(parse_json(text))
    except UsageError as error:
        raise Refused(close_reason(str(error)), 1007) from error


async def serve(
    feed: Feed, gate: Gate, *, deflate: bool = False, heartbeat: float = HEARTBEAT
) -> WebSocketServer:
    """Serve a feed over WebSocket.

    Args:
        feed: what to serve.
        gate: who may come in.
        deflate: whether to compress for clients that offer permessage-deflate (RFC 7692). Off by
            default: it would hide what the bytes are, and costs two thirds of the throughput.
        heartbeat: seconds between pings.
    """
    return await WebSocketServer(feed, gate, deflate, heartbeat).open()


# ── client ──


def dial(url: str, deflate: bool = False, randbytes: Randbytes | None = None) -> connect:
    """Return a context manager that opens one WebSocket connection, without any hello.

    Args:
        url: of a WebSocket server.
        deflate: whether to offer permessage-deflate.
        randbytes: where the key and the masks come from; ``None``: from the operating system.

    Raises:
        UsageError: ``randbytes`` gives no key.
    """
    chosen = None if randbytes is None else connection_with(randbytes)
    return connect(
        url,
        compression="deflate" if deflate else None,
        proxy=None,  # a proxy that the environment names must not see loopback traffic
        open_timeout=OPEN_LIMIT,
        close_timeout=CLOSE_LIMIT,
        ping_interval=HEARTBEAT,
        max_size=2 * MAX_MESSAGE,
        logger=_log,
        create_connection=chosen,  # type: ignore[arg-type]  # any factory
    )


async def subscribe(
    url: str,
    cursor: int | None = None,
    *,
    deflate: bool = False,
    listener: Listener = ignore,
    backoff: Backoff | None = None,
    randbytes: Randbytes | None = None,
    dialling: Dialling | None = None,
) -> AsyncGenerator[Delivery, None]:
    """Yield messages after ``cursor`` as the server sends them; reconnect when it is gone.

    Args:
        url: of a WebSocket server (``ws://``).
        cursor: the last message already seen; ``None`` begins with the oldest one held.
        deflate: whether to offer permessage-deflate.
        listener: called with a ``Report`` of everything the client does.
        backoff: how long to wait after a failure.
        randbytes: where keys and masks come from, as in ``dial``.
        dialling: opens a connection in another way than ``dial``.

    Raises:
        Refused: the server will not talk to this client, and coming back would not help.
    """
    retry = backoff or Backoff()
    dialling = dialling or partial(dial, url, deflate, randbytes)
    async with last_report(listener):
        while True:
            listener(Report("connecting", url))
            opening = dialling()
            try:
                async with _connection(opening) as connection:
                    await connection.send(to_json({"since": cursor}))
                    while True:
                        text = await connection.recv()
                        received_ns = time.perf_counter_ns()
                        value = _object(text)
                        if "seq" in value:
                            message = Message.from_wire(value)
                            cursor = message.seq
                            yield Delivery(message, received_ns)
                        elif "hello" in value:
                            retry.reset()
                            listener(Report("open", f"the feed is at {value['hello']['last']}"))
                        elif "lost" in value:
                            cursor = value["lost"]["resume"]
                            listener(Report("lost", value["lost"]["error"]))
            except ConnectionClosed as closed:
                code, why = _code(closed)
                if code not in RETRY_CODES:
                    raise Refused(why, code) from closed
            except (UsageError, KeyError, TypeError) as error:
                raise Refused(f"The server speaks of something else: {error!r}", 1007) from error
            except InvalidStatus as refused:
                why = _refusal(refused)
            except (OSError, TimeoutError, WebSocketException) as error:
                why = str(error) or type(error).__name__
            await wait_before_retry(retry, listener, why)


@asynccontextmanager
async def _connection(opening: Opening) -> AsyncIterator[AnyConnection]:
    async with opening as connection:
        try:
            yield connection
        finally:
            await leave(connection)  # who leaves says 1000; the library alone, 1011


async def leave(connection: AnyConnection) -> None:
    """Close a connection with 1000, and throw away what came and was not read.

    Behind 16 unread messages the library reads no further: the server's Close frame would not be
    seen, and closing would take ``CLOSE_LIMIT``.
    """
    closing = asyncio.ensure_future(connection.close())
    try:
        with suppress(ConnectionClosed):
            while True:
                await connection.recv()
    finally:
        await closing


async def send(url: str, data: Any, *, dialling: Dialling | None = None) -> int:
    """Publish one message and return its sequence number.

    Args:
        url: of a WebSocket server (``ws://``).
        data: whatever JSON can hold.
        dialling: opens a connection in another way than ``dial``.

    Raises:
        UsageError: ``data`` cannot travel as JSON.
        Refused: the server did not take it; the message says why.
        Unavailable: the server cannot be reached, or failed.
    """
    text = to_json(data)
    with explained(url):
        async with _connection(dialling() if dialling else dial(url)) as connection:
            await connection.send(to_json({"since": "now"}))
            await connection.send(text)
            return await _acknowledged(connection)


@contextmanager
def explained(url: str = "The server") -> Iterator[None]:
    """Turn the library's exceptions into what they mean for who asked for something.

    Raises:
        Refused: the server will not do it; the message says why.
        Unavailable: the server cannot be reached, or failed in a way that may pass.
    """
    try:
        yield
    except ConnectionClosed as closed:
        code, why = _code(closed)
        raise (Unavailable(why) if code in RETRY_CODES else Refused(why, code)) from closed
    except InvalidStatus as refused:
        raise Unavailable(_refusal(refused)) from refused
    except (OSError, TimeoutError, WebSocketException) as error:
        raise Unavailable(f"{url} cannot be reached: {error!r}. Is its lab running?") from error


async def _acknowledged(connection: AnyConnection) -> int:
    async with asyncio.timeout(OPEN_LIMIT):
        while True:
            value = _object(await connection.recv())
            if "ack" in value:
                return whole("ack", value["ack"], "messages")


def _object(text: str | bytes) -> dict[str, Any]:
    value = parse_json(text)
    if not isinstance(value, dict):
        raise UsageError(f"No JSON object: {str(value)[:80]!r}.")
    return value


def _code(closed: ConnectionClosed) -> tuple[int, str]:
    """The close code and what it means for us; 1006 if none came (RFC 6455 §7.1.5)."""
    code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
    return code, f"closed with {code}: {reason or 'no reason given'}"


def _refusal(refused: InvalidStatus) -> str:
    """Return why a handshake failed in a way that may pass.

    Raises:
        Refused: it will not pass.
    """
    response = refused.response
    body = (response.body or b"").decode(errors="replace").strip()
    why = f"{response.status_code} {response.reason_phrase}: {body or 'the server gave no reason'}"
    if response.status_code >= 500:
        return why
    raise Refused(why, response.status_code) from refused


def address(port: int, token: str | None) -> str:
    """Return the URL of a server on this machine."""
    return f"ws://{LOOPBACK}:{port}{PATH}" + (f"?token={token}" if token else "")
