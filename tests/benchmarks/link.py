"""The link: its cost, how exactly it delays, and its memory."""

from __future__ import annotations

import asyncio
import resource
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from websockets.asyncio.server import ServerConnection, serve

import rtlab
from rtlab import loops
from rtlab.sockets import listen
from tests.benchmarks.report import at_least, at_most, elsewhere, line


@contextmanager
def echo_server() -> Iterator[int]:
    """A WebSocket echo server in the lab's thread."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def start() -> int:
        nonlocal server
        sock = listen()
        server = await serve(echo, sock=sock, compression=None, max_size=None)
        return sock.getsockname()[1]

    async def stop() -> None:
        server.close()
        await server.wait_closed()

    server = None
    thread = loops.acquire()
    try:
        yield thread.call(start())
        thread.call(stop())
    finally:
        loops.release()


def cost() -> None:
    """Round trip and rate of a 1 KB echo, against the direct way."""
    with echo_server() as port, rtlab.Link("127.0.0.1", port) as link:
        urls = {
            "direct": f"ws://127.0.0.1:{port}/",
            "link": f"ws://127.0.0.1:{link.port}/",
        }
        trip = elsewhere("echo", urls=urls, size=1024, rounds=30, batch=100)
        rate = elsewhere("echo_rate", urls=urls, size=1024, rounds=15, batch=1000, window=32)
    line("round trip of a 1 KB echo, direct", trip["direct"], "us")
    line("round trip of a 1 KB echo, recorded", trip["link"], "us")
    at_most("round trip, recorded / direct", trip["link"] / trip["direct"], "x", 1.6)
    line("echoes per second, direct, 32 under way", rate["direct"], "/s")
    line("echoes per second, recorded, 32 under way", rate["link"], "/s")
    at_least("rate, recorded / direct", rate["link"] / rate["direct"], "x", 0.5)


def delay() -> None:
    """How far an added delay of 50 ms is off, at 100 messages a second.

    The peer is a plain timer in the same loop: what this machine can do just now.
    """
    errors: list[float] = []
    timers: list[float] = []

    async def measure() -> None:
        async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(65536):
                pass
            writer.close()

        server = await asyncio.start_server(sink, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        link = rtlab.Link("127.0.0.1", port, latency=0.05)
        async with link:
            _, writer = await asyncio.open_connection("127.0.0.1", link.port)
            await asyncio.sleep(0.2)
            loop = asyncio.get_running_loop()
            for _ in range(1000):
                writer.write(b"x" * 100)
                begin = time.perf_counter()
                loop.call_later(
                    0.05,
                    lambda begin=begin: timers.append((time.perf_counter() - begin) * 1e3 - 50),
                )
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            errors.extend(
                (s.forwarded_ns - s.received_ns) / 1e6 - 50
                for s in link.recording
                if s.data and s.forwarded_ns
            )
            writer.close()
        server.close()

    thread = loops.acquire()
    try:
        thread.call(measure())
    finally:
        loops.release()
    errors, timers = sorted(errors[5:]), sorted(timers[5:])
    ours, theirs = (each[int(len(each) * 0.99)] for each in (errors, timers))
    line("added delay of 50 ms: error, median", statistics.median(errors), "ms")
    at_most("added delay of 50 ms: error, p99", ours, "ms", 1.0)
    line("a plain timer of 50 ms in the same loop: error, p99", theirs, "ms")
    line("added delay of 50 ms: error, least", errors[0], "ms", "never early", errors[0] >= 0)


def memory(size: int = 1 << 30) -> None:
    """Memory while 1 GB is relayed to a reader that is in no hurry."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with rtlab.Link("127.0.0.1", port) as link:
            client = socket.create_connection(("127.0.0.1", link.port))
            peer, _ = server.accept()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            block, sent, received = b"x" * (1 << 20), 0, 0
            begin = time.perf_counter()
            client.setblocking(False)
            while received < size:
                if sent < size:
                    with suppress(BlockingIOError):
                        sent += client.send(block[: size - sent])
                received += len(peer.recv(1 << 20))
            seconds = time.perf_counter() - begin
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            counted = link.recording.up
            client.close()
            peer.close()
    at_most("1 GB relayed: growth of memory", (after - before) / 1024, "MB", 64)
    exact = counted.received == counted.forwarded == size
    line("1 GB relayed: bytes counted", counted.received, "B", "exact", exact)
    line("1 GB relayed: throughput", size / seconds / 1e6, "MB/s")


def main() -> None:
    """Print all of it."""
    cost()
    delay()
    memory()
