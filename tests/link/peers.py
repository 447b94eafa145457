"""The two ends of a link, on bare sockets: they do only what a test tells them."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

from rtlab.link import Connection, Link, Recording, Segment
from rtlab.sockets import listen

HANG = 30.0
"""Seconds after which a test that waits for something has failed; nothing measures with it."""


class Peer:
    """One end of a connection. What it does not read stays in the kernel, unlike with streams."""

    def __init__(self, sock):
        self.sock = sock
        sock.setblocking(False)

    async def send(self, *pieces):
        for data in pieces:
            await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def read(self, size):
        """Return exactly so many bytes, fewer only if the stream ends before."""
        data = bytearray()
        while len(data) < size:
            more = await asyncio.get_running_loop().sock_recv(self.sock, size - len(data))
            if not more:
                break
            data += more
        return bytes(data)

    async def rest(self):
        """Return what is still to come, and how it ends: with ``"eof"`` or ``"reset"``."""
        data = bytearray()
        try:
            while more := await asyncio.get_running_loop().sock_recv(self.sock, 1 << 16):
                data += more
        except ConnectionResetError:
            return bytes(data), "reset"
        return bytes(data), "eof"

    def end(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Stage:
    """A link, and a server behind it whose connections the test plays itself."""

    def __init__(self, listener, link):
        self.link = link
        self._listener = listener
        self._peers = []

    async def client(self):
        sock = socket.socket()
        self._peers.append(Peer(sock))
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.link.port))
        return self._peers[-1]

    async def server(self):
        sock, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        self._peers.append(Peer(sock))
        return self._peers[-1]

    async def connection(self):
        """Return both ends of a new connection."""
        client = await self.client()
        return client, await self.server()

    def leave(self):
        for peer in self._peers:
            peer.close()


@asynccontextmanager
async def stage(**settings):
    """A link with these settings, in the running loop, before a server on a free port."""
    async with asyncio.timeout(HANG):
        with listen() as listener:
            async with Link("127.0.0.1", listener.getsockname()[1], **settings) as link:
                actors = Stage(listener, link)
                try:
                    yield actors
                finally:
                    actors.leave()


async def eventually(condition):
    """Wait until a condition holds that nobody announces.

    It gives up before those do who wait for the whole test, and who know not what for.
    """
    async with asyncio.timeout(HANG / 2):
        while not condition():
            await asyncio.sleep(0.001)


def recorded(pieces, direction="up", offset=0):
    """A recording of one connection, in which these pieces crossed in one direction."""
    recording = Recording()
    recording.add_connection(Connection(1, ("127.0.0.1", 50_000), ("127.0.0.1", 80), 1000))
    for place, data in enumerate(pieces):
        segment = Segment(1, direction, offset, 2000 + place, None, data)
        recording.add(segment)
        recording.forwarded(segment, 3000 + place)
        offset += len(data)
    return recording
