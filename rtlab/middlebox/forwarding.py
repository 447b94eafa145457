"""One connection of a client through a middlebox: requests go up, answers come down."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from http import HTTPStatus

import h11

from rtlab.middlebox.headers import (
    UPGRADE,
    VIA,
    forwarded,
    forwarded_request,
    request_name,
    wants_websocket,
)
from rtlab.middlebox.journal import Journal, Line
from rtlab.middlebox.kind import Kind
from rtlab.middlebox.kinds import Ending, Idle, NoUpgrade
from rtlab.middlebox.side import Fault, Side
from rtlab.sockets import LOOPBACK, break_off

DIAL_LIMIT = 10.0
"""Seconds that a server has to accept a connection."""
IDLE_LIMIT = 75.0
"""Seconds for a header section to be complete, and for a connection to be idle between two."""
LINGER = 2.0
"""Seconds that a client has to read the end of what it was sent (RFC 9112 §9.6)."""
AHEAD = 1 << 16
"""Bytes that a client may send before its turn; what is more waits in the network."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a middlebox does with every connection.

    Attributes:
        server: host and port of the server.
        kind: how it misbehaves.
        journal: where it writes what it did.
    """

    server: tuple[str, int]
    kind: Kind
    journal: Journal


class Passage:
    """One connection of a client, and at most one to the server at a time.

    Args:
        task: what to do.
        number: of the connection, from 1.
        reader: of the client's socket.
        writer: of the client's socket.
    """

    def __init__(
        self, task: Task, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._task = task
        self._number = number
        self._client = Side(h11.SERVER, reader, writer, self._touch)
        self._server: Side | None = None
        self._request: h11.Request | None = None
        self._idle = task.kind if isinstance(task.kind, Idle) else None
        self._patience = asyncio.timeout(None)

    async def run(self) -> None:
        """Serve the client until it leaves, or must."""
        idle = self._idle
        ending: Ending = "cut"
        try:
            async with asyncio.timeout(idle.seconds if idle else None) as self._patience:
                await self._serve()
        except TimeoutError:
            assert idle is not None
            ending = idle.ending
            self._write(f"killed it with a {ending}: silent for {idle.seconds:g} s")
        finally:
            for side in (self._client, self._server):
                if side is not None:
                    break_off(side.transport, ending)

    def _touch(self) -> None:
        """Count the silence anew."""
        if self._idle is not None and not self._patience.expired():
            now = asyncio.get_running_loop().time()
            self._patience.reschedule(now + self._idle.seconds)

    def _write(self, text: str) -> Line:
        return self._task.journal.add(self._number, text)

    async def _serve(self) -> None:
        with contextlib.suppress(Fault):  # nobody hears the last words
            try:
                while await self._exchange():
                    pass
            except Fault as fault:
                await self._blame(fault)
        with contextlib.suppress(Fault, OSError, TimeoutError):
            async with asyncio.timeout(LINGER):
                await self._linger()

    async def _linger(self) -> None:
        """Say that this is all, and hear out the client, or a reset would overtake the answer."""
        if self._server is not None:
            self._server.transport.abort()
        self._client.writer.write_eof()
        while await self._client.read():
            pass

    # ── one request and its answer ──

    async def _exchange(self) -> bool:
        """Take a request to the server and its answer back; return whether another may follow."""
        self._request = None
        try:
            async with asyncio.timeout(IDLE_LIMIT):
                request = await self._client.next()
        except TimeoutError:
            return False
        if not isinstance(request, h11.Request):
            return False  # the client has left
        self._request = request
        if request.method == b"CONNECT":
            await self._answer(501, "A middlebox stands before one server, and makes no tunnels.")
            return False
        if request.http_version not in (b"1.1", b"1.0"):
            await self._answer(505, "A middlebox understands HTTP/1.1.")
            return False
        answer = self._task.kind.answer(request, self._write)
        if answer is not None:
            while not isinstance(await self._client.next(), h11.EndOfMessage):
                pass  # a GET with a body: it means nothing (RFC 9110 §9.3.1)
            await self._client.send(*answer)
            return self._client.ready_again()
        server = await self._dialled()
        if server is None:
            return False
        if await self._both_ways(server, request):
            await self._tunnel(server)
            return False
        return self._client.ready_again()

    async def _dialled(self) -> Side | None:
        """Return a connection to the server that is ready for a request; ``None`` if none is."""
        if self._server is not None and self._server.ready_again():
            return self._server
        host, port = self._task.server
        family = socket.AF_INET if host == LOOPBACK else socket.AF_UNSPEC
        try:
            async with asyncio.timeout(DIAL_LIMIT):
                streams = await asyncio.open_connection(host, port, family=family)
        except (OSError, TimeoutError) as error:
            await self._answer(502, f"No server answers at {host}:{port} ({error or 'timeout'}).")
            return None
        if self._server is not None:
            self._server.transport.abort()
        self._server = Side(h11.CLIENT, *streams, self._touch)
        return self._server

    async def _both_ways(self, server: Side, request: h11.Request) -> bool:
        """Carry a request up and its answer down; return whether they change to WebSocket.

        Raises:
            Fault: one of the two has left, or broke the rules.
        """
        upgrade = wants_websocket(request)
        if upgrade and isinstance(self._task.kind, NoUpgrade):
            self._write(f"dropped Upgrade: websocket from {request_name(request)}")
            upgrade = False
        await server.send(forwarded_request(request, self._task.server, upgrade))
        up = asyncio.create_task(self._up(server))
        down = asyncio.create_task(self._down(server, request))
        try:
            done, _ = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if down not in done:
                up.result()
            return down.result()
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _up(self, server: Side) -> None:
        """Carry the body of a request, then listen whether the client is still there.

        Raises:
            Fault: it has left, or one of the two broke the rules; this never ends otherwise.
        """
        client = self._client
        event = None
        while not isinstance(event, h11.EndOfMessage):
            event = await client.next()
            assert isinstance(event, (h11.Data, h11.EndOfMessage))
            await server.send(_plain(event))
        while len(client.http.trailing_data[0]) < AHEAD:
            data = await client.read()
            if not data:
                raise Fault(client, ConnectionResetError("the client has left"))
            client.http.receive_data(data)
        await asyncio.get_running_loop().create_future()  # the rest waits until it is its turn

    async def _down(self, server: Side, request: h11.Request) -> bool:
        """Carry the answer, through the filter of this kind of middlebox."""
        client, answer = self._client, self._task.kind.filter(request, self._write)
        try:
            while True:
                event = await server.next()
                if isinstance(event, h11.InformationalResponse):
                    switches = event.status_code == 101
                    await client.send(forwarded(event, UPGRADE if switches else None))
                    if switches:
                        return True
                elif isinstance(event, h11.Response):
                    await client.send(*answer.take(forwarded(event)))
                elif isinstance(event, (h11.Data, h11.EndOfMessage)):
                    await client.send(*answer.take(_plain(event)))
                    if isinstance(event, h11.EndOfMessage):
                        return False
        except Fault as fault:
            if fault.side is server:
                await client.send(*answer.rest())
            raise
        finally:
            answer.drop()

    async def _tunnel(self, server: Side) -> None:
        """After 101 there is no HTTP any more: pass bytes on as they come."""
        await server.write(self._client.http.trailing_data[0])
        await self._client.write(server.http.trailing_data[0])
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(_pump(self._client, server))
                pumps.create_task(_pump(server, self._client))
        except* Fault:
            pass  # one of them is gone, and so is the other, soon

    # ── what goes wrong ──

    async def _blame(self, fault: Fault) -> None:
        """Say what went wrong, to a client that can still hear it."""
        if fault.side is self._client:
            if fault.status is not None:
                await self._answer(fault.status, f"This is no HTTP/1.1: {fault}.")
        elif self._client.http.our_state is h11.SEND_RESPONSE:
            await self._answer(502, f"The server broke off: {fault}.")
        else:
            self._write(f"the server broke off: {fault}")

    async def _answer(self, status: int, text: str) -> None:
        if self._client.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        self._write(f"answered {status}: {text}")
        body = f"{text}\n".encode()
        headers = [
            (b"Content-Type", b"text/plain; charset=utf-8"),
            (b"Content-Length", str(len(body)).encode()),
            (b"Connection", b"close"),
            VIA,
        ]
        reason = HTTPStatus(status).phrase.encode()
        head = h11.Response(status_code=status, reason=reason, headers=headers)
        is_head = self._request is not None and self._request.method == b"HEAD"
        parts = [] if is_head else [h11.Data(data=body)]
        await self._client.send(head, *parts, h11.EndOfMessage())


def _plain(event: h11.Data | h11.EndOfMessage) -> h11.Data | h11.EndOfMessage:
    """Return an event without trailers, which may be left out (RFC 9110 §6.5.1)."""
    return h11.EndOfMessage() if isinstance(event, h11.EndOfMessage) else event


async def _pump(source: Side, target: Side) -> None:
    while data := await source.read():
        await target.write(data)
    with contextlib.suppress(OSError):
        target.writer.write_eof()
