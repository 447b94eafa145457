from __future__ import annotations

import asyncio
import random
import zlib

import pytest

import rtlab
from rtlab.dissect.conversation import converse
from rtlab.dissect.masking import unmask
from tests.dissect.handshakes import OFFERS, ask, reply


async def recorded(transport: str, **options: object) -> rtlab.Recording:
    """What crosses a link when a client gets three messages and leaves."""
    with rtlab.Lab(transport, deflate=bool(options)) as lab:
        for number in range(3):
            lab.publish({"n": number, "text": "ä" * 40})
        await rtlab.receive(lab.url(transport), transport, 3, timeout=20, **options)
        async with asyncio.timeout(20):
            while lab.recording(transport).open_connections:
                await asyncio.sleep(0.01)
        return lab.recording(transport)


def names(root: rtlab.Field) -> list[str]:
    return [field.name for field in root.children]


@pytest.mark.parametrize("transport", ["polling", "long_polling"])
async def test_questions_and_answers_have_nothing_wrong_with_them(transport):
    [conversation] = (await recorded(transport)).dissect()
    assert conversation.errors == []
    assert set(names(conversation.up.root)) == {"request"}
    assert set(names(conversation.down.root)) == {"response"}


async def test_an_event_stream_is_dissected_inside_its_chunks():
    [conversation] = (await recorded("sse")).dissect()
    # The client left: the chunked answer has no end, and nothing else is wrong.
    assert all("cut off" in field.error for field in conversation.down.errors)
    buffers = [f.buffer for f in conversation.down.root.walk() if f.buffer is not None]
    events = [f for b in buffers for f in b.root.walk() if f.name == "block"]
    assert sum('"message"' in str(event.value) for event in events) == 3


@pytest.mark.parametrize("options", [{}, {"deflate": True}])
async def test_after_the_upgrade_there_are_frames_in_both_directions(options):
    [conversation] = (await recorded("websocket", **options)).dissect()
    assert conversation.errors == []
    assert names(conversation.up.root) == ["request", "frame", "frame"]
    assert names(conversation.down.root)[:2] == ["response", "frame"]
    text = repr(conversation)
    assert '{"since":null}' in text
    assert "close 1000" in text
    assert ("inflated" in text) == bool(options)


async def test_a_connection_whose_beginning_is_gone_is_left_out():
    recording = await recorded("polling")
    recording.clear()
    assert recording.dissect() == []


def test_interim_answers_are_not_counted():
    up = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n\x81\x80\x00\x00\x00\x00"
    down = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x00"
    conversation = converse(up, down)
    assert names(conversation.up.root) == ["request", "frame"]
    assert names(conversation.down.root) == ["response", "response", "frame"]


DEFLATE = "permessage-deflate"
TEXT = b"the same words in every message, so that a window helps"


