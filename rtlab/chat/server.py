"""The lesson's chat server, with rooms, and able to survive its clients.

The lesson has it in JavaScript: clients in a set, every message parsed and sent on to everyone
else, a client that closes taken out of the set. Here it is in Python, with what that leaves out.
Each message is a text message with one JSON object; ``type`` says what it is:

    client   {"type": "join", "room": "general", "name": "Ada"}
    server   {"type": "welcome", "room": "general", "name": "Ada", "here": ["Bob", "Ada"]}
             ... and to the others there   {"type": "join", "name": "Ada", "here": [...]}
    client   {"type": "say", "text": "hi"}
    server   to everyone else in the room  {"type": "say", "name": "Ada", "text": "hi"}
    client   {"type": "who"}
    server   {"type": "who", "here": ["Bob", "Ada"]}
    client   {"type": "leave"}, or it is gone
    server   to everyone in the room       {"type": "leave", "name": "Ada", "here": ["Bob"]}
    client   anything else
    server   {"type": "error", "error": "what was wrong with it"}, to nobody else

Close codes (RFC 6455 §7.4): 1001 the chat is stopped, 1003 binary data, 1007 text that is not
UTF-8, 1009 over ``MAX_MESSAGE`` bytes, 1013 a client that reads too slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed

from rtlab.errors import UsageError
from rtlab.feed import parse_json, to_json
from rtlab.transports.endpoint import NOT_TEXT, drop_slow

MAX_MESSAGE = 1 << 18
"""Bytes of the largest message that a client may send."""
MAX_NAME = 40
"""Characters of the longest name, of a client or of a room."""
MAX_HERE = 1000
"""Clients in one room."""

Listener = Callable[[str, dict[str, Any]], object]


def ignore(room: str, message: dict[str, Any]) -> None:
    """The listener of a chat that nobody watches."""


class ChatServer:
    """A chat server: its ``handle`` is called with each connection, and returns when it is over.

    Attributes:
        rooms: for each room who is there: connections, with the name that each goes by.

    Args:
        listener: called with the room and the message, for whatever is said to a room.
    """

    def __init__(self, listener: Listener = ignore) -> None:
        self.rooms: dict[str, dict[ServerConnection, str]] = {}
        self._listener = listener
        self._dropped: WeakSet[ServerConnection] = WeakSet()

    async def handle(self, client: ServerConnection) -> None:
        """Serve one client until it is gone, however it goes."""
        try:
            async for data in client:
                if isinstance(data, bytes):
                    await client.close(1003, NOT_TEXT)
                    return
                if client not in self._dropped:  # what it had sent before counts no more
                    self._take(client, data)
                    self._drop_slow(client)
        except ConnectionClosed:
            pass
        finally:
            self._forget(client)

    def here(self, room: str) -> list[str]:
        """Return the names of those who are in a room, in the order in which they came."""
        return list(self.rooms.get(room, {}).values())

    def _take(self, client: ServerConnection, text: str) -> None:
        """Do what a message asks for; if that is nothing sensible, tell its sender."""
        try:
            message = parse_json(text)
            match message.get("type") if isinstance(message, dict) else None:
                case "join":
                    self._join(client, message)
                case "say":
                    self._say(client, message)
                case "who":
                    _send([client], type="who", here=self.here(self._room(client)))
                case "leave":
                    _send([client], **self._leave(client, self._room(client)))
                case _:
                    raise UsageError(
                        'Send an object with a type: join, say, who or leave, as in {"type": "say",'
                        ' "text": "hi"}.'
                    )
        except UsageError as error:
            _send([client], type="error", error=str(error))

    # ── the verbs ──

    def _join(self, client: ServerConnection, message: dict[str, Any]) -> None:
        room = _label("room", message.get("room", "general"))
        wanted = _label("name", message.get("name", "guest"))  # the lesson's client sends none
        if len(self.here(room)) >= MAX_HERE:
            raise UsageError(f"{MAX_HERE} are in this room, and no more fit in. Take another one.")
        self._forget(client)
        members = self.rooms.setdefault(room, {})
        members[client] = name = _free_name(wanted, members.values())
        here = self.here(room)
        _send([client], type="welcome", room=room, name=name, here=here)
        self._tell_others(client, room, type="join", name=name, here=here)

    def _say(self, client: ServerConnection, message: dict[str, Any]) -> None:
        room, text = self._room(client), message.get("text")
        if not isinstance(text, str):
            raise UsageError('What you say has a text: {"type": "say", "text": "hi"}.')
        # The name comes from the server's own list: a message could claim to be anybody's.
        self._tell_others(client, room, type="say", name=self.rooms[room][client], text=text)

    def _leave(self, client: ServerConnection, room: str) -> dict[str, Any]:
        members = self.rooms[room]
        name = members.pop(client)
        message = {"type": "leave", "name": name, "here": self.here(room)}
        self._tell_others(client, room, **message)
        if not members:
            del self.rooms[room]
        return message

    # ── what they are made of ──

    def _room(self, client: ServerConnection) -> str:
        """Return the room that a client is in.

        Raises:
            UsageError: it is in none.
        """
        for room, members in self.rooms.items():
            if client in members:
                return room
        raise UsageError('Join a room first: {"type": "join", "room": "general", "name": "Ada"}.')

    def _forget(self, client: ServerConnection) -> None:
        """Take a client out of its room, if it is in one."""
        with suppress(UsageError):
            self._leave(client, self._room(client))

    def _tell_others(self, client: ServerConnection, room: str, **message: Any) -> None:
        _send([other for other in self.rooms[room] if other is not client], **message)
        self._listener(room, message)

    def _drop_slow(self, client: ServerConnection) -> None:
        """Let go of who has not read what this client's message made us send."""
        told = {client}.union(*(here for here in self.rooms.values() if client in here))
        for slow in drop_slow(told):
            self._dropped.add(slow)
            self._forget(slow)


def _send(clients: Iterable[ServerConnection], **message: Any) -> None:
    """Send to clients, and wait for none of them.

    Raises:
        UsageError: the message cannot travel, as with half of a surrogate pair.
    """
    broadcast(clients, to_json(message))


def _label(kind: str, value: object) -> str:
    """Return a name as it is used.

    Raises:
        UsageError: it is no text, empty, too long, or no Unicode.
    """
    name = value.strip() if isinstance(value, str) else ""
    if not 0 < len(name) <= MAX_NAME:
        raise UsageError(f"A {kind} is a text of 1 to {MAX_NAME} characters.")
    to_json(name)
    return name


def _free_name(wanted: str, taken: Iterable[str]) -> str:
    """Return a name that nobody in the room goes by: Ada, or else Ada 2."""
    names, name, number = set(taken), wanted, 1
    while name in names:
        number += 1
        name = f"{wanted} {number}"
    return name
