"""Conversations over HTTP/2: what each frame carries, and on which stream."""

from __future__ import annotations

import pytest

import rtlab
from rtlab.link.recording import Recording
from rtlab.render.labels import Labels
from rtlab.render.turns import turns
from rtlab.transports import http2
from tests.dissect import http2_frames as h
from tests.recordings import message, recorded
from tests.transports.helpers import until

GET = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/events?token=S")]
STREAM = [(":status", "200"), ("content-type", "text/event-stream")]


def event(seq: int) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (seq, message(seq))


def web_socket_frame(data: bytes, opcode: int = 1) -> bytes:
    return bytes([0x80 | opcode, len(data)]) + data


UP = [
    h.client(),
    h.headers(GET, flags=5),
    h.headers(h.CONNECT, stream=3),
    h.data(b"\x81\x80\0\0\0\0", stream=3),
    h.frame(h.PING, bytes(8)),
    h.frame(h.RST_STREAM, (8).to_bytes(4, "big"), stream=1),
    h.frame(h.WINDOW_UPDATE, (66_000).to_bytes(4, "big")),
    h.frame(h.WINDOW_UPDATE, (5).to_bytes(4, "big"), stream=3),
    h.frame(h.GOAWAY, bytes(8)),
    h.frame(0x4D, b"?", stream=3),
]
DOWN = [
    h.server(h.settings(flags=h.ACK)),
    h.headers(STREAM),
    h.data(b": hi\nretry: 100\n\n"),
    h.data(event(4)),
    h.data(event(5) + event(6)),
    h.data(event(7)[:30]),
    h.data(event(7)[30:] + event(8)),
    h.headers(h.OK, stream=3),
    h.data(web_socket_frame(message(9)), stream=3),
    h.data(web_socket_frame(b"hi") + web_socket_frame(b"", 9), stream=3),
    h.data(web_socket_frame(b"\x03\xe9bye", 8), stream=3, flags=h.END_STREAM),
    h.headers(h.OK, stream=5),
    h.data(b"[" + message(2) + b"," + message(3) + b"]", stream=5, flags=h.END_STREAM),
    h.frame(h.PING, bytes(8), flags=h.ACK),
    h.frame(h.GOAWAY, (5).to_bytes(4, "big") + (11).to_bytes(4, "big") + b"calm"),
]
SAID_UP = [
    "connection preface",
    "SETTINGS",
    "HEADERS GET /events?token=* (stream 1)",
    "HEADERS CONNECT /chat (stream 3)",
    "text (stream 3)",
    "PING",
    "RST_STREAM CANCEL (stream 1)",
    "WINDOW_UPDATE +66,000",
    "WINDOW_UPDATE +5 (stream 3)",
    "GOAWAY NO_ERROR",
    "unknown type 0x4d (stream 3)",
]
SAID_DOWN = [
    "SETTINGS",
    "SETTINGS ACK",
    "HEADERS 200 (stream 1)",
    "reconnection time 100 ms (stream 1)",
    "event 4 (stream 1)",
    "event 5, event 6 (stream 1)",
    "DATA (stream 1)",
    "event 7, event 8 (stream 1)",
    "HEADERS 200 (stream 3)",
    "message 9 (stream 3)",
    "text, ping (stream 3)",
    "close 1001, END_STREAM (stream 3)",
    "HEADERS 200 (stream 5)",
    "DATA, messages 2–3, END_STREAM (stream 5)",
    "PING ACK",
    "GOAWAY ENHANCE_YOUR_CALM",
]


def conversation() -> Recording:
    return recorded(
        *(("up", place, place + 1, data) for place, data in enumerate(UP)),
        *(("down", 20 + place, 21 + place, data) for place, data in enumerate(DOWN)),
    )


def test_every_frame_is_named_by_what_it_carries() -> None:
    found = turns(conversation())
    assert [turn.what for turn in found if turn.direction == "up"] == SAID_UP
    assert [turn.what for turn in found if turn.direction == "down"] == SAID_DOWN


def test_the_content_is_what_the_application_gets() -> None:
    found = {turn.what: turn for turn in turns(conversation())}
    assert found["event 4 (stream 1)"].content == message(4)
    assert found["event 5, event 6 (stream 1)"].content == message(5) + b"\n" + message(6)
    assert found["message 9 (stream 3)"].content == message(9)
    assert found["close 1001, END_STREAM (stream 3)"].content == b"bye"
    assert found["HEADERS 200 (stream 1)"].content == b""
    assert found["SETTINGS"].content == b""
    carried = {turn.what: turn.carried for turn in turns(conversation()) if turn.carried}
    assert carried == {
        "event 4 (stream 1)": [4],
        "event 5, event 6 (stream 1)": [5, 6],
        "event 7, event 8 (stream 1)": [7, 8],
        "message 9 (stream 3)": [9],
        "DATA, messages 2–3, END_STREAM (stream 5)": [2, 3],
    }


def test_sizes_are_those_of_whole_frames_and_add_up() -> None:
    recording = conversation()
    for direction, sent in (("up", UP), ("down", DOWN)):
        found = [turn for turn in turns(recording) if turn.direction == direction]
        assert sum(turn.size for turn in found) == sum(map(len, sent))
        starts = [turn.start for turn in found]
        assert starts == sorted(starts)


def test_a_connection_that_is_cut_off_is_named_as_far_as_it_goes() -> None:
    for length in range(len(b"".join(DOWN))):
        recording = recorded(
            ("up", 0, 1, b"".join(UP)), ("down", 2, 3, b"".join(DOWN)[:length] or b"\0")
        )
        for turn in turns(recording):
            assert turn.what


def test_the_labels_of_a_ladder_are_these_names() -> None:
    recording = recorded(("up", 0, 1, b"".join(UP[:3])), ("down", 2, 3, b"".join(DOWN[:4])))
    names = Labels(recording, recording.segments)
    up, down = (names.of(segment) for segment in recording.segments)
    assert up.words == "connection preface, SETTINGS, … HEADERS CONNECT /chat (stream 3)"
    assert down.words == "SETTINGS, SETTINGS ACK, … event 4 (stream 1)"
    assert (up.news, down.news) == (False, True)


@pytest.mark.parametrize("token", [None, "s3cret"])
async def test_a_real_conversation_can_be_read(token: str | None) -> None:
    with rtlab.Lab("http2", token=token) as lab:
        async with http2.session(lab.url("http2")) as session:
            streams = [session.subscribe(over=over) for over in ("sse", "websocket")]
            for number in (1, 2):
                lab.publish(number)
                for stream in streams:
                    assert (await anext(stream)).message.seq == number
            for stream in streams:
                await stream.aclose()
        await until(lambda: lab.recording("http2").open_connections == 0)
        recording = lab.recording("http2")
        query = "" if token is None else "?token=******"
        text = repr(recording.conversation(count=None))
        for words in (
            f"HEADERS GET /events{query} (stream 1)",
            f"HEADERS CONNECT /chat{query} (stream 3)",
            "event 2 (stream 1)",
            "message 2 (stream 3)",
            "RST_STREAM CANCEL (stream 1)",
            "close 1000 (stream 3)",
            '{"seq":2,"published_ns":',
        ):
            assert words in text
        assert "s3cret" not in text
        assert "!!" not in text
        assert "event 2 (stream 1)" in lab.ladder("http2").text
