from __future__ import annotations

import re

import pytest

from rtlab.link.recording import Recording
from rtlab.link.segment import Segment
from rtlab.render import segment_view
from rtlab.render.segment_view import MOST_TURNS, segment_html
from tests.recordings import ASK, STREAM, chunk, lesson, message, recorded


def opened(recording: Recording, place: int) -> str:
    return segment_html(recording, recording.segments[place])


def names(html: str) -> list[str]:
    """What each part is called, and what is said of its place."""
    found = re.findall(r"<summary><b>(.*?)</b> <small>[\d,]+ B(.*?)</small>", html)
    return [name + place for name, place in found]


def test_a_segment_shows_what_lies_in_it_and_nothing_else() -> None:
    recording = lesson()
    assert names(opened(recording, 0)) == ["GET /chat"]
    assert names(opened(recording, 2)) == ["text"]
    assert names(opened(recording, 3)) == ["message 7"]
    assert "37 fa 21 3d" in re.sub(r"<.*?>", "", opened(recording, 2))
    assert "unmasked" in opened(recording, 2)


def test_what_goes_on_in_other_segments_is_shown_whole() -> None:
    event = chunk(b"id: 1\ndata: " + message(1) + b"\n\n")
    recording = recorded(
        ("up", 0, 1, ASK),
        ("down", 2, 3, STREAM + event[:20]),
        ("down", 4, 5, event[20:]),
        ("down", 6, 7, event),
    )
    assert names(opened(recording, 1)) == ["200 OK", "event 1 (goes on in a later one)"]
    assert names(opened(recording, 2)) == ["event 1 (began in an earlier segment)"]
    assert names(opened(recording, 3)) == ["event 1"]
    assert "published_ns" in opened(recording, 1)


@pytest.mark.parametrize("ending", ["eof", "reset", "cut"])
def test_an_end_is_explained(ending: str) -> None:
    recording = recorded(("up", 0, 1, ASK), ("up", 2, 3, ending))
    assert {"eof": "FIN", "reset": "RST", "cut": "cut"}[ending] in opened(recording, 1)


def test_without_the_beginning_the_bytes_are_shown_as_they_are() -> None:
    recording = Recording()
    recording.add(Segment(1, "up", 90, 0, 0, b"some\x00bytes"))
    html = opened(recording, 0)
    assert "held no more" in html
    assert names(html) == ["bytes"]
    assert "73" in html and "00" in html


def test_a_segment_that_is_held_no_more_is_shown_all_the_same() -> None:
    segment = Segment(1, "up", 0, 0, 0, ASK)
    assert names(segment_html(Recording(), segment)) == ["GET /events"]


def test_a_connection_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_view, "MOST_READ", 100)
    assert names(opened(lesson(), 3)) == ["bytes"]
    assert "too much" in opened(lesson(), 3)


def test_of_many_the_first_are_shown() -> None:
    frames = b"\x81\x01x" * (MOST_TURNS + 7)
    first, second = lesson().segments[:2]
    recording = recorded(("up", 0, 1, first.data), ("down", 2, 3, second.data + frames))
    html = opened(recording, 1)
    assert len(names(html)) == MOST_TURNS
    assert "… and 8 more" in html


def test_logins_are_blotted_out_and_nothing_is_read_as_html() -> None:
    request = (
        b"GET /?token=hunter2&x=</script><script> HTTP/1.1\r\nHost: a\r\n"
        b"Cookie: a=hunter2\r\nAuthorization: Bearer hunter2\r\n\r\n"
    )
    recording = recorded(("up", 0, 1, request[:60]), ("up", 2, 3, request[60:]))
    for place in (0, 1):
        html = opened(recording, place)
        assert "hunter2" not in re.sub(r"<.*?>", "", html)
        assert "<script>" not in html.replace("<script>// Bytes", "")
