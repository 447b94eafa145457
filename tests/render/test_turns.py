from __future__ import annotations

import pytest

from rtlab.link.recording import Recording
from rtlab.render.names import messages
from rtlab.render.turns import first_turns, turns
from tests.recordings import ASK, STREAM, chunk, lesson, message, recorded


def said(recording: Recording) -> list[tuple[str, str]]:
    return [(turn.direction, turn.what) for turn in turns(recording)]


def test_a_handshake_and_what_follows_it_are_turns_with_their_times() -> None:
    found = turns(lesson(30))
    assert [(turn.direction, turn.what) for turn in found] == [
        ("up", "GET /chat"),
        ("down", "101 Switching Protocols"),
        ("up", "text"),
        ("down", "message 7"),
        ("up", "close 1000"),
        ("down", "close 1000"),
        ("up", "FIN"),
        ("down", "FIN"),
    ]
    assert [turn.sent_ns for turn in found[:3]] == [0, 31_000_000, 62_000_000]
    assert [turn.arrived_ns for turn in found[:3]] == [30_000_000, 61_000_000, 92_000_000]
    assert found[2].content == b"Hello"  # as the application gets it: unmasked
    assert found[3].content == message(7)
    assert found[5].content == b""  # a close without a reason
    assert sum(turn.size for turn in found if turn.direction == "up") == 161 + 11 + 8


def test_events_are_turns_and_their_size_is_that_of_their_chunks() -> None:
    events = [b": hi\nretry: 100\n\n", b"id: 4\ndata: " + message(4) + b"\n\n", b"data: x\n\n"]
    recording = recorded(
        ("up", 0, 1, ASK),
        ("down", 2, 3, STREAM + chunk(events[0])),
        ("down", 4, 5, chunk(events[1])),
        ("down", 6, 7, chunk(events[2][:4])),
        ("down", 8, None, chunk(events[2][4:])),
    )
    found = turns(recording)
    assert [turn.what for turn in found] == [
        "GET /events",
        "200 OK",
        "reconnection time 100 ms",
        "event 4",
        "event 4",  # the id stands until another one comes
    ]
    assert [turn.size for turn in found[1:]] == [
        len(STREAM),
        *(len(chunk(event)) for event in events[:2]),
        len(chunk(events[2][:4]) + chunk(events[2][4:])),
    ]
    assert found[-1].sent_ns == 6_000_000
    assert found[-1].arrived_ns is None  # its second half never arrived
    assert [turn.carried for turn in found] == [[], [], [], [4], []]


@pytest.mark.parametrize("head", ["Content-Length: 9\r\n", ""])
def test_a_stream_that_is_not_chunked_has_events_too(head: str) -> None:
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{head}\r\n".encode()
    recording = recorded(("up", 0, 1, ASK), ("down", 2, 3, answer + b"data: 1\n\n"))
    assert [turn.what for turn in turns(recording)] == ["GET /events", "200 OK", "event"]
    assert turns(recording)[-1].start == len(answer)


def test_a_list_of_messages_is_named_by_their_numbers() -> None:
    body = b"[" + message(3) + b"," + message(4) + b"]"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    recording = recorded(("up", 0, 1, ASK), ("down", 2, 3, answer))
    assert said(recording)[-1] == ("down", "200 OK, messages 3–4")
    assert messages([]) == ""


def test_a_token_in_a_url_is_blotted_out() -> None:
    recording = recorded(("up", 0, 1, b"GET /x?token=SECRET HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert said(recording) == [("up", "GET /x?token=******")]


def test_connections_are_told_apart_and_stand_in_the_order_of_time() -> None:
    both = recorded(("up", 5, 6, ASK))
    recorded(("up", 1, 2, ASK), ("up", 9, 9, "cut"), number=2, into=both)
    assert [(turn.connection, turn.what) for turn in turns(both)] == [
        (2, "GET /events"),
        (1, "GET /events"),
        (2, "cut"),
    ]


def test_the_first_turns_are_those_of_the_whole_recording() -> None:
    pieces = [("up", 0, 1, ASK), ("down", 2, 3, STREAM)]
    pieces += [
        ("down", 4 + n, 5 + n, data)
        for n in range(1000)
        for data in (b"13\r\nid: %03d\n" % n, b"data: %03d\n\n\r\n" % n)
    ]
    recording = recorded(*pieces)
    everything = turns(recording)
    assert len(everything) == 1002
    for count in (0, 1, 50, 51, 300, 900, 1002, 5000):
        found, complete = first_turns(recording, count)
        assert [t.what for t in found] == [t.what for t in everything[: len(found)]]
        assert [t.size for t in found] == [t.size for t in everything[: len(found)]]
        assert len(found) >= min(count, 1002)
        assert complete == (len(found) == 1002)
    assert len(first_turns(recording, 50)[0]) < 300  # and no more is read than it takes


def test_a_turn_that_is_longer_than_what_was_read_is_read_to_its_end() -> None:
    body = b"x" * 1000
    pieces = [
        ("up", 0, 1, ASK),
        ("down", 2, 3, b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n"),
    ]
    pieces += [("down", 4 + n, 5 + n, body) for n in range(500)]
    found, _ = first_turns(recorded(*pieces), 2)
    assert found[1].field is not None
    assert found[1].field.errors == []
    assert len(found[1].content) == 500_000
