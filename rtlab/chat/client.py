"""The Python side of a chat: join a room, say something, read what others say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedOK

from rtlab.errors import UsageError
from rtlab.feed import parse_json, to_json
from rtlab.transports.endpoint import OPEN_LIMIT
from rtlab.transports.websocket import dial, explained, leave


@dataclass(frozen=True, slots=True)
class Line:
    """What the server told a client.

    Attributes:
        type: ``say``, ``join``, ``leave``, ``who``, ``welcome`` or ``error``.
        name: who said it, came or left.
        text: what was said, or what was wrong.
        here: who is in the room now, where the server says so.
    """

    type: str
    name: str = ""
    text: str = ""
    here: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str | bytes) -> Line:
        """Read one message of the server.

        Raises:
            UsageError: it is none.
        """
        value = parse_json(text)
        if not isinstance(value, dict) or "type" not in value:
            raise UsageError(f"Not a message of a chat server: {str(value)[:80]!r}.")
        here = value.get("here")
        return cls(
            str(value["type"]),
            str(value.get("name", "")),
            str(value.get("text", value.get("error", ""))),
            tuple(map(str, here)) if isinstance(here, list) else (),
        )

    def __str__(self) -> str:
        match self.type:
            case "say":
                return f"{self.name}: {self.text}"
            case "join":
                return f"{self.name} has come; here: {', '.join(self.here)}"
            case "leave":
                return f"{self.name} has left; here: {', '.join(self.here)}"
            case "who" | "welcome":
                return f"here: {', '.join(self.here)}"
        return f"{self.type}: {self.text}"


class Room:
    """A room, as one client sees it. ``async for line in room`` reads what others say.

    The loop ends when the connection was closed in order (by ``leave``, or with 1001 when the chat
    is stopped).

    Attributes:
        name: the name that this client goes by: the one it asked for, or with a number behind it
            if somebody has that already.
        room: the room's name.
        here: who is in the room, as of the last line that was read.
        connection: the connection, as *websockets* has it.
    """

    def __init__(self, connection: ClientConnection, room: str, welcome: Line) -> None:
        self.connection = connection
        self.room = room
        self.name = welcome.name
        self.here = list(welcome.here)

    async def say(self, text: str) -> None:
        """Say something to all others in the room.

        Raises:
            UsageError: this cannot travel as JSON.
            Refused: the server has closed the connection, with a code that blames the client.
            Unavailable: the connection is gone; joining again may help.
        """
        await self._send(type="say", text=text)

    async def who(self) -> None:
        """Ask who is here; the answer is a line of its own."""
        await self._send(type="who")

    async def leave(self) -> None:
        """Leave, and close the connection. Leaving the ``async with`` block does it as well."""
        await leave(self.connection)

    def __aiter__(self) -> Room:
        return self

    async def __anext__(self) -> Line:
        """Return the next line.

        Raises:
            StopAsyncIteration: the connection was closed in order.
            Refused: it was closed with a code that blames the client.
            Unavailable: it broke; joining again may help.
        """
        text = None
        with explained(), suppress(ConnectionClosedOK):
            text = await self.connection.recv()
        if text is None:
            raise StopAsyncIteration
        line = Line.read(text)
        if line.here or line.type == "leave":
            self.here = list(line.here)
        return line

    async def _send(self, **message: str) -> None:
        with explained():
            await self.connection.send(to_json(message))

    def __repr__(self) -> str:
        return f"<Room {self.room!r} as {self.name!r}; here: {', '.join(self.here)}>"


@asynccontextmanager
async def join(url: str, name: str = "guest", room: str = "general") -> AsyncIterator[Room]:
    """Join a room of a chat server, and leave it at the end of the block.

    Args:
        url: of the server (``ws://``).
        name: what to be called.
        room: which one; it begins to exist with the first who joins it.

    Raises:
        UsageError: the server does not take the name or the room; the message says why.
        Refused: it lets this client not in.
        Unavailable: it cannot be reached.
    """
    dialling = dial(url)
    with explained(url):
        connection = await dialling
    try:
        with explained(url):
            await connection.send(to_json({"type": "join", "room": room, "name": name}))
            async with asyncio.timeout(OPEN_LIMIT):
                welcome = Line.read(await connection.recv())
        if welcome.type != "welcome":
            raise UsageError(welcome.text or "The server did not answer with a welcome.")
        yield Room(connection, room, welcome)
    finally:
        await leave(connection)
