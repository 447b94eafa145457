"""Peers of HTTP/2 that do not play by the rules: bounded, answered as RFC 9113 says, and alone."""

import asyncio
import gc
import random
import sys
import tracemalloc
from contextlib import suppress

import pytest
from h2 import events
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe import frame as hyperframe

import rtlab
from rtlab.access import Gate
from rtlab.feed import Feed
from rtlab.log import ring
from rtlab.transports import http, http2
from rtlab.transports.http2_connection import PATIENCE
from tests.dissect import http2_frames as h

from .helpers import GUARD, until
from .http2_peer import asked, peer, raw, web_socket
from .test_http2 import WINDOW, chatting, frames, masked, narrow

GET, POST = asked(), asked(method="POST")


@pytest.fixture
async def server(feed, capfd):
    """A server that must live on, without a word on stdout or stderr and without a traceback."""
    ring.lines.clear()
    served = await http2.serve(feed, Gate())
    yield served
    assert await lives(feed, served)
    await until(lambda: not served._connections)
    feed.close()
    await served.close()
    assert sum(len(waiting) for waiting in feed._waiters.values()) == 0
    assert capfd.readouterr() == ("", "")
    assert not [line for line in ring.lines if "Traceback" in line or "failed" in line]


async def lives(feed: Feed, served: http2.Http2Server) -> bool:
    """Whether a well-behaved client gets the newest message."""
    sent = feed.publish("are you there?")
    url = f"http://127.0.0.1:{served.port}/events"
    (got,) = await rtlab.receive(url, "http2", 1, sent.seq - 1, timeout=GUARD)
    return got.message == sent


def extended(*fields: tuple[str, str]) -> bytes:
    return h.headers([*GET, *fields], flags=5)


def requests(count: int, after: bytes = b"") -> bytes:
    """Return so many requests; ``after`` each a frame, in which ``NNNN`` is the stream."""
    numbers = range(1, 2 * count, 2)
    return b"".join(
        h.headers(GET, stream=n, flags=5) + after.replace(b"NNNN", n.to_bytes(4, "big"))
        for n in numbers
    )


ENOUGH = 2 * PATIENCE  # to lose it, though some comes back meanwhile
OVERFLOW = (2**31 - 1).to_bytes(4, "big")
RESET = b"\0\0\4\3\0NNNN\0\0\0\x08"
TOO_MUCH = b"\0\0\4\x08\0NNNN" + OVERFLOW
HALF = h.headers(GET, flags=1)  # without END_HEADERS

