"""Right answers that look like none of the solutions, and pass all the same."""

from __future__ import annotations

import asyncio

import pytest

from rtlab.exercises import catalogue
from rtlab.exercises.run import run
from rtlab.exercises.verdict import Verdict

ALL_THAT_WAS_SEEN = """
def dedupe(received, cursor):
    seen = {}
    for seq, data in received:
        if seq > cursor:
            seen.setdefault(seq, data)
    last = max(seen, default=cursor)
    return list(seen.items()), last, [n for n in range(cursor + 1, last) if n not in seen]
"""


async def judge(name: str, source: str, seed: int = 5) -> Verdict:
    exercise = catalogue.find(name)
    return await run(exercise, exercise.load(source), seed)


async def test_dedupe_may_keep_all_that_was_seen() -> None:
    for verdict in await asyncio.gather(
        *(judge("dedupe", ALL_THAT_WAS_SEEN, seed) for seed in range(6))
    ):
        assert verdict.passed, verdict


async def test_one_of_two_things_may_be_a_generator() -> None:
    source = catalogue.find("latency-split").solution
    lists, share = "return queueing, ", "sum(queueing) / sum(latencies)"
    assert lists + share in source
    source = source.replace(lists, "return (wait for wait in queueing), ")
    verdict = await judge("latency-split", source)
    assert verdict.passed, verdict


ASKED_WITH_AIOHTTP = """
import asyncio
import aiohttp


async def messages(url):
    cursor = 0
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                asked = {"since": str(cursor), "timeout": "3"}
                async with session.get(url, params=asked) as answer:
                    listed = await answer.json() if answer.status == 200 else []
            except (aiohttp.ClientError, TimeoutError, OSError):
                await asyncio.sleep(0.2)
                continue
            for message in listed:
                yield message["data"]
                cursor = message["seq"]
"""
A_SET_OF_NUMBERS = """
import asyncio
import json
import websockets


async def messages(url):
    seen = {0}
    while True:
        try:
            connection = await websockets.connect(url, proxy=None)
            await connection.send(json.dumps({"since": max(seen)}))
            while True:
                match json.loads(await connection.recv()):
                    case {"seq": seq, "data": data} if seq not in seen:
                        seen.add(seq)
                        yield data
        except (OSError, websockets.WebSocketException):
            await asyncio.sleep(0.2)
"""
AS_WEBSOCKETS_HAS_IT = """
import json
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def messages(url):
    cursor = 0
    async for connection in connect(url, proxy=None):
        try:
            await connection.send(json.dumps({"since": cursor}))
            async for text in connection:
                message = json.loads(text)
                if message.get("seq", 0) > cursor:
                    cursor = message["seq"]
                    yield message["data"]
        except ConnectionClosed:
            continue
"""


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("long-poll-client", ASKED_WITH_AIOHTTP),
        ("exactly-once", A_SET_OF_NUMBERS),
        ("exactly-once", AS_WEBSOCKETS_HAS_IT),
    ],
)
async def test_a_client_may_be_written_in_another_way(name: str, source: str) -> None:
    verdict = await judge(name, source)
    assert verdict.passed, verdict


READ_BY_PIECES = r"""
import asyncio
import base64
import hashlib
import time


async def handshake(reader, writer, origins):
    async def say(status, *lines):
        text = "\r\n".join([f"HTTP/1.1 {status}", *lines, "Content-Length: 0", "", ""])
        writer.write(text.encode())
        await writer.drain()
        writer.close()

    data, until = b"", time.monotonic() + 2.9
    while b"\r\n\r\n" not in data:
        try:
            more = await asyncio.wait_for(reader.read(512), until - time.monotonic())
        except TimeoutError:
            more = b""
        data += more
        if not more or len(data) > LIMIT:
            return await say("400 Bad Request")
    first, *lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    fields = {}
    for line in lines:
        name, colon, value = line.partition(":")
        fields[name.lower()] = value.strip()
    match first.split(" "):
        case ["GET", _, "HTTP/1.1"]:
            pass
        case [_, _, "HTTP/1.1"]:
            return await say("405 Method Not Allowed")
        case _:
            return await say("400 Bad Request")
    if fields.get("sec-websocket-version") != "13":
        return await say("426 Upgrade Required", "sec-websocket-version: 13")
    words = fields.get("connection", "").lower().replace(",", " ").split()
    key = fields.get("sec-websocket-key", "")
    try:
        size = len(base64.b64decode(key, validate=True))
    except ValueError:
        size = 0
    if fields.get("upgrade", "").lower() != "websocket" or "upgrade" not in words or size != 16:
        return await say("400 Bad Request")
    if "host" not in fields:
        return await say("400 Bad Request")
    if fields.get("origin", *origins) not in origins:
        return await say("403 Forbidden")
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode() + guid).digest()).decode()
    head = ["HTTP/1.1 101 Fine", "upgrade: websocket", "connection: upgrade"]
    head += [f"sec-websocket-accept: {accept}", "", ""]
    writer.write("\r\n".join(head).encode())
    return True
"""


@pytest.mark.parametrize("limit", [1_000, 8_192, 80_000, 1_000_000])
async def test_a_head_may_be_too_long_from_any_size_on(limit: int) -> None:
    verdict = await judge("handshake-server", READ_BY_PIECES.replace("LIMIT", str(limit)))
    assert verdict.passed, verdict


async def test_a_request_that_asks_for_no_upgrade_may_get_426() -> None:
    """As the server that notebook 04 asks answers it."""
    source = catalogue.find("handshake-server").solution
    asks = '"upgrade" not in tokens(headers, "connection"):\n        return await refuse(writer, '
    assert asks + '"400 Bad Request")' in source
    source = source.replace(
        asks + '"400 Bad Request")', asks + '"426 Upgrade Required", "Upgrade: websocket")'
    )
    verdict = await judge("handshake-server", source)
    assert verdict.passed, verdict


A_TASK_FOR_LIFE = r"""
import asyncio
from aiohttp import web


async def events(request, feed, idle):
    headers = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "NO"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(b"retry: 2000\n:\n\n")

    async def live():
        while True:
            await asyncio.sleep(idle / 4)
            await response.write(b": " + 20 * b"x" + b"\n\n")

    living = asyncio.create_task(live())
    cursor = 0
    try:
        while news := await feed.wait(cursor):
            text = "".join(f"id:{one.seq}\nevent:message\ndata:{one.json}\n\n" for one in news)
            await response.write(text.encode())
            cursor = news[-1].seq
    finally:
        living.cancel()
    return response
"""


async def test_an_event_stream_may_have_a_task_for_its_signs_of_life() -> None:
    verdict = await judge("middlebox", A_TASK_FOR_LIFE)
    assert verdict.passed, verdict


@pytest.mark.parametrize("not_when", ["I'd take long-polling", "LONG POLLING then", "WebSockets"])
async def test_a_capstone_may_spell_a_transport_in_its_own_way(not_when: str) -> None:
    source = catalogue.find("capstone").solution
    for old, new in (
        ('"transport": "sse"', '"transport": "polling"'),
        ('{"sse": 0.081, "websocket": 0.081, "polling": 0.583}', '{"sse": 2, "polling": 1}'),
        (
            "If visitors could book a seat on the screen I would take websocket.",
            f"If news must be seen at once: {not_when}.",
        ),
    ):
        assert old in source
        source = source.replace(old, new)
    verdict = await judge("capstone", source)
    assert verdict.cases[-1].name == "when not"
    assert verdict.cases[-1].state == "passed", verdict
