"""An event stream that gets through (notebook 08): a repair."""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from rtlab.exercises.answer import Answer, Server
from rtlab.exercises.exercise import LATER, Exercise, Wrong
from rtlab.exercises.mistakes import Mistake
from rtlab.middlebox import Middlebox
from rtlab.sockets import LOOPBACK
from rtlab.transports.sse import Decoder

EXERCISE = Exercise(
    name="middlebox",
    notebook="08",
    title="An event stream that gets through",
    takes="async function",
    prompt="""\
This `aiohttp` handler works at home. On its way to real users stand a proxy that drops a connection
on which nothing came for `idle` seconds, and one that holds answers back until it has 4 kB, unless
the answer says `X-Accel-Buffering: no`; and some count a stream as open only when its first byte is
there. Repair `events(request, feed, idle)`: no dropped connections, no late messages, nothing that
the application would take for a message, and no more extra bytes than it takes.
""",
    stub='''\
from aiohttp import web


async def events(request, feed, idle):
    """Answer with an event stream."""
    cursor = None
    response = web.StreamResponse()
    response.content_type = "text/event-stream"
    await response.prepare(request)
    while not feed.closed:
        for message in await feed.wait(cursor):
            await response.write(f"id: {message.seq}\\ndata: {message.json}\\n\\n".encode())
            cursor = message.seq
    return response
''',
    solution='''\
from aiohttp import web


async def events(request, feed, idle):
    """Answer with an event stream."""
    cursor = None
    response = web.StreamResponse()
    response.content_type = "text/event-stream"
    response.headers["X-Accel-Buffering"] = "no"
    await response.prepare(request)
    await response.write(b": welcome\\n\\n")
    while not feed.closed:
        messages = await feed.wait(cursor, timeout=idle / 2)
        if not messages:
            await response.write(b": heartbeat\\n\\n")
        for message in messages:
            await response.write(f"id: {message.seq}\\ndata: {message.json}\\n\\n".encode())
            cursor = message.seq
    return response
''',
    hints=(
        "What may a server send that no application ever sees? A line that begins with a colon.",
        "feed.wait(cursor, timeout=…) returns an empty list when nothing came in time.",
        "Once in half of idle is safe, and cheap. In real life idle is about 60 s.",
    ),
    wrong=(
        Wrong("no heartbeat", "was dropped", ((", timeout=idle / 2", ""),)),
        Wrong("too seldom", "was dropped", (("idle / 2", "idle * 1.5"),)),
        Wrong("too often", "more heartbeats", (("idle / 2", "idle / 50"),)),
        Wrong(
            "a heartbeat that is a message",
            "taken for a message",
            (('b": heartbeat\\n\\n"', 'b"data: heartbeat\\n\\n"'),),
        ),
        Wrong(
            "buffered", "held back", (('    response.headers["X-Accel-Buffering"] = "no"\n', ""),)
        ),
        Wrong(
            "padding in the place of the header",
            "bytes more than its messages",
            (
                ('    response.headers["X-Accel-Buffering"] = "no"\n', ""),
                ('b": welcome\\n\\n"', 'b": " + 5000 * b"x" + b"\\n\\n"'),
                ('b": heartbeat\\n\\n"', 'b": " + 5000 * b"x" + b"\\n\\n"'),
                ("{message.json}\\n\\n", "{message.json}\\n\\n: {5000 * 'x'}\\n\\n"),
            ),
        ),
        Wrong(
            "looks for news now and then",
            "came late",
            (
                ("from aiohttp", "import asyncio\n\nfrom aiohttp"),
                (
                    "messages = await feed.wait(cursor, timeout=idle / 2)",
                    "await asyncio.sleep(min(idle / 2, 1.5))\n        "
                    "messages = feed.since(cursor)",
                ),
            ),
        ),
        Wrong(
            "nothing at first",
            "first byte",
            (('    await response.write(b": welcome\\n\\n")\n', ""),),
        ),
    ),
)

IDLE = 0.8
"""Seconds, as short as a busy machine allows; in real life it is a minute."""
EXTRA = 1_000
"""Bytes that a stream may have beside the data of its messages: four times idle takes a tenth."""


