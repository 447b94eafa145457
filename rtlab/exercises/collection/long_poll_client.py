"""A long-polling client that loses and repeats nothing (notebook 02): build it."""

from __future__ import annotations

import asyncio
import random

from aiohttp import web

from rtlab.exercises.answer import Answer
from rtlab.exercises.exercise import LATER, Exercise, Wrong
from rtlab.exercises.mistakes import Mistake, explained
from rtlab.exercises.peers import asked, collected, data_of, each_data_once, offered
from rtlab.feed import Feed
from rtlab.transports.http import read_cursor

EXERCISE = Exercise(
    name="long-poll-client",
    notebook="02",
    title="A long-polling client that loses and repeats nothing",
    takes="async generator",
    prompt="""\
Write `messages(url)`, an async generator that yields the data of every message of a long-polling
server, each once and in order, for ever. `GET url?since=CURSOR&timeout=SECONDS` is answered with
200 and a JSON list of `{"seq": …, "data": …}`, or with 204 after so many seconds without news.
`CURSOR` is the `seq` of the last message seen, 0 at first. Connections are cut at random, and the
server may be away for a moment: ask again then, after a short pause. Use `httpx`.
""",
    stub='''\
import asyncio

import httpx


async def messages(url):
    """Yield the data of each message once."""
    cursor = 0
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        while True:
            answer = await client.get(url)
            for message in answer.json():
                yield message["data"]
''',
    solution='''\
import asyncio

import httpx


async def messages(url):
    """Yield the data of each message once."""
    cursor = 0
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        while True:
            try:
                answer = await client.get(url, params={"since": cursor, "timeout": 5})
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code == 200:
                for message in answer.json():
                    cursor = message["seq"]
                    yield message["data"]
            elif answer.status_code != 204:
                await asyncio.sleep(0.1)
''',
    hints=(
        "What does the server know of what you have seen? Only what the question says.",
        "The cursor is the seq of the last message of the list, not of the first.",
        "A 204 has no body: there is nothing to parse. Ask again.",
        "A cut raises a subclass of httpx.TransportError. Catch it, wait a moment, ask again with "
        "the same cursor.",
    ),
    wrong=(
        Wrong("no cursor", "came more than once", (('"since": cursor, ', ""),)),
        Wrong(
            "cursor off by one",
            "came more than once",
            (('cursor = message["seq"]', 'cursor = message["seq"] - 1'),),
        ),
        Wrong(
            "cursor ahead",
            "never came",
            (('cursor = message["seq"]', 'cursor = message["seq"] + 1'),),
        ),
        Wrong("begins with now", "never came", (("cursor = 0", 'cursor = "now"'),)),
        Wrong(
            "a cut ends it", "A cut ended it", (("httpx.TransportError", "httpx.ConnectTimeout"),)
        ),
        Wrong(
            "204 parsed",
            "A 204 has no body",
            (("if answer.status_code == 200", "if answer.status_code < 300"),),
        ),
        Wrong("seq for data", "not the data", (('yield message["data"]', 'yield message["seq"]'),)),
        Wrong(
            "no pause", "without a pause", (("await asyncio.sleep(0.1)", "await asyncio.sleep(0)"),)
        ),
    ),
)


_CUT = "A cut ended it. Catch httpx.TransportError, wait a moment, and ask again"


@EXERCISE.case("what was there before, and what comes then", timeout=LATER)
async def plain(answer: Answer, rng: random.Random) -> None:
    """Nothing goes wrong."""
    feed = Feed()
    for number in (1, 2, 3):
        feed.publish(data_of(number))
    async with offered("long_polling", feed) as (url, _), collected(answer.iterate(url)) as got:
        await got.reach(3)
        for number in (4, 5, 6, 7):
            feed.publish(data_of(number))
            if number % 2:
                await asyncio.sleep(0.1)
        await got.reach(7)
        await asyncio.sleep(0.2)  # for what comes twice
        each_data_once(got.items, 7)


@EXERCISE.case("a quiet time: the server answers 204", timeout=LATER)
async def quiet(answer: Answer, rng: random.Random) -> None:
    """A server that does not hold a question for long."""
    feed = Feed()

    async def hold(request: web.Request) -> web.Response:
        messages = await feed.wait(read_cursor(request.query.get("since"), feed.last), 0.1)
        listed = [{"seq": message.seq, "data": message.data} for message in messages]
        return web.json_response(listed) if listed else web.Response(status=204)

    async with asked(feed, hold) as url, collected(answer.iterate(url)) as got:
        feed.publish(data_of(1))
        await got.reach(1)
        await asyncio.sleep(0.4)
        feed.publish(data_of(2))
        with explained(JSONDecodeError="A 204 has no body: there is nothing to parse. Ask again."):
            await got.reach(2)
        each_data_once(got.items, 2)


@EXERCISE.case("cut at random", points=3, timeout=LATER)
async def cut(answer: Answer, rng: random.Random) -> None:
    """While a question is held, and while an answer is on its way."""
    feed = Feed()
    async with offered("long_polling", feed) as (url, link), collected(answer.iterate(url)) as got:
        link.impair(latency=0.01)
        for number in range(1, 41):
            feed.publish(data_of(number))
            await asyncio.sleep(rng.uniform(0, 0.05))
            if rng.random() < 0.3:
                link.cut()
        with explained(TransportError=_CUT):
            await got.reach(40)
        await asyncio.sleep(0.2)
        each_data_once(got.items, 40)


@EXERCISE.case("away for a second", timeout=LATER)
async def away(answer: Answer, rng: random.Random) -> None:
    """Who asks without a pause then makes things worse."""
    feed = Feed()
    feed.publish(data_of(1))
    async with offered("long_polling", feed) as (url, link), collected(answer.iterate(url)) as got:
        await got.reach(1)
        before = link.dialled
        link.cut(1.0)
        feed.publish(data_of(2))
        with explained(TransportError=_CUT):
            await got.reach(2, 4)
        each_data_once(got.items, 2)
        count = link.dialled - before
        if count > 30:
            raise Mistake(
                f"It dialled {count} times in the second in which nobody answered: without a "
                "pause every client of a server that comes back is an attack on it."
            )