RULES = {
    "a frame of 20,000 bytes": (h.frame(99, bytes(20_000)), 6),
    "SETTINGS of 5 bytes": (h.frame(h.SETTINGS, bytes(5)), 6),
    "SETTINGS on a stream": (h.frame(h.SETTINGS, stream=1), 1),
    "a SETTINGS ACK with settings": (h.settings((1, 1), flags=1), (1, 6)),
    "a window beyond 2**31 in SETTINGS": (h.settings((4, 2**31)), 3),
    "frames smaller than 16,384": (h.settings((5, 16_383)), 1),
    "a PING of 7 bytes": (h.frame(h.PING, bytes(7)), 6),
    "a PING on a stream": (h.frame(h.PING, bytes(8), stream=1), 1),
    "a GOAWAY of 7 bytes": (h.frame(h.GOAWAY, bytes(7)), 6),
    "a window that opens by nothing": (h.frame(h.WINDOW_UPDATE, bytes(4)), 1),
    "a window that overflows": (h.frame(h.WINDOW_UPDATE, OVERFLOW), 3),
    "WINDOW_UPDATE of 3 bytes": (h.frame(h.WINDOW_UPDATE, bytes(3)), 6),
    "WINDOW_UPDATE of no stream": (h.frame(h.WINDOW_UPDATE, b"\0\0\0\1", stream=1), 1),
    "DATA of no stream": (h.data(b"x"), 1),
    "DATA of the connection": (h.data(b"x", stream=0), 1),
    "RST_STREAM of no stream": (h.frame(h.RST_STREAM, bytes(4), stream=1), 1),
    "RST_STREAM of 3 bytes": (h.frame(h.RST_STREAM, bytes(3), stream=1), 6),
    "HEADERS of the connection": (h.headers(GET, stream=0), 1),
    "an even number": (h.headers(GET, stream=2), 1),
    "a number that goes down": (
        h.headers(GET, stream=5, flags=5) + h.headers(GET, stream=3, flags=5),
        1,
    ),
    "PUSH_PROMISE from a client": (
        h.frame(h.PUSH_PROMISE, b"\0\0\0\2" + h.block(GET), stream=1, flags=4),
        1,
    ),
    "a stream that depends on itself": (h.frame(h.PRIORITY, b"\0\0\0\1\0", stream=1), 1),
    "padding longer than the frame": (h.frame(h.HEADERS, b"\x09x", stream=1, flags=12), 1),
    "CONTINUATION of nothing": (h.frame(h.CONTINUATION, h.block(GET), stream=1, flags=4), 1),
    "a frame within a field block": (HALF + h.frame(h.PING, bytes(8)), 1),
    "another stream within one": (HALF + h.frame(h.CONTINUATION, stream=3, flags=4), 1),
    "CONTINUATION without end": (HALF + h.frame(h.CONTINUATION, stream=1) * 1000, 1),
    "a field block without end": (
        HALF + h.frame(h.CONTINUATION, h.block([("x", "y" * 16_000)]), stream=1) * 100,
        1,
    ),
    "a header list that is too large": (
        HALF
        + h.frame(h.CONTINUATION, h.block([("x", "y" * 16_000)]), stream=1) * 2
        + h.frame(h.CONTINUATION, h.block([("x", "y" * 1_000)]), stream=1, flags=4),
        11,
    ),
    "a thousand fields": (extended(*[("x", "y")] * 1000), 11),
    "a field that decompresses to much": (
        h.frame(
            h.HEADERS,  # 4,000 bytes into the table, and then that entry a hundred times
            h.block(GET) + b"\x40\x01y\x7f\xa1\x1e" + b"y" * 4000 + b"\xbe" * 100,
            stream=1,
            flags=5,
        ),
        11,
    ),
    "no HPACK": (h.frame(h.HEADERS, b"\xff" * 9, stream=1, flags=5), 9),
    "an index of nothing": (h.frame(h.HEADERS, b"\xfe", stream=1, flags=5), 9),
    "a capital letter": (extended(("X", "y")), 1),
    "Connection": (extended(("connection", "close")), 1),
    "no path": (h.headers(GET[:3], flags=5), 1),
    "two paths": (h.headers([*GET, (":path", "/")], flags=5), 1),
    "no authority": (h.headers([*GET[:2], GET[3]], flags=5), 1),
    "two hosts": (extended(("host", "127.0.0.1"), ("host", "127.0.0.1")), 1),
    "a host that is not the authority": (extended(("host", "evil.example")), 1),
    "a NUL in a value": (extended(("x", "a\0b")), 1),
    "a line end in a value": (extended(("x", "a\r\nb")), 1),
    "an answer from a client": (h.headers([(":status", "200")], flags=5), 1),
    "more than content-length said": (
        h.headers([*POST, ("content-length", "3")]) + h.data(b"xxxx", flags=1),
        1,
    ),
    "a stream too many": (requests(101), 1),
    "rapid reset": (requests(ENOUGH, RESET), 11),
    "PING after PING": (h.frame(h.PING, bytes(8)) * (ENOUGH), 11),
    "SETTINGS after SETTINGS": (
        b"".join(h.settings((1, 4096 * (n % 2))) for n in range(ENOUGH)),
        11,
    ),
    "DATA without data": (h.headers(POST) + h.data(b"") * (ENOUGH), 11),
    "streams that we are made to reset": (requests(ENOUGH, TOO_MUCH), 11),
}


@pytest.mark.parametrize(("sent", "code"), RULES.values(), ids=RULES)
async def test_who_breaks_a_rule_gets_its_code_and_is_hung_up_on(server, sent, code):
    *_, goodbye = await raw(server.port, h.client(sent))
    assert isinstance(goodbye, hyperframe.GoAwayFrame)
    assert goodbye.error_code in (code if isinstance(code, tuple) else (code,))
    assert goodbye.additional_data


async def test_a_stream_error_ends_the_stream_only(server):
    async with peer(server.port) as one:
        number = await one.request(GET)
        await one.flush(h.frame(h.WINDOW_UPDATE, OVERFLOW, stream=number))
        await one.until(lambda: one.of(events.StreamReset, number))
        assert one.of(events.StreamReset)[0].error_code is ErrorCodes.FLOW_CONTROL_ERROR
        assert (await one.ask(asked("/messages")))[0] == 200


