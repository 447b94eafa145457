"""A chat server that survives its clients (notebook 05): a bug hunt."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from rtlab.exercises.answer import Answer, Server
from rtlab.exercises.exercise import LATER, Exercise, Wrong
from rtlab.exercises.mistakes import Mistake
from rtlab.exercises.peers import within
from rtlab.sockets import LOOPBACK

EXERCISE = Exercise(
    name="chat-server",
    notebook="05",
    title="A chat server that survives its clients",
    takes="async function",
    prompt="""\
This is the lesson's chat server in Python; `chat_server(connection)` is called for each client of
`websockets.serve`. It works, as long as everybody is nice. Repair it: every JSON object that a
client sends goes to all *other* clients, whatever anybody does. Nonsense is ignored, and the sender
may stay; a client that has left is forgotten; a client that does not read must not make the others
wait.
""",
    stub='''\
import json

clients = set()


async def chat_server(connection):
    """Send what one client says to all others."""
    clients.add(connection)
    async for data in connection:
        message = json.loads(data)
        for client in clients:
            if client is not connection:
                await client.send(json.dumps(message))
    clients.remove(connection)
''',
    solution='''\
import json

import websockets

clients = set()


async def chat_server(connection):
    """Send what one client says to all others."""
    clients.add(connection)
    try:
        async for data in connection:
            try:
                message = json.loads(data)
            except ValueError:
                continue
            if isinstance(message, dict):
                websockets.broadcast(clients - {connection}, json.dumps(message))
    except websockets.ConnectionClosed:
        pass
    finally:
        clients.discard(connection)
''',
    hints=(
        "What does json.loads do with “hello”, without quotes? And with bytes that are no UTF-8?",
        "The last line runs only if the loop ends well. Which statement runs in any case?",
        "client.send waits until there is room for the message. Who waits then, and for whom?",
        "websockets.broadcast(connections, message) sends to all, waits for nobody, and skips "
        "those "
        "that are closed.",
    ),
    wrong=(
        Wrong("echo to the sender", "back to its sender", (("clients - {connection}", "clients"),)),
        Wrong(
            "unguarded json.loads", "one bad message", (("except ValueError", "except KeyError"),)
        ),
        Wrong("no objects let through", "no object", (("isinstance(message, dict)", "True"),)),
        Wrong(
            "one slow reader stalls all",
            "does not read",
            (
                (
                    "websockets.broadcast(clients - {connection}, json.dumps(message))",
                    "for client in list(clients - {connection}):\n                    try:\n     "
                    "                   await client.send(json.dumps(message))\n                 "
                    "   except websockets.ConnectionClosed:\n                        pass",
                ),
            ),
        ),
        Wrong(
            "the closed stay",
            "has left",
            (
                ("clients.discard(connection)", "pass"),
                (
                    "websockets.broadcast(clients - {connection}, json.dumps(message))",
                    "for client in list(clients - {connection}):\n                    await "
                    "client.send(json.dumps(message))",
                ),
            ),
        ),
        Wrong(
            "only to the first",
            "did not reach",
            (("clients - {connection}", "set(list(clients - {connection})[:1])"),),
        ),
    ),
)


@asynccontextmanager
async def dialled(server: Server, **options: Any) -> AsyncIterator[ClientConnection]:
    """Connect a real client."""
    url = f"ws://{LOOPBACK}:{server.port}/chat"
    connection = await connect(
        url, compression=None, proxy=None, ping_interval=None, close_timeout=0.2, **options
    )
    try:
        yield connection
    finally:  # with 1000: a check that fails says nothing of it to the answer
        await connection.close()


async def hear(client: ClientConnection, what: str) -> Any:
    """Return the next message of a client, as JSON.

    Raises:
        Mistake: none comes; ``what`` says which one.
    """
    try:
        text = await within(f"{what} did not reach another client.", client.recv())
    except ConnectionClosed as closed:
        raise Mistake(
            f"{what} did not reach another client: its connection was closed ({closed})."
        ) from None
    try:
        return json.loads(text)
    except ValueError:
        raise Mistake(
            f"{what} came as something that is no JSON.", expected="JSON", got=text
        ) from None


async def say(client: ClientConnection, data: Any) -> None:
    """Send JSON, or bytes and text as they are."""
    try:
        await client.send(data if isinstance(data, (str, bytes)) else json.dumps(data))
    except ConnectionClosed as closed:
        raise Mistake(
            f"The server closed the connection of a client that may stay ({closed})."
        ) from None


async def silent(client: ClientConnection, what: str) -> None:
    """Hold that nothing comes.

    Raises:
        Mistake: something does.
    """
    try:
        async with asyncio.timeout(0.3):
            came = await client.recv()
    except TimeoutError:
        return
    except ConnectionClosed as closed:
        raise Mistake(
            f"The server closed the connection of a client that may stay ({closed})."
        ) from None
    raise Mistake(what, expected="nothing", got=came)


async def _heard(
    server_says: str, sender: ClientConnection, others: list[ClientConnection]
) -> None:
    await asyncio.sleep(0.05)  # until the server knows them all
    message = {"text": server_says}
    await say(sender, message)
    for other in others:
        got = await hear(other, f"What a client said ({message})")
        if got != message:
            raise Mistake("Something else came than was said.", expected=message, got=got)


@EXERCISE.case("to all others", timeout=LATER)
async def others(answer: Answer, rng: random.Random) -> None:
    """Three clients."""
    async with (
        answer.serve("websocket") as server,
        dialled(server) as ada,
        dialled(server) as bob,
        dialled(server) as eve,
    ):
        await _heard("hello", ada, [bob, eve])
        await _heard("hello back", bob, [ada, eve])


@EXERCISE.case("not to the sender", timeout=LATER)
async def echo(answer: Answer, rng: random.Random) -> None:
    """It knows already."""
    async with answer.serve("websocket") as server, dialled(server) as ada, dialled(server) as bob:
        await _heard("hello", ada, [bob])
        await silent(ada, "A message came back to its sender.")


@EXERCISE.case("nonsense", points=2, timeout=LATER)
async def nonsense(answer: Answer, rng: random.Random) -> None:
    """The lesson's unguarded ``JSON.parse``."""
    async with (
        answer.serve("websocket") as server,
        dialled(server) as ada,
        dialled(server) as bob,
        dialled(server) as eve,
    ):
        for data in ("hello", "", "{", b"\xff\x00"):
            await say(ada, data)
            await asyncio.sleep(0.05)
            try:
                await _heard("still there?", ada, [bob, eve])
            except Mistake as mistake:
                shown = data[:20]
                raise Mistake(
                    f"After one bad message ({shown!r}) the sender is not heard any more. "
                    f"{mistake.message}",
                ) from None
        for data in ("[1]", "7", '"text"', "null"):
            await say(ada, data)
        await silent(bob, "What is JSON but no object was passed on.")


