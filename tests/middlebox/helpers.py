"""A middlebox between two bare sockets that do only what a test tells them."""

import asyncio
import socket
from contextlib import asynccontextmanager

import rtlab
from rtlab.sockets import listen
from tests.link.peers import HANG, Peer, eventually

__all__ = ["HANG", "Peer", "Scene", "eventually", "request", "response", "scene"]


class Scene:
    """A middlebox, and a server behind it whose connections the test plays itself."""

    def __init__(self, listener, box):
        self.box = box
        self._listener = listener
        self._peers = []

    async def client(self, data=b""):
        sock = socket.socket()
        self._peers.append(Peer(sock))
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.box.port))
        await self._peers[-1].send(data)
        return self._peers[-1]

    async def server(self):
        sock, _ = await asyncio.get_running_loop().sock_accept(self._listener)
        self._peers.append(Peer(sock))
        return self._peers[-1]

    async def both(self, data):
        """Return a client that has sent this, and the server's side that it leads to."""
        client = await self.client(data)
        return client, await self.server()

    def texts(self):
        return [line.text for line in self.box.log]

    def leave(self):
        for peer in self._peers:
            peer.close()


@asynccontextmanager
async def scene(kind="transparent", **settings):
    """A middlebox in the running loop, before a server on a free port."""
    async with asyncio.timeout(HANG):
        with listen() as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            async with rtlab.Middlebox(url, kind, **settings) as box:
                actors = Scene(listener, box)
                try:
                    yield actors
                finally:
                    actors.leave()


def request(*headers, method="GET", target="/", version="1.1", body=b""):
    lines = [f"{method} {target} HTTP/{version}", "Host: 127.0.0.1", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def response(body=b"", *headers, status="200 OK", length=True):
    lines = [f"HTTP/1.1 {status}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def read_head(peer):
    """Return the head of a message, to the byte."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = await peer.read(1)
        if not more:
            break
        data += more
    return data


async def read_answer(peer):
    """Return head and body of an answer with Content-Length."""
    head = await read_head(peer)
    lengths = [
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    return head, await peer.read(lengths[0] if lengths else 0)
