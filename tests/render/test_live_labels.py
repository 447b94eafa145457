"""What is named as it comes must be named as when all is there."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rtlab
from rtlab.arguments import TRANSPORTS
from rtlab.link.recording import Recording
from rtlab.link.segment import Segment
from rtlab.render.labels import Label, Labels
from rtlab.render.live_labels import LIMIT, LiveLabels
from tests.recordings import ASK, STREAM, chunk, lesson, message, recorded

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def at_once(recording: Recording) -> list[Label]:
    labels = Labels(recording, recording.segments)
    return [labels.of(segment) for segment in recording.segments]


def as_it_comes(recording: Recording, often: float = 1.0, live: LiveLabels | None = None):
    """Name segments one after another; ``often`` is the share of them after which names are asked
    for."""
    live, chance = live or LiveLabels(), random.Random(1)
    found: dict[int, Label] = {}
    for number, segment in enumerate(recording.segments):
        live.add(number, segment)
        if chance.random() < often:
            found |= live.name()
    found |= live.name()
    return [found[number] for number in range(len(recording.segments))]


async def talk(lab: rtlab.Lab, name: str) -> Recording:
    """Let a client hear 40 messages, cut it once, and say something itself."""
    options = {"period": 0.01} if name == "polling" else {}
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rtlab.receive(lab.url(name), name, 40, lab.feed.last, **options))
        for number in range(40):
            await asyncio.sleep(0.005)
            lab.publish({"number": number})
            if number == 20:
                lab.cut(name)
        await rtlab.send(lab.url(name), name, "from the client")
        lab.publish("one more")
    return lab.recording(name)


@pytest.mark.parametrize("name", TRANSPORTS)
async def test_real_traffic_is_named_as_when_all_is_there(name: str) -> None:
    with rtlab.Lab(name) as lab:
        await talk(lab, name)
    recording = lab.recording(name)
    assert len(recording) > 20
    expected = at_once(recording)
    assert any(label.news for label in expected)
    for often in (1.0, 0.3, 0.0):
        assert as_it_comes(recording, often) == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.sampled_from(["frames", "events", "exchanges"]), st.integers(0, 9))
def test_however_the_bytes_are_cut_into_segments(size: int, kind: str, seed: int) -> None:
    whole = {"frames": lesson(), "events": events(6), "exchanges": exchanges(5)}[kind]
    recording, chance = Recording(), random.Random(seed)
    for segment in whole.segments:
        at = 0
        while at < len(segment.data) or segment.end is not None:
            stop = at + chance.randint(1, size)
            data = segment.data[at:stop]
            times = segment.received_ns, segment.forwarded_ns
            offset = segment.offset + at
            piece = Segment(1, segment.direction, offset, *times, data, segment.end)
            recording.add(piece)
            at = stop
            if segment.end is not None:
                break
    assert as_it_comes(recording) == at_once(recording)


def events(count: int) -> Recording:
    pieces = [chunk(b"id: %d\ndata: " % n + message(n) + b"\n\n") for n in range(count)]
    return recorded(
        ("up", 0, 1, ASK),
        ("down", 2, 3, STREAM + pieces[0]),
        *(("down", 4 + n, 5 + n, piece) for n, piece in enumerate(pieces[1:])),
    )


def exchanges(count: int) -> Recording:
    pieces = []
    for number in range(count):
        ask = b"GET /messages?since=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number
        early = b"HTTP/1.1 103 Early Hints\r\n\r\n" if number % 2 else b""
        pieces += [("up", number, number, ask), ("down", number, number, early + ANSWER)]
    return recorded(*pieces)


def test_what_is_kept_of_a_connection_does_not_grow() -> None:
    for whole in (events(500), exchanges(500)):
        live = LiveLabels()
        kept = []
        for number, segment in enumerate(whole.segments):
            live.add(number, segment)
            live.name()
            kept.append(live._open[1].size)
        assert max(kept) < 1000


def test_a_message_in_several_frames_is_named_when_it_is_complete() -> None:
    def frame(first: int, data: bytes) -> bytes:
        return bytes([first, len(data)]) + data

    asked, answered = lesson().segments[:2]
    parts = [frame(0x01, message(3)[:9]), frame(0x89, b""), frame(0x80, message(3)[9:])]
    recording = recorded(
        ("up", 0, 1, asked.data),
        ("down", 1, 2, answered.data),
        *(("down", n, n, part) for n, part in enumerate(parts * 5, 3)),
    )
    assert sum(label.news for label in at_once(recording)) == 5
    assert as_it_comes(recording) == at_once(recording)


def test_only_labels_that_are_asked_for_are_told() -> None:
    whole, expected = events(30), at_once(events(30))
    live, found = LiveLabels(), {}
    for number, segment in enumerate(whole.segments):
        live.add(number if number % 3 == 0 else None, segment)
        found |= dict(live.name())
    assert found == {number: expected[number] for number in range(0, len(expected), 3)}
    live.add(None, Segment(9, "up", 50, 0, 0, b"no beginning"))
    assert live.name() == []


def test_several_events_in_one_chunk_are_each_named_once() -> None:
    three = chunk(b"".join(b"id: %d\ndata: x\n\n" % n for n in range(3)))
    recording = recorded(
        ("up", 0, 1, ASK), ("down", 1, 2, STREAM), *(("down", n, n, three) for n in range(2, 6))
    )
    assert as_it_comes(recording) == at_once(recording)
    assert as_it_comes(recording)[2].words == "event 0, event 1, event 2"


def test_events_that_lie_across_chunks_are_named_where_they_begin() -> None:
    stream = b"".join(b"id: %d\ndata: some more words\n\n" % n for n in range(20))
    pieces = [chunk(stream[at : at + 45]) for at in range(0, len(stream), 45)]
    recording = recorded(
        ("up", 0, 1, ASK), ("down", 1, 2, STREAM), *(("down", 3, 3, piece) for piece in pieces)
    )
    assert as_it_comes(recording) == at_once(recording)


def test_an_event_stream_with_a_length_is_read_to_its_end() -> None:
    stream = b"id: 1\ndata: x\n\nid: 2\ndata: y\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n"
    recording = recorded(
        ("up", 0, 1, ASK),
        ("down", 1, 2, head % len(stream) + stream[:15]),
        ("down", 2, 3, stream[15:]),
        ("up", 3, 4, ASK),
        ("down", 4, 5, ANSWER),
    )
    assert as_it_comes(recording) == at_once(recording)


async def test_compressed_messages_are_named_as_well() -> None:
    with rtlab.Lab("websocket", deflate=True) as lab:
        async with asyncio.TaskGroup() as tasks:
            url = lab.url("websocket")
            tasks.create_task(rtlab.receive(url, "websocket", 10, lab.feed.last, deflate=True))
            for number in range(10):
                await asyncio.sleep(0.01)
                lab.publish(["the same words again", number])
    recording = lab.recording("websocket")
    expected = at_once(recording)
    assert sum(label.news for label in expected) > 1
    assert as_it_comes(recording) == expected


def test_of_a_connection_without_its_beginning_messages_are_still_known() -> None:
    late = [
        Segment(3, "down", 50, 0, 0, b"data: " + message(9) + b"\n\n"),
        Segment(3, "up", 9, 0, 0, b"x"),
    ]
    live = LiveLabels()
    for number, segment in enumerate(late):
        live.add(number, segment)
    assert live.name() == [(0, Label("message 9", True)), (1, Label("", False))]
    assert live.unread == {3}
    for direction in ("up", "down"):
        live.add(2, Segment(3, direction, 99, 0, 0, b"", "cut"))
    assert [label.words for _, label in live.name()] == ["cut", "cut"]
    assert live.unread == set()


def test_after_a_gap_only_messages_are_known() -> None:
    live = LiveLabels()
    live.add(0, Segment(1, "up", 0, 0, 0, ASK))
    assert live.name() == [(0, Label("GET /events", False))]
    live.add(1, Segment(1, "up", len(ASK) + 1, 0, 0, b"ET /events HTTP/1.1\r\n"))
    live.add(2, Segment(1, "down", 0, 0, 0, b"data: " + message(2)))
    assert live.name() == [(1, Label("", False)), (2, Label("message 2", True))]
    assert live.unread == {1}


def test_too_much_that_is_not_finished_is_given_up() -> None:
    live = LiveLabels()
    live.add(0, Segment(1, "up", 0, 0, 0, ASK))
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"
    live.add(1, Segment(1, "down", 0, 0, 0, head))
    assert live.name() == [(0, Label("GET /events", False)), (1, Label("200 OK", False))]
    live.add(2, Segment(1, "down", len(head), 0, 0, bytes(LIMIT)))
    assert live.name() == [(2, Label("", False))]
    assert live.unread == {1}
    live.add(3, Segment(1, "down", len(head) + LIMIT, 0, 0, message(4)))
    assert live.name() == [(3, Label("message 4", True))]
    assert not live._open


def test_nothing_is_left_of_connections_that_ended() -> None:
    live = LiveLabels()
    as_it_comes(lesson(), live=live)
    assert not live._open and not live.unread


def test_a_connection_on_which_nothing_was_said_leaves_nothing_either() -> None:
    live = LiveLabels()
    for number, direction in enumerate(("up", "down", "up")):
        live.add(number, Segment(1, direction, 0, 0, 0, b"", "cut"))
    assert [label.words for _, label in live.name()] == ["cut"] * 3
    assert not live._open and not live.unread