@EXERCISE.case("clients that leave", points=2, timeout=LATER)
async def leaving(answer: Answer, rng: random.Random) -> None:
    """In an orderly way, and without a word."""
    async with answer.serve("websocket") as server:
        async with dialled(server) as ada, dialled(server) as bob:
            async with dialled(server) as gone:
                await _heard("hello", gone, [ada, bob])
            try:
                async with dialled(server) as broken:
                    await _heard("hello", broken, [ada, bob])
                    broken.transport.abort()
                for word in ("one", "two"):
                    await _heard(word, ada, [bob])
            except Mistake as mistake:
                raise Mistake(
                    f"A client that has left is still sent to. {mistake.message}",
                    waited=mistake.waited,
                ) from None

        async def forgotten() -> None:
            while await server.running():
                await asyncio.sleep(0.02)

        await within("chat_server() still runs for clients that have left.", forgotten())


@EXERCISE.case("a client that does not read", points=3, timeout=2 * LATER)
async def slow(answer: Answer, rng: random.Random) -> None:
    """Its buffers fill; the others must not notice."""
    async with answer.serve("websocket") as server:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (LOOPBACK, server.port))
        async with dialled(server, sock=sock, max_queue=1) as deaf:
            deaf.transport.pause_reading()
            async with dialled(server) as ada, dialled(server) as bob:
                await asyncio.sleep(0.05)
                big = "x" * 250_000
                for number in range(40):
                    await within(
                        "A client that does not read made the server wait: it takes no more "
                        "messages from the others.",
                        say(ada, {"number": number, "text": big}),
                    )
                    try:
                        got = await hear(bob, f"Message {number}")
                    except Mistake as mistake:
                        raise Mistake(
                            "A client that does not read made all others wait: client.send waits "
                            f"until there is room. {mistake.message}",
                            waited=mistake.waited,
                        ) from None
                    if got.get("number") != number:
                        raise Mistake("The messages came out of order.", expected=number, got=got)
            deaf.transport.abort()
