"""What the tests of the chat share: clients that say what they like, and do not listen."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtlab.transports.websocket import leave

GUARD = 20.0  # seconds after which something hangs; no assertion on speed


async def receive(connection: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(GUARD):
        return json.loads(await connection.recv())


async def until(connection: ClientConnection, **wanted: Any) -> dict[str, Any]:
    """Read on until a message has these values, and return it."""
    while True:
        message = await receive(connection)
        if wanted.items() <= message.items():
            return message


async def closed(connection: ClientConnection) -> tuple[int, str]:
    """Read on to the end and return the close code and reason that the server sent."""
    try:
        while True:
            await receive(connection)
    except ConnectionClosed as end:
        assert end.rcvd is not None, "the connection ended without a Close frame"
        return end.rcvd.code, end.rcvd.reason


async def say(connection: ClientConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


@asynccontextmanager
async def dialled(
    url: str, name: str = "", room: str = "general"
) -> AsyncIterator[ClientConnection]:
    """A plain client of *websockets*; with a name it joins, and has read its welcome."""
    async with connect(url, proxy=None, compression=None) as connection:
        if name:
            await say(connection, type="join", room=room, name=name)
            assert (await receive(connection))["type"] == "welcome"
        try:
            yield connection
        finally:
            await leave(connection)


async def eventually(condition: Callable[[], object]) -> None:
    """Return when a condition holds."""
    async with asyncio.timeout(GUARD):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def deaf(url: str, name: str) -> AsyncIterator[ClientConnection]:
    """A client that joins and then reads nothing, with little room for what comes."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", urlsplit(url).port))
    sock.setblocking(False)
    async with connect(url, sock=sock, proxy=None, compression=None, max_queue=1) as connection:
        await say(connection, type="join", room="general", name=name)
        try:
            yield connection
        finally:
            connection.transport.abort()
