"""A client of HTTP/2 whose every frame the test decides: h2 on a plain socket."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

import h2.config
import h2.connection
from h2 import events
from hyperframe import frame as hyperframe

from .helpers import GUARD, dial

HOST = "127.0.0.1"


def asked(path: str = "/events", *more: tuple[str, str], method: str = "GET", host: str = HOST):
    """Return the header fields of a request."""
    return [
        (":method", method),
        (":scheme", "http"),
        (":authority", host),
        (":path", path),
        *more,
    ]


def web_socket(path: str = "/chat", *more: tuple[str, str], host: str = HOST):
    """Return the header fields of an extended CONNECT."""
    method, *rest = asked(path, ("sec-websocket-version", "13"), *more, method="CONNECT", host=host)
    return [method, (":protocol", "websocket"), *rest]


class Peer:
    """A connection.

    Attributes:
        h2: its state; change it as you like, and ``flush``.
        events: everything that has come.
        data: what has come on each stream.
        opens: whether windows are opened again when data comes.
        over: the server has hung up.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.events: list[events.Event] = []
        self.data: dict[int, bytes] = defaultdict(bytes)
        self.opens = True
        self.over = False
        self._reader, self._writer = reader, writer

    async def flush(self, more: bytes = b"") -> None:
        """Send what h2 has to send, and then whatever else."""
        self._writer.write(self.h2.data_to_send() + more)
        await self._writer.drain()

    async def request(self, fields: Iterable[tuple[str, str]], *, end: bool = True) -> int:
        """Open a stream and return its number."""
        number = self.h2.get_next_available_stream_id()
        self.h2.send_headers(number, list(fields), end_stream=end)
        await self.flush()
        return number

    async def send(self, number: int, data: bytes, *, end: bool = False) -> None:
        self.h2.send_data(number, data, end_stream=end)
        await self.flush()

    async def read(self) -> bool:
        """Take what comes next; false at the end."""
        async with asyncio.timeout(GUARD):
            try:
                data = await self._reader.read(65_536)
            except ConnectionError:
                data = b""
        self.over = not data
        for event in self.h2.receive_data(data) if data else ():
            self.events.append(event)
            if isinstance(event, events.DataReceived):
                self.data[event.stream_id] += event.data
                if self.opens and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if data and self.h2.state_machine.state is not h2.connection.ConnectionState.CLOSED:
            await self.flush()
        return bool(data)

    async def until(self, condition: Callable[[], object]) -> None:
        """Read until a condition holds."""
        while not condition():
            assert await self.read(), f"the server hung up: {self.events[-3:]}"

    async def until_over(self) -> None:
        while await self.read():
            pass

    async def hang_up(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    def of(self, kind: type, number: int | None = None) -> list:
        """Return the events of a kind, of one stream or of all."""
        return [
            event
            for event in self.events
            if isinstance(event, kind) and number in (None, getattr(event, "stream_id", None))
        ]

    def answer(self, number: int) -> dict[str, str]:
        """Return the header fields of an answer, empty if it has not come."""
        found = self.of(events.ResponseReceived, number)
        return dict(found[0].headers) if found else {}

    def ended(self, number: int) -> bool:
        return bool(self.of(events.StreamEnded, number))

    async def ask(
        self, fields: Iterable[tuple[str, str]], body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, header fields and body of an answer that ends."""
        number = await self.request(fields, end=not body)
        if body:
            await self.send(number, body, end=True)
        await self.until(lambda: self.ended(number) or self.of(events.StreamReset, number))
        answer = self.answer(number)
        return int(answer[":status"]), answer, self.data[number]


@asynccontextmanager
async def peer(port: int, *, begin: bool = True, window: int | None = None) -> AsyncIterator[Peer]:
    """Dial a server.

    With ``begin`` preface and SETTINGS have been sent; with ``window`` few bytes are taken that
    nobody reads.
    """
    sock = dial(port, window=window)
    sock.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=sock)
    made = Peer(reader, writer)
    try:
        if begin:
            made.h2.initiate_connection()
            await made.flush()
        yield made
    finally:
        await made.hang_up()


async def raw(port: int, data: bytes) -> list[hyperframe.Frame]:
    """Send bytes, and return the frames that the server sends until it hangs up."""
    reader, writer = await asyncio.open_connection(HOST, port)
    async with asyncio.timeout(GUARD):
        try:
            writer.write(data)
            await writer.drain()
            got = await reader.read()
        except ConnectionError:
            got = b""
    writer.close()
    return list(frames(got))


def frames(data: bytes) -> Iterable[hyperframe.Frame]:
    at = 0
    while at < len(data):
        found, length = hyperframe.Frame.parse_frame_header(memoryview(data[at : at + 9]))
        found.parse_body(memoryview(data[at + 9 : at + 9 + length]))
        at += 9 + length
        yield found
