"""Load generators, for a process of their own: in the measured process they would share its GIL."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import statistics
import sys
import time
from typing import Any
from urllib.parse import urlsplit

MESSAGE = re.compile(rb'\{"seq":(\d+),')


async def echo(urls: dict[str, str], size: int, rounds: int, batch: int) -> dict[str, float]:
    """Median round trip in µs for each URL, taking turns (A B A B)."""
    from websockets.asyncio.client import connect

    payload = "x" * size
    times: dict[str, list[float]] = {name: [] for name in urls}
    connections = {
        name: await connect(url, compression=None, proxy=None, max_size=None)
        for name, url in urls.items()
    }
    for round_ in range(rounds + 1):
        for name, connection in connections.items():
            for _ in range(batch):
                begin = time.perf_counter_ns()
                await connection.send(payload)
                await connection.recv()
                if round_:  # the first round warms up
                    times[name].append((time.perf_counter_ns() - begin) / 1e3)
    for connection in connections.values():
        await connection.close()
    return {name: statistics.median(values) for name, values in times.items()}


async def echo_rate(
    urls: dict[str, str], size: int, rounds: int, batch: int, window: int
) -> dict[str, float]:
    """Median echoes per second for each URL with ``window`` messages under way, taking turns."""
    from websockets.asyncio.client import connect

    payload = "x" * size
    rates: dict[str, list[float]] = {name: [] for name in urls}
    connections = {
        name: await connect(url, compression=None, proxy=None, max_size=None)
        for name, url in urls.items()
    }
    for round_ in range(rounds + 1):
        for name, connection in connections.items():
            begin = time.perf_counter()
            for _ in range(window):
                await connection.send(payload)
            for place in range(batch):
                await connection.recv()
                if place < batch - window:
                    await connection.send(payload)
            if round_:
                rates[name].append(batch / (time.perf_counter() - begin))
    for connection in connections.values():
        await connection.close()
    return {name: statistics.median(values) for name, values in rates.items()}


class _Counter(asyncio.Protocol):
    """A client that counts messages in whatever comes, as cheaply as Python can."""

    total = 0
    step = 0  # deliveries after which all clients have one message more

    def __init__(self, opening: bytes, hello: bytes) -> None:
        self.opening, self.hello = opening, hello
        self.seqs: list[int] = []
        self.tail = b""
        self.opened = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.transport.write(self.opening)  # type: ignore[union-attr]

    def data_received(self, data: bytes) -> None:
        if not self.opened:
            self.opened = True
            if self.hello:
                self.transport.write(self.hello)  # type: ignore[union-attr]
        data = self.tail + data
        end = 0
        for match in MESSAGE.finditer(data):
            self.seqs.append(int(match[1]))
            end = match.end()
            _Counter.total += 1
            if _Counter.total % _Counter.step == 0:
                print(time.perf_counter_ns(), flush=True)
        # A number may be cut in two by the end of the data.
        self.tail = data[max(end, len(data) - 32) :]


async def fan_out(
    url: str, clients: int, messages: int, websocket: bool, hello: bool, limit: float
) -> dict[str, Any]:
    """Connect clients, say "ready", and count what comes.

    Prints the time whenever all clients have got one message more, and returns how many of them
    had every message once and in order.
    """
    _Counter.step = clients
    parts = urlsplit(url)
    if websocket:
        extra = (
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        )
        greeting = _masked(b'{"since":null}') if hello else b""
    else:
        extra, greeting = "Accept: text/event-stream\r\n", b""
    opening = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{extra}\r\n".encode()
    loop = asyncio.get_running_loop()
    counters: list[_Counter] = []
    for start in range(0, clients, 50):
        made = [
            loop.create_connection(
                lambda: _Counter(opening, greeting),
                parts.hostname,
                parts.port,
                family=socket.AF_INET,
            )
            for _ in range(min(50, clients - start))
        ]
        counters += [protocol for _, protocol in await asyncio.gather(*made)]
        while not all(counter.opened for counter in counters):
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.5)
    print("ready", flush=True)
    deadline = time.perf_counter() + limit
    while time.perf_counter() < deadline and _Counter.total < clients * messages:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # for what should not come: a message twice
    everything = list(range(1, messages + 1))
    result = {
        "delivered": _Counter.total,
        "complete": sum(counter.seqs == everything for counter in counters),
    }
    for counter in counters:
        counter.transport.abort()  # type: ignore[union-attr]
    await asyncio.sleep(0)
    return result


def _masked(payload: bytes) -> bytes:
    key = b"\x37\xfa\x21\x3d"
    body = bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))
    return bytes([0x81, 0x80 | len(payload)]) + key + body


async def poll(url: str, rounds: int) -> dict[str, float]:
    """Median time of a question on an open connection, in ms, and of a raw one beside it."""
    import httpx

    times, raw = [], []
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(rounds):
            begin = time.perf_counter()
            await client.get(url)
            times.append((time.perf_counter() - begin) * 1e3)
            begin = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            raw.append((time.perf_counter() - begin) * 1e3)
    writer.close()
    return {"httpx": statistics.median(times), "raw": statistics.median(raw)}


if __name__ == "__main__":
    _result = asyncio.run(globals()[sys.argv[1]](**json.loads(sys.argv[2])))
    print(json.dumps(_result))