async def test_resets_now_and_then_are_nobodys_fault(server, monkeypatch):
    monkeypatch.setattr("rtlab.transports.http2_connection.PATIENCE_REGAINED", 1e9)
    async with peer(server.port) as one:
        for _ in range(2 * PATIENCE):
            number = await one.request(GET)
            one.h2.reset_stream(number)
        assert (await one.ask(asked("/messages")))[0] == 200


async def test_streams_that_are_reset_before_anybody_looks_are_forgotten(server):
    async with peer(server.port, begin=False) as one:
        one.h2.initiate_connection()
        await one.flush(requests(50, RESET) + h.frame(h.PING, bytes(8)))
        await one.until(lambda: one.of(events.PingAckReceived))
        (connection,) = server._connections
        assert connection.h2.highest_inbound_stream_id == 99
        assert connection.streams == {}


async def test_streams_that_are_reset_at_once_never_reach_the_feed(feed, server):
    await raw(server.port, h.client(requests(ENOUGH, RESET)))
    assert server.requests == 0


@pytest.mark.parametrize("sent", [b"", b"PRI * HTTP/2.0", h.client(HALF)], ids=["", "some", "half"])
@pytest.mark.parametrize("drip", [False, True], ids=["silence", "a byte now and then"])
async def test_a_header_section_without_end_is_given_up(feed, monkeypatch, sent, drip):
    monkeypatch.setattr(http, "IDLE_LIMIT", 0.2)
    served = await http2.serve(feed, Gate())
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(sent)
    gone = asyncio.ensure_future(reader.read())
    more = iter(h.frame(h.CONTINUATION, bytes(16_000), stream=1) * 100)
    async with asyncio.timeout(GUARD):
        while not gone.done():
            if drip and len(sent) > 24:
                writer.write(bytes([next(more)]))
            await asyncio.sleep(0.01)
    writer.close()
    await until(lambda: not served._connections)
    feed.close()
    await served.close()


async def test_who_asks_for_answers_and_reads_none_is_no_longer_read(feed, server):
    """Each frame of data for a stream that has ended is answered with RST_STREAM."""
    async with peer(server.port, window=4096) as one:
        await one.ask(asked("/messages"))
        (flooded,) = server._connections
        narrow(flooded)

        async def flood() -> None:
            while True:
                await one.flush(h.data(b"") * 500)
                await asyncio.sleep(0)

        flooding = asyncio.create_task(flood())
        heard = None
        async with asyncio.timeout(GUARD):
            while heard != flooded._heard:
                heard = flooded._heard
                await asyncio.sleep(0.3)
        assert flooded.paused
        assert flooded._transport.get_write_buffer_size() < 200_000
        assert await lives(feed, server)
        flooding.cancel()
        one._writer.transport.abort()


async def test_who_reads_nothing_is_dropped_in_the_end(feed, server, monkeypatch):
    monkeypatch.setattr(http, "WRITE_LIMIT", 0.3)
    async with peer(server.port) as one:
        one.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**30})
        one.h2.increment_flow_control_window(2**30)
        await one.request(GET)
        for _ in range(16):
            feed.publish("x" * 1_000_000)
        await until(lambda: any("read nothing" in line for line in ring.lines))
        await until(lambda: not server._connections)
        one._writer.transport.abort()


@pytest.mark.parametrize("kind", ["sse", "websocket"])
async def test_a_stream_that_is_never_read_is_reset_and_the_others_go_on(
    feed, server, monkeypatch, kind
):
    monkeypatch.setattr(http, "WRITE_LIMIT", 0.3)
    async with peer(server.port) as one:
        one.opens = False
        if kind == "sse":
            slow = await one.request(GET)
        else:
            slow = await one.request(web_socket(), end=False)
            await one.send(slow, masked('{"since": 0}'))
        quick = await one.request(asked())
        await one.until(lambda: one.data[quick])
        feed.publish("x" * 100_000)
        one.h2.increment_flow_control_window(WINDOW * 2)
        one.h2.increment_flow_control_window(WINDOW * 2, quick)
        await one.flush()
        await one.until(lambda: one.of(events.StreamReset))
        assert [reset.stream_id for reset in one.of(events.StreamReset)] == [slow]
        assert one.of(events.StreamReset)[0].error_code is ErrorCodes.CANCEL
        await one.until(lambda: one.data[quick].endswith(b'x"}\n\n'))
        feed.publish("still here")
        await one.until(lambda: b"still here" in one.data[quick])


