from __future__ import annotations

from asyncio import Future
from typing import Any

import pytest

from rtlab.link.recording import Recording
from rtlab.link.segment import Connection, Segment
from rtlab.widgets import tail as module
from rtlab.widgets.tail import FIRST, HISTORY, MOST, Row, Tail, thinned
from tests.recordings import ASK, MS, STREAM, chunk, lesson, message, recorded


def beat(tail: Tail, *, rested: bool = True) -> dict[str, Any]:
    if rested:
        tail._rest_until = 0.0
    news = tail.news()
    assert news is not None
    return news


def add(recording: Recording, data: bytes, *, offset: int = 0, forwarded: bool = True) -> Segment:
    segment = Segment(1, "down", offset, 5 * MS, None, data)
    recording.add(segment)
    if forwarded:
        recording.forwarded(segment, 85 * MS)
    return segment


def test_what_is_new_is_told_once_with_its_words() -> None:
    recording = lesson(80)
    tail = Tail(recording, 0)
    news = beat(tail)
    assert news["rows"][0] == [0, 1, True, 0.0, 80.0, 161, "", 0, 0, "", False]
    assert news["names"][:4] == [
        [0, "GET /chat", False],
        [1, "101 Switching Protocols", False],
        [2, "text", False],
        [3, "message 7", True],
    ]
    assert news["rows"][-1][6:] == ["eof", 0, 0, "", False]
    assert news["counts"] == {
        "up": recording.up.received,
        "down": recording.down.received,
        "open": 1,
        "note": "",
    }
    assert tail.news() is None


def test_all_there_is_has_words_and_times() -> None:
    tail = Tail(lesson(80), 0)
    tail.news()
    rows = tail.all()["rows"]
    assert [row[0] for row in rows] == list(range(8))
    assert rows[3][3:] == [243.0, 323.0, 37, "", 0, 0, "message 7", True]
    assert tail.all()["counts"]["open"] == 1


def test_what_is_under_way_arrives_later() -> None:
    recording = recorded(("up", 0, 1, ASK), ("down", 1, 2, STREAM))
    tail = Tail(recording, 0)
    tail.news()
    segment = add(recording, chunk(b"data: x\n\n"), offset=len(STREAM), forwarded=False)
    news = beat(tail)
    assert news["rows"][0][4] is None
    assert tail.news() is None
    recording.forwarded(segment, 85 * MS)
    news = beat(tail)
    assert news["on"] == [[2, 85.0]]
    assert news["rows"] == []
    assert tail.all()["rows"][2][4] == 85.0


def test_what_was_under_way_when_its_connection_closed_is_lost() -> None:
    recording = recorded(("up", 0, 1, ASK))
    tail = Tail(recording, 0)
    add(recording, STREAM, forwarded=False)
    tail.news()
    connection = recording.connection(1)
    assert connection is not None
    connection.closed_ns = 9 * MS
    news = beat(tail)
    assert news["on"] == [[1, False]]
    assert news["counts"]["open"] == 0
    assert tail.all()["rows"][1][4] is False


def many(count: int, direction: str = "down") -> Recording:
    pieces = [chunk(b"id: %d\ndata: " % n + message(n) + b"\n\n") for n in range(count)]
    return recorded(
        ("up", 0, 1, ASK), ("down", 0, 1, STREAM), *((direction, 2, 3, piece) for piece in pieces)
    )


def test_more_than_can_be_drawn_is_thinned_and_said() -> None:
    tail = Tail(many(500), 0)
    news = beat(tail)
    assert len(news["rows"]) == MOST + 1  # and the request
    assert sum(1 + row[7] for row in news["rows"]) == 502
    assert (
        sum(row[5] + row[8] for row in news["rows"]) == tail.counts()["up"] + tail.counts()["down"]
    )
    assert f"{502 - MOST - 1:,} segments came too fast to be drawn" in news["counts"]["note"]
    drawn = {row[0] for row in news["rows"]}
    assert {number for number, *_ in news["names"]} == drawn
    assert all("event" in words for number, words, _ in news["names"] if number > 1)


def test_what_came_slowly_before_anybody_looked_is_all_drawn() -> None:
    recording = Recording()
    for number in range(500):
        recording.add(Segment(1, "up", number, number * 20 * MS, number * 20 * MS, b"x"))
    news = beat(Tail(recording, 0))
    assert len(news["rows"]) == 500
    assert news["counts"]["note"] == ""


def test_a_flood_is_not_read_and_what_comes_after_it_is_not_misnamed() -> None:
    recording = many(5000)
    tail = Tail(recording, 0)
    assert len(tail.all()["rows"]) == 0
    news = beat(tail)
    assert news["rows"][0][0] >= 5002 - FIRST
    assert {words for _, words, _ in news["names"]} <= {f"message {n}" for n in range(5000)}
    assert "of #1 not all was read" in news["counts"]["note"]


