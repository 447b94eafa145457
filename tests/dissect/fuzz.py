"""A byte mutator over real recordings: ``python -m tests.dissect.fuzz 1000000 --seed 7``.

Whatever bytes a dissector gets, it must return: a tree that tiles them, in a time that they are
worth. Every round takes what really crossed a link, damages it, and has it taken apart; a round in
ten also byte by byte, which must give the same tree.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple

import rtlab
from rtlab import examples
from rtlab.dissect import PROTOCOLS
from rtlab.dissect.conversation import converse
from rtlab.dissect.field import Field
from tests.dissect.helpers import assert_tiled, one_by_one
from tests.dissect.http2_peers import connection

SECONDS = 5.0
"""Processor time that no input of this size can be worth."""
LARGEST = 4_000
"""Bytes of an input: more would only take longer."""

TOKENS = [
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b":", b" ", b"\0", b"\xff", b"0\r\n\r\n"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1", b"GET "),
    *(b"Upgrade: websocket\r\n", b"Sec-WebSocket-Extensions: permessage-deflate\r\n"),
    *(b"data:", b"id:", b"retry:", b"event:", b"\xef\xbb\xbf", b"\xe2\x82", b"ffffffff\r\n"),
    *(
        b"\x81\x7e\x00\x01",
        b"\x82\xff" + b"\xff" * 8,
        b"\x88\x02\x03\xe8",
        b"\xc1\x05",
        b"\x00\x80",
    ),
    *(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00\x00\x06\x04\x00\x00\x00\x00\x00"),
]
"""What means something in one protocol or another."""


class Sample(NamedTuple):
    """Both directions of a connection."""

    up: bytes
    down: bytes


def samples() -> list[Sample]:
    """Record what the lab's own clients and servers say to each other."""
    found = [
        Sample(
            examples.LESSON_REQUEST + examples.MASKED_HELLO,
            examples.LESSON_RESPONSE + examples.HELLO,
        ),
        multiplexed(),
    ]
    with rtlab.Lab(deflate=True) as lab:
        for number in range(6):
            lab.publish({"n": number, "text": "ä€😀" * number, "more": "x" * 40 * number})
        for transport in rtlab.TRANSPORTS:
            options = {"deflate": True} if transport == "websocket" else {}
            for _ in range(2):
                run = rtlab.receive(lab.url(transport), transport, 6, timeout=20, **options)
                asyncio.run(run)
            asyncio.run(rtlab.send(lab.url(transport), transport, {"from": "client"}))
        for transport in rtlab.TRANSPORTS:
            recording = lab.recording(transport)
            for connection in recording.connections:
                up, down = (recording.stream(connection.number, way) for way in ("up", "down"))
                found.append(Sample(up[:LARGEST], down[:LARGEST]))
    return found


def multiplexed() -> Sample:
    """Return what two ends of h2 say: a request, an event stream, and a WebSocket (RFC 8441)."""
    client, server = connection(True), connection(False)
    client.initiate_connection()
    server.initiate_connection()
    where = [(":scheme", "http"), (":authority", "a"), (":path", "/events")]
    client.send_headers(1, [(":method", "GET"), *where, ("accept", "*/*")], end_stream=True)
    tunnel = [(":method", "CONNECT"), (":protocol", "websocket"), *where]
    client.send_headers(3, [*tunnel, ("sec-websocket-version", "13")])
    client.send_data(3, examples.MASKED_HELLO)
    client.ping(b"12345678")
    up = client.data_to_send()
    server.receive_data(up)
    server.send_headers(1, [(":status", "200"), ("content-type", "text/event-stream")])
    server.send_data(1, b"id: 1\ndata: x\n\nid: 2\nda")
    server.send_data(1, b"ta: y\n\n", end_stream=True)
    server.send_headers(3, [(":status", "200")])
    server.send_data(3, examples.HELLO)
    server.close_connection()
    return Sample(up, server.data_to_send())


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with some damage."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(result) + 1)
        length = rng.choice((1, 1, 2, 4, 16, 64))
        match rng.randrange(7):
            case 0 if result:
                result[min(at, len(result) - 1)] ^= 1 << rng.randrange(8)
            case 1:
                result[at : at + length] = rng.randbytes(length)
            case 2:
                del result[at : at + length]
            case 3:
                result[at:at] = rng.choice(TOKENS)
            case 4:
                result[at : at + length] = rng.choice(TOKENS)
            case 5:
                other = rng.randrange(len(result) + 1)
                result[at:at] = result[other : other + 4 * length]
            case 6:
                del result[at:]
    return bytes(result[: 2 * LARGEST])


def rounds(count: int, seed: int, known: list[Sample]) -> Iterator[tuple[str, float]]:
    """Yield, round by round, what was tried and the processor time that it took.

    Raises:
        AssertionError: a tree does not tile its bytes, or depends on how they came.
        TimeoutError: an input took too long.
    """
    rng = random.Random(seed)
    for number in range(count):
        sample = rng.choice(known)
        name, tree = _attempt(sample, rng, number % 10 == 0)
        begin = time.thread_time()
        trees = tree()
        seconds = time.thread_time() - begin
        for root, size in trees:
            assert_tiled(root, size)
            _ = root.errors
        if seconds > SECONDS:
            raise TimeoutError(f"{name} took {seconds:.1f} s")
        yield name, seconds


def _attempt(
    sample: Sample, rng: random.Random, twice: bool
) -> tuple[str, Callable[[], list[tuple[Field, int]]]]:
    if rng.random() < 0.3:
        up, down = mutated(sample.up, rng), mutated(sample.down, rng)

        def both() -> list[tuple[Field, int]]:
            found = converse(up, down)
            return [(found.up.root, len(up)), (found.down.root, len(down))]

        return "conversation", both
    data = mutated(rng.choice(sample), rng)
    data = data[rng.choice((0, 0, 0, rng.randrange(len(data) + 1))) :]
    protocol = rng.choice(PROTOCOLS)
    options: dict[str, object] = {}
    if protocol in ("http1", "websocket"):
        options["sender"] = rng.choice(("client", "server", None))
    if protocol == "websocket":
        options |= {"deflate": rng.random() < 0.7, "takeover": rng.random() < 0.7}
        options["window_bits"] = rng.choice((8, 11, 15))

    def one() -> list[tuple[Field, int]]:
        root = rtlab.dissect(data, protocol, **options).root
        if twice:
            dissector = import_module(f"rtlab.dissect.{protocol}").dissector(**options)
            for byte in one_by_one(data):
                dissector.feed(byte)
            assert dissector.end().as_tuple() == root.as_tuple(), (protocol, options, data)
        return [(root, len(data))]

    return protocol, one


def main() -> int:
    """Run so many rounds and say what was tried."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tried: Counter[str] = Counter()
    slowest = 0.0
    begin = time.monotonic()
    for name, seconds in rounds(options.count, options.seed, samples()):
        tried[name] += 1
        slowest = max(slowest, seconds)
        if tried.total() % 50_000 == 0:
            print(f"{tried.total():,} in {time.monotonic() - begin:.0f} s", flush=True)
    print(f"{tried.total():,} inputs, none raised, hung or broke the tiling; {dict(tried)}")
    print(f"the slowest took {slowest * 1000:.0f} ms of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
