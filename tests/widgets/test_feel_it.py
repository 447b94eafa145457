"""FeelIt in Python: what a page is told, what it may ask, and what is shown without one."""

from __future__ import annotations

from typing import Any

import pytest

import rtlab
from rtlab.errors import NotRunning, UsageError
from rtlab.widgets import BrowserClient, FeelIt
from rtlab.widgets.feel_it import Lag
from tests.widgets.pages import Page

MEASURED = {"sent": 10, "back": 9, "median": 0.31, "p95": 0.35}


def test_a_page_that_appears_is_told_everything(lab: rtlab.Lab) -> None:
    lab.publish("before")
    lab.impair(latency=0.08)
    told = Page(FeelIt(lab, rate=30, period=1)).open()
    assert told["urls"] == {name: lab.url(name) for name in rtlab.TRANSPORTS}
    assert told["beside"] == lab.url("polling", direct=True)
    assert (told["rate"], told["period"]) == (30, 1.0)
    assert (told["latency"], told["last"]) == (0.08, 1)
    assert told["lags"]["sse"] == {"sent": 0, "back": 0, "median": None, "p95": None}


def test_http2_is_nothing_for_a_page() -> None:
    with rtlab.Lab(["sse", "http2"]) as lab:
        assert list(FeelIt(lab).lags) == ["sse"]
        for view in (FeelIt, BrowserClient):
            with pytest.raises(UsageError, match="Known: sse"):
                view(lab, ["http2"])
    with rtlab.Lab("http2") as lab, pytest.raises(UsageError, match="no transport for browsers"):
        FeelIt(lab)


def test_news_are_the_latency_and_how_far_the_feed_is(lab: rtlab.Lab) -> None:
    page = Page(FeelIt(lab))
    page.open()
    lab.impair("sse", "down", latency=0.2)
    page.until(lambda: page.told[-1].get("latency") == 0.2)
    lab.publish("x")
    page.until(lambda: page.told[-1].get("last") == 1)


def test_a_page_sets_the_latency_and_leaves_the_rest(lab: rtlab.Lab) -> None:
    lab.impair("sse", "down", latency=0.01, bandwidth=50_000)
    page = Page(FeelIt(lab))
    page.say("impair", latency=0.15)
    page.until(lambda: lab.link("websocket").impairment("up").latency == 0.15)
    down = lab.link("sse").impairment("down")
    assert (down.latency, down.bandwidth) == (0.15, 50_000)
    page.say("impair", latency=99)
    page.until(lambda: lab.link("polling").impairment("up").latency == 0.5)


def test_only_the_transports_that_are_shown_are_touched(lab: rtlab.Lab) -> None:
    view = FeelIt(lab, ["sse", "websocket"])
    page = Page(view)
    page.say("impair", latency=0.1)
    page.until(lambda: lab.link("websocket").impairment("down").latency == 0.1)
    assert lab.link("polling").impairment("down").latency == 0
    assert list(view.lags) == ["sse", "websocket"]


def test_a_page_cuts_the_links(lab: rtlab.Lab) -> None:
    page = Page(FeelIt(lab))
    page.say("cut", seconds=30)
    page.until(lambda: lab.link("sse")._refuse_until)
    assert all(lab.link(name)._refuse_until for name in rtlab.TRANSPORTS)


def test_what_a_page_measured_is_kept_and_shown(lab: rtlab.Lab) -> None:
    view = FeelIt(lab)
    page = Page(view)
    page.say("lags", lags={"websocket": MEASURED, "carrier_pigeon": MEASURED})
    page.until(lambda: view.lags["websocket"].sent)
    assert view.lags["websocket"] == Lag(10, 9, 0.31, 0.35)
    assert "carrier_pigeon" not in view.lags
    assert page.open()["lags"]["websocket"] == MEASURED
    text, html = view.as_text(), view.as_html()
    for shown in (text, html):
        assert "310 ms" in shown
        assert "350 ms" in shown
        assert "up and down, on the page's own clock" in shown.replace("&#x27;", "'")
    assert "polling" in html


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "impair", "latency": "much"},
        {"kind": "impair", "latency": -1},
        {"kind": "impair"},
        {"kind": "cut", "seconds": None},
        {"kind": "lags", "lags": {"sse": {**MEASURED, "sent": -1}}},
        {"kind": "lags", "lags": {"sse": {**MEASURED, "median": "<b>"}}},
        {"kind": "lags", "lags": {"sse": {}}},
        {"kind": "lags", "lags": {"sse": 7}},
        {"kind": "lags", "lags": [1]},
        {"kind": "dance"},
    ],
)
def test_what_a_page_cannot_ask_for_changes_nothing(lab: rtlab.Lab, wish: dict[str, Any]) -> None:
    view = FeelIt(lab)
    page = Page(view)
    page.say(**wish)
    told = page.open()
    assert told["latency"] == 0
    assert view.lags["sse"] == Lag()


def test_a_lab_that_stops_ends_it_and_what_was_measured_stays(lab: rtlab.Lab) -> None:
    view = FeelIt(lab)
    page = Page(view)
    page.open()
    page.say("lags", lags={"sse": MEASURED})
    page.until(lambda: view.lags["sse"].sent)
    lab.stop()
    assert not view.alive
    assert "310 ms" in view.as_text()
    with pytest.raises(NotRunning):
        FeelIt(lab)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"transports": ["carrier_pigeon"]}, "transport of this lab"),
        ({"rate": 31}, "1 to 30"),
        ({"rate": 0}, "1 to 30"),
        ({"period": 0}, "period"),
    ],
)
def test_what_cannot_be_felt_is_refused(lab: rtlab.Lab, options: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        FeelIt(lab, **options)


def test_one_transport_may_be_named_alone(lab: rtlab.Lab) -> None:
    assert list(FeelIt(lab, "sse").lags) == ["sse"]
