"""The live ladder without a browser: what a page would be told, over real links."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Sequence
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

import rtlab
from rtlab.errors import NotRunning, UsageError
from rtlab.widgets import LiveLadder
from tests.ports import free_port
from tests.widgets.pages import Page


class Reader(Page):
    """A page whose reader looks at segments."""

    def __init__(self, view: LiveLadder) -> None:
        super().__init__(view)
        self.view = view
        self.threads: set[str] = set()

    def _hear(self, content: dict[str, Any], buffers: Sequence[bytes]) -> None:
        self.threads.add(threading.current_thread().name)
        super()._hear(content, buffers)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [content for content in list(self.told) if content["kind"] == kind]

    def again(self) -> dict[str, Any]:
        """Load the page again, and return the snapshot that it gets."""
        before = len(self.of("snapshot"))
        self.say(kind="ready")
        self.until(lambda: len(self.of("snapshot")) > before)
        return self.of("snapshot")[-1]

    def rows(self, lane: int = 0) -> list[list[Any]]:
        return [
            row
            for news in self.of("news")
            if news["lanes"][lane]
            for row in news["lanes"][lane]["rows"]
        ]

    def words(self, lane: int = 0) -> dict[int, str]:
        lanes = [news["lanes"][lane] for news in self.of("news")]
        return {number: words for news in lanes if news for number, words, _ in news["names"]}

    def bytes(self, number: int, lane: int = 0) -> str:
        before = len(self.of("bytes"))
        self.say(kind="open", lane=lane, number=number)
        self.until(lambda: len(self.of("bytes")) > before)
        answer = self.of("bytes")[-1]
        assert (answer["lane"], answer["number"], answer["for"]) == (lane, number, "page")
        return str(answer["html"])


def text(html: str) -> str:
    return unescape(re.sub(r"<(style|script).*?</\1>|<.*?>", "", html, flags=re.DOTALL))


def test_what_crosses_a_link_is_told_as_it_happens(lab: rtlab.Lab) -> None:
    page = Reader(LiveLadder(lab, "sse"))
    assert page.open()["lanes"] == [
        {"rows": [], "counts": {"up": 0, "down": 0, "open": 0, "note": ""}}
    ]
    lab.publish({"price": 1})
    asyncio.run(rtlab.receive(lab.url("sse"), "sse", 1))
    page.until(lambda: "event 1" in " ".join(page.words().values()))
    numbers = [row[0] for row in page.rows()]
    assert numbers == sorted(set(numbers))
    page.until(lambda: len(page.rows()) == lab.recording("sse").added)
    assert page.words()[0] == "GET /events"
    marks = [mark for news in page.of("news") for mark in news["marks"]]
    assert [seq for seq, _ in marks] == [1]
    page.until(lambda: any((n["lanes"][0] or {}).get("counts") for n in page.of("news")))
    assert {name.split("_")[0] for name in page.threads} <= {"rtlab"}


def test_a_page_that_comes_later_gets_all_of_it(lab: rtlab.Lab) -> None:
    lab.publish({"price": 1})
    asyncio.run(rtlab.receive(lab.url("sse"), "sse", 1))
    page = Reader(LiveLadder(lab, "sse"))
    page.open()
    page.until(lambda: page.words())
    again = page.again()
    rows = again["lanes"][0]["rows"]
    assert rows[0][9] == "GET /events"
    assert [row[0] for row in rows] == list(range(lab.recording("sse").added))
    assert again["marks"][0][0] == 1
    assert again["now"] >= rows[-1][3]
    assert again["lanes"][0]["counts"]["down"] == lab.recording("sse").down.received


def test_a_late_page_does_not_take_news_from_the_others(lab: rtlab.Lab) -> None:
    page = Reader(LiveLadder(lab, "websocket"))
    page.open()
    for number in range(5):
        asyncio.run(rtlab.send(lab.url("websocket"), "websocket", number))
        page.say(kind="ready")
    page.until(lambda: len(page.of("snapshot")) == 6)
    page.until(lambda: len(page.rows()) == lab.recording("websocket").added)
    numbers = [row[0] for row in page.rows()]
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("name", rtlab.TRANSPORTS)
def test_the_bytes_of_any_segment_open(lab: rtlab.Lab, name: str) -> None:
    lab.publish({"price": 1})
    asyncio.run(rtlab.receive(lab.url(name), name, 1))
    page = Reader(LiveLadder(lab, name))
    page.open()
    shown = [text(page.bytes(number)) for number in range(lab.recording(name).added)]
    assert any("message 1" in each or "event 1" in each for each in shown)
    assert "Host" in shown[0]
    assert any("RFC" in each for each in shown)


def test_bytes_that_are_gone_or_never_were_are_said_so(lab: rtlab.Lab) -> None:
    asyncio.run(rtlab.send(lab.url("sse"), "sse", 1))
    page = Reader(LiveLadder(lab, "sse"))
    page.open()
    assert "held no more" in page.bytes(10**9)
    lab.clear()
    assert "held no more" in page.bytes(0)
    for lane, number in ((7, 0), (0, "x"), (None, None)):
        page.told.clear()
        page.say(kind="open", lane=lane, number=number)
        page.until(lambda: page.of("bytes"))
        assert "could not be read" in page.of("bytes")[-1]["html"]


def test_nothing_that_crossed_a_link_is_html(lab: rtlab.Lab) -> None:
    evil = "</script><script>alert(1)</script>"
    asyncio.run(rtlab.send(lab.url("polling"), "polling", evil))
    page = Reader(LiveLadder(lab, "polling"))
    page.open()
    html = page.bytes(0)
    assert "<script>alert" not in html
    assert "<script>alert" not in page.view.as_html()


def test_after_the_lab_all_that_happened_stays_and_can_be_looked_at(lab: rtlab.Lab) -> None:
    page = Reader(LiveLadder(lab, "sse"))
    page.open()
    lab.publish({"price": 1})
    asyncio.run(rtlab.receive(lab.url("sse"), "sse", 1))
    lab.stop()
    page.until(lambda: not page.view.alive)
    number = len(page.rows())
    assert number
    rows = page.again()["lanes"][0]["rows"]
    assert len(rows) == number
    assert rows[0][9] == "GET /events"
    assert "event 1" in " ".join(text(page.bytes(place)) for place in range(number))
    assert not [thread for thread in threading.enumerate() if "rtlab" in thread.name]


def test_a_lab_that_stops_while_bytes_are_read_is_not_held_up(lab: rtlab.Lab) -> None:
    asyncio.run(rtlab.send(lab.url("sse"), "sse", 1))
    page = Reader(LiveLadder(lab))
    page.open()
    for _ in range(20):
        page.say(kind="open", lane=2, number=0)
    lab.stop()
    page.until(lambda: not page.view.alive)
    assert not [thread for thread in threading.enumerate() if "rtlab" in thread.name]


def test_a_closed_view_is_told_nothing_more(lab: rtlab.Lab) -> None:
    view = LiveLadder(lab, "sse")
    page = Reader(view)
    page.open()
    view.close()
    page.until(lambda: not view.alive)
    page.told.clear()
    asyncio.run(rtlab.send(lab.url("sse"), "sse", 1))
    time.sleep(0.3)
    assert page.told == []


def test_without_a_page_nothing_is_read_and_nothing_is_sent(lab: rtlab.Lab) -> None:
    view = LiveLadder(lab, "sse")
    page = Reader(view)
    page.open()
    page.say(kind="gone")
    page.until(lambda: not view._shown and view._next is None)
    page.told.clear()
    asyncio.run(rtlab.send(lab.url("sse"), "sse", 1))
    time.sleep(0.3)
    assert page.told == []
    page.open()
    page.until(lambda: page.words())


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


def test_a_link_in_front_of_another_server_is_shown_as_well() -> None:
    with HTTPServer(("127.0.0.1", free_port()), Hello) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with rtlab.Link("127.0.0.1", server.server_port) as link:
                view = LiveLadder(link)
                page = Reader(view)
                page.open()
                httpx.get(f"http://127.0.0.1:{link.port}/", trust_env=False)
                page.until(lambda: "200 OK" in page.words().values())
                assert view.names == [f"port {server.server_port}"]
                shown = (text(page.bytes(number)) for number in range(link.recording.added))
                assert bytes.hex(b"hello", " ") in " ".join(shown)
            page.until(lambda: not view.alive)
        finally:
            server.shutdown()
            thread.join()


def test_what_cannot_be_shown_is_refused_with_the_way_out(lab: rtlab.Lab) -> None:
    with pytest.raises(UsageError, match="Did you mean 'sse'"):
        LiveLadder(lab, "see")
    with pytest.raises(UsageError, match="window"):
        LiveLadder(lab, window=0)
    with pytest.raises(UsageError, match=r"conversation\(\)"):
        LiveLadder(lab.recording("sse"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a lab or a link"):
        LiveLadder("sse")  # type: ignore[arg-type]
    link = rtlab.Link("127.0.0.1", 80)
    with pytest.raises(UsageError, match="no transports"):
        LiveLadder(link, "sse")
    with pytest.raises(NotRunning, match="start"):
        LiveLadder(link)
    lab.stop()
    with pytest.raises(NotRunning, match="start"):
        LiveLadder(lab)


def test_it_is_a_drawing_where_no_script_runs(lab: rtlab.Lab) -> None:
    lab.publish({"price": 1})
    asyncio.run(rtlab.receive(lab.url("sse"), "sse", 1))
    view = LiveLadder(lab, "sse", "polling")
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    assert "<svg" in bundle[0]["text/html"]
    assert "GET /events" in bundle[0]["text/html"]
    assert "GET /events" in bundle[0]["text/plain"]
    assert "nothing yet" in repr(LiveLadder(lab, "polling"))


def test_transports_are_shown_in_the_order_asked_for_and_once(lab: rtlab.Lab) -> None:
    assert LiveLadder(lab, "sse", "polling", "sse").names == ["sse", "polling"]
    assert LiveLadder(lab).names == list(rtlab.TRANSPORTS)


def test_messages_that_the_feed_holds_no_more_do_not_stop_it() -> None:
    with rtlab.Lab("sse", capacity=3) as lab:
        page = Reader(LiveLadder(lab))
        page.open()
        lab.publish("first")
        page.until(lambda: [mark for news in page.of("news") for mark in news["marks"]])
        for number in range(50):
            lab.publish(number)
        page.until(lambda: 51 in [seq for news in page.of("news") for seq, _ in news["marks"]])