def test_a_flood_between_two_beats_is_not_read_either() -> None:
    recording = recorded(("up", 0, 1, ASK), ("down", 0, 1, STREAM))
    tail = Tail(recording, 0)
    tail.news()
    at = len(STREAM)
    for _ in range(FIRST + 500):
        add(recording, chunk(b"data: x\n\n"), offset=at)
        at += len(chunk(b"data: x\n\n"))
    news = beat(tail)
    assert len(news["rows"]) == MOST
    assert "of #1 not all was read" in news["counts"]["note"]


def test_what_was_dropped_unseen_is_counted() -> None:
    recording = Recording(limit=5000)
    tail = Tail(recording, 0)
    for place in range(100):
        add(recording, b"x" * 100, offset=place * 100)
    news = beat(tail)
    assert f"{100 - len(news['rows']):,} segments came too fast" in news["counts"]["note"]


def test_only_so_many_are_kept() -> None:
    recording = recorded(("up", 0, 1, ASK))
    tail = Tail(recording, 0)
    at = 0
    for _ in range(HISTORY // MOST + 20):
        for _ in range(MOST):
            add(recording, b"x", offset=at, forwarded=False)
            at += 1
        tail.news()
    assert len(tail._rows) == len(tail._under_way) == HISTORY
    assert tail.all()["rows"][-1][0] == recording.added - 1


def test_a_cleared_recording_goes_on() -> None:
    recording = recorded(("up", 0, 1, ASK), ("down", 0, 1, STREAM))
    tail = Tail(recording, 0)
    tail.news()
    recording.clear()
    assert tail.news() is None
    add(recording, chunk(b"id: 4\ndata: x\n\n"), offset=len(STREAM))
    news = beat(tail)
    assert news["names"] == [[2, "event 4", False]]


def test_thinning_keeps_every_end_and_is_even() -> None:
    rows = [Row(n, Segment(1, "up", n, n, n, b"x")) for n in range(100)]
    rows.append(Row(100, Segment(1, "up", 100, 100, 100, b"", "cut")))
    kept = thinned(rows, most=10)
    assert [row.number for row in kept] == [*range(0, 100, 10), 100]
    assert [row.more for row in kept] == [9] * 10 + [0]
    assert [row.rest for row in kept] == [9] * 10 + [0]
    later = Row(101, Segment(1, "up", 100, 10**9, None, b"x"))
    assert thinned([*rows, later], most=10)[-1] is later
    assert thinned([], most=10) == []
    assert thinned(rows[:10], most=10) == rows[:10]


def test_long_words_are_cut() -> None:
    request = b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    news = beat(Tail(recorded(("up", 0, 1, request)), 0))
    assert len(news["names"][0][1]) == module.LONGEST


class Later:
    """A thread that works when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, Future[Any]]] = []

    def __call__(self, work: Any) -> Future[Any]:
        import asyncio

        future: Future[Any] = Future(loop=asyncio.new_event_loop())
        self.waiting.append((work, future))
        return future

    def work(self) -> None:
        for work, future in self.waiting:
            future.set_result(work())
            future.get_loop().close()
        self.waiting.clear()


def test_another_thread_names_one_batch_at_a_time() -> None:
    recording = recorded(("up", 0, 1, ASK), ("down", 0, 1, STREAM))
    tail, thread = Tail(recording, 0), Later()
    news = tail.news(thread)
    assert news is not None
    assert news["names"] == []
    add(recording, chunk(b"id: 4\ndata: x\n\n"), offset=len(STREAM))
    news = tail.news(thread)
    assert news is not None and news["names"] == []
    assert len(thread.waiting) == 1
    thread.work()
    tail._rest_until = 0.0
    news = tail.news(thread)
    assert news is not None
    assert [words for _, words, _ in news["names"]] == ["GET /events", "200 OK"]
    thread.work()
    news = tail.news(thread)
    assert news is not None
    assert news["names"] == [[2, "event 4", False]]


def test_naming_rests_as_long_as_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def tick() -> float:
        clock[0] += 1.0
        return clock[0]

    monkeypatch.setattr(module.time, "perf_counter", tick)
    recording = recorded(("up", 0, 1, ASK))
    tail = Tail(recording, 0)
    news = beat(tail, rested=False)
    assert news["names"]
    took = 1.0
    until = tail._rest_until
    assert until >= clock[0] + module.SHARE * took - 1
    add(recording, STREAM)
    news = beat(tail, rested=False)
    assert news["names"] == []
    clock[0] = until
    news = beat(tail, rested=False)
    assert news["names"] == [[1, "200 OK", False]]


def test_if_naming_fails_arrows_go_on_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = recorded(("up", 0, 1, ASK))
    tail = Tail(recording, 0)
    monkeypatch.setattr(tail._labels, "name", lambda: 1 / 0)
    news = beat(tail)
    assert news["rows"] and not news["names"]
    add(recording, b"data: " + message(4), offset=50)
    news = beat(tail)
    assert news["names"] == [[1, "message 4", True]]


def test_a_connection_that_is_not_known_has_lost_what_was_under_way() -> None:
    recording = Recording()
    recording.add_connection(Connection(1, ("a", 1), ("b", 2), 0))
    recording.add(Segment(2, "up", 0, 0, None, ASK))
    tail = Tail(recording, 0)
    news = beat(tail)
    assert news["on"] == [[0, False]]
