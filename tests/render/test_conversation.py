from __future__ import annotations

import pytest

import rtlab
from rtlab import examples
from rtlab.errors import UsageError
from rtlab.render.conversation import conversation
from tests.recordings import chunk, lesson, recorded
from tests.render.test_byte_view import Page


def test_a_line_says_when_who_what_and_how_much() -> None:
    lines = conversation(lesson(30)).text.splitlines()
    assert lines[0].split() == ["sent", "arrived", "conn", "from", "what", "bytes", "content"]
    assert " ".join(lines[1].split()) == "0.00 ms 30.00 ms #1 client GET /chat 161"
    assert " ".join(lines[3].split()) == "62.00 ms 92.00 ms #1 client text 11 Hello"
    assert " ".join(lines[7].split()) == "186.00 ms 216.00 ms #1 client FIN 0"
    assert len(lines) == 9


def test_each_line_opens_and_shows_its_bytes() -> None:
    shown = conversation(lesson(30))
    page = Page(shown.html)
    assert page.open == []
    for part in ("GET /chat", "101 Switching Protocols", "Sec-WebSocket-Key", "'Hello'", "FIN"):
        assert part in page.text
    assert page.opened == 0
    assert shown._repr_html_() == shown.html
    assert repr(shown) == shown.text


def test_what_is_wrong_is_seen_without_opening_anything() -> None:
    wrong = recorded(
        ("up", 0, 1, examples.LESSON_REQUEST),
        ("down", 2, 3, examples.LESSON_RESPONSE),
        ("down", 4, 5, examples.MASKED_HELLO),
    )
    shown = conversation(wrong)
    assert "!! a server must not mask" in shown.text
    assert "✗ 1" in Page(shown.html).text


def test_a_window_is_shown_and_says_how_to_go_on() -> None:
    recording = lesson(30)
    assert "Lines 2 to 4 of 8; conversation(first=5) goes on." in conversation(
        recording, first=2, count=3
    ).text.replace("\n", " ")
    assert "Lines 6 to 7 of 8." in conversation(recording, first=6).text
    assert "goes on" not in conversation(recording).text
    assert len(conversation(recording, first=2, count=None).text.splitlines()) == 8
    assert "none of them is shown" in conversation(recording, first=99).text
    assert "Nothing was said" in conversation(rtlab.Recording()).text
    assert "Nothing was said" in Page(conversation(rtlab.Recording()).html).text


def test_of_a_long_recording_no_more_is_read_than_is_shown(monkeypatch) -> None:
    events = [("down", n, n, chunk(b"id: %d\ndata: x\n\n" % n)) for n in range(2, 5000)]
    recording = recorded(
        ("up", 0, 0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "down",
            1,
            1,
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n",
        ),
        *events,
    )
    read = []
    dissect = rtlab.Recording.dissect
    monkeypatch.setattr(
        rtlab.Recording, "dissect", lambda self: (read.append(len(self)), dissect(self))[1]
    )
    text = conversation(recording).text
    assert "event 40" in text
    assert "Lines 0 to 49; conversation(first=50) goes on." in text
    assert max(read) < 500


def test_bad_arguments_are_named() -> None:
    with pytest.raises(UsageError, match="first must be a whole number of turns"):
        conversation(lesson(30), first=-1)
    with pytest.raises(UsageError, match="count"):
        conversation(lesson(30), count=1.5)  # type: ignore[arg-type]


def test_a_recording_is_shown_as_its_conversation(tmp_path) -> None:
    recording = lesson(30)
    assert "GET /chat" in recording._repr_html_()
    recording.conversation(first=2).save(tmp_path / "c.html")
    saved = (tmp_path / "c.html").read_text("utf-8")
    assert saved.startswith("<!doctype html>")
    assert "Hello" in saved


def test_a_message_that_never_arrived_says_so() -> None:
    lost = recorded(("up", 0, None, examples.LESSON_REQUEST))
    assert "never" in conversation(lost).text
    assert "arrived: never" in conversation(lost).html
