"""WebSocket if it gets through, SSE if not (notebook 08): build it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from websockets.asyncio.server import ServerConnection

from rtlab.access import Gate
from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import LATER, Exercise, Wrong
from rtlab.exercises.mistakes import Mistake, explained
from rtlab.exercises.peers import collected, data_of, each_data_once, talking
from rtlab.feed import Feed
from rtlab.middlebox import Middlebox
from rtlab.sockets import LOOPBACK, listen
from rtlab.transports import address, sse, websocket
from rtlab.transports.http import HttpServer

EXERCISE = Exercise(
    name="fallback",
    notebook="08",
    title="WebSocket if it gets through, SSE if not",
    takes="async generator",
    prompt="""\
Write `messages(websocket_url, sse_url)`, an async generator that yields the data of each message,
over WebSocket if that gets through, else over SSE. After `{"since": 0}` a WebSocket server says
`{"hello": …}`, then sends messages, `{"seq": …, "data": …}`. It does not get through if the
handshake is refused, if there is no hello within two seconds, or if the connection is closed before
the hello, as some proxies do. For SSE, `rtlab.subscribe(sse_url, "sse")` does all the work.
""",
    stub='''\
import json

import rtlab
from websockets.asyncio.client import connect


async def messages(websocket_url, sse_url):
    """Yield the data of each message, over whichever transport gets through."""
    async with connect(websocket_url, proxy=None) as connection:
        await connection.send(json.dumps({"since": 0}))
        async for text in connection:
            message = json.loads(text)
            if "seq" in message:
                yield message["data"]
''',
    solution='''\
import asyncio
import contextlib
import json

import rtlab
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException


async def messages(websocket_url, sse_url):
    """Yield the data of each message, over whichever transport gets through."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(2):
                dialling = connect(websocket_url, proxy=None, close_timeout=1)
                connection = await stack.enter_async_context(dialling)
                await connection.send(json.dumps({"since": 0}))
                await connection.recv()
        except (OSError, TimeoutError, WebSocketException):
            pass
        else:
            async for text in connection:
                message = json.loads(text)
                if "seq" in message:
                    yield message["data"]
            return
    async for delivery in rtlab.subscribe(sse_url, "sse"):
        yield delivery.message.data
''',
    hints=(
        "Which exceptions does a refused handshake raise? WebSocketException is the root of "
        "those of "
        "websockets; OSError and TimeoutError are others.",
        "Not every failure is an error: some boxes just say nothing. asyncio.timeout(2) helps.",
        "That the connection is open does not mean that it works: wait for the hello.",
    ),
    wrong=(
        Wrong(
            "no fallback",
            "handshake was refused",
            (("except (OSError, TimeoutError, WebSocketException):", "except ZeroDivisionError:"),),
        ),
        Wrong("no time limit", "says nothing", (("asyncio.timeout(2)", "asyncio.timeout(None)"),)),
        Wrong(
            "open is taken for working",
            "before the hello",
            (("                await connection.recv()\n", ""),),
        ),
        Wrong(
            "always SSE",
            "WebSocket would have worked",
            (("connect(websocket_url", 'connect("ws://127.0.0.1:9"'),),
        ),
        Wrong(
            "seq for data",
            "not the data",
            (
                ('yield message["data"]', 'yield message["seq"]'),
                ("delivery.message.data", "delivery.message.seq"),
            ),
        ),
        Wrong(
            "both at once",
            "came more than once",
            (
                ("            return\n", ""),
                (
                    "            async for text in connection:\n                message = "
                    "json.loads(text)",
                    "            for _ in range(3):\n                message = json.loads(await "
                    "connection.recv())",
                ),
            ),
        ),
    ),
)


_LONG = 7.0
"""Seconds: two are the answer's own, and what it then imports takes some more."""


class _Servers(NamedTuple):
    feed: Feed
    websocket: websocket.WebSocketServer
    sse: HttpServer


@asynccontextmanager
async def _both() -> AsyncIterator[_Servers]:
    feed = Feed()
    for number in (1, 2, 3):
        feed.publish(data_of(number))
    servers = _Servers(feed, await websocket.serve(feed, Gate()), await sse.serve(feed, Gate()))
    try:
        yield servers
    finally:
        feed.close()
        await servers.websocket.close()
        await servers.sse.close()


async def _run(answer: Answer, servers: _Servers, port: int, what: str) -> None:
    """Hold that all messages come, although something stands in the way of WebSocket."""
    urls = address("websocket", port), address("sse", servers.sse.port)
    async with collected(answer.iterate(*urls)) as got:
        with explained(Exception=what):
            await got.reach(3, _LONG)
        if not got.items:
            raise Mistake(what, waited=True)
        servers.feed.publish(data_of(4))
        await got.reach(4, _LONG)
        await asyncio.sleep(0.2)
        each_data_once(got.items, 4)


@EXERCISE.case("nothing in the way", points=2, timeout=2 * LATER)
async def clear(answer: Answer, rng: random.Random) -> None:
    """Then it is WebSocket."""
    async with _both() as servers:
        await _run(
            answer, servers, servers.websocket.port, "Nothing is in the way, and no message came."
        )
        if servers.sse.requests:
            raise Mistake("It asked for SSE although WebSocket would have worked.")


@EXERCISE.case("a proxy that strips Upgrade", points=2, timeout=2 * LATER, clause="RFC 9110 §7.6.1")
async def stripped(answer: Answer, rng: random.Random) -> None:
    """The server sees a plain GET and refuses."""
    async with (
        _both() as servers,
        Middlebox(address("websocket", servers.websocket.port), "no-upgrade") as proxy,
    ):
        what = "The handshake was refused, and there was no fallback to SSE"
        await _run(answer, servers, proxy.port, what)


@asynccontextmanager
async def _silence() -> AsyncIterator[int]:
    """Listen on a port, and never say anything: the system opens connections by itself."""
    with listen() as sock:
        yield sock.getsockname()[1]


@EXERCISE.case("a firewall that says nothing", points=2, timeout=2 * LATER)
async def silent(answer: Answer, rng: random.Random) -> None:
    """TCP opens, and that is all."""
    async with _both() as servers, _silence() as port:
        what = (
            "Something in the way says nothing at all, not even to the handshake, and the client "
            "waits for it: two seconds are for all of it"
        )
        await _run(answer, servers, port, what)


@EXERCISE.case("open, and closed before the hello", points=2, timeout=2 * LATER)
async def hollow(answer: Answer, rng: random.Random) -> None:
    """What Jupyter's own proxy does when the server behind it is dead."""

    async def open_and_close(connection: ServerConnection) -> None:
        await asyncio.sleep(0.05)
        connection.transport.abort()

    async with _both() as servers, talking(open_and_close) as port:
        what = "The connection was closed before the hello, and there was no fallback to SSE"
        await _run(answer, servers, port, what)


@EXERCISE.case("nobody there", timeout=2 * LATER)
async def nobody(answer: Answer, rng: random.Random) -> None:
    """The port is closed."""
    free = listen()
    port = free.getsockname()[1]
    free.close()
    async with _both() as servers:
        await _run(
            answer,
            servers,
            port,
            f"Nobody listens on {LOOPBACK}:{port}, and there was no fallback to SSE",
        )
