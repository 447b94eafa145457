"""A reconnecting WebSocket client that delivers each message once (notebook 06): build it."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import LATER, Exercise, Wrong
from rtlab.exercises.mistakes import Mistake, explained
from rtlab.exercises.peers import collected, data_of, each_data_once, offered, talking
from rtlab.feed import Feed
from rtlab.sockets import LOOPBACK, listen

EXERCISE = Exercise(
    name="exactly-once",
    notebook="06",
    title="A client that delivers each message once",
    takes="async generator",
    prompt="""\
Write `messages(url)`, an async generator that yields the data of every message of a WebSocket
server, each once and in order, for ever. The first thing that a client sends is
`{"since": CURSOR}`, the `seq` of the last message that it has seen, 0 at first. Then messages come
as JSON, `{"seq": …, "data": …}`, between others that have no `seq`. Connections break, the server
may be away for a moment, and after a break it may repeat what it sent before. Use `websockets`.
""",
    stub='''\
import asyncio
import json

from websockets.asyncio.client import connect


async def messages(url):
    """Yield the data of each message once."""
    async with connect(url, proxy=None) as connection:
        await connection.send(json.dumps({"since": 0}))
        async for text in connection:
            message = json.loads(text)
            if "seq" in message:
                yield message["data"]
''',
    solution='''\
import asyncio
import json

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException


async def messages(url):
    """Yield the data of each message once."""
    cursor = 0
    while True:
        try:
            async with connect(url, proxy=None) as connection:
                await connection.send(json.dumps({"since": cursor}))
                async for text in connection:
                    message = json.loads(text)
                    if message.get("seq", 0) > cursor:
                        cursor = message["seq"]
                        yield message["data"]
        except (OSError, TimeoutError, WebSocketException):
            pass
        await asyncio.sleep(0.1)
''',
    hints=(
        "Three loops, one in another: for ever connect; while connected receive; catch what "
        "breaks.",
        "“async for text in connection” ends without an exception when the other side closes in an "
        "orderly way: connect again then, too.",
        "OSError, TimeoutError and WebSocketException are what connecting and receiving raise.",
        "A message whose seq is not beyond the cursor was seen already.",
    ),
    wrong=(
        Wrong(
            "the cursor never moves",
            "came more than once",
            (('cursor = message["seq"]\n', "pass\n"),),
        ),
        Wrong(
            "since 0 each time, no comparison",
            "came more than once",
            (
                ('{"since": cursor}', '{"since": 0}'),
                ('if message.get("seq", 0) > cursor:', 'if "seq" in message:'),
            ),
        ),
        Wrong(
            "trusts the server",
            "repeats",
            (('if message.get("seq", 0) > cursor:', 'if "seq" in message:'),),
        ),
        Wrong(
            "a break ends it",
            "ended it",
            (
                (
                    "except (OSError, TimeoutError, WebSocketException):",
                    "except (TimeoutError, ZeroDivisionError):",
                ),
            ),
        ),
        Wrong(
            "only breaks, not refusals",
            "ended it",
            (
                (
                    "except (OSError, TimeoutError, WebSocketException):",
                    "except WebSocketException:",
                ),
            ),
        ),
        Wrong(
            "an orderly end is the end",
            "stopped",
            (
                (
                    "        await asyncio.sleep(0.1)\n",
                    "        else:\n            return\n        await asyncio.sleep(0.1)\n",
                ),
            ),
        ),
        Wrong(
            "no pause",
            "without a pause",
            (("        await asyncio.sleep(0.1)\n", "        await asyncio.sleep(0)\n"),),
        ),
        Wrong(
            "by content",
            "the same data",
            (
                ("cursor = 0\n", "cursor, seen = 0, set()\n"),
                (
                    'message.get("seq", 0) > cursor:',
                    '"seq" in message and message["data"] not in seen:',
                ),
                (
                    'cursor = message["seq"]\n',
                    'cursor = message["seq"]\n                        seen.add(message["data"])\n',
                ),
            ),
        ),
        Wrong("seq for data", "not the data", (('yield message["data"]', 'yield message["seq"]'),)),
        Wrong(
            "one ahead",
            "never came",
            (('{"since": cursor}', '{"since": cursor + 1 if cursor else 0}'),),
        ),
    ),
)

_BREAK = {
    "WebSocketException": "A break ended it: catch WebSocketException, wait a moment, connect "
    "again",
    "OSError": "A server that is away ended it: catch OSError as well, wait, connect again",
}


@EXERCISE.case("one connection", timeout=LATER)
async def plain(answer: Answer, rng: random.Random) -> None:
    """Nothing breaks."""
    feed = Feed()
    async with offered("websocket", feed) as (url, _), collected(answer.iterate(url)) as got:
        for number in range(1, 11):
            feed.publish(data_of(number))
            await asyncio.sleep(0.01)
        await got.reach(10)
        each_data_once(got.items, 10)


@EXERCISE.case("cut at random", points=2, timeout=LATER)
async def cut(answer: Answer, rng: random.Random) -> None:
    """By a link."""
    feed = Feed()
    async with offered("websocket", feed) as (url, link), collected(answer.iterate(url)) as got:
        link.impair(latency=0.005)
        with explained(**_BREAK):
            for number in range(1, 41):
                feed.publish(data_of(number))
                await asyncio.sleep(rng.uniform(0, 0.05))
                if number in (8, 20, 30) or rng.random() < 0.1:
                    link.cut()
            await got.reach(40)
        await asyncio.sleep(0.2)
        each_data_once(got.items, 40)


@EXERCISE.case("away for a second", timeout=LATER)
async def away(answer: Answer, rng: random.Random) -> None:
    """Who dials without a pause makes things worse."""
    feed = Feed()
    feed.publish(data_of(1))
    async with offered("websocket", feed) as (url, link), collected(answer.iterate(url)) as got:
        await got.reach(1)
        before = link.dialled
        link.cut(1.0)
        feed.publish(data_of(2))
        with explained(**_BREAK):
            await got.reach(2, 4)
        each_data_once(got.items, 2)
        if link.dialled - before > 30:
            raise Mistake(
                f"It dialled {link.dialled - before} times in the second in which nobody answered: "
                "without a pause a thousand such clients keep the server down."
            )


@EXERCISE.case("a server that is not there yet", timeout=LATER)
async def late(answer: Answer, rng: random.Random) -> None:
    """Nobody listens: the connection is refused."""
    with listen() as reserved:
        port = reserved.getsockname()[1]

    async def talk(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(json.dumps({"seq": 1, "data": data_of(1)}))
        await connection.wait_closed()

    async with collected(answer.iterate(f"ws://{LOOPBACK}:{port}/")) as got:
        with explained(**_BREAK):
            await got.reach(1, 1.0)
            async with talking(talk, port):
                await got.reach(1)
                each_data_once(got.items, 1)


@EXERCISE.case("a server that repeats itself, closes, and breaks", points=2, timeout=LATER)
async def repeats(answer: Answer, rng: random.Random) -> None:
    """At least once is what most servers promise."""
    said: list[int] = []

    async def talk(connection: ServerConnection) -> None:
        try:
            since: Any = json.loads(await connection.recv()).get("since")
            if isinstance(since, bool) or not isinstance(since, int):
                since = 0
            said.append(since)
            start = max(1, since - 1)  # what a server sends that is not sure what arrived
            for seq in range(start, min(start + 5, 21)):
                await connection.send(json.dumps({"seq": seq, "data": data_of(seq)}))
            if len(said) % 2 and start + 5 < 21:
                connection.transport.abort()
            elif start + 5 < 21:
                await connection.close(1001, "going away")
            else:
                await connection.wait_closed()
        except ConnectionClosed:
            return

    async with (
        talking(talk) as port,
        collected(answer.iterate(f"ws://{LOOPBACK}:{port}/")) as got,
    ):
        with explained(**_BREAK):
            await got.reach(20)
        await asyncio.sleep(0.2)
        try:
            each_data_once(got.items, 20)
        except Mistake as mistake:
            why = (
                "The server repeats itself after a break, and so did the client. "
                if "more than once" in mistake.message
                else ""
            )
            raise Mistake(
                why + mistake.message, expected=mistake.expected, got=mistake.got
            ) from None
