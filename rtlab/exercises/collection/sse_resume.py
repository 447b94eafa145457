"""An endpoint that resumes (notebook 03): build it."""

from __future__ import annotations

import asyncio
import random

import httpx

from rtlab.backoff import Backoff
from rtlab.exercises.answer import Answer, Server
from rtlab.exercises.exercise import LATER, Exercise, Wrong
from rtlab.exercises.mistakes import Mistake
from rtlab.exercises.peers import PATIENCE, CountingLink, each_once, within
from rtlab.feed import Message, parse_json
from rtlab.sockets import LOOPBACK
from rtlab.transports import sse

EXERCISE = Exercise(
    name="sse-resume",
    notebook="03",
    title="An endpoint that resumes",
    takes="async function",
    prompt="""\
Write `events(request, feed)`, an `aiohttp` handler that answers with an event stream: first what
`feed` holds (after the `Last-Event-ID` that the client sends, if it sends one), then what is
published, for ever. `feed.since(cursor)` returns the messages after a cursor (`None`: all), and
`await feed.wait(cursor)` does so as soon as there are any. A message has `seq` and `json`, its
text. """,
    stub='''\
from aiohttp import web


async def events(request, feed):
    """Answer with an event stream that goes on from Last-Event-ID."""
    response = web.StreamResponse()
    await response.prepare(request)
    for message in feed.since(None):
        await response.write(f"data: {message.json}\\n\\n".encode())
    return response
''',
    solution='''\
from aiohttp import web


async def events(request, feed):
    """Answer with an event stream that goes on from Last-Event-ID."""
    last = request.headers.get("Last-Event-ID", "")
    cursor = int(last) if last.isdigit() else None
    response = web.StreamResponse()
    response.content_type = "text/event-stream"
    response.headers["Cache-Control"] = "no-cache"
    await response.prepare(request)
    while not feed.closed:
        for message in await feed.wait(cursor):
            await response.write(f"id: {message.seq}\\ndata: {message.json}\\n\\n".encode())
            cursor = message.seq
    return response
''',
    hints=(
        "A browser takes an answer for an event stream only if its Content-Type says so.",
        "Send an id with every event: it is what comes back as Last-Event-ID.",
        "The cursor is the number of the last message seen: feed.wait(cursor) gives those after "
        "it.",
        "Write, move the cursor, wait again, in a loop that ends when feed.closed is true.",
    ),
    wrong=(
        Wrong("no id", "no id", (("id: {message.seq}\\n", ""),)),
        Wrong(
            "Last-Event-ID ignored",
            "Last-Event-ID was not heeded",
            (("int(last) if last.isdigit() else None", "None"),),
        ),
        Wrong("off by one", "comes again", (("int(last) if", "int(last) - 1 if"),)),
        Wrong("ends at once", "never ends", (("while not feed.closed:", "for _ in range(1):"),)),
        Wrong(
            "no content type",
            "text/event-stream",
            (('    response.content_type = "text/event-stream"\n', ""),),
        ),
        Wrong(
            "cursor not moved",
            "more than once",
            (
                (
                    "            cursor = message.seq\n",
                    "            await __import__('asyncio').sleep(0.01)\n",
                ),
            ),
        ),
    ),
)

Got = list[tuple[int, str]]


async def _read(port: int, count: int, last: str | None = None) -> tuple[httpx.Response, Got]:
    """Take so many events; less, if the stream ends or nothing comes for a while."""
    headers = {"Accept": "text/event-stream"} | ({} if last is None else {"Last-Event-ID": last})
    decoder, got = sse.Decoder(), []
    async with (
        httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(PATIENCE, read=2.0)) as client,
        client.stream("GET", f"http://{LOOPBACK}:{port}/events", headers=headers) as response,
    ):
        if response.status_code != 200:
            await response.aread()
            raise Mistake(
                f"The answer has status {response.status_code} {response.reason_phrase}, not 200."
            )
        try:
            async for data in response.aiter_raw():
                for event in decoder.feed(data):
                    got.append(
                        (
                            Message.from_wire(parse_json(event.data)).data,
                            event.last_event_id,
                        )
                    )
                if len(got) >= count:
                    break
        except httpx.ReadTimeout:
            pass
    return response, got


async def _publish(server: Server, *numbers: int) -> None:
    for number in numbers:
        await server.publish(number)