def compressed(takeover: bool, mask: bytes) -> bytes:
    """Two messages, of which the second refers to the first if there is a window to do so."""
    frames = b""
    for number in range(2):
        if number == 0 or not takeover:
            packer = zlib.compressobj(wbits=-15)
        data = (packer.compress(TEXT) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
        assert (len(data) < 20) == (takeover and number == 1)
        frames += bytes([0xC1, len(data) | (0x80 if mask else 0)]) + mask
        frames += unmask(data, mask) if mask else data
    return frames


@pytest.mark.parametrize("client", [True, False])
@pytest.mark.parametrize("server", [True, False])
def test_each_side_keeps_its_window_or_not_as_was_agreed(client, server):
    agreed = DEFLATE
    agreed += "" if client else "; client_no_context_takeover"
    agreed += "" if server else "; server_no_context_takeover"
    conversation = converse(
        ask({OFFERS: DEFLATE}) + compressed(client, b"mask"),
        reply({OFFERS: agreed}) + compressed(server, b""),
    )
    assert conversation.errors == []
    assert repr(conversation).count(f"inflated = {TEXT.decode()!r}") == 4
    # Who refers to a window that was given up is found out, and nobody else.
    broken = converse(
        ask({OFFERS: DEFLATE}) + compressed(True, b"mask"),
        reply({OFFERS: agreed}) + compressed(True, b""),
    )
    assert (broken.up.errors == []) == client
    assert (broken.down.errors == []) == server


@pytest.mark.parametrize("limit", ["9", "10", '"9"', "09"])
@pytest.mark.parametrize("sender", ["server", "client"])
def test_each_side_is_held_to_the_window_that_was_agreed(sender, limit):
    mask = b"" if sender == "server" else b"mask"
    text = random.Random(1).randbytes(1000)
    packer, sent = zlib.compressobj(wbits=-15), b""
    for _ in range(2):
        data = (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
        short = len(data) < 126
        sent += bytes([0xC2, (len(data) if short else 126) | (0x80 if mask else 0)])
        sent += (b"" if short else len(data).to_bytes(2, "big")) + mask
        sent += unmask(data, mask) if mask else data
    agreed = {OFFERS: f"{DEFLATE}; {sender}_max_window_bits={limit}"}
    up, down = ask(agreed), reply(agreed)
    conversation = converse(up + (sent if mask else b""), down + (b"" if mask else sent))
    wrong = [
        (f.error, f.reference) for f in conversation.errors if f.name in ("payload", "unmasked")
    ]
    clause = f"RFC 7692 §7.1.2.{1 if sender == 'server' else 2}"
    error = "refers back further than the 512 bytes that were agreed"
    assert wrong == ([(error, clause)] if "9" in limit and limit != "09" else [])


@pytest.mark.parametrize(
    ("agreed", "deflate"),
    [
        ("x-permessage-deflate", False),
        ("permessage-deflate-x; permessage-deflate", False),
        ("x; client_no_context_takeover; server_no_context_takeover, permessage-deflate", True),
        ('permessage-deflate; server_max_window_bits="12"', True),
        (["x", "permessage-deflate"], True),
    ],
    ids=str,
)
def test_an_extension_is_read_by_its_name(agreed, deflate):
    conversation = converse(
        ask({OFFERS: agreed}) + compressed(True, b"mask"),
        reply({OFFERS: agreed}) + compressed(True, b""),
    )
    frames = [f for side in conversation[:2] for f in side.errors if f.name == "RSV1"]
    assert (frames == []) == deflate
    assert repr(conversation).count("inflated =") == (4 if deflate else 0)


@pytest.mark.parametrize(
    ("up", "down"),
    [
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        ),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
)
def test_what_is_no_websocket_is_not_read_as_one(up, down):
    conversation = converse(up + b"PRI * HTTP/2.0\r\n\r\n", down + b"\x00\x00\x12\x04")
    assert conversation.errors == []
    assert names(conversation.up.root) == ["request", "upgraded data"]
    assert names(conversation.down.root) == ["response", "upgraded data"]


def test_an_answer_to_head_has_no_body():
    up = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    down = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    )
    conversation = converse(up, down)
    assert conversation.errors == []
    assert names(conversation.down.root) == ["response", "response"]


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\n\r\n"
TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("up", "down", "unasked"),
    [
        (GET, OK * 3, 2),
        (GET * 3, OK * 3, 0),
        (GET * 3, OK, 0),
        (GET, EARLY * 2 + OK, 0),
        (GET, EARLY + OK + EARLY + OK, 1),
        (GET, OK + b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", 1),
        (GET, OK + TIMEOUT, 0),
        (GET[:-2], OK * 2, 1),  # answered before it was complete
        # Who knows what was asked there, and how often.
        (b"", OK, 0),
        (GET + b"GE", OK * 2, 0),
        (GET + b"\x16\x03\x01\n", OK * 2, 0),
    ],
)
def test_an_answer_that_nobody_asked_for_is_an_error(up, down, unasked):
    errors = [f for f in converse(up, down).down.errors if f.name == "response"]
    assert [(f.error, f.reference) for f in errors] == [
        ("no request asks for this answer", "RFC 9112 §9.2")
    ] * unasked
    missing = converse(up, down, missing=("3 bytes are missing", ""))
    assert not any("no request" in f.error for f in missing.errors)


@pytest.mark.parametrize("up", [b"", b"\x00\xff" * 50, b"GET"])
@pytest.mark.parametrize("down", [b"", b"HTTP/1.1 101 x\r\n\r\n\x88", b"\x16\x03\x01" * 9])
def test_nonsense_raises_nothing(up, down):
    conversation = converse(up, down)
    assert conversation.up.root.stop == len(up) * 8
    assert conversation.down.root.stop == len(down) * 8
