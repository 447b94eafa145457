"""The browser as a client, seen from Python: what a page is told, and what it tells."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

import rtlab
from rtlab.errors import NotRunning, UsageError
from rtlab.widgets import BrowserClient
from rtlab.widgets.native import BrowserReport

from .pages import Page

LINE = {"at": 1_730_000_000_000, "what": "message", "text": "1: <b>bold</b>", "latency": 1.5}
TOLD = {
    "state": "OPEN",
    "wanted": True,
    "cursor": 7,
    "received": 6,
    "twice": 1,
    "lost": 3,
    "gone": 2,
    "gaps": [[4, 4]],
    "acked": [5],
    "reconnects": 2,
    "waited": 4,
    "figures": {"count": 2, "median": 1.25, "p95": 2.0, "most": 2.0},
    "lines": [LINE],
}


def test_a_page_is_told_where_the_servers_are(lab):
    lab.publish("a")
    content = Page(BrowserClient(lab, ["sse", "websocket"])).open()
    assert list(content["servers"]) == ["sse", "websocket"]
    for name, server in content["servers"].items():
        assert server["url"] == lab.url(name)
        assert server["direct"] == lab.url(name, direct=True)
        assert urlsplit(server["url"]).port != urlsplit(server["direct"]).port
        assert server["report"]["wanted"] is False
    assert content["last"] == 1
    assert content["period"] == 1.0


def test_it_begins_where_the_reader_says(lab):
    content = Page(BrowserClient(lab, "polling", cursor=5, period=0.2, connect=True)).open()
    report = content["servers"]["polling"]["report"]
    assert (report["cursor"], report["wanted"], content["period"]) == (5, True, 0.2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"transport": "ws"}, "websocket"),
        ({"transport": []}, "at least one"),
        ({"cursor": -1}, "cursor"),
        ({"period": 0}, "period"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_way_out(lab, arguments, says):
    with pytest.raises(UsageError, match=says):
        BrowserClient(lab, **arguments)


def test_a_transport_that_the_lab_does_not_have_is_refused():
    with rtlab.Lab("polling") as lab, pytest.raises(UsageError, match="Known: polling"):
        BrowserClient(lab)


def test_a_stopped_lab_is_refused(lab):
    lab.stop()
    with pytest.raises(NotRunning):
        BrowserClient(lab)


def test_a_page_that_is_loaded_again_is_told_what_the_last_one_told(lab):
    view = BrowserClient(lab)
    page = Page(view)
    page.open()
    page.say("report", clients={"sse": TOLD}, proxied=True)
    content = Page(view, "the next page").open()
    assert content["servers"]["sse"]["report"] == TOLD
    assert content["proxied"] is True


def test_news_are_how_far_the_feed_is(lab):
    page = Page(BrowserClient(lab))
    page.open()
    lab.publish("a")
    lab.publish("b")
    page.until(lambda: page.of("news") and page.of("news")[-1]["last"] == 2)
    quiet = len(page.of("news"))
    lab.publish("c")
    page.until(lambda: page.of("news")[-1]["last"] == 3)
    assert len(page.of("news")) <= quiet + 1


def test_a_page_has_a_link_cut_and_is_told_what_came_of_it(lab):
    page = Page(BrowserClient(lab, ["sse", "websocket"]))
    page.open()
    page.say("cut", transport="websocket", seconds=0.5)
    page.until(lambda: any(content.get("cuts") for content in page.of("news")))
    [cut] = next(content["cuts"] for content in page.of("news") if content.get("cuts"))
    assert cut == {"transport": "websocket", "connections": 0, "seconds": 0.5}


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "cut", "transport": "carrier pigeon", "seconds": 0},
        {"kind": "cut", "transport": "sse", "seconds": -1},
        {"kind": "cut"},
        {"kind": "report", "clients": None},
        {"kind": "report", "clients": {"sse": None}},
        {"kind": "what?"},
    ],
)
def test_a_wish_that_makes_no_sense_does_no_harm(lab, wish):
    view = BrowserClient(lab)
    page = Page(view)
    page.open()
    page.say(**wish)
    page.say("report", clients={"sse": TOLD})
    page.until(lambda: view.reports["sse"].received == 6)


def test_what_another_version_tells_is_taken_as_far_as_it_is_known():
    assert BrowserReport.read({"received": 3, "mood": "good"}) == BrowserReport(received=3)


def test_without_a_script_there_are_the_figures_the_log_and_the_code(lab):
    view = BrowserClient(lab, ["sse", "websocket"])
    page = Page(view)
    page.open()
    page.say("report", clients={"sse": TOLD})
    page.until(lambda: view.reports["sse"].received == 6)
    text = view.as_text()
    assert ["sse", "OPEN", "6", "3", "1", "2", "7", "1.2", "ms"] in [
        line.split() for line in text.splitlines()
    ]
    assert "1: <b>bold</b>" in text
    shown = view.as_html()
    assert "1: &lt;b&gt;bold&lt;/b&gt;" in shown
    assert "<b>" not in shown and "<script" not in shown
    assert "new EventSource(after(view.cursor, url))" in shown
    assert "new WebSocket(url)" in shown
    assert "text/html" in view._repr_mimebundle_()[0]


def test_neither_the_picture_nor_the_saved_state_has_the_token():
    with rtlab.Lab("sse", token="letmein") as lab:
        view = BrowserClient(lab)
        assert "letmein" in Page(view).open()["servers"]["sse"]["url"]
        assert "letmein" not in view.as_html() + view.as_text()
        state = {name: value for name, value in view.get_state().items() if name[:4] != "_esm"}
        assert "letmein" not in repr(state)


def test_it_ends_with_the_lab_and_can_still_be_looked_at(lab):
    view = BrowserClient(lab)
    page = Page(view)
    page.open()
    page.say("report", clients={"sse": TOLD})
    lab.stop()
    page.until(lambda: not view.alive)
    assert page.open()["servers"]["sse"]["report"]["received"] == 6
    assert "OPEN" in view.as_text()
