"""What the tests of the transports share."""

import asyncio
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from rtlab.sockets import listen

PATHS = {
    "polling": "/messages",
    "long_polling": "/wait",
    "sse": "/events",
    "websocket": "/chat",
}
HTTP = ("polling", "long_polling", "sse")
GUARD = 20.0  # seconds after which something hangs; no assertion on speed


async def until(condition: Callable[[], object]) -> None:
    """Return when a condition holds."""
    async with asyncio.timeout(GUARD):
        while not condition():
            await asyncio.sleep(0.002)


async def give_up(waiting: "asyncio.Future[object]") -> None:
    """Cancel what is under way, and see it end."""
    waiting.cancel()
    await asyncio.wait([waiting])


def wait_until(condition: Callable[[], object]) -> None:
    """Return when a condition holds, outside of any loop."""
    end = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def request(
    transport: str,
    *,
    method: str = "GET",
    query: str = "",
    host: str = "127.0.0.1",
    headers: Iterable[str] = (),
    body: bytes = b"",
) -> bytes:
    """Return a request as bytes; for ``websocket`` an opening handshake."""
    lines = [f"{method} {PATHS[transport]}{query} HTTP/1.1", f"Host: {host}", *headers]
    if transport == "websocket":
        lines += [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def dial(port: int, *, window: int | None = None) -> socket.socket:
    """Return a connected socket; with ``window`` it takes few bytes that nobody reads."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if window is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    sock.settimeout(GUARD)
    sock.connect(("127.0.0.1", port))
    return sock


def read_head(sock: socket.socket) -> bytes:
    """Return an answer up to the end of its headers and what came with it, or up to the close."""
    got = b""
    try:
        while b"\r\n\r\n" not in got and (data := sock.recv(65_536)):
            got += data
    except ConnectionError:
        pass
    return got


def read_answer(sock: socket.socket) -> tuple[int | None, dict[str, str], bytes]:
    """Return status, headers and body of one answer; status ``None`` if the server hung up."""
    got = read_head(sock)
    if not got:
        return None, {}, b""
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    missing = int(headers.get("content-length", 0)) - len(body)
    while missing > 0 and (data := sock.recv(missing)):
        body += data
        missing -= len(data)
    return int(first.split()[1]), headers, body


def ask(port: int, data: bytes) -> tuple[int | None, dict[str, str], bytes]:
    """Send bytes on a connection of their own and return the answer."""
    with dial(port) as sock:
        with suppress(ConnectionError):
            sock.sendall(data)
        return read_answer(sock)


def reset(sock: socket.socket) -> None:
    """Close a socket with a TCP reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Canned:
    """A server that gives each connection the next of its answers, and then hangs up.

    Attributes:
        requests: the heads of the requests that came.
    """

    def __init__(self, answers: list[bytes]) -> None:
        self.requests: list[bytes] = []
        self.port = 0
        self._answers = answers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self._answers[min(len(self.requests), len(self._answers)) - 1])
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    def header(self, number: int, name: str) -> bytes | None:
        """Return a header of the request of that number, 0 for the first."""
        found = re.search(rb"(?im)^" + name.encode() + rb": (.*)\r$", self.requests[number])
        return found[1] if found else None


@asynccontextmanager
async def canned(*answers: bytes) -> AsyncIterator[Canned]:
    """Run a ``Canned`` server."""
    server = Canned(list(answers))
    listener = await asyncio.start_server(server.serve, sock=listen())
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    """Return an HTTP answer that ends with its connection."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
