"""The other side of an answer: real clients and servers, and some that do what they should not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from websockets.asyncio.server import ServerConnection, serve

from rtlab.access import Gate
from rtlab.exercises.mistakes import Gone, Mistake, Raised
from rtlab.feed import Feed
from rtlab.link import Link
from rtlab.link.pair import Pair
from rtlab.sockets import LOOPBACK, listen, stop_accepting
from rtlab.transports import MODULES, address
from rtlab.transports.http import Handler, HttpServer

T = TypeVar("T")

PATIENCE = 4.0
"""Seconds that a peer waits for what should come at once."""


async def within(what: str, work: Awaitable[T], seconds: float = PATIENCE) -> T:
    """Wait for something that should come at once.

    Raises:
        Mistake: it did not; ``what`` says so.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
        raise Mistake(what, waited=True) from None


async def until(what: str, done: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until something is so.

    Raises:
        Mistake: it never was; ``what`` says so.
    """

    async def look() -> None:
        while not done():
            await asyncio.sleep(0.01)

    await within(what, look(), seconds)


class Raw:
    """A client on a bare socket: it sends what it is told, right or wrong.

    Attributes:
        seen: what came so far.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.seen = b""

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    async def head(self) -> bytes:
        """Return what comes up to and with the first empty line, or up to the end."""
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in self.seen and (data := await self.reader.read(65_536)):
                self.seen += data
        head, end, _ = self.seen.partition(b"\r\n\r\n")
        return head + end

    async def rest(self) -> bytes:
        """Return what comes up to the end."""
        with contextlib.suppress(ConnectionError):
            return await self.reader.read()
        return b""

    def reset(self) -> None:
        """Leave without a word: a TCP reset."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.writer.transport.abort()


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[Raw]:
    """Dial a port of this machine with a bare socket."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


class CountingLink(Link):
    """A link that counts who dials it, also those whom it turns away.

    Attributes:
        dialled: how often it was.
    """

    dialled = 0

    def opened(self, pair: Pair) -> bool:
        """Count a new pair, and take it in if the link does."""
        self.dialled += 1
        return super().opened(pair)


@asynccontextmanager
async def offered(
    transport: str, feed: Feed, **options: Any
) -> AsyncIterator[tuple[str, CountingLink]]:
    """Serve a feed through one transport, behind a link; yield its URL and the link."""
    server = await MODULES[transport].serve(feed, Gate(), **options)
    link = CountingLink(LOOPBACK, server.port)
    await link.open()
    try:
        yield address(transport, link.port), link
    finally:
        feed.close()
        await link.close()
        await server.close()


@asynccontextmanager
async def asked(feed: Feed, handler: Handler) -> AsyncIterator[str]:
    """Answer every GET with a handler; yield the URL."""
    server = await HttpServer(feed, Gate()).open("/", handler)
    try:
        yield f"http://{LOOPBACK}:{server.port}/"
    finally:
        feed.close()
        await server.close()


@asynccontextmanager
async def talking(
    talk: Callable[[ServerConnection], Awaitable[None]], port: int = 0
) -> AsyncIterator[int]:
    """Talk to every WebSocket client in a way of a case's own; yield the port."""
    server = await serve(talk, sock=listen(port), compression=None)
    (sock,) = server.sockets
    try:
        yield sock.getsockname()[1]
    finally:
        await stop_accepting(sock)
        server.close(close_connections=True)
        await server.wait_closed()


class Collected:
    """What an answer yields, taken as it comes.

    Attributes:
        items: what came.
    """

    def __init__(self, stream: AsyncIterator[Any]) -> None:
        self.items: list[Any] = []
        self._task = asyncio.create_task(self._take(stream))

    async def _take(self, stream: AsyncIterator[Any]) -> None:
        async for item in stream:
            self.items.append(item)

    async def reach(self, count: int, silence: float = PATIENCE) -> None:
        """Wait until so many items came, the answer ended, or nothing came for some seconds.

        Raises:
            Raised: the answer raised something.
            Gone: its process ended.
        """
        seen, since = len(self.items), time.monotonic()
        while len(self.items) < count and not self._task.done():
            await asyncio.sleep(0.01)
            if len(self.items) > seen:
                seen, since = len(self.items), time.monotonic()
            if time.monotonic() - since > silence:
                break
        if self._task.done():
            self._task.result()

    @property
    def ended(self) -> bool:
        """Whether the answer yields no more."""
        return self._task.done()

    async def stop(self) -> None:
        """Want no more."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Raised, Gone):
            await self._task


@asynccontextmanager
async def collected(stream: AsyncIterator[Any]) -> AsyncIterator[Collected]:
    """Take what an answer yields while the block runs."""
    taking = Collected(stream)
    try:
        yield taking
    finally:
        await taking.stop()


def each_once(got: list[Any], count: int, first: int = 1) -> None:
    """Hold a client to its promise: numbers from ``first`` on, each once, in order.

    Raises:
        Mistake: something is missing, came twice or out of order.
    """
    right = list(range(first, first + count))
    if got == right:
        return
    twice: list[Any] = []
    for number in got:  # which may be anything, also what no set takes
        if number not in twice and got.count(number) > 1:
            twice.append(number)
    lost = [number for number in right if number not in got]
    if twice:
        what = f"{_numbers(twice)} came more than once: does every question say what was seen?"
    elif lost and got == right[: len(got)]:
        what = f"It stopped after {len(got)} of {count} messages."
    elif lost:
        what = f"{_numbers(lost)} never came: lost between two questions or connections."
    else:
        what = "The messages came in another order, or others than were sent."
    raise Mistake(what, expected=right, got=got)


def data_of(seq: int) -> str:
    """Return the data of a message: other than its number, and 3 has the same as 2."""
    return f"price {100 + (2 if seq == 3 else seq)}"


def each_data_once(got: list[Any], count: int) -> None:
    """Hold a client to its promise: the data of messages 1 to ``count``, each once, in order.

    Raises:
        Mistake: something is missing, came twice or out of order, or is no data.
    """
    right = [data_of(seq) for seq in range(1, count + 1)]
    if got == right:
        return
    try:
        if got and all(isinstance(item, int) for item in got):
            raise Mistake("These are numbers: seq and not the data. The data of each is due.")
        if got and all(isinstance(item, dict) and "data" in item for item in got):
            raise Mistake("These are whole messages: of each, the data alone is due.")
        numbers = _as_numbers(got, count)
        if [seq for seq in range(1, count + 1) if seq not in numbers] == [3] and 4 in numbers:
            raise Mistake(
                "One of messages 2 and 3 never came: they have the same data, and what tells them "
                "apart is their seq."
            )
        each_once(numbers, count)
    except Mistake as mistake:
        raise Mistake(mistake.message, expected=right, got=got) from None


def _as_numbers(got: list[Any], count: int) -> list[Any]:
    """Return the numbers that messages have by their data; what is no data stays as it is."""
    numbers: list[Any] = []
    for item in got:
        fitting = [seq for seq in range(1, count + 1) if data_of(seq) == item]
        # Of two that have the same data the first that is not there yet.
        fresh = [seq for seq in fitting if seq not in numbers]
        numbers.append((fresh or fitting or [item])[0])
    return numbers


def _numbers(numbers: list[Any]) -> str:
    shown = ", ".join(str(number) for number in numbers[:5])
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"Message {shown}{more}" if len(numbers) == 1 else f"Messages {shown}{more}"