class _Stream:
    """What comes of an event stream.

    Attributes:
        decoder: has read it.
        seen: the data of its events.
        times: when each came, in seconds of ``time.monotonic``.
        size: its bytes.
        began: whether a byte came.
        ended: whether it is over.
    """

    def __init__(self, url: str) -> None:
        self.decoder = Decoder()
        self.seen: list[str] = []
        self.times: list[float] = []
        self.size = 0
        self.began = self.ended = False
        self._task = asyncio.create_task(self._take(url))

    async def _take(self, url: str) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=LATER) as client:
            with contextlib.suppress(httpx.TransportError):
                async with client.stream("GET", url) as response:
                    async for data in response.aiter_raw():
                        self.began = True
                        self.size += len(data)
                        self.seen += [event.data for event in self.decoder.feed(data)]
                        more = len(self.seen) - len(self.times)
                        self.times += [time.monotonic()] * more
        self.ended = True

    async def wait(self, count: int, seconds: float) -> None:
        """Wait until so many events came, or any byte if it is 0; or until it is over."""
        until = time.monotonic() + seconds
        while not self.ended and time.monotonic() < until:
            if self.began and len(self.seen) >= count:
                return
            await asyncio.sleep(0.01)

    def judge_size(self) -> None:
        """Hold that there is little beside the messages.

        Raises:
            Mistake: there is more than a few comments take.
        """
        extra = self.size - sum(len(data.encode()) for data in self.seen)
        if extra > EXTRA:
            raise Mistake(
                f"The stream had {extra:,} bytes more than its messages. A header makes a proxy "
                "pass on at once, and a short comment is a sign of life: neither takes padding.",
                expected=f"{EXTRA:,} at most",
                got=extra,
            )

    async def stop(self) -> None:
        """Leave."""
        self._task.cancel()
        await asyncio.wait([self._task])


@asynccontextmanager
async def _streamed(url: str) -> AsyncIterator[_Stream]:
    stream = _Stream(url)
    try:
        yield stream
    finally:
        await stream.stop()


def _url(server: Server) -> str:
    return f"http://{LOOPBACK}:{server.port}/events"


@EXERCISE.case("a quiet time, and a proxy that drops what is quiet", points=2, timeout=LATER)
async def quiet(answer: Answer, rng: random.Random) -> None:
    """Heartbeats; but not as messages, and no more than it takes."""
    async with (
        answer.serve("http", IDLE) as server,
        Middlebox(_url(server), "idle", seconds=IDLE) as proxy,
    ):
        await server.publish(1)
        async with _streamed(proxy.url) as stream:
            await stream.wait(1, 2.0)
            await asyncio.sleep(4 * IDLE)
            if stream.ended:
                raise Mistake(
                    f"The quiet connection was dropped: nothing came for {IDLE:g} s. A comment now "
                    "and then is a sign of life."
                )
            extra = [data for data in stream.seen if '"seq"' not in data]
            if extra:
                raise Mistake(
                    "The sign of life would be taken for a message: it came out as an event.",
                    expected="a comment, which no application sees",
                    got=extra[0],
                )
            if stream.decoder.comments > 24:
                raise Mistake(
                    f"{stream.decoder.comments} comments in four times idle: that is more "
                    "heartbeats than it takes. Every one costs every client bytes and battery.",
                    expected="about two in each idle",
                    got=stream.decoder.comments,
                )
            stream.judge_size()
            await server.publish(2)
            await stream.wait(2, 2.0)
            if len(stream.seen) < 2:
                raise Mistake("What was published after the quiet time did not come.")


@EXERCISE.case("a proxy that holds answers back", points=2, timeout=LATER)
async def held(answer: Answer, rng: random.Random) -> None:
    """One header tells it not to."""
    async with (
        answer.serve("http", 30.0) as server,
        Middlebox(_url(server), "buffering", respect=True) as proxy,
        _streamed(proxy.url) as stream,
    ):
        await server.publish(1)
        await stream.wait(1, 2.0)
        if not stream.seen:
            raise Mistake(
                "The message was held back by the proxy: the answer does not tell it to pass "
                "on "
                "at once.",
                expected="X-Accel-Buffering: no",
                got="no such header",
            )
        stream.judge_size()


@EXERCISE.case("the first byte comes at once, and so does each message", timeout=LATER)
async def first(answer: Answer, rng: random.Random) -> None:
    """Before there is any message, and long before a heartbeat."""
    async with answer.serve("http", 30.0) as server, _streamed(_url(server)) as stream:
        await stream.wait(0, 2.0)
        if not stream.began:
            raise Mistake(
                "Nothing came while there was no message: behind some proxies a stream is open "
                "only with its first byte. Send a comment at once."
            )
        await _judge_delay(server, stream)


async def _judge_delay(server: Server, stream: _Stream) -> None:
    """Hold that a message comes about as soon as it can.

    Who looks for news now and then has just looked when a message has come, so all that are
    published upon that are late. A busy machine delays some, and publishing itself as well.
    """
    delays, turns = [], []
    for count in range(1, 6):
        began = time.monotonic()
        await server.publish(count)
        turns.append(time.monotonic() - began)
        await stream.wait(count, 2.0)
        if len(stream.seen) < count:
            raise Mistake("A message came late, or not at all: it was waited for 2 s in vain.")
        delays.append(stream.times[count - 1] - began)
    if min(delays) > 0.1 + 20 * statistics.median(turns):
        raise Mistake(
            "Each message came late. feed.wait returns at the moment at which there is news: "
            "nothing is to be gained by looking for it now and then.",
            expected="a few milliseconds",
            got=f"{min(delays) * 1000:,.0f} ms or more",
        )
