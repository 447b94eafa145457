"""Rooms (notebook 05): build it."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from websockets.asyncio.client import ClientConnection

from rtlab.exercises.answer import Answer
from rtlab.exercises.collection.chat_server import dialled, hear, say, silent
from rtlab.exercises.exercise import LATER, Exercise, Wrong
from rtlab.exercises.mistakes import Mistake

EXERCISE = Exercise(
    name="rooms",
    notebook="05",
    title="Rooms",
    takes="async function",
    prompt="""\
Write `chat_rooms(connection)` for `websockets.serve`, as the lesson's client expects it.
`{"type": "join", "room": R}` puts the client into room R and out of the one where it was.
`{"type": "say", "text": T}` is passed on as `{"type": "say", "room": R, "text": T}` to all others
in its room, and to nobody if it is in none. Everything else is ignored.
""",
    stub='''\
import json

import websockets

rooms = {}


async def chat_rooms(connection):
    """Let clients talk in rooms."""
    async for data in connection:
        message = json.loads(data)
        if message["type"] == "join":
            rooms.setdefault(message["room"], set()).add(connection)
''',
    solution='''\
import json

import websockets

rooms = {}


async def chat_rooms(connection):
    """Let clients talk in rooms."""
    room = None
    try:
        async for data in connection:
            match read(data):
                case {"type": "join", "room": str(wanted)}:
                    leave(room, connection)
                    room = wanted
                    rooms.setdefault(room, set()).add(connection)
                case {"type": "say", "text": text} if room is not None:
                    said = json.dumps({"type": "say", "room": room, "text": text})
                    websockets.broadcast(rooms[room] - {connection}, said)
    except websockets.ConnectionClosed:
        pass
    finally:
        leave(room, connection)


def read(data):
    try:
        return json.loads(data)
    except ValueError:
        return None


def leave(room, connection):
    if room is not None:
        rooms[room].discard(connection)
        if not rooms[room]:
            del rooms[room]
''',
    hints=(
        "Two facts to keep: who is in each room (a dict of sets), and where this client is.",
        "Joining is leaving the old room first, then entering the new one.",
        "A match statement on the parsed message ignores everything that fits no case.",
    ),
    wrong=(
        Wrong(
            "heard in every room",
            "another room",
            (("rooms[room] - {connection}", "set().union(*rooms.values()) - {connection}"),),
        ),
        Wrong(
            "echo to the sender",
            "back to its sender",
            (("rooms[room] - {connection}", "rooms[room]"),),
        ),
        Wrong(
            "the old room kept",
            "left that room",
            (("                    leave(room, connection)\n", ""),),
        ),
        Wrong("the room left out", "“room”", (('"room": room, "text": text', '"text": text'),)),
        Wrong(
            "a say before a join",
            "in no room",
            ((" if room is not None:\n                    said", ":\n                    said"),),
        ),
        Wrong(
            "a message without a type",
            "is ignored",
            (
                (
                    "match read(data):",
                    'message = read(data)\n            print(message["type"])\n            match '
                    "message:",
                ),
            ),
        ),
    ),
)


async def _join(client: ClientConnection, room: str) -> None:
    await say(client, {"type": "join", "room": room})
    await asyncio.sleep(0.05)  # the others' messages take another way


async def _say(client: ClientConnection, text: str) -> None:
    await say(client, {"type": "say", "text": text})


async def _heard(client: ClientConnection, room: str, text: str) -> None:
    got: Any = await hear(client, f"{text!r}, said in room {room!r},")
    right = {"type": "say", "room": room, "text": text}
    if got != right:
        what = "Something else came than was said."
        if isinstance(got, dict) and "room" not in got:
            what = "What is passed on says in which “room” it was said."
        raise Mistake(what, expected=right, got=got)


@EXERCISE.case("two in a room", timeout=LATER)
async def together(answer: Answer, rng: random.Random) -> None:
    """The plain case."""
    async with answer.serve("websocket") as server, dialled(server) as ada, dialled(server) as bob:
        await _join(ada, "general")
        await _join(bob, "general")
        await _say(ada, "hello")
        await _heard(bob, "general", "hello")
        await silent(ada, "A message came back to its sender.")


@EXERCISE.case("two rooms", points=2, timeout=LATER)
async def apart(answer: Answer, rng: random.Random) -> None:
    """What is said in one is not heard in the other."""
    async with (
        answer.serve("websocket") as server,
        dialled(server) as ada,
        dialled(server) as bob,
        dialled(server) as eve,
    ):
        for client, room in ((ada, "general"), (bob, "general"), (eve, "secret")):
            await _join(client, room)
        await _say(ada, "hello")
        await _heard(bob, "general", "hello")
        await silent(eve, "A message was heard in another room.")


@EXERCISE.case("from room to room", points=2, timeout=LATER)
async def moving(answer: Answer, rng: random.Random) -> None:
    """Joining one is leaving the other."""
    async with (
        answer.serve("websocket") as server,
        dialled(server) as ada,
        dialled(server) as bob,
        dialled(server) as eve,
    ):
        for client, room in ((ada, "a"), (bob, "a"), (eve, "b")):
            await _join(client, room)
        await _join(bob, "b")
        await _say(ada, "left alone")
        await silent(bob, "A client that has left that room still hears what is said in it.")
        await _say(bob, "new here")
        await _heard(eve, "b", "new here")


@EXERCISE.case("what makes no sense", points=2, timeout=LATER)
async def nonsense(answer: Answer, rng: random.Random) -> None:
    """Before joining, without a type, no JSON at all."""
    async with answer.serve("websocket") as server, dialled(server) as ada, dialled(server) as bob:
        await _join(bob, "general")
        for number, data in enumerate(
            ('{"type": "say", "text": "too early"}', "{}", "[]", "hello", '{"type": "join"}')
        ):
            await say(ada, data)
            await asyncio.sleep(0.05)
            try:
                await _join(ada, "general")
                await _say(ada, str(number))
                await _heard(bob, "general", str(number))
            except Mistake as mistake:
                what = (
                    "What is said by a client in no room reaches nobody, and hurts nobody."
                    if number == 0
                    else f"Everything else is ignored, {data} for instance."
                )
                raise Mistake(f"{what} {mistake.message}", waited=mistake.waited) from None


@EXERCISE.case("an empty room fills again", timeout=LATER)
async def refilled(answer: Answer, rng: random.Random) -> None:
    """Clients leave without a word."""
    async with answer.serve("websocket") as server:
        async with dialled(server) as ada:
            await _join(ada, "general")
            ada.transport.abort()
        await asyncio.sleep(0.1)
        async with dialled(server) as bob, dialled(server) as eve:
            await _join(bob, "general")
            await _join(eve, "general")
            await _say(bob, "anybody?")
            await _heard(eve, "general", "anybody?")
