from __future__ import annotations

import asyncio

import pytest

import rtlab
from rtlab.dissect.conversation import converse


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


def test_an_answer_to_head_has_no_body():
    up = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    down = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    )
    conversation = converse(up, down)
    assert conversation.errors == []
    assert names(conversation.down.root) == ["response", "response"]


@pytest.mark.parametrize("up", [b"", b"\x00\xff" * 50, b"GET"])
@pytest.mark.parametrize("down", [b"", b"HTTP/1.1 101 x\r\n\r\n\x88", b"\x16\x03\x01" * 9])
def test_nonsense_raises_nothing(up, down):
    conversation = converse(up, down)
    assert conversation.up.root.stop == len(up) * 8
    assert conversation.down.root.stop == len(down) * 8
