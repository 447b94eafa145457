from __future__ import annotations

from rtlab.render.labels import MOST, Label, Labels
from tests.recordings import ASK, STREAM, chunk, lesson, message, recorded


def labels(recording):
    names = Labels(recording, recording.segments)
    return [names.of(segment) for segment in recording.segments]


def test_each_segment_is_named_by_what_begins_in_it() -> None:
    assert labels(lesson(30)) == [
        Label("GET /chat", False),
        Label("101 Switching Protocols", False),
        Label("text", False),
        Label("message 7", True),
        Label("close 1000", False),
        Label("close 1000", False),
        Label("FIN", False),
        Label("FIN", False),
    ]


def test_what_goes_on_in_a_segment_is_not_named_again() -> None:
    event = chunk(b"id: 1\ndata: " + message(1) + b"\n\n")
    found = labels(
        recorded(
            ("up", 0, 1, ASK[:9]),
            ("up", 1, 2, ASK[9:]),
            ("down", 2, 3, STREAM + event[:20]),
            ("down", 4, 5, event[20:]),
        )
    )
    assert [label.words for label in found] == ["GET /events", "", "200 OK, event 1", ""]
    assert [label.news for label in found] == [False, False, True, False]


def test_of_many_the_first_and_the_last_are_named() -> None:
    events = b"".join(chunk(b"id: %d\ndata: x\n\n" % n) for n in range(MOST + 5))
    found = labels(recorded(("up", 0, 1, ASK), ("down", 2, 3, STREAM), ("down", 4, 5, events)))
    assert found[-1].words == f"event 0, event 1, … event {MOST + 4}"


def test_without_the_beginning_the_feeds_messages_are_still_known() -> None:
    recording = recorded(("down", 0, 1, b"lost"), ("down", 2, 3, chunk(b"data: " + message(9))))
    recording.clear()
    late = recorded(("down", 2, 3, b"x" * 5), ("down", 4, 5, b"data: " + message(9) + b"\n\n"))
    names = Labels(recording, late.segments)
    assert [names.of(segment) for segment in late.segments] == [
        Label("", False),
        Label("message 9", True),
    ]