async def test_fragments_of_nothing_cost_nothing(feed, server):
    """The message that never ends has no byte, so no limit on its size would stop it."""
    async with chatting(server.port) as (one, number):
        await one.send(number, masked('"x', fin=False))
        gc.collect()
        tracemalloc.start()
        for _ in range(2000):
            await one.until(lambda: one.h2.local_flow_control_window(number) > 60)
            await one.send(number, masked("", 0, fin=False) * 10)
            await asyncio.sleep(0)
        one.h2.ping(b"anything")
        await one.flush()
        await one.until(lambda: one.of(events.PingAckReceived))
        grown = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert grown < 6_000_000
        await one.send(number, masked('"', 0))
        await one.until(lambda: b'"ack"' in one.data[number])
    assert feed.since(0)[0].data == "x"


async def test_a_message_too_large_in_fragments_closes_with_1009(feed, server):
    async with chatting(server.port) as (one, number):
        for _ in range(80):
            await one.until(lambda: one.h2.local_flow_control_window(number) >= 16_000)
            await one.send(number, masked(b"x" * 15_000, 0 if _ else 1, fin=False))
            if any(kind == 8 for kind, _ in frames(one.data[number])):
                break
        await one.until(lambda: any(kind == 8 for kind, _ in frames(one.data[number])))
        assert frames(one.data[number])[-1][1][:2] == (1009).to_bytes(2, "big")


async def test_padding_counts_and_is_given_back(feed, server):
    """Padding takes room like data, and the window would run dry of it (§6.1)."""
    async with peer(server.port) as one:
        number = await one.request(POST, end=False)
        for _ in range(2000):
            await one.until(lambda: one.h2.local_flow_control_window(number) > 300)
            one.h2.send_data(number, b" ", pad_length=255)
            await one.flush()
        one.h2.send_data(number, b"1", end_stream=True)
        await one.flush()
        await one.until(lambda: one.ended(number))
    assert feed.since(0)[0].data == 1


async def test_frames_of_nothing_but_padding_give_their_room_back_at_once(feed, server):
    async with peer(server.port) as one:
        number = await one.request(POST, end=False)
        for _ in range(PATIENCE // 2):
            await one.until(lambda: one.h2.local_flow_control_window(number) > 300)
            one.h2.send_data(number, b"", pad_length=255)
            await one.flush()
        await one.send(number, b"2", end=True)
        await one.until(lambda: one.ended(number))
    assert feed.since(0)[0].data == 2


async def test_who_leaves_in_the_middle_of_anything_leaves_nothing(feed, server):
    chance = random.Random(1)
    for _ in range(60):
        sent = h.client(requests(3), h.headers(web_socket(), stream=7))
        sent += h.data(masked('{"since": null}'), stream=7)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent[: chance.randrange(len(sent) + 1)])
        await writer.drain()
        if chance.random() < 0.5:
            await reader.read(chance.randrange(1, 300))
        if chance.random() < 0.5:
            writer.transport.abort()
        writer.close()
    feed.publish("to nobody")
    await until(lambda: not server._connections)
    await until(lambda: sum(len(waiting) for waiting in feed._waiters.values()) == 0)


async def test_random_damage_does_no_harm(feed, server):
    chance = random.Random(2)
    for _ in range(150):
        sent = bytearray(
            h.client(
                requests(2),
                h.headers(web_socket(), stream=5),
                h.data(masked('{"since": null}'), stream=5),
                h.data(masked('"x"'), stream=5),
                h.frame(h.GOAWAY, bytes(8)),
            )
        )
        for _ in range(chance.randrange(1, 4)):
            sent[chance.randrange(24, len(sent))] = chance.randrange(256)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(GUARD):
            with suppress(ConnectionError):
                await reader.read()
        writer.close()


async def test_many_connections_that_say_nothing_keep_nobody_out(feed, server):
    idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(100)]
    assert await lives(feed, server)
    for _, writer in idle:
        writer.close()


@pytest.mark.skipif(sys.platform != "linux", reason="sizes of socket buffers differ")
async def test_a_flood_from_one_lets_the_others_have_their_turn(feed, server):
    """While one sends small frames as fast as it can, another is answered between them."""
    frames_ = h.client(h.frame(h.PRIORITY, bytes(5), stream=1) * 4000)
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    stop = asyncio.Event()

    async def keep_on() -> None:
        writer.write(frames_)
        while not stop.is_set():
            writer.write(frames_[33:])
            await writer.drain()

    task = asyncio.create_task(keep_on())
    async with peer(server.port) as other:
        for _ in range(20):
            assert (await other.ask(asked("/messages")))[0] == 200
    assert not task.done()
    stop.set()
    await task
    writer.close()