@EXERCISE.case("an event stream, with what is there", timeout=LATER, clause="WHATWG HTML §9.2.3")
async def plain(answer: Answer, rng: random.Random) -> None:
    """Of the right type."""
    async with answer.serve("http") as server:
        await _publish(server, 1, 2, 3)
        response, got = await _read(server.port, 3)
        kind = response.headers.get("Content-Type", "none")
        if kind.partition(";")[0] != "text/event-stream":
            raise Mistake(
                "A browser takes only an answer of type text/event-stream.",
                expected="text/event-stream",
                got=kind,
            )
        each_once([data for data, _ in got], 3)


@EXERCISE.case("what is published later", timeout=LATER)
async def later(answer: Answer, rng: random.Random) -> None:
    """The answer that never ends."""
    async with answer.serve("http") as server:
        await _publish(server, 1)
        reading = asyncio.create_task(_read(server.port, 4))
        for number in (2, 3, 4):
            await asyncio.sleep(0.1)
            await _publish(server, number)
        _, got = await reading
        numbers = [data for data, _ in got]
        if numbers == [1, 2, 3, 4][: len(numbers)] and len(numbers) < 4:
            raise Mistake(
                "What was published later did not come: this answer never ends, it waits for more.",
                expected=[1, 2, 3, 4],
                got=numbers,
            )
        each_once(numbers, 4)


@EXERCISE.case("each event has its id", timeout=LATER, clause="WHATWG HTML §9.2.6")
async def ids(answer: Answer, rng: random.Random) -> None:
    """What a browser sends back."""
    async with answer.serve("http") as server:
        await _publish(server, *range(1, 6))
        _, got = await _read(server.port, 5)
        sent = [last for _, last in got]
        if not any(sent):
            raise Mistake(
                "The events have no id, so a browser that reconnects cannot say what it has seen.",
                expected=["1", "2", "3", "4", "5"],
                got=sent,
            )


@EXERCISE.case(
    "it goes on from Last-Event-ID", points=2, timeout=LATER, clause="WHATWG HTML §9.2.3"
)
async def resumed(answer: Answer, rng: random.Random) -> None:
    """From the next one on, whatever the ids look like."""
    async with answer.serve("http") as server:
        await _publish(server, *range(1, 11))
        for _ in range(3):
            _, got = await _read(server.port, count := rng.randint(2, 8))
            if len(got) < count or not got[count - 1][1]:
                raise Mistake("Events without an id cannot be resumed from.")
            last = got[count - 1][1]
            _, more = await _read(server.port, 10 - count, last)
            numbers = [data for data, _ in more]
            if numbers[:1] == [1]:
                raise Mistake(
                    f"It began again at the first message: Last-Event-ID was not heeded "
                    f"({last!r}).",
                    expected=list(range(count + 1, 11)),
                    got=numbers,
                )
            if numbers[:1] == [count]:
                raise Mistake(
                    "Last-Event-ID is the last message that was seen, and here it comes again.",
                    expected=list(range(count + 1, 11)),
                    got=numbers,
                )
            each_once(numbers, 10 - count, count + 1)


@EXERCISE.case("a real client, cut again and again", points=2, timeout=LATER)
async def cut(answer: Answer, rng: random.Random) -> None:
    """The lab's own client, through a link."""
    async with answer.serve("http") as server:
        link = CountingLink(LOOPBACK, server.port)
        async with link:
            await _publish(server, 1)  # the client asks for more than a feed that is empty
            got: list[int] = []

            async def take() -> None:
                quick = Backoff(base=0.02, cap=0.05)
                url = f"http://{LOOPBACK}:{link.port}/events"
                async for delivery in sse.subscribe(url, backoff=quick):
                    got.append(delivery.message.data)

            taking = asyncio.create_task(take())
            try:
                for number in range(2, 21):
                    await _publish(server, number)
                    await asyncio.sleep(rng.uniform(0, 0.06))
                    if number % 6 == 0:
                        link.cut()
                for _ in range(200):
                    if len(got) >= 20 or taking.done():
                        break
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)
            finally:
                taking.cancel()
                await asyncio.wait([taking])
            each_once(got, 20)


@EXERCISE.case("nobody is left behind", timeout=LATER)
async def left(answer: Answer, rng: random.Random) -> None:
    """A handler that goes on after its client left would be a leak."""
    async with answer.serve("http") as server:
        await _publish(server, 1)
        await _read(server.port, 1)
        await _read(server.port, 1)

        async def gone() -> None:
            while await server.running():
                await asyncio.sleep(0.02)

        await within(
            "The handler still runs seconds after its client left. Does it catch CancelledError?",
            gone(),
        )
